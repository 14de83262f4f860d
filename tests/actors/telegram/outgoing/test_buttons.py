"""Buttons below what the bot says, what becomes of their presses, and whom a message replies to."""

from pathlib import Path

import pytest
import trio
from structlog.typing import EventDict
from trio.testing import MockClock

from actors.telegram.api.outcomes import (
    Ambiguous,
    Forbidden,
    Migrated,
    RateLimited,
    Refusal,
    Refused,
    Unreachable,
)
from actors.telegram.outgoing.contents import contents
from actors.telegram.text.render import length_utf16
from protocols.changes import AddOutgoing, FinishRow, PutKey
from protocols.files import FileKind, LocalFile
from protocols.ids import Language, OutboxId, RemoteId, RoomId
from protocols.journal import Amends, Button, Keyboard, OutboxRow, RowState, Voice
from protocols.surfaces import AnswerPress, Deliver
from tests.actors.telegram.fake_bot import EPOCH, GROUP, HERE, TOPIC, Fault, Gateway

RETRY: Keyboard = ((Button("🔁 Try again", "retry:1"),),)
STOP: Keyboard = ((Button("⏹ Stop", "stop:1"),),)
LONG = "\n\n".join(f"part {number} " + "word " * 700 for number in range(3))
GONE = Refused(400, "message to edit not found", Refusal.MESSAGE_GONE)


