"""The poller's loop, over a Bot API server in memory."""

import json
import re
from itertools import pairwise
from typing import Any

import pytest
import trio
from attrs import evolve
from structlog.typing import EventDict
from trio.testing import MockClock

from actors.surfaces.penalties import penalty_text
from actors.telegram.incoming.taking import PENALTY_KEY
from actors.telegram.poller import WRONG_TOKEN
from actors.telegram.settings import GroupMode
from actors.words import Word, say
from protocols.changes import QueueRow
from protocols.chats import RoomGone, RowsArrived
from protocols.files import FileKind, RemoteFile
from protocols.ids import Language, RemoteId, RoomId, SlotId, run_id_for
from protocols.journal import Press
from protocols.store import Commit
from protocols.surfaces import AnswerPress
from tests.actors.kernel.steps import AtStep, run_seeded
from tests.actors.telegram.fake_bot_api import (
    ALBUM,
    ALICE,
    GROUP,
    SETTINGS,
    TOKEN,
    failure,
    message,
    plain,
    silence,
)
from tests.actors.telegram.receiver import Receiver

HERE = RoomId("telegram/7")
GONE = RoomId("telegram/-100"), "the bot is not in the group"


async def test_a_message_is_journaled_with_its_offset_then_hinted_then_confirmed(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)

    async with bot.running():
        await bot.until(lambda: len(bot.api.polls()) == 2)
        bot.chats.mail.clear()
        bot.api.write(message("one"), message("two"))
        await bot.until(lambda: not bot.api.pending)

    assert bot.life.is_ready
    assert bot.heard() == ["one", "two"]
    assert bot.cursor() == "3"
    assert bot.chats.mail == [RowsArrived()]
    assert [fields["offset"] for fields, _ in bot.api.polls()] == ["0", "0", "3"]
    assert [fields["timeout"] for fields, _ in bot.api.polls()] == ["0", "30", "30"]


