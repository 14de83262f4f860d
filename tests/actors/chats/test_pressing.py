"""Stories of buttons: who presses what, and what everybody sees of it."""

import pytest
import trio
from trio.testing import MockClock

from actors.chats.access import AccessPolicy
from actors.chats.confirms import LIFE
from actors.chats.flood import MOST_WORDS
from actors.chats.intake import PRESS_LIFE
from actors.chats.replies import MOST_WAITING
from actors.words import CATALOGUES, Word, say
from protocols.ids import Language, RemoteId
from protocols.journal import Amends, Button, OutboxRow, Press, RowState
from protocols.platform import Resume
from tests.actors.chats.fake_surface import photo
from tests.actors.chats.world import BOSS, OTHER_ROOM, ROOM, YOU, World
from tests.fakes import MemoryJournal

UNKNOWN = "This button does nothing any more."
DECIDED = "This has been decided already."


IN_VAIN = {
    say(word, Language(code))
    for code in CATALOGUES
    for word in Word
    if word.name.startswith("PRESS_") or word is Word.NOTHING_RUNS
}
"""What is said where a press does nothing, and nothing else says so."""


def answers(world: World) -> list[str]:
    """What whoever pressed was told, in order."""
    for answer in world.answers:
        assert answer.is_refused is (answer.text in IN_VAIN), answer
    return [answer.text for answer in world.answers]


def amended(world: World) -> list[OutboxRow]:
    return [out for out in world.sent if out.amends is not None]


# Retry.


