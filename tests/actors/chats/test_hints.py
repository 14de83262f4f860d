"""Hints that never wait."""

import trio
import trio.testing

from actors.chats.hints import DeliveryHints
from actors.kernel.mailbox import Mailbox
from protocols.ids import RoomId, RowId
from protocols.surfaces import Deliver, Surface, SurfaceMessage
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
    assert hints._waiting == frozenset()


async def test_a_surface_that_is_off_gets_no_hint() -> None:
    async with trio.open_nursery() as nursery:
        DeliveryHints({}, nursery).deliver(RoomId("telegram/1"))

        assert not nursery.child_tasks
