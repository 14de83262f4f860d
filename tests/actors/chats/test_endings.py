"""How turns end, in words."""

# ruff: noqa: RUF001  # Cyrillic letters are meant

import pytest
from attrs import evolve

from actors.chats.display import Around
from actors.chats.endings import ending_of
from actors.chats.keyboards import MOST_BUTTONS
from actors.chats.manner import Manner
from protocols.changes import AddOutgoing
from protocols.files import FileKind, LocalFile
from protocols.ids import Language
from protocols.journal import RowState, Voice
from protocols.platform import Attachment, FailureKind
from protocols.turns import TurnAsks, TurnFailed, TurnFinished, TurnOutcome, TurnStopped
from tests.actors.chats.rows import a_row

MANNER = Manner(Language("en"), "!")


def text_of(outcome: TurnOutcome) -> str:
    return ending_of(outcome, a_row(), MANNER).text


def test_an_answer_is_the_agent_s_own_words() -> None:
    ending = ending_of(TurnFinished("*Hi*"), a_row(), MANNER)

    assert (ending.state, ending.voice, ending.text) == (RowState.ANSWERED, Voice.AGENT, "*Hi*")


def test_an_answer_that_nobody_could_see_is_an_empty_one() -> None:
    ending = ending_of(TurnFinished("\u200b\n\u2060"), a_row(), MANNER)

    assert (ending.state, ending.voice) == (RowState.FAILED, Voice.GATEWAY)
    assert "empty answer" in ending.text


def test_files_are_named_below_the_answer() -> None:
    files = (
        Attachment("a_b.txt", "text/plain", 3),
        Attachment("c.txt", "text/plain", 3, mode="url", location="https://x.example/c.txt"),
    )

    text = text_of(TurnFinished("Here", files))

    assert text.startswith("Here\n\n")
    assert "a\\_b.txt" in text
    assert text.endswith("[c.txt](<https://x.example/c.txt>)")


def test_where_files_cannot_be_sent_they_are_named() -> None:
    made = LocalFile(FileKind.PHOTO, "a_b.png", "image/png", 3, "/made/1", "0" * 64)
    outcome = TurnFinished("", files=(made,))

    named = ending_of(outcome, a_row(), MANNER)
    sent = ending_of(outcome, a_row(), evolve(MANNER, sends_files=True))

    assert "a\\_b.png" in named.text
    assert named.files == ()
    assert (sent.text, sent.files) == ("", (made,))


@pytest.mark.parametrize("outcome", [TurnFinished(" \n"), TurnFailed("", FailureKind.EMPTY)])
def test_an_empty_answer_is_a_failure_with_words(outcome: TurnOutcome) -> None:
    ending = ending_of(outcome, a_row(), MANNER)

    assert (ending.state, ending.voice) == (RowState.FAILED, Voice.GATEWAY)
    assert "!retry" in ending.text


def test_what_stands_around_an_answer_is_no_part_of_its_text() -> None:
    around = Around("*56 out*", "I think.")

    ending = ending_of(TurnFinished("Hi"), a_row(), MANNER, around=around)
    empty = ending_of(TurnFinished(" "), a_row(), MANNER, around=around)

    *_, outcome = ending.changes(a_row())
    assert outcome == AddOutgoing(
        a_row().room, Voice.AGENT, "Hi", row=a_row().id, footer="*56 out*", folded="I think."
    )
    assert empty.around == Around()


def test_a_failure_keeps_what_came_and_explains() -> None:
    ending = ending_of(TurnFailed("Half an", FailureKind.CUT), a_row(), MANNER)

    assert (ending.state, ending.voice) == (RowState.FAILED, Voice.AGENT)
    assert ending.text == "Half an"
    assert ending.around.footer == "*The agent's answer broke off. !retry tries again.*"
    assert ending.reason == "the agent failed: cut"


def test_a_stopped_answer_keeps_what_came() -> None:
    ending = ending_of(TurnStopped("Half an"), a_row(), MANNER)

    assert (ending.state, ending.voice) == (RowState.STOPPED, Voice.AGENT)
    assert ending.text == "Half an"
    assert ending.around.footer == "*Stopped. !retry sends your message again.*"
    assert text_of(TurnStopped("")) == ending.around.footer


def test_missing_files_are_told_of_below_what_the_agent_said() -> None:
    around = Around("*56 out*", "I think.")

    def around_of(outcome: TurnOutcome) -> Around:
        ending = ending_of(outcome, a_row(), MANNER, missing=("*no a*", "*no b*"), around=around)
        return ending.around

    assert around_of(TurnFinished("Hi")) == Around("*no a*\n\n*no b*\n\n*56 out*", "I think.")
    assert around_of(TurnAsks("", "i", "Which?", ())) == Around("*no a*\n\n*no b*")
    assert around_of(TurnStopped("Half")).footer.startswith("*no a*\n\n*no b*\n\n*Stopped.")


def test_a_question_shows_its_choices() -> None:
    ending = ending_of(TurnAsks("Wait.", "i", "Delete?", ("yes", "no")), a_row(), MANNER)

    assert ending.state is RowState.ANSWERED
    assert ending.text == "Wait.\n\nDelete?\n\nReply **yes** / **no**."
    assert text_of(TurnAsks("", "i", "Which?", ())) == "Which?\n\nReply to go on."


def test_a_question_without_buttons_names_the_words_that_count() -> None:
    asks = TurnAsks("", "i", "Удалить?", ("Yes", "no", "all_of_it"))

    russian = ending_of(asks, a_row(), evolve(MANNER, language=Language("ru")))

    assert russian.text == "Удалить?\n\nОтветьте: **да** / **нет** / **all\\_of\\_it**."


def test_where_buttons_say_the_choices_the_question_does_not() -> None:
    with_buttons = evolve(MANNER, has_buttons=True)
    too_many = tuple(map(str, range(MOST_BUTTONS + 1)))

    def shown(question: str, *choices: str) -> str:
        return ending_of(TurnAsks("", "i", question, choices), a_row(), with_buttons).text

    assert shown("Delete?", "yes", "no") == "Delete?"
    assert shown("Which?") == "Which?\n\nReply to go on."
    assert shown("Which?", *too_many).endswith("/ **30**.")
    assert shown("", "yes", "no") == "Reply **yes** / **no**."
