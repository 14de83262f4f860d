"""Killed at each of its steps, the store keeps what it answered, and holds nothing twice."""

from itertools import count
from pathlib import Path

import trio
import trio.testing
from attrs import evolve

from actors.chats.asking import ask_through_restarts
from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import permanent
from actors.kernel.supervision import Supervisor
from actors.store.actor import StoreActor
from protocols.ids import EventId, PersonId, RoomId, SurfaceName, TraceId
from protocols.journal import Arrival, Cursor
from protocols.lifecycle import ActorState
from protocols.store import Journal, ReadCursor, RecentRows, StoreMessage
from tests.actors.kernel.steps import AtStep

_SURFACE = SurfaceName("matrix")
_ARRIVAL = Arrival(
    EventId("$0"), RoomId("matrix/!r:s"), PersonId("matrix:@u:s"), "u", "hello", 1.0, TraceId("")
)


async def _journal_three(box: Mailbox[StoreMessage], tree: Supervisor) -> None:
    for number in range(3):
        arrival = evolve(_ARRIVAL, event_id=EventId(f"${number}"))
        cursor = Cursor("matrix", f"s{number}")
        await ask_through_restarts(box.address, Journal(_SURFACE, (arrival,), cursor))
    rows = await ask_through_restarts(box.address, RecentRows())
    cursor_now = await ask_through_restarts(box.address, ReadCursor("matrix"))
    assert [row.event_id for row in rows] == ["$2", "$1", "$0"]
    assert cursor_now == Cursor("matrix", "s2")
    tree.stop("enough")


async def _live_through_a_kill(folder: Path, step: int) -> bool:
    box: Mailbox[StoreMessage] = Mailbox("store")
    tree = Supervisor([permanent("store", StoreActor, box, folder / f"{step}.db")])
    killer = AtStep("store", step, lambda: tree.kill("store"))
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tree.run)
            while tree.census()[0].state is not ActorState.UP:
                await trio.testing.wait_all_tasks_blocked(0.01)
            trio.lowlevel.add_instrument(killer)
            await _journal_three(box, tree)
    trio.lowlevel.remove_instrument(killer)
    return killer.has_happened


async def test_a_kill_at_every_step_of_the_store_loses_and_doubles_nothing(tmp_path: Path) -> None:
    for step in count(1):
        if not await _live_through_a_kill(tmp_path, step):
            break

    assert step > 5