async def test_each_completed_poll_is_a_beat_and_a_failed_one_is_none(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.fail("getUpdates", failure(502, "Bad Gateway"))

    async with bot.running():
        await bot.until(lambda: len(bot.api.polls()) == 1)
        assert bot.life.beats == 0
        await bot.until(lambda: len(bot.api.polls()) == 4)

    assert bot.life.beats == 2


async def test_the_next_poll_waits_for_the_journal(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)
    bot.store.dies_before = 3
    bot.api.write(message("one"))

    async with bot.running():
        await bot.until(lambda: not bot.store.dies_before)
        assert len(bot.api.polls()) == 1
        await bot.until(lambda: not bot.api.pending)

    assert bot.heard() == ["one"]


async def test_a_batch_that_became_durable_unseen_is_not_written_twice(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)
    bot.store.dies_after = 1
    bot.api.write([5], kind="message")  # type: ignore[arg-type]  # on purpose

    async with bot.running():
        await bot.until(lambda: not bot.api.pending)

    assert len(bot.store.batches) == 1
    assert len(bot.journal.letters) == 1


async def test_a_store_that_is_away_is_waited_for(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)
    bot.store.dies_reading = 5
    bot.api.write(message("one"))

    async with bot.running():
        await bot.until(lambda: bot.heard() == ["one"])

    assert not bot.store.dies_reading


async def test_the_next_life_goes_on_where_the_journal_ends(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)
    bot.api.write(message("one"))
    async with bot.running():
        await bot.until(lambda: bot.heard() == ["one"])
    bot.api.write(message("two"))

    async with bot.running():
        await bot.until(lambda: bot.heard() == ["one", "two"])

    assert "2" in [fields["offset"] for fields, _ in bot.api.polls()]


async def test_each_life_hints_what_an_earlier_one_may_not_have(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)

    async with bot.running():
        await bot.until(lambda: bool(bot.api.polls()))

    assert bot.chats.mail == [RowsArrived()]


async def test_a_full_mailbox_gets_its_mail_later(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)
    bot.chats.is_full = bot.sender.is_full = True
    bot.api.write({"id": "78", "from": ALICE}, kind="callback_query")
    bot.api.write(message("one"))

    async with bot.running():
        await bot.until(lambda: bot.heard() == ["one"])
        bot.chats.is_full = bot.sender.is_full = False
        await bot.until(lambda: bool(bot.chats.mail and bot.sender.mail))

    assert bot.chats.mail == [RowsArrived()]
    assert bot.sender.mail == [AnswerPress(HERE, "78", say(Word.PRESS_UNKNOWN, Language("")))]


# Catching up.


async def test_what_waited_while_we_were_away_is_backlog_and_nothing_else(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.write(*(message(f"m{number}", date=999) for number in range(250)))

    async with bot.running():
        await bot.until(lambda: len(bot.heard()) == 250)
        bot.api.write(message("late", date=999))
        await bot.until(lambda: len(bot.heard()) == 251)
        bot.api.write(message("live", date=int(bot.now())))
        await bot.until(lambda: len(bot.heard()) == 252)

    rows = list(bot.journal.rows.values())
    assert [row.text for row in rows if not row.is_backlog] == ["late", "live"]
    assert bot.heard()[:250] == [f"m{number}" for number in range(250)]


async def test_a_live_message_is_no_backlog_although_it_is_the_first(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)

    async with bot.running():
        await trio.sleep(10)
        bot.api.write(message("live", date=int(bot.now())))
        await bot.until(lambda: bot.heard() == ["live"])

    assert not bot.journal.rows[next(iter(bot.journal.rows))].is_backlog


async def test_what_waited_while_telegram_was_away_is_backlog(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)
    bot.api.fail("getUpdates", *[plain(502, "<html>")] * 5)
    bot.api.write(message("waited", date=1001))

    async with bot.running():
        await bot.until(lambda: bot.heard() == ["waited"])

    assert all(row.is_backlog for row in bot.journal.rows.values())


async def test_a_server_that_does_not_hold_polls_is_not_asked_all_the_time(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.fail("getUpdates", *[plain(200, '{"ok": true, "result": []}')] * 9)

    async with bot.running():
        await bot.until(lambda: len(bot.api.polls()) == 10)

    assert autojump_clock.current_time() == pytest.approx(9, abs=0.2)


# Bad updates.


async def test_a_bad_update_is_set_aside_and_the_rest_go_on(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)
    bot.api.write(message("one"))
    bot.api.write([5], kind="message")  # type: ignore[arg-type]  # on purpose
    bot.api.hand_over("no update at all")
    bot.api.write(message("two"))

    async with bot.running():
        await bot.until(lambda: bot.heard() == ["one", "two"])
        await trio.sleep(100)

    letters = list(bot.journal.letters.values())
    assert [(letter.source, letter.kind, letter.reason) for letter in letters[:2]] == [
        ("telegram", "telegram update", "a message without its chat"),
        ("telegram", "telegram update", "an update without its number"),
    ]
    assert letters[0].body == '{"update_id": 2, "message": [5]}'
    assert len(letters) == 2


async def test_updates_that_nothing_confirms_are_not_asked_for_all_the_time(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.hand_over({"message": message()})

    async with bot.running():
        await trio.sleep(50)
        bot.api.pending.clear()
        bot.api.write(message("one"))
        await bot.until(lambda: bot.heard() == ["one"])

    assert len(bot.api.polls()) < 10
    assert any("updates without a number" in said for said in bot.life.said)
    assert not bot.journal.letters


async def test_what_is_handed_over_again_is_done_once(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)
    again = {"update_id": 1, "message": [5]}
    bot.api.write([5], kind="message")  # type: ignore[arg-type]  # on purpose
    bot.api.write(message("one"), message("two"))

    async with bot.running():
        await bot.until(lambda: bot.heard() == ["one", "two"])
        bot.api.fail("getUpdates", plain(200, _updates(again)), plain(200, _updates(again)))
        bot.api.write(message("three"))
        await bot.until(lambda: bot.heard() == ["one", "two", "three"])

    assert len(bot.journal.letters) == 1
    assert bot.cursor() == "5"


async def test_telegram_may_begin_to_count_anew(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)
    first = {"update_id": 900_000, "message": message("before")}
    after = {"update_id": 5, "message": message("after")}
    bot.api.fail("getUpdates", plain(200, _updates(first)), plain(200, _updates(after)))

    async with bot.running():
        await bot.until(lambda: bot.heard() == ["before", "after"])
        await trio.sleep(1)

    assert bot.cursor() == "6"


def _updates(*updates: Any) -> str:
    return json.dumps({"ok": True, "result": updates})


# What else updates say.


async def test_a_picture_is_journaled_with_what_it_is_fetched_by(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.write(message(None, photo=[{"file_id": "f"}], caption="look"))

    async with bot.running():
        await bot.until(lambda: bot.heard() == ["look"])

    [row] = bot.journal.rows.values()
    assert row.files == (RemoteFile(FileKind.PHOTO, "photo.jpg", "image/jpeg", None, "f"),)
    assert {name for name, _, _ in bot.api.calls} == {"getMe", "getUpdates"}


async def test_what_cannot_be_read_is_the_directorys_to_answer(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.write(message(None, poll={}), message(None, story={}), message("one"))

    async with bot.running():
        await bot.until(lambda: bot.heard() == ["", "", "one"])

    assert not bot.journal.outbox
    assert not bot.sender.mail


async def test_a_lost_group_is_reported_with_the_topics_that_wait(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock, evolve(SETTINGS, group_mode=GroupMode.ALL))
    topic = {"message_thread_id": 4, "is_topic_message": True}
    bot.api.write(message("hi", chat=GROUP, **topic), message("private"))
    async with bot.running():
        await bot.until(lambda: len(bot.heard()) == 2)
        for row in bot.journal.rows.values():
            queue = QueueRow(row.id, SlotId("C1"), run_id_for(row.room, row.event_id))
            bot.store.tell(Commit((queue,)))
        bot.chats.mail.clear()
        bot.api.write(
            {"chat": GROUP, "new_chat_member": {"status": "kicked"}}, kind="my_chat_member"
        )
        await bot.until(lambda: len(bot.chats.mail) == 2)

    assert bot.chats.mail == [RoomGone(*GONE), RoomGone(RoomId("telegram/-100/4"), GONE[1])]


async def test_a_group_that_moved_keeps_its_room_over_lives(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock, evolve(SETTINGS, group_mode=GroupMode.ALL))
    new = GROUP | {"id": -1001}
    bot.api.write(message(None, chat=GROUP, migrate_to_chat_id=-1001), message("one", chat=new))
    async with bot.running():
        await bot.until(lambda: bot.heard() == ["one"])
        bot.api.write(message("two", chat=new))
        await bot.until(lambda: bot.heard() == ["one", "two"])
    bot.api.write(message("three", chat=new))
    bot.api.write({"chat": new, "new_chat_member": {"status": "kicked"}}, kind="my_chat_member")

    async with bot.running():
        await bot.until(lambda: RoomGone(*GONE) in bot.chats.mail)

    assert bot.journal.keys == {"telegram_moved:-100": "-1001"}
    assert {row.room for row in bot.journal.rows.values()} == {RoomId("telegram/-100")}


async def test_a_press_is_journaled_and_one_of_no_button_of_ours_is_answered_by_the_sender(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)
    ours = {"id": "77", "from": ALICE, "data": "stop:1", "message": message(message_id=4)}
    bot.api.write(ours, {"id": "78", "from": ALICE}, kind="callback_query")

    async with bot.running():
        await bot.until(lambda: not bot.api.pending)

    [row] = bot.journal.rows.values()
    assert row.press == Press("77", "stop:1", RemoteId("4"))
    assert row.sent_at == pytest.approx(bot.now(), abs=1)
    assert bot.sender.mail == [AnswerPress(HERE, "78", say(Word.PRESS_UNKNOWN, Language("")))]
    assert {name for name, _, _ in bot.api.calls} == {"getMe", "getUpdates"}


# Faults.


@pytest.mark.parametrize("method", ["getMe", "getUpdates"])
@pytest.mark.parametrize("answer", [(401, "Unauthorized"), (404, "Not Found")])
async def test_a_wrong_token_parks_the_poller_and_names_the_variable(
    autojump_clock: MockClock, method: str, answer: tuple[int, str]
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.fail(method, failure(*answer))

    await bot.live()

    assert str(bot.parked) == WRONG_TOKEN
    assert "TELEGRAM_BOT_TOKEN" in WRONG_TOKEN
    assert autojump_clock.current_time() < 1.0


async def test_two_pollers_back_off_for_at_least_five_seconds_and_say_so(
    autojump_clock: MockClock, logs: list[EventDict]
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.fail("getUpdates", *[failure(409, "Conflict: terminated by other getUpdates")] * 3)
    bot.api.write(message("one"))

    async with bot.running():
        await bot.until(lambda: bot.heard() == ["one"])

    times = [at for _, at in bot.api.polls()][:4]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert 5 <= waits[0] < waits[1] < waits[2]
    assert any("another program polls with this token" in said for said in bot.life.said)
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["poll.failed"]


async def test_trouble_that_is_over_is_said_to_be_over_at_once(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)
    bot.api.fail("getUpdates", failure(409, "Conflict: terminated by other getUpdates"))

    async with bot.running():
        await bot.until(lambda: len(bot.api.polls()) == 2)
        await trio.sleep(0.1)
        said = bot.life.said[-1]
        await bot.until(lambda: len(bot.api.polls()) == 3, within=2)

    assert said.endswith("; waits for news")
    assert [fields["timeout"] for fields, _ in bot.api.polls()] == ["0", "0", "30"]


async def test_a_poll_that_was_not_held_is_no_proof_that_nobody_else_polls(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)
    conflict = failure(409, "Conflict: terminated by other getUpdates")
    bot.api.fail("getUpdates", *[conflict, plain(200, '{"ok": true, "result": []}')] * 4)

    async with bot.running():
        await bot.until(lambda: len(bot.api.polls()) == 8)

    times = [at for _, at in bot.api.polls()]
    waits = [times[n + 1] - times[n] for n in (0, 2, 4)]
    assert 5 <= waits[0] < waits[1] < waits[2]


async def test_a_webhook_is_named_as_what_is_in_the_way(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)
    said = "Conflict: can't use getUpdates method while webhook is active"
    bot.api.fail("getUpdates", failure(409, said))

    async with bot.running():
        await bot.until(lambda: len(bot.api.polls()) == 2)

    assert any("delete the webhook" in note for note in bot.life.said)


async def test_a_penalty_is_waited_out_exactly(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)
    bot.api.fail("getUpdates", failure(429, "Too Many Requests", retry_after=280))

    async with bot.running():
        await bot.until(lambda: len(bot.api.polls()) == 2)

    [(_, first), (_, second)] = bot.api.polls()
    assert second - first == pytest.approx(280)
    assert bot.api.sessions == 1
    assert any("rate limited by Telegram until " in said for said in bot.life.said)


@pytest.mark.parametrize("method", ["getMe", "getUpdates"])
async def test_a_penalty_is_waited_out_by_the_next_life_too(
    autojump_clock: MockClock, method: str
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.fail(method, failure(429, "Too Many Requests", retry_after=280))
    async with bot.running():
        await bot.until(lambda: "rate limited" in f"{bot.life.said[-1:]}")
        told_at = autojump_clock.current_time()
        await trio.sleep(100)
    calls = len(bot.api.calls)
    bot.life.said.clear()

    async with bot.running():
        await bot.until(lambda: "rate limited" in f"{bot.life.said[-1:]}")
        await bot.until(lambda: len(bot.api.calls) > calls)

    assert bot.api.calls[calls][2] - told_at == pytest.approx(280, abs=0.2)


async def test_a_penalty_that_is_over_holds_nobody_up(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)
    bot.journal.keys[PENALTY_KEY] = penalty_text(bot.now() - 30, 20)

    async with bot.running():
        await bot.until(lambda: bool(bot.api.polls()), within=1)


@pytest.mark.parametrize(
    "answer",
    [
        failure(500, "Oops"),
        failure(400, "Bad Request: new"),
        failure(400, "", migrate_to_chat_id=5),
        plain(502, "<html>"),
    ],
)
async def test_faults_are_waited_out_ever_longer_and_shown_until_they_end(
    autojump_clock: MockClock, answer: Any
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.fail("getUpdates", *[answer] * 5)
    bot.api.write(message("one"))

    async with bot.running():
        await bot.until(lambda: bot.heard() == ["one"])

    times = [at for _, at in bot.api.polls()][:6]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert all(1.5 * shorter < longer for shorter, longer in pairwise(waits))
    assert all(re.search(r"next try at \d\d:\d\d:\d\d", said) for said in bot.life.said[1:6])
    assert bot.life.said[-1].startswith("last poll ")
    assert "next try" not in bot.life.said[-1]


async def test_an_hour_without_an_answer_makes_new_connections_and_loses_nothing(
    autojump_clock: MockClock, logs: list[EventDict]
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.write(message("before"))

    async with bot.running():
        await bot.until(lambda: bot.heard() == ["before"])
        bot.api.fail("getUpdates", *[silence] * 80)
        bot.api.fail("getMe", *[silence] * 3)
        await trio.sleep(3600)
        for waiting in bot.api.faults.values():
            waiting.clear()
        bot.api.write(message("after"))
        await bot.until(lambda: bot.heard() == ["before", "after"])

    assert bot.api.sessions > 5
    assert "session.renewed" in [line["event"] for line in logs]
    assert "Telegram unreachable: no answer in time" in bot.life.said[-2]


async def test_an_idle_hour_keeps_its_connections(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)

    async with bot.running():
        await trio.sleep(3600)

    assert bot.api.sessions == 1
    assert len(bot.api.polls()) == pytest.approx(120, abs=1)
    assert bot.life.said[0] == "no poll yet; waits for Telegram"
    assert all(
        re.fullmatch(r"last poll [\d:]{8}; waits for news", said) for said in bot.life.said[1:]
    )


async def test_the_token_is_in_nothing_that_is_said(
    autojump_clock: MockClock, logs: list[EventDict]
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.fail("getMe", failure(500, "x"), failure(409, "y"), silence)
    bot.api.fail("getUpdates", plain(200, "garbage"), silence, failure(401, "Unauthorized"))

    await bot.live()

    assert bot.parked is not None
    assert TOKEN.partition(":")[2] not in f"{bot.life.said} {logs} {bot.parked} {bot.poller()}"


# Death.


def test_cancelled_at_any_step_nothing_is_lost_and_nothing_doubled() -> None:
    step, steps = 1, 0
    while _killed_at(step):
        steps, step = step, step + 1
    assert steps > 10


def _killed_at(step: int) -> bool:
    """Kill a life at its *step*, let another finish the work; False if it had ended before."""
    reached: list[bool] = []

    async def story() -> None:
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, MockClock)
        bot = Receiver(clock)
        bot.api.write(message("one"), message(None, poll={}), [], message("two"))  # type: ignore[arg-type]  # on purpose
        bot.api.write(*[message(None, **ALBUM)] * 2)
        bot.store.dies_before = bot.store.dies_after = 1
        with trio.CancelScope() as scope:
            kill = AtStep("the poller", step, scope.cancel)
            trio.lowlevel.add_instrument(kill)
            async with bot.running():
                await bot.until(lambda: len(bot.api.polls()) == 3)
        trio.lowlevel.remove_instrument(kill)
        reached.append(kill.has_happened)
        bot.api.write(message("three"))
        async with bot.running():
            await bot.until(lambda: bot.heard() == ["one", "", "two", "", "three"])
        assert RowsArrived() in bot.chats.mail
        assert len(bot.journal.letters) == 1
        assert len(list(bot.journal.rows.values())[3].files) == 2

    run_seeded(step, story)
    return reached[0]
