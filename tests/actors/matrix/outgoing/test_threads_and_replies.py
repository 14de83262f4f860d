"""An answer stays where it was asked: in its thread, below its message, in its room's new place."""

from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.matrix.api.replies import Done, Refused
from protocols.changes import AddOutgoing
from protocols.files import FileKind
from protocols.ids import RemoteId, RoomId
from protocols.journal import OutboxState, Voice
from protocols.surfaces import Deliver, ShowDraft, ShowTyping
from tests.actors.matrix.fake_homeserver import ALICE, ROOM
from tests.actors.matrix.outgoing.sending_rig import HERE, Out

NEW = "!new:fake"


def relation(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content.get("m.relates_to", {})
    return found


async def test_an_answer_with_its_draft_and_its_files_stays_in_its_thread(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running() as sender:
        row = out.row(thread_id=RemoteId("$root"))
        sender.take(ShowDraft(HERE, row.id, "so far"))
        await trio.sleep(3)
        file = out.file(b"x", FileKind.DOCUMENT, "a.txt")
        out.finish(row, "word " * 3000, files=(file,))
        await out.settled()

    edits = [content for content in out.contents() if "m.new_content" in content]
    others = [content for content in out.contents() if "m.new_content" not in content]
    assert len(edits) == 1
    assert others[-1]["msgtype"] == "m.file"
    for content in others:
        assert relation(content)["rel_type"] == "m.thread"
        assert relation(content)["event_id"] == "$root"
        assert relation(content)["m.in_reply_to"] == {"event_id": "$asked1"}


async def test_in_a_group_only_the_first_event_replies_and_calls(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        out.finish(out.row(is_shared=True), "word " * 3000)
        await out.settled()

    first, second, *_ = out.contents()
    assert relation(first) == {"m.in_reply_to": {"event_id": "$asked1"}}
    assert first["m.mentions"] == {"user_ids": [ALICE]}
    assert relation(second) == {}
    assert second["m.mentions"] == {}


async def test_in_a_direct_chat_nothing_is_a_reply(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        out.finish(out.row(), "answer")
        await out.settled()

    assert relation(out.contents()[0]) == {}


async def test_a_thread_that_is_a_session_gets_its_answers_and_its_typing(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    session = RoomId(f"{HERE}/$root")
    async with out.running() as sender:
        sender.take(ShowTyping(session, out.row(room=session).id))
        await trio.sleep(0.1)
        out.commit(AddOutgoing(session, Voice.GATEWAY, "a word"))
        sender.take(Deliver(session))
        await out.settled()

    assert relation(out.contents()[0])["event_id"] == "$root"
    assert {call.words[0] for call in out.server.calls if call.name == "typing"} == {ROOM}


def moved(out: Out) -> None:
    """The room is upgraded: the old one takes nothing more."""
    out.places.moved(ROOM, NEW)
    out.server.joined = {NEW}
    out.server.handlers["/event/"] = lambda *_: Refused(404, "M_NOT_FOUND")


async def test_after_an_upgrade_answers_go_to_the_new_room_and_hang_on_nothing_of_the_old(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running() as sender:
        row = out.row(thread_id=RemoteId("$root"), is_shared=True)
        sender.take(ShowDraft(HERE, row.id, "so far"))
        await trio.sleep(3)
        moved(out)
        out.finish(row, "answer")
        await out.settled()

    (content,) = out.contents(room=NEW)
    assert content["body"] == "answer"
    assert relation(content) == {}
    assert out.outbox[0].state is OutboxState.SENT


async def test_an_answer_that_the_old_room_refuses_waits_for_the_new_one(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    tombstone = Done({"body": "moved", "replacement_room": NEW})
    out.server.handlers["m.room.tombstone"] = lambda *_: tombstone
    out.server.faults["send"] = [Refused(403, "M_FORBIDDEN")]
    async with out.running():
        out.finish(out.row(), "answer")
        await trio.sleep(400)
        out.server.joined.add(NEW)
        out.places.moved(ROOM, NEW)
        await out.settled()

    assert [content["body"] for content in out.contents(room=NEW)] == ["answer"]
    assert out.contents() == []


@pytest.mark.parametrize("is_killed", [False, True])
async def test_an_answer_waits_for_hours_until_somebody_lets_us_into_the_new_room(
    autojump_clock: MockClock, tmp_path: Path, *, is_killed: bool
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.places.leaving = frozenset({ROOM})
    out.server.joined = set()
    async with out.running(is_killed=is_killed):
        out.finish(out.row(), "answer")
        await trio.sleep(20 * 3600)
        if not is_killed:
            out.server.joined.add(NEW)
            out.places.moved(ROOM, NEW)
            await out.settled()
    out.server.joined.add(NEW)
    out.places.moved(ROOM, NEW)
    async with out.running():
        await out.settled()

    assert [content["body"] for content in out.contents(room=NEW)] == ["answer"]


async def test_a_new_room_that_lets_us_in_on_no_day_is_given_up(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.places.leaving = frozenset({ROOM})
    out.server.joined = set()
    async with out.running():
        out.finish(out.row(), "answer")
        await trio.sleep(86_000)
        await out.settled()

    assert 86_400 <= trio.current_time() < 90_000
    assert out.outbox[0].state is OutboxState.FAILED


async def test_a_room_that_leads_where_we_do_not_go_is_given_up(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    tombstone = Done({"body": "moved", "replacement_room": NEW})
    out.server.handlers["m.room.tombstone"] = lambda *_: tombstone
    out.server.joined = set()
    async with out.running():
        out.finish(out.row(), "answer")
        await out.settled()

    assert 600 <= trio.current_time() < 1000
    assert out.outbox[0].state is OutboxState.FAILED


async def test_a_room_that_is_closed_and_not_upgraded_is_not_waited_for(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["send"] = [Refused(403, "M_FORBIDDEN")]
    async with out.running():
        out.finish(out.row(), "answer")
        await out.settled()

    assert trio.current_time() < 1
    assert out.outbox[0].state is OutboxState.FAILED


async def test_a_new_room_that_put_us_out_is_not_waited_for(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    moved(out)
    out.server.joined.clear()
    async with out.running():
        out.finish(out.row(), "answer")
        await out.settled()

    assert trio.current_time() < 1
    assert out.outbox[0].state is OutboxState.FAILED