async def test_an_answer_that_grows_can_be_stopped_and_a_whole_one_cannot(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await trio.sleep(1)
        (waiting,) = gateway.bot.seen()
        await gateway.draft(row, "half")
        await trio.sleep(3)
        (half,) = gateway.bot.seen()
        await gateway.finish(row, "half and half")
        await gateway.settled()
        (whole,) = gateway.bot.seen()

    assert (waiting.text, waiting.keyboard) == ("…", STOP)
    assert (half.text, half.keyboard) == ("half", STOP)
    assert (whole.text, whole.keyboard) == ("half and half", ())


async def test_a_stop_button_speaks_the_persons_language_where_it_is_known(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Language] = []

    def said(_word: object, language: Language) -> str:
        asked.append(language)
        return "Стоп"

    monkeypatch.setattr("actors.telegram.api.keyboards.say", said)
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        await gateway.typing(gateway.row(language="ru"))
        await trio.sleep(1)

    assert asked == [Language("ru")]
    assert gateway.bot.seen()[0].keyboard == ((Button("Стоп", "stop:1"),),)


async def test_the_buttons_of_a_long_answer_are_below_its_end(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await trio.sleep(1)
        await gateway.finish(row, LONG, keyboard=RETRY)
        await gateway.settled()

    assert [found.keyboard for found in gateway.bot.seen()] == [(), (), RETRY]


async def test_buttons_that_telegram_refuses_lose_no_answer(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["edit"] = [Fault(Refused(400, "reply markup is too long"))] * 2
    async with gateway.running():
        await gateway.finish(gateway.row(), "**answer**", keyboard=RETRY)
        await gateway.settled()

    (found,) = gateway.bot.seen()
    assert (found.text, found.keyboard) == ("answer", ())
    assert gateway.bot.texts("edit") == ["answer"] * 3


def outgoing(text: str, keyboard: Keyboard = ()) -> OutboxRow:
    return OutboxRow(
        OutboxId(1), "0" * 32, HERE, None, Voice.AGENT, text, is_final=True,
        reply_to_event=None, shown_id=None, created_at=EPOCH, keyboard=keyboard,
    )  # fmt: skip


@pytest.mark.parametrize("length", range(3880, 4110, 13))
def test_below_buttons_there_is_room_for_what_becomes_of_them(length: int) -> None:
    words = "🙂" * (length // 2)

    assert max(length_utf16(one.text) for one in contents(outgoing(words, RETRY))) <= 3896
    assert max(length_utf16(one.text) for one in contents(outgoing(words))) <= 4096


async def test_what_a_press_changes_is_added_below_the_end_of_the_answer(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.finish(row, f"{LONG}\n\nthe **end**", keyboard=RETRY)
        await gateway.settled()
        await gateway.amend(row, "3", "*Sent again by Ann.*")
        await gateway.settled()

    last = gateway.bot.seen()[-1]
    assert last.text.endswith("word\n\nthe end\n\nSent again by Ann.")
    assert last.keyboard == ()
    bold, italic = gateway.bot.marked[-1]
    units = last.text.encode("utf-16-le")
    marked = [units[2 * e["offset"] : 2 * (e["offset"] + e["length"])] for e in (bold, italic)]
    assert [part.decode("utf-16-le") for part in marked] == ["end", "Sent again by Ann."]
    assert gateway.outcomes() == ["sent", "sent"]
    assert next(iter(gateway.journal.outbox.values())).remote_id == RemoteId("3")


async def test_an_answer_without_buttons_is_known_by_its_first_message(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        await gateway.finish(gateway.row(), LONG)
        await gateway.settled()

    (out,) = gateway.journal.outbox.values()
    assert out.remote_id == RemoteId("1")


@pytest.mark.parametrize("room", [HERE, GROUP])
async def test_nobody_has_another_message_changed_than_that_with_the_buttons(
    autojump_clock: MockClock, room: RoomId, logs: list[EventDict]
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        await gateway.finish(gateway.row(), "Ann's answer", keyboard=RETRY)
        row = gateway.row(room)
        await gateway.finish(row, "Bob's answer", keyboard=RETRY)
        await gateway.settled()
        await gateway.amend(row, "1", "forged")
        await gateway.settled()

    assert [found.text for found in gateway.bot.messages.values()] == [
        "Ann's answer",
        "Bob's answer",
    ]
    assert gateway.outcomes() == ["sent", "sent", "failed"]
    assert not [line for line in logs if line["log_level"] == "warning"]


async def test_a_message_of_the_same_number_in_another_chat_is_not_changed(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.finish(row, "Ann's answer", keyboard=RETRY)
        await gateway.settled()
        amends = Amends(row, RemoteId("1"))
        gateway.commit(AddOutgoing(GROUP, Voice.GATEWAY, "forged", is_final=False, amends=amends))
        await gateway.tell(Deliver(GROUP))
        await gateway.settled()

    assert gateway.outcomes() == ["sent", "failed"]
    assert not gateway.bot.texts("edit")[1:]


async def test_a_change_may_be_of_the_buttons_alone_and_is_the_same_twice(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.finish(row, "Your settings", keyboard=STOP)
        for _ in range(2):
            await gateway.amend(row, "1", keyboard=RETRY)
        await gateway.settled()

    (found,) = gateway.bot.seen()
    assert (found.text, found.keyboard) == ("Your settings", RETRY)
    assert gateway.outcomes() == ["sent"] * 3


async def test_a_message_that_nobody_remembers_is_not_changed(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        await gateway.say("old")
        await gateway.settled()
        await gateway.amend(gateway.row(), "1", "decided")
        await gateway.settled()

    assert gateway.bot.shown() == ["old"]
    assert gateway.outcomes() == ["sent", "failed"]


@pytest.mark.parametrize(
    ("place", "fault", "reason"),
    [
        ("1", Fault(GONE), "the message was deleted"),
        ("1", Fault(Refused(400, "no")), "Telegram refused: no"),
        ("1", Fault(Forbidden("blocked")), "the chat is closed to the bot: blocked"),
        ("x", None, "this is not the message that it amends"),
    ],
)
async def test_a_change_that_cannot_be_made_fails_and_bothers_nobody(
    autojump_clock: MockClock, place: str, fault: Fault | None, reason: str
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.finish(row, "answer", keyboard=RETRY)
        await gateway.settled()
        gateway.bot.faults["edit"] = [fault] if fault else []
        await gateway.amend(row, place, "decided")
        await gateway.settled()

    assert gateway.outcomes() == ["sent", "failed"]
    assert list(gateway.journal.outbox.values())[-1].reason == reason
    assert gateway.bot.shown() == ["answer"]


def file_in(folder: Path) -> LocalFile:
    path = folder / "made" / "run-a.txt"
    path.parent.mkdir()
    path.write_bytes(b"hello")
    return LocalFile(FileKind.DOCUMENT, "a.txt", "text/plain", 5, str(path), "0" * 64)


async def test_the_message_with_the_buttons_is_changed_and_not_the_file_below_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.finish(row, LONG, keyboard=RETRY, files=[file_in(tmp_path)])
        await gateway.settled()
        await gateway.amend(row, "3", "decided")
        await gateway.settled()

    assert [found.keyboard for found in gateway.bot.seen()] == [()] * 4
    assert gateway.bot.shown()[2].endswith("\n\ndecided")


async def test_a_change_without_anything_to_see_fails(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.finish(row, "", files=[file_in(tmp_path)])
        await gateway.settled()
        await gateway.amend(row, "1", "")
        await gateway.settled()

    assert gateway.outcomes() == ["sent", "failed"]
    assert list(gateway.journal.outbox.values())[-1].reason == "there is nothing to show"


async def test_a_change_is_no_outcome_although_it_is_marked_as_one(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.finish(row, "answer", keyboard=RETRY)
        await gateway.settled()
        amends = Amends(row, RemoteId("1"))
        press = gateway.row()
        gateway.commit(
            FinishRow(press, RowState.IGNORED),
            AddOutgoing(HERE, Voice.GATEWAY, "decided", row=press, amends=amends),
        )
        await gateway.tell(Deliver(HERE))
        await gateway.settled()

    assert gateway.bot.shown() == ["answer\n\ndecided"]


# Presses.


async def test_a_press_is_answered_although_its_chat_is_busy(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.delays[42] = 1000.0
    async with gateway.running():
        await gateway.say("slow")
        await gateway.tell(AnswerPress(HERE, "5001", "This was decided already."))
        await gateway.bot.until(lambda: bool(gateway.bot.pressed), within=1)

    assert gateway.bot.pressed == [("5001", "This was decided already.")]


async def test_a_press_waits_for_the_end_of_a_penalty_also_of_an_earlier_life(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    gateway.commit(PutKey("telegram_penalty", f'{{"until": {EPOCH + 60}, "wait": 60}}'))
    async with gateway.running():
        await gateway.tell(AnswerPress(HERE, "5001"))
        await gateway.bot.until(lambda: bool(gateway.bot.pressed))

    (at,) = gateway.bot.times("press")
    assert 60 <= at < 61


@pytest.mark.parametrize(
    "faults",
    [[Fault(RateLimited(20.0))], [Fault(Ambiguous("502"))] * 3, [Fault(Unreachable("no"))] * 3],
)
async def test_a_press_is_answered_after_trouble(
    autojump_clock: MockClock, faults: list[Fault]
) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["press"] = faults
    async with gateway.running():
        await gateway.tell(AnswerPress(HERE, "5001"))
        await gateway.bot.until(lambda: bool(gateway.bot.pressed), within=60)


async def test_a_press_that_is_too_old_is_dropped(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    old = Refused(400, "query is too old", Refusal.CALLBACK_OLD)
    gateway.bot.faults["press"] = [Fault(old)]
    async with gateway.running():
        await gateway.tell(AnswerPress(HERE, "5001"))
        await trio.sleep(300)

    assert gateway.bot.pressed == []
    assert len(gateway.bot.times("press")) == 1


async def test_after_150_seconds_nobody_waits_for_the_answer_to_a_press(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["press"] = [Fault(RateLimited(200.0))]
    async with gateway.running():
        await gateway.tell(AnswerPress(HERE, "5001"))
        await trio.sleep(400)

    assert len(gateway.bot.times("press")) == 1


async def test_a_group_that_moved_keeps_no_press_waiting(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["press"] = [Fault(Migrated(-200))]
    async with gateway.running():
        await gateway.tell(AnswerPress(GROUP, "5001"))
        await trio.sleep(10)

    assert len(gateway.bot.times("press")) == 1


# Replies.


async def test_in_a_group_an_answer_replies_to_whom_it_answers(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        for room in (GROUP, TOPIC, HERE):
            row = gateway.row(room, message_id="77")
            await gateway.typing(row)
            await trio.sleep(1)
            await gateway.finish(row, LONG)
            await gateway.settled()

    replies = [call.reply_to for call in gateway.bot.calls if call.name == "send"]
    assert replies == [77, None, None, 77, None, None, None, None, None]


async def test_an_answer_without_a_placeholder_replies_too_and_so_do_other_words(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row(GROUP, message_id="77")
        gateway.commit(AddOutgoing(GROUP, Voice.GATEWAY, "wait", row=row, is_final=False))
        await gateway.tell(Deliver(GROUP))
        await gateway.finish(row, "quick")
        await gateway.settled()

    assert [(found.text, found.reply_to) for found in gateway.bot.seen(GROUP)] == [
        ("wait", 77),
        ("quick", 77),
    ]


@pytest.mark.parametrize("message_id", ["", "x", "٣", "-5"])
async def test_what_is_no_message_is_not_replied_to(
    autojump_clock: MockClock, message_id: str
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row(GROUP, message_id=message_id)
        await gateway.finish(row, "quick")
        await gateway.settled()

    assert gateway.bot.seen(GROUP)[0].reply_to is None
