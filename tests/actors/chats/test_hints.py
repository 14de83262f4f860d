"""Hints that never wait."""

import trio
import trio.testing

from actors.chats.hints import MOST_PRESSES, DeliveryHints
from actors.kernel.mailbox import Mailbox
from protocols.ids import RemoteId, RoomId, RowId, SurfaceName
from protocols.journal import Press
from protocols.surfaces import AnswerPress, Deliver, Surface, SurfaceMessage
from tests.actors.chats.rows import a_press, a_row
from tests.actors.chats.world import MATRIX, OTHER_ROOM, ROOM


async def test_a_hint_for_a_full_mailbox_waits_in_the_background_once() -> None:
    inbox: Mailbox[SurfaceMessage] = Mailbox("matrix", capacity=1)
    surfaces = {MATRIX: Surface(MATRIX, inbox.address)}
    async with trio.open_nursery() as nursery:
        hints = DeliveryHints(surfaces, nursery)
        hints.deliver(OTHER_ROOM)
        for _ in range(3):
            hints.deliver(ROOM)
        hints.deliver(ROOM, RowId(1))
        await trio.testing.wait_all_tasks_blocked()

        got = {await anext(inbox) for _ in range(3)}
    inbox.close()

    assert got == {Deliver(OTHER_ROOM), Deliver(ROOM), Deliver(ROOM, RowId(1))}
    assert [left async for left in inbox] == []
    assert hints._waiting == {}


async def test_a_press_is_answered_in_one_short_line_and_also_where_the_mailbox_is_full() -> None:
    inbox: Mailbox[SurfaceMessage] = Mailbox("matrix", capacity=1)
    async with trio.open_nursery() as nursery:
        hints = DeliveryHints({MATRIX: Surface(MATRIX, inbox.address)}, nursery)
        hints.deliver(OTHER_ROOM)
        hints.answer_press(a_press("stop:1", 9), "x" * 300)
        await trio.testing.wait_all_tasks_blocked()

        got = [await anext(inbox) for _ in range(2)]
    inbox.close()

    assert got[1] == AnswerPress(ROOM, "press-9", "x" * 200)


async def test_of_many_presses_in_a_full_mailbox_the_newest_are_answered_in_one_task() -> None:
    inbox: Mailbox[SurfaceMessage] = Mailbox("matrix", capacity=1)
    async with trio.open_nursery() as nursery:
        hints = DeliveryHints({MATRIX: Surface(MATRIX, inbox.address)}, nursery)
        hints.deliver(OTHER_ROOM)
        for number in range(1000):
            hints.answer_press(a_press("stop:1", number))
        hints.deliver(ROOM)
        tasks = len(nursery.child_tasks)
        got = [await anext(inbox) for _ in range(MOST_PRESSES + 2)]
    inbox.close()

    assert tasks == 1
    assert [hint.press_id for hint in got if isinstance(hint, AnswerPress)] == [
        f"press-{number}" for number in range(1000 - MOST_PRESSES, 1000)
    ]
    assert Deliver(ROOM) in got
    assert [left async for left in inbox] == []


async def test_a_surface_that_is_full_keeps_no_other_waiting() -> None:
    full: Mailbox[SurfaceMessage] = Mailbox("matrix", capacity=1)
    free: Mailbox[SurfaceMessage] = Mailbox("telegram", capacity=1)
    telegram = SurfaceName("telegram")
    surfaces = {
        MATRIX: Surface(MATRIX, full.address),
        telegram: Surface(telegram, free.address),
    }
    async with trio.open_nursery() as nursery:
        hints = DeliveryHints(surfaces, nursery)
        for room in (OTHER_ROOM, ROOM, RoomId("telegram/1")):
            hints.deliver(room)
        got = await anext(free)
        nursery.cancel_scope.cancel()

    assert got == Deliver(RoomId("telegram/1"))


async def test_what_is_no_press_or_waits_for_no_answer_gets_none() -> None:
    inbox: Mailbox[SurfaceMessage] = Mailbox("matrix")
    async with trio.open_nursery() as nursery:
        hints = DeliveryHints({MATRIX: Surface(MATRIX, inbox.address)}, nursery)
        hints.answer_press(a_row())
        hints.answer_press(a_row(press=Press("", "stop:1", RemoteId(""))))
    inbox.close()

    assert [left async for left in inbox] == []


async def test_a_surface_that_is_off_gets_no_hint() -> None:
    async with trio.open_nursery() as nursery:
        DeliveryHints({}, nursery).deliver(RoomId("telegram/1"))

        assert not nursery.child_tasks
