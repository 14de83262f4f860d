"""What the server says to wait is waited, by this life and by the next."""

import json
from pathlib import Path

import trio
from trio.testing import MockClock

from actors.matrix.api.limits import PENALTY_KEY
from actors.matrix.api.replies import Limited
from actors.surfaces.penalties import penalty_text
from protocols.ids import RoomId
from protocols.journal import Button
from protocols.surfaces import ShowDraft
from tests.actors.matrix.outgoing.sending_rig import EPOCH, HERE, Out

QUIET = {"versions", "encryption"}


def spoken(out: Out) -> list[float]:
    """When anything was said to people."""
    return [call.at for call in out.server.calls if call.name not in QUIET]


async def test_a_penalty_outlasts_a_kill(autojump_clock: MockClock, tmp_path: Path) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["send"] = [Limited(100.0)]
    async with out.running(is_killed=True):
        out.finish(out.row(), "answer")
        await trio.sleep(10)
    async with out.running() as sender:
        sender.take(ShowDraft(HERE, out.row().id, "growing"))
        await out.settled()

    first, *later = spoken(out)
    assert first == 0
    assert min(later) >= 100
    assert out.server.said() == ["answer"]


async def test_a_penalty_outlasts_whoever_ran_into_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    with trio.CancelScope() as scope:
        scope.cancel()
        await out.begin().post.punish(100.0)

    assert json.loads(out.journal.keys[PENALTY_KEY])["until"] == EPOCH + 100.0


async def test_nothing_at_all_is_said_inside_a_penalty(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["typing"] = [Limited(50.0)]
    async with out.running() as sender:
        row = out.row()
        out.type(row)
        await trio.sleep(1)
        sender.take(ShowDraft(HERE, row.id, "growing"))
        out.finish(out.row(), "Which?", keyboard=((Button("Yes", "a"), Button("No", "b")),))
        await out.settled()

    first, *later = spoken(out)
    assert first == 0
    assert min(later) >= 50


async def test_an_old_penalty_holds_up_nothing(autojump_clock: MockClock, tmp_path: Path) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.journal.keys[PENALTY_KEY] = penalty_text(EPOCH - 200.0, 100.0)
    async with out.running():
        out.finish(out.row(), "answer")
        await out.settled()

    assert trio.current_time() == 0


async def test_a_clock_that_was_put_back_does_not_silence_us(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.journal.keys[PENALTY_KEY] = penalty_text(EPOCH + 1e6, 10.0)
    async with out.running():
        out.finish(out.row(), "answer")
        await out.settled()

    assert trio.current_time() == 10


async def test_a_penalty_that_hardly_grows_is_written_once(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    rooms = [RoomId(f"matrix/!{number}:fake") for number in range(5)]
    out.server.joined |= {room.removeprefix("matrix/") for room in rooms}
    out.server.faults["send"] = [Limited(30.0)] * 5
    written: list[str] = []
    async with out.running():
        for room in rooms:
            out.finish(out.row(room=room), "answer")
        for _ in range(20):
            await trio.sleep(0.1)
            written.append(out.journal.keys.get(PENALTY_KEY, ""))
        await out.settled()

    assert len(set(written) - {""}) == 1


async def test_answers_go_before_drafts_and_signs_after_a_penalty(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    other = RoomId("matrix/!b:fake")
    out.server.joined.add("!b:fake")
    out.server.faults["send"] = [Limited(10.0)]
    async with out.running() as sender:
        growing = out.row()
        sender.take(ShowDraft(HERE, growing.id, "growing"))
        for number in range(5):
            out.finish(out.row(room=other), f"answer {number}")
        await out.settled()
        settled_at = trio.current_time()
        await trio.sleep(60)

    assert settled_at < 15
    assert out.server.times("send")[-1] >= 30
    assert out.server.said()[-1] == "growing"
