"""When the lines of tasks are shown."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from actors.chats.hints import DeliveryHints
from actors.chats.task_lines import LONGEST_PAUSE, SHORTEST_PAUSE, TaskLines, pause_after
from actors.chats.tasks import LONGEST_SILENCE, Task, TaskName, put_open
from actors.kernel.mailbox import Mailbox
from protocols.ids import MATRIX, Language, RoomId, RowId
from protocols.surfaces import Deliver, ShowDraft, Surface, SurfaceMessage
from tests.fakes import MemoryStoreAddress

ROOM = RoomId("matrix/!r:s")
TASK = Task(TaskName("u", "t"), RowId(1), ROOM, Language("en"), "one", None, 0.0)
OTHER = evolve(TASK, name=TaskName("u", "v"), row=RowId(2), line="other")


@define
class Rig:
    """Lines that run, and what their surface was told, with the time of it."""

    clock: MockClock
    box: Mailbox[SurfaceMessage] = field(factory=lambda: Mailbox("matrix", capacity=2))
    store: MemoryStoreAddress = field(factory=MemoryStoreAddress)
    told: list[tuple[float, SurfaceMessage]] = field(factory=list)
    lines: TaskLines = field(init=False)

    @asynccontextmanager
    async def running(self, *, is_read: bool = True) -> AsyncIterator[TaskLines]:
        surfaces = {MATRIX: Surface(MATRIX, self.box.address)}
        async with trio.open_nursery() as nursery:
            hints = DeliveryHints(surfaces, nursery)
            self.lines = TaskLines(self.store, surfaces, hints, self.clock.current_time)
            nursery.start_soon(self.lines.run)
            if is_read:
                nursery.start_soon(self.read)
            yield self.lines
            nursery.cancel_scope.cancel()

    async def read(self) -> None:
        async for message in self.box:
            self.told.append((trio.current_time(), message))

    @property
    def shown(self) -> list[str]:
        return [it.status for _, it in self.told if isinstance(it, ShowDraft)]


async def test_only_the_newest_words_are_shown_and_not_at_once(autojump_clock: MockClock) -> None:
    rig = Rig(autojump_clock)
    async with rig.running() as lines:
        for number in range(100):
            lines.show(evolve(TASK, line=f"step {number}"))
            await trio.sleep(1)
        await trio.sleep(LONGEST_PAUSE)

    times = [at for at, _ in rig.told]
    assert rig.shown[0] == "step 0"
    assert rig.shown[-1] == "step 99"
    assert all(later - sooner >= SHORTEST_PAUSE for sooner, later in pairwise(times))
    assert len(rig.shown) < 16


async def test_each_line_has_a_pace_of_its_own(autojump_clock: MockClock) -> None:
    rig = Rig(autojump_clock)
    async with rig.running() as lines:
        lines.show(TASK)
        await trio.sleep(1)
        lines.show(OTHER)
        await trio.sleep(1)

    assert rig.shown == ["one", "other"]


async def test_nothing_is_shown_of_a_line_that_has_ended(autojump_clock: MockClock) -> None:
    rig = Rig(autojump_clock)
    async with rig.running() as lines:
        lines.show(TASK)
        await trio.sleep(1)
        lines.show(evolve(TASK, line="two"))
        lines.end(TASK.row)
        lines.end(RowId(99))
        await trio.sleep(100)

    assert rig.shown == ["one"]


async def test_a_surface_that_takes_nothing_is_told_later(autojump_clock: MockClock) -> None:
    rig = Rig(autojump_clock)
    while rig.box.address.try_send(Deliver(ROOM)):
        pass
    async with rig.running(is_read=False) as lines, trio.open_nursery() as nursery:
        lines.show(TASK)
        await trio.sleep(10)
        nursery.start_soon(rig.read)
        await trio.sleep(2)
        nursery.cancel_scope.cancel()

    assert rig.shown == ["one"]


async def test_a_line_on_a_surface_that_is_off_waits_for_news(autojump_clock: MockClock) -> None:
    rig = Rig(autojump_clock)
    async with rig.running() as lines:
        lines.show(evolve(TASK, room=RoomId("telegram/1")))
        await trio.sleep(100)

    assert rig.told == []


async def test_a_silent_task_whose_row_is_not_there_is_forgotten(
    autojump_clock: MockClock,
) -> None:
    rig = Rig(autojump_clock)
    rig.store.journal.keys[put_open(TASK).key] = put_open(TASK).value
    async with rig.running() as lines:
        await trio.sleep(LONGEST_SILENCE + 1)
        await lines.give_up_silent()

    assert not rig.store.journal.keys
    assert not rig.store.journal.outbox


def test_the_pauses_grow_to_a_minute() -> None:
    pauses = [pause_after(shows) for shows in range(1, 100)]

    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (SHORTEST_PAUSE, LONGEST_PAUSE)
