"""Read receipts: the newest only, tried once."""

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.matrix.api.homeserver import Session
from actors.matrix.api.replies import Limited, Reply, Unreachable
from actors.matrix.incoming.receipts import Receipts
from tests.actors.matrix.fake_homeserver import BOT, ROOM, FakeHomeserver, Json
from tests.actors.matrix.fake_requests import answered


def at_work(server: FakeHomeserver) -> Receipts:
    server.use(Session(BOT, "DEVICE1", "token1"))
    return Receipts(server)


async def test_of_many_events_of_a_room_only_the_newest_is_shown_as_read(
    autojump_clock: MockClock,
) -> None:
    server = FakeHomeserver(autojump_clock, joined={ROOM, "!b:fake"})
    receipts = at_work(server)

    for number in range(5):
        receipts.want(ROOM, f"$a{number}")
        receipts.want("!b:fake", f"$b{number}")
    with trio.move_on_after(1):
        await receipts.run()

    assert server.read == {ROOM: "$a4", "!b:fake": "$b4"}
    assert len(server.times("request")) == 2


async def test_a_receipt_that_fails_is_not_sent_again_and_silence_is_kept(
    autojump_clock: MockClock,
) -> None:
    server = FakeHomeserver(autojump_clock)
    receipts = at_work(server)
    faults: list[Reply] = [Unreachable("502"), Limited(30.0)]

    def fail(method: str, path: str, body: Json | None) -> Reply:
        return faults.pop(0) if faults else answered(server, method, path, body)

    server.handlers["/receipt/"] = fail

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receipts.run)
        for event_id in ("$lost", "$limited"):
            receipts.want(ROOM, event_id)
            await wait_all_tasks_blocked()
        receipts.want(ROOM, "$later")
        await trio.sleep(60)
        nursery.cancel_scope.cancel()

    assert server.read == {ROOM: "$later"}
    first, second, third = server.times("request")
    assert third - second >= 30
    assert second - first < 1
