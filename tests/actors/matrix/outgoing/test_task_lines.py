"""The line of a task that the agent works at by itself."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from protocols.changes import AddOutgoing, FinishRow
from protocols.ids import PLATFORM, RemoteId, RoomId
from protocols.journal import Row, RowState, Voice
from protocols.surfaces import Deliver, ShowDraft
from tests.actors.matrix.outgoing.sending_rig import HERE, Out

TASKS = RoomId(f"{PLATFORM}/user")


def begin_task(out: Out) -> Row:
    """The platform pushed that it works at something."""
    return out.row(room=TASKS, text="{}", message_id=RemoteId(""))


async def say(out: Out, row: Row, line: str) -> None:
    out.sender.take(ShowDraft(HERE, row.id, "", status=line, is_task=True))
    await trio.sleep(100)


async def end(out: Out, row: Row) -> None:
    answer = AddOutgoing(HERE, Voice.AGENT, "Found it.", row=row.id)
    out.commit(FinishRow(row.id, RowState.ANSWERED), answer)
    out.sender.take(Deliver(HERE))
    await out.settled()


@pytest.mark.parametrize("is_killed", [False, True])
async def test_one_event_is_edited_and_becomes_the_result_in_the_next_life_too(
    autojump_clock: MockClock, tmp_path: Path, *, is_killed: bool
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running(is_killed=is_killed):
        row = begin_task(out)
        await say(out, row, "Looking")
    async with out.running(is_killed=is_killed):
        await say(out, row, "Reading")
    async with out.running():
        await end(out, row)

    first, *edits = out.contents()
    assert first["body"] == "*Looking*"
    assert "m.relates_to" not in first
    assert [edit["m.new_content"]["body"] for edit in edits] == ["*Reading*", "Found it."]
    assert out.reactions() == []


async def test_nobody_is_seen_typing_for_a_task(autojump_clock: MockClock, tmp_path: Path) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        await say(out, begin_task(out), "Looking")

    assert not out.server.times("typing")
