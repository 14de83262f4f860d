"""Buttons below what we say: reactions of ours, and what becomes of them after a press."""

import json
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actors.matrix.api.replies import Json, Limited, Refused, Reply, Unreachable
from protocols.files import FileKind
from protocols.ids import RemoteId
from protocols.journal import Button, OutboxState
from protocols.store import FindOutgoing
from protocols.surfaces import AnswerPress, ShowDraft
from tests.actors.matrix.fake_homeserver import ROOM
from tests.actors.matrix.outgoing.sending_rig import HERE, Out

ASK = ((Button("Yes", "confirm:1:0"), Button("No", "confirm:1:1")),)
RETRY = ((Button("Retry", "retry:1"),),)


async def test_a_question_names_its_buttons_and_offers_them(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        out.finish(out.row(), "Send it?", keyboard=ASK)
        await out.settled()

    (event,) = out.events()
    assert event["content"]["body"] == "Send it?\n\n✅ Yes\n❌ No"
    assert out.reactions() == [(event["event_id"], "✅"), (event["event_id"], "❌")]
    assert out.outbox[0].remote_id == event["event_id"]
    kept = json.loads(out.journal.keys[f"matrix_offers:{event['event_id']}"])
    reactions = zip("✅❌", out.events("m.reaction"), strict=True)
    assert kept == {
        "room": HERE,
        "standing": {emoji: one["event_id"] for emoji, one in reactions},
        "owed": False,
    }


async def test_a_button_can_be_pressed_while_the_others_are_on_their_way(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    take = out.server.handlers["/send/"]
    replies: list[Reply | None] = [None, Limited(300.0)]

    def slowly(method: str, path: str, body: Json | None) -> Reply:
        reply = replies.pop(0) if replies else None
        return reply or take(method, path, body)

    out.server.handlers["/send/"] = slowly
    async with out.running():
        out.finish(out.row(), "Send it?", keyboard=ASK)
        await out.server.until(lambda: len(out.reactions()) == 1)
        await trio.sleep(1)
        place = RemoteId(out.events()[0]["event_id"])
        found = await out.store.ask(FindOutgoing(HERE, place))

        assert found is not None
        assert found.keyboard == ASK


async def test_a_question_that_the_journal_has_forgotten_is_forgotten_here_too(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        out.finish(out.row(), "Send it?", keyboard=ASK)
        out.finish(out.row(), "And this?", keyboard=ASK)
    del out.journal.outbox[out.outbox[0].id]
    async with out.running():
        await trio.sleep(1)

    assert [*out.journal.keys] == [f"matrix_offers:{out.outbox[0].remote_id}"]


async def test_buttons_of_a_room_that_was_upgraded_meanwhile_stay_behind(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["request"] = [Limited(300.0)]
    async with out.running(is_killed=True):
        out.finish(out.row(), "Send it?", keyboard=ASK)
        await trio.sleep(10)
    out.places.moved(ROOM, "!new:fake")
    out.server.joined.add("!new:fake")
    out.server.handlers["/event/"] = lambda *_: Refused(404, "M_NOT_FOUND")
    async with out.running():
        await trio.sleep(1000)

    assert out.contents("m.reaction", room="!new:fake") == []
    assert "matrix_offers" not in repr(out.journal.keys)


async def test_buttons_stand_below_the_last_piece_which_is_what_a_press_names(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        out.finish(out.row(), "word " * 5000, keyboard=ASK)
        await out.settled()

    *before, last = out.events()
    assert before
    assert not any("✅" in event["content"]["body"] for event in before)
    assert last["content"]["body"].endswith("❌ No")
    assert out.outbox[0].remote_id == last["event_id"]
    assert {about for about, _ in out.reactions()} == {last["event_id"]}


async def test_buttons_below_a_draft_are_below_its_first_event(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running() as sender:
        row = out.row()
        sender.take(ShowDraft(HERE, row.id, "Send"))
        await trio.sleep(3)
        out.finish(row, "Send it?", keyboard=ASK)
        await out.settled()

    draft = out.events()[0]["event_id"]
    assert out.outbox[0].remote_id == draft
    assert {about for about, _ in out.reactions() if about != row.message_id} == {draft}


async def test_after_a_press_the_message_shows_the_decision_and_its_buttons_go(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        row = out.row()
        out.finish(row, "Send it?", keyboard=ASK)
        await out.settled()
        place = out.events()[0]["event_id"]
        out.amend(row, place, "Chosen: *Yes*")
        await out.settled()

    edit = out.contents()[-1]
    assert edit["m.relates_to"] == {"rel_type": "m.replace", "event_id": place}
    assert edit["m.new_content"]["body"] == "Send it?\n\nChosen: *Yes*"
    assert out.reactions() == []
    assert out.journal.keys == {}
    assert out.outbox[1].remote_id == place


async def test_a_new_keyboard_keeps_the_reactions_that_it_still_has(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    three = tuple((Button(label, label),) for label in "abc")
    async with out.running():
        row = out.row()
        out.finish(row, "Skills", keyboard=three)
        await out.settled()
        place = out.events()[0]["event_id"]
        out.amend(row, place, "", three[:2])
        await out.settled()

    assert [emoji for _, emoji in out.reactions()] == ["1️⃣", "2️⃣"]
    assert len(out.contents("m.reaction")) == 3
    assert out.contents()[-1]["m.new_content"]["body"] == "Skills\n\n1️⃣ a\n2️⃣ b"


@pytest.mark.parametrize("place", ["$elsewhere", "$asked1", ""])
async def test_only_the_message_that_has_the_buttons_is_changed(
    autojump_clock: MockClock, tmp_path: Path, place: str
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        row = out.row()
        out.finish(row, "Send it?", keyboard=ASK)
        await out.settled()
        out.amend(row, place, "Chosen")
        await out.settled()

    assert len(out.events()) == 1
    assert out.outbox[1].state is OutboxState.FAILED


async def test_buttons_that_the_server_refuses_lose_no_message(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["request"] = [Refused(400, "M_DUPLICATE_ANNOTATION"), Unreachable("502")]
    async with out.running():
        out.finish(out.row(), "Send it?", keyboard=ASK)
        await out.settled()

    assert [emoji for _, emoji in out.reactions()] == ["❌"]
    assert out.outbox[0].state is OutboxState.SENT


async def test_of_many_buttons_ten_are_offered_and_all_are_named(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        many = tuple((Button(f"skill {number}", f"{number}"),) for number in range(30))
        out.finish(out.row(), "Skills", keyboard=many)
        await out.settled()

    assert len(out.reactions()) == 10
    assert "🇹 skill 29" in out.contents()[0]["body"]


async def test_an_open_code_block_does_not_swallow_the_buttons(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        out.finish(out.row(), "```py\nx = 1", keyboard=RETRY)
        await out.settled()

    assert out.contents()[0]["body"] == "```py\nx = 1\n```\n\n1️⃣ Retry"


async def test_answers_of_other_rooms_go_before_buttons_after_a_penalty(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.joined |= {f"!{name}:fake" for name in "abc"}
    out.server.faults["send"] = [Limited(5.0)]
    out.server.faults["request"] = [Limited(5.0)]
    many = tuple((Button(f"{number}", f"{number}"),) for number in range(9))
    async with out.running():
        out.finish(out.row(), "Which?", keyboard=many)
        await trio.sleep(6)
        for name in "abc":
            out.finish(out.row(room=type(HERE)(f"matrix/!{name}:fake")), name)
        await out.settled()

    order = [event["type"] for _, event in out.server.stream]
    assert order == ["m.room.message"] * 4 + ["m.reaction"] * 9


async def test_a_press_in_vain_is_answered_with_a_notice_once(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running() as sender:
        for _ in range(2):
            sender.take(AnswerPress(HERE, "$p1", "This button is too old.", is_refused=True))
        sender.take(AnswerPress(HERE, "$p2", "Chosen."))
        sender.take(AnswerPress(HERE, "$p3", " ", is_refused=True))
        await trio.sleep(1)

    assert out.server.said() == ["This button is too old."]
    assert out.contents()[0]["msgtype"] == "m.notice"


async def test_a_killed_life_offers_nothing_twice(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running(is_killed=True):
        out.finish(out.row(), "Send it?", keyboard=ASK)
        await out.server.until(lambda: len(out.events("m.reaction")) == 1)
    async with out.running():
        await out.settled()
        await out.server.until(lambda: len(out.events("m.reaction")) == 2)

    assert len(out.events()) == 1
    assert len(out.events("m.reaction")) == 2
    assert RemoteId(out.events(room=ROOM)[0]["event_id"]) == out.outbox[0].remote_id


async def test_files_with_buttons_are_named_above_them(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        row = out.row()
        files = (out.file(b"x", FileKind.DOCUMENT, "a_b.txt"),)
        out.finish(row, "", files=files, keyboard=ASK)
        await out.settled()
        out.amend(row, out.events()[0]["event_id"], "Chosen: *Yes*")
        await out.settled()

    names, _, edit = out.contents()
    assert names["body"] == "\N{PAPERCLIP} a\\_b.txt\n\n✅ Yes\n❌ No"
    assert edit["m.new_content"]["body"] == "\N{PAPERCLIP} a\\_b.txt\n\nChosen: *Yes*"


@pytest.mark.parametrize("fault", [Refused(413, "M_TOO_LARGE"), Refused(400, "M_UNKNOWN")])
async def test_a_change_that_the_server_does_not_take_is_given_up(
    autojump_clock: MockClock, tmp_path: Path, fault: Refused
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        row = out.row()
        out.finish(row, "Send it?", keyboard=ASK)
        await out.settled()
        out.server.faults["send"] = [fault]
        out.amend(row, out.events()[0]["event_id"], "Chosen")
        await out.settled()

    assert out.outbox[1].state is OutboxState.FAILED
    assert [emoji for _, emoji in out.reactions()] == ["✅", "❌"]
