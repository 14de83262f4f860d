"""Signs on a person's message: taken, answered, failed."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actors.matrix.api.replies import Limited, Refused, Unreachable
from protocols.ids import RemoteId
from protocols.journal import Press, RowState
from protocols.surfaces import ShowDraft
from tests.actors.matrix.outgoing.sending_rig import HERE, Out

EYES, CROSS = ("$asked1", "👀"), ("$asked1", "❌")


@pytest.mark.parametrize(
    ("state", "signs"),
    [
        (RowState.ANSWERED, []),
        (RowState.STOPPED, []),
        (RowState.FAILED, [CROSS]),
        (RowState.SET_ASIDE, [CROSS]),
    ],
)
async def test_a_message_that_is_worked_on_says_so_and_what_became_of_it(
    autojump_clock: MockClock, tmp_path: Path, state: RowState, signs: list[tuple[str, str]]
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        row = out.row()
        out.type(row)
        await trio.sleep(1.9)
        early = out.reactions()
        await trio.sleep(1)
        taken = out.reactions()
        out.finish(row, "answer", state)
        await out.settled()

    assert early == []
    assert taken == [EYES]
    assert out.reactions() == signs


async def test_a_quick_answer_has_no_sign(autojump_clock: MockClock, tmp_path: Path) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        await trio.sleep(1)
        row = out.row()
        out.type(row)
        out.finish(row, "answer")
        await out.settled()

    assert out.server.times("request") == []


async def test_the_draft_goes_before_the_sign(autojump_clock: MockClock, tmp_path: Path) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running() as sender:
        row = out.row()
        sender.take(ShowDraft(HERE, row.id, "so far"))
        await trio.sleep(2.5)

    kinds = [event["type"] for _, event in out.server.stream]
    assert kinds == ["m.room.message", "m.reaction"]


async def test_without_reactions_there_are_none(autojump_clock: MockClock, tmp_path: Path) -> None:
    out = Out.over(autojump_clock, tmp_path, has_reactions=False)
    async with out.running():
        row = out.row()
        out.type(row)
        await trio.sleep(3)
        out.finish(row, "answer", RowState.FAILED)
        await out.settled()

    assert out.server.times("request") == []


async def test_a_refused_answer_is_a_failure(autojump_clock: MockClock, tmp_path: Path) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["send"] = [Refused(400, "M_BAD_JSON")]
    async with out.running():
        out.finish(out.row(), "answer")
        await out.settled()

    assert out.reactions() == [CROSS]


async def test_within_a_penalty_there_is_no_sign_and_none_shortly_after(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["send"] = [Limited(10.0)]
    async with out.running():
        out.finish(out.row(), "first")
        await out.settled()
        row = out.row()
        out.type(row)
        await trio.sleep(60)

    (marked_at,) = out.server.times("request")
    assert marked_at == pytest.approx(30.0)


async def test_a_sign_that_a_penalty_held_up_is_taken_away_later(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        row = out.row()
        out.type(row)
        await trio.sleep(3)
        out.server.faults["send"] = [Limited(10.0)]
        out.finish(row, "answer")
        await out.settled()
        settled_at = trio.current_time()
        still_there = out.reactions()
        await trio.sleep(60)

    assert settled_at < 15
    assert still_there == [EYES]
    assert out.reactions() == []


async def test_a_sign_of_an_earlier_life_is_found_and_taken_away(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running(is_killed=True):
        row = out.row()
        out.type(row)
        await trio.sleep(3)
    async with out.running():
        out.finish(row, "answer")
        await out.settled()

    assert len(out.contents("m.reaction")) == 1
    assert out.reactions() == []


async def test_a_sign_that_nobody_knows_of_is_found_and_taken_away(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        row = out.row()
        out.type(row)
        out.server.faults["request"] = [Unreachable("TimeoutError")]
        await trio.sleep(3)
        out.finish(row, "answer")
        await out.settled()

    assert len(out.contents("m.room.redaction")) == 1
    assert out.reactions() == []


async def test_a_server_that_does_not_answer_signs_holds_up_no_answer(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        row = out.row()
        out.type(row)
        await trio.sleep(3)
        out.server.faults["request"] = [Unreachable("502")] * 9
        out.finish(row, "answer")
        await out.settled()

    assert trio.current_time() < 6
    assert out.server.said() == ["answer"]


async def test_a_press_and_a_command_have_no_sign(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        press = out.row(press=Press("$p", "retry:1", RemoteId("$place")))
        out.type(press)
        await trio.sleep(3)
        out.finish(press, "again", RowState.FAILED)
        await out.settled()

    assert out.server.times("request") == []
