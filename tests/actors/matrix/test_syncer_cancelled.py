"""The surface is cancelled at every one of its steps; the next life makes it whole."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from actors.matrix.settings import Pace
from protocols.journal import Cursor, OutboxState, Row
from protocols.surfaces import ShowDraft
from tests.actors.matrix.fake_homeserver import BOT, ROOM, FakeHomeserver, gateway_over
from tests.actors.matrix.gateway import Gateway

NEW = "!new:fake"
TEXTS = [f"m{number}" for number in range(13)]


@define(eq=False)
class CancelAt(trio.abc.Instrument):
    """Cancels a scope at the step *left* of the whole run."""

    left: int
    scope: trio.CancelScope = field(factory=trio.CancelScope)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.left -= 1
        if self.left == 0:
            self.scope.cancel(reason=f"in {task.name}")


async def told(gateway: Gateway, row: Row) -> str:
    """An answer with a draft before it."""
    await gateway.say(ShowDraft(row.room, row.id, "so far"))
    await trio.sleep(0.5)
    return f"echo: {row.text}"


def shown(server: FakeHomeserver, room: str) -> list[str]:
    """What a person sees: edits in the place of what they edit."""
    seen: dict[str, str] = {}
    for where, event in server.stream:
        if where != room or event["sender"] != BOT or event["type"] != "m.room.message":
            continue
        content = event["content"]
        relation = content.get("m.relates_to")
        if relation is None:
            seen[event["event_id"]] = content["body"]
        else:
            seen[relation["event_id"]] = content["m.new_content"]["body"]
    return list(seen.values())


def prepared(server: FakeHomeserver, folder: Path) -> Gateway:
    """A gateway that was there before; a backlog and an invitation wait for it."""
    gateway = gateway_over(server, folder, told, pace=Pace(0.2, 0.1))
    gateway.journal.cursors[f"matrix:{BOT}"] = Cursor(f"matrix:{BOT}", "s0")
    for text in TEXTS:
        server.write(text)
    server.invite(NEW)
    server.write("welcome", room=NEW)
    return gateway


async def _two_lives(clock: MockClock, cancel: CancelAt, folder: Path) -> FakeHomeserver:
    server = FakeHomeserver(clock)
    gateway = prepared(server, folder)

    def is_whole() -> bool:
        return (
            len(shown(server, ROOM)) == len(TEXTS)
            and shown(server, ROOM)[-1] == f"echo: {TEXTS[-1]}"
            and shown(server, NEW) == ["echo: welcome"]
        )

    def is_settled() -> bool:
        outbox = gateway.journal.outbox.values()
        return is_whole() and all(out.state is OutboxState.SENT for out in outbox)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(gateway._answer_all)
        with cancel.scope:
            nursery.start_soon(_cancel_when, server, is_whole, cancel)
            await gateway.syncer().run()
        nursery.start_soon(gateway.syncer().run)
        await server.until(is_settled)
        nursery.cancel_scope.cancel()
    return server


async def _cancel_when(
    server: FakeHomeserver, is_whole: Callable[[], bool], cancel: CancelAt
) -> None:
    await server.until(is_whole)
    cancel.scope.cancel()


def _run(step: int) -> int:
    """One run that is cancelled at *step*; how many steps there were before it."""
    clock, cancel = MockClock(autojump_threshold=0), CancelAt(step)

    with tempfile.TemporaryDirectory() as folder:
        server = trio.run(
            _two_lives, clock, cancel, Path(folder), clock=clock, instruments=[cancel]
        )

    assert shown(server, ROOM) == [f"echo: {text}" for text in TEXTS]
    assert shown(server, NEW) == ["echo: welcome"]
    return step - cancel.left


@pytest.mark.parametrize("stride", [11, pytest.param(1, marks=pytest.mark.full)])
def test_wherever_it_is_cancelled_every_message_is_answered_once_and_in_order(
    stride: int,
) -> None:
    steps = _run(1_000_000)

    for step in range(1, steps, stride):
        _run(step)