@pytest.mark.parametrize("text", ["fail", "bomb"])
async def test_what_failed_has_a_button_that_runs_it_again_once(
    text: str, autojump_clock: MockClock
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say(text, files=(photo(),))
        button = world.sent[-1].keyboard
        turns = len(world.turns)
        await world.press("retry:1", "retry:1")
        await world.press("retry:1")
        await world.settle()

    assert button == ((Button("🔁 Try again", "retry:1"),),)
    assert world.turns[turns].text == text
    assert world.turns[turns].files[0].path == "/files/2/0"
    assert world.states[2:] == [RowState.IGNORED] * 2
    assert answers(world) == ["", DECIDED, DECIDED]
    (out,) = amended(world)
    assert (out.text, out.keyboard, out.is_final) == ("*Sent again by Somebody.*", (), False)
    assert out.amends == Amends(world.rows[0].id, RemoteId("$pressed"))
    assert world.faults == []


async def test_a_stopped_message_has_the_button_too(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("hang", "/stop")
        keyboards = [out.keyboard for out in world.sent if out.row == 1]
        await world.press("retry:1")
        await trio.sleep(1)
        await world.say("/stop")

    assert keyboards == [((Button("🔁 Try again", "retry:1"),),)]
    assert world.states[:3] == [RowState.STOPPED, RowState.ANSWERED, RowState.STOPPED]


async def test_without_buttons_there_are_none(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("fail", "ask", "/chats", "/settings", "/retry")

    assert not any(out.keyboard or out.amends for out in world.sent)


@pytest.mark.parametrize("first", ["word", "button"])
async def test_a_word_and_a_button_run_it_again_once(first: str, autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("fail")
        typed = world.arrival("/retry")
        pressed = world.arrival("", press=Press("p", "retry:1", RemoteId("$s1")))
        await world.arrive(*((typed, pressed) if first == "word" else (pressed, typed)))
        await world.settle()

    assert len(world.turns) == 2
    assert answers(world) == [DECIDED if first == "word" else ""]
    assert [out.amends for out in amended(world)] == [Amends(world.rows[0].id, RemoteId("$s1"))]
    assert world.faults == []


async def test_a_second_quick_retry_says_that_there_is_nothing_to_retry(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("fail")
        await world.write("/retry", "/retry")
        await world.write("/retry")
        await world.settle()

    assert len(world.turns) == 2
    assert sum("There is nothing to retry" in text for text in world.texts) == 2
    assert world.faults == []


async def test_a_retry_that_failed_may_be_retried(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("fail")
        await world.press("retry:1")
        await world.settle()
        await world.press("retry:2")
        await world.settle()
        await world.say("/retry")

    assert [turn.text for turn in world.turns] == ["fail"] * 4
    assert world.faults == []


async def test_the_operator_s_retry_leaves_nothing_to_press(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("fail")
        await world.retry(1)
        await world.press("retry:1")
        await world.settle()

    assert len(world.turns) == 2
    assert answers(world) == [DECIDED]


async def test_a_press_waits_its_turn_like_a_message(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("fail")
        await world.write("slow 5", *map(str, range(MOST_WAITING)))
        await world.press("retry:1")
        await world.settle()

    assert answers(world) == ["That did not work. Please try again in a minute."]
    assert world.states[-1] is RowState.IGNORED
    assert world.rows[0].decided == ""
    assert world.faults == []


# Who may press.


async def test_only_who_was_asked_may_press(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("fail")
        await world.press("retry:1", sender=YOU)
        await world.press("retry:1", sender=BOSS)
        await world.settle()

    assert answers(world) == ["Only the person I am answering can press this."] * 2
    assert [row.reason for row in world.rows[1:]] == ["button: not_yours"] * 2
    assert len(world.turns) == 1


async def test_a_stranger_s_press_is_answered_and_is_no_knock(autojump_clock: MockClock) -> None:
    policy = AccessPolicy("pairing", admins=(BOSS,))
    async with World(autojump_clock, has_buttons=True, policy=policy).running() as world:
        await world.press("retry:1", "nonsense", sender=YOU, language="ru")
        await world.settle()

    assert answers(world) == ["Мы ещё не знакомы. Сначала напишите мне."] * 2
    assert world.texts == []
    assert world.states == [RowState.IGNORED] * 2
    assert not any(key.startswith("knock:") for key in world.journal.keys)


async def test_invented_presses_are_answered_and_change_nothing(
    autojump_clock: MockClock,
) -> None:
    invented = ["", "nonsense", "retry:1", "retry:77", "stop:999999999999999999", "confirm:1:0"]
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("hello")
        await world.press(*invented, "anew:1", "set:1:1:code", "chat:1:C1", "retry:3")
        await world.settle()

    assert answers(world) == [UNKNOWN] * 10
    assert world.texts == ["echo hello"]
    assert world.faults == []


# Stop.


async def test_a_stop_button_ends_its_own_row(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.write("hang", "next")
        await trio.sleep(1)
        await world.press("stop:1")
        await world.settle()

    assert world.states == [RowState.STOPPED, RowState.ANSWERED, RowState.IGNORED]
    assert world.texts[0].startswith("part")
    assert answers(world) == ["Stopped."]
    assert world.faults == []


async def test_a_row_that_still_waits_has_no_stop_button_that_could_be_pressed(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.write("slow 5", "two", "three")
        await trio.sleep(1)
        await world.press("stop:2")
        await world.settle()

    assert world.states[:3] == [RowState.ANSWERED] * 3
    assert answers(world) == ["Nothing is running here."]
    assert world.faults == []


async def test_a_stop_button_that_comes_too_late_says_so(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("hello")
        await world.press("stop:1", "stop:1")
        await world.settle()

    assert answers(world) == ["Nothing is running here."] * 2
    assert world.states[0] is RowState.ANSWERED


async def test_a_stop_that_asks_for_no_answer_gets_none(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.write("hang")
        await trio.sleep(1)
        await world.write("", press=Press("", "stop:1", RemoteId("")))
        await world.settle()

    assert world.states == [RowState.STOPPED, RowState.IGNORED]
    assert answers(world) == []


async def test_a_stop_button_and_a_stop_word_end_one_row(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.write("deaf", "next")
        await trio.sleep(1)
        await world.write("/stop")
        await world.press("stop:1")
        await world.settle()

    assert world.states[:2] == [RowState.STOPPED, RowState.ANSWERED]
    assert answers(world) == ["Stopped."]
    assert world.faults == []


# Threads.


async def test_what_a_press_starts_goes_on_in_the_thread_where_it_was_pressed(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("fail", thread_id=RemoteId("$root"))
        await world.say("ask", thread_id=RemoteId("$other"))
        await world.press("confirm:2:0", thread_id=RemoteId("$other"))
        await world.press("retry:1", thread_id=RemoteId("$root"))
        await world.settle()

    threads = [(out.row, out.amends is not None, out.thread_id) for out in world.sent]
    assert sorted(threads) == [
        (1, False, "$root"),
        (1, True, "$root"),
        (2, False, "$other"),
        (2, True, "$other"),
        (3, False, "$other"),
        (4, False, "$root"),
    ]


# Confirmations.


async def test_a_question_has_a_button_for_each_choice(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("ask", language="ru")
        await world.say("choose red green a_rather_long_shade_of_blue")

    yes_no, colours = (out.keyboard for out in world.sent if out.keyboard)
    assert yes_no == ((Button("Да", "confirm:1:0"), Button("Нет", "confirm:1:1")),)
    assert [button.label for (button,) in colours] == [
        "red",
        "green",
        "a_rather_long_shade_of_blue",
    ]


async def test_the_first_press_answers_the_question(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("ask")
        await world.press("confirm:1:0", "confirm:1:1")
        await world.press("confirm:1:1")
        await world.settle()

    assert [turn.resume for turn in world.turns] == [None, Resume("i-1", "yes")]
    assert world.texts[-1] == "echo yes"
    assert answers(world) == ["", DECIDED, DECIDED]
    (out,) = amended(world)
    assert (out.text, out.keyboard) == ("**Yes** (Somebody)", ())
    assert out.amends == Amends(world.rows[0].id, RemoteId("$pressed"))
    assert not any(key.startswith("confirm:") for key in world.journal.keys)
    assert world.faults == []


@pytest.mark.parametrize(("words", "shown"), [("no", "**No** (Somebody)"), ("maybe", "")])
async def test_a_word_that_came_before_the_press_answers_the_question(
    words: str, shown: str, autojump_clock: MockClock
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("ask")
        await world.write("slow 5", sender=YOU)
        await trio.sleep(1)
        await world.write(words)
        await world.press("confirm:1:0")
        await world.settle()

    choice = "no" if words == "no" else None
    assert [turn.resume for turn in world.turns if turn.resume] == [Resume("i-1", choice)]
    assert answers(world) == [DECIDED]
    (out,) = amended(world)
    assert (out.text, out.keyboard) == (shown, ())
    assert out.amends == Amends(world.rows[0].id, RemoteId("$s1"))
    assert world.faults == []


async def test_a_press_that_came_before_a_word_answers_the_question(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("ask")
        press = world.arrival("", press=Press("p", "confirm:1:1", RemoteId("$s1")))
        await world.arrive(press, world.arrival("yes"))
        await world.settle()

    assert [turn.resume for turn in world.turns] == [None, Resume("i-1", "no"), None]
    assert world.texts[-2:] == ["echo no", "echo yes"]
    assert world.faults == []


async def test_a_message_that_waited_while_the_question_came_does_not_answer_it(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.write("ask", "yes")
        await world.settle()
        await world.press("confirm:1:0")
        await world.settle()

    assert [turn.resume for turn in world.turns] == [None, Resume("i-1", None)]
    assert answers(world) == [DECIDED]
    assert world.faults == []


async def test_a_press_takes_the_question_from_a_message_that_came_before_it(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.write("ask")
        await world.write("slow 5", sender=YOU)
        await world.write("other")
        await trio.sleep(1)
        await world.press("confirm:1:0")
        await world.settle()

    assert [(turn.text, turn.resume) for turn in world.turns[2:]] == [
        ("other", None),
        ("yes", Resume("i-1", "yes")),
    ]
    assert world.faults == []


async def test_a_question_that_has_expired_says_so(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("ask")
        await trio.sleep(LIFE)
        await world.press("confirm:1:0")
        await world.settle()
        await world.say("yes")

    assert answers(world) == ["This question has expired. Please send your request again."]
    assert [(out.text, out.keyboard) for out in amended(world)] == [("", ())]
    assert world.turns[-1].resume is None


async def test_a_choice_that_was_never_there_is_none(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("ask")
        await world.press("confirm:1:2")
        await world.settle()

    assert answers(world) == [UNKNOWN]


async def test_an_answer_that_failed_is_retried_for_its_own_question_only(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("choose fail yes")
        await world.press("confirm:1:0")
        await world.settle()
        await world.press("confirm:1:1")
        await world.settle()
        await world.press("retry:2")
        await world.settle()
        await world.say("hello")
        (said,) = await world.say("/retry")

    assert [turn.resume for turn in world.turns] == [
        None,
        Resume("i-1", "fail"),
        Resume("i-1", "fail"),
        Resume("i-1", None),
    ]
    assert said.startswith("There is nothing to retry")
    assert answers(world) == ["", DECIDED, ""]
    assert world.faults == []


async def test_words_that_failed_are_retried_whatever_was_asked_and_answered_meanwhile(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("ask")
        await world.say("fail at it")
        await world.say("choose yes no")
        await world.say("/retry")

    assert [(turn.text, turn.resume) for turn in world.turns] == [
        ("ask", None),
        ("fail at it", Resume("i-1", None)),
        ("choose yes no", Resume("i-1", None)),
        # It was written before the second question stood there, so it does not answer that.
        ("fail at it", Resume("i-3", None)),
    ]
    assert world.faults == []


async def test_an_answer_that_was_stopped_can_be_retried(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("choose hang yes")
        await world.press("confirm:1:0")
        await trio.sleep(1)
        await world.say("/stop")
        await world.press("retry:2")
        await trio.sleep(1)
        await world.say("/stop")

    assert [turn.resume for turn in world.turns[1:]] == [Resume("i-1", "hang")] * 2
    assert world.faults == []


async def test_words_instead_of_a_retry_answer_the_question_that_is_open_again(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("choose fail yes")
        await world.say("fail")
        await world.say("yes")
        await world.press("retry:2")
        await world.settle()

    assert [turn.resume for turn in world.turns] == [
        None,
        Resume("i-1", "fail"),
        Resume("i-1", "yes"),
    ]
    assert answers(world) == [DECIDED]
    assert world.faults == []


async def test_a_question_that_the_operator_s_retry_left_open_can_be_answered(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("choose fail yes")
        await world.say("fail")
        await world.retry(2)
        await world.say("yes")

    assert [turn.resume for turn in world.turns] == [
        None,
        Resume("i-1", "fail"),
        Resume("i-1", "fail"),
        Resume("i-1", "yes"),
    ]
    assert world.faults == []


# Chats.


async def test_a_press_goes_back_to_a_chat(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("one")
        await world.say("/rename My *plans*")
        await world.say("elsewhere", room=OTHER_ROOM)
        await world.say("/new", "two")
        await world.say("/chats")
        keyboard = world.sent[-1].keyboard
        await world.press("chat:6:C1", "chat:6:C2")
        await world.settle()
        await world.say("three")

    assert keyboard == (
        (Button("• C3", "chat:6:C3"),),
        (Button("C1 My *plans*", "chat:6:C1"),),
    )
    assert answers(world) == ["Back in C1 My *plans*.", UNKNOWN]
    (out,) = amended(world)
    assert out.text == "Back in **C1** My \\*plans\\*."
    assert out.keyboard == (
        (Button("C3", "chat:6:C3"),),
        (Button("• C1 My *plans*", "chat:6:C1"),),
    )
    assert world.turns[-1].slot == "C1"
    assert world.faults == []


async def test_a_flood_of_presses_is_not_followed_by_edits(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("one")
        await world.say("/chats")
        await world.press(*["chat:2:C1", "set:2:1:code"] * 100)
        await world.settle()

    assert len(world.answers) == 200
    assert len(amended(world)) < MOST_WORDS
    assert world.faults == []


# No press is left waiting.


async def test_a_press_that_was_decided_when_the_life_before_ended_is_answered(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("fail")
        await world.press("retry:1", "nonsense")
        await world.settle()
        world.answers.clear()
        world.tree.kill("chats")
        await trio.sleep(1)
        after_a_kill = [(answer.press_id, answer.text) for answer in world.answers]
        world.answers.clear()
        await trio.sleep(PRESS_LIFE)
        world.tree.kill("chats")
        await trio.sleep(1)

    assert after_a_kill == [("p2", ""), ("p1", "")]
    assert world.answers == []


async def test_a_press_that_crashes_the_directory_is_put_aside_and_answered(
    autojump_clock: MockClock,
) -> None:
    broken = MemoryJournal(keys={f"confirm:{ROOM} #": "what nobody can read"})
    async with World(autojump_clock, has_buttons=True, journal=broken).running() as world:
        await world.press("retry:1")
        await world.settle()

    assert world.rows[0].reason == "button: set aside after 3 attempts"
    assert answers(world) == ["That did not work. Please try again in a minute."]
    assert world.texts == []
    assert world.faults == []
