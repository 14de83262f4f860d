"""A question of the agent and its answer."""

# ruff: noqa: RUF001  # Cyrillic letters are meant

import pytest
from attrs import evolve

from actors.chats.confirms import LIFE, asked, choice_in, confirm_facts, read_confirm, resume_with
from actors.words import CATALOGUES, Word
from protocols.ids import RowId, SlotId
from protocols.platform import Resume
from protocols.turns import TurnAsks

C1, C2 = SlotId("C1"), SlotId("C2")
ASKS = TurnAsks("", "i-1", "Really?", ("Yes", "no", "Löschen"))
CONFIRM = asked(RowId(1), C1, ASKS, now=10.0)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("yes", "Yes"),
        (" YES! ", "Yes"),
        ("y", "Yes"),
        ("N.", "no"),
        ("löschen", "Löschen"),
        ("maybe", None),
        ("yes, but later", None),
        ("", None),
    ],
)
def test_an_answer_matches_a_choice_or_cancels_the_question(text: str, choice: str | None) -> None:
    assert resume_with(CONFIRM, text, is_older=False) == Resume("i-1", choice)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("> Shall I go on?\n\nyes", "Yes"),
        ("> Shall I go on?\n>\n> It is **much**.\n\nнет", "no"),
        ("> yes\n\nlater", None),
        ("> yes", None),
    ],
)
def test_an_answer_may_be_a_reply_to_the_question(text: str, choice: str | None) -> None:
    assert choice_in(text, CONFIRM.choices) == choice


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("да", "Yes"),
        ("Да.", "Yes"),
        (" Д", "Yes"),
        ("НЕТ!", "no"),
        ("н.", "no"),
        ("да, но позже", None),
    ],
)
def test_a_russian_yes_or_no_is_one(text: str, choice: str | None) -> None:
    assert choice_in(text, CONFIRM.choices) == choice


@pytest.mark.parametrize(
    ("text", "choice"),
    [("✅", "Yes"), ("✅\ufe0f", "Yes"), ("👍", "Yes"), ("❌", "no"), ("👎 ", "no"), ("🦊", None)],
)
def test_a_sign_for_yes_or_no_is_one(text: str, choice: str | None) -> None:
    assert choice_in(text, CONFIRM.choices) == choice


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("1️⃣", "red"),
        ("2\u20e3", "green"),
        ("3️⃣", "blue"),
        ("4️⃣", None),
        ("🔟", None),
        ("2", None),
        ("✅", None),
    ],
)
def test_the_sign_of_a_number_is_the_choice_that_is_shown_with_it(
    text: str, choice: str | None
) -> None:
    assert choice_in(text, ("red", " ", "green", "blue")) == choice


def test_other_words_do_not_choose_what_has_no_name() -> None:
    assert [choice_in(text, ("yes", " ", "!")) for text in ("maybe", "", "!")] == [None] * 3


def test_the_tenth_choice_has_a_sign_of_its_own() -> None:
    assert choice_in("🔟", tuple("abcdefghij")) == "j"


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("approve", "Approve"),
        ("Yes.", "Approve"),
        ("да", "Approve"),
        ("разрешить", "Approve"),
        ("👍", "Approve"),
        ("✅\ufe0f", "Approve"),
        ("REJECT!", "reject"),
        ("n", "reject"),
        ("нет", "reject"),
        ("Отклонить", "reject"),
        ("👎", "reject"),
        ("❌", "reject"),
        ("approve it later", None),
    ],
)
def test_an_approval_is_given_as_a_yes_is(text: str, choice: str | None) -> None:
    assert choice_in(text, ("Approve", "reject")) == choice


def test_a_yes_is_the_choice_of_that_name_also_beside_an_approval() -> None:
    choices = ("approve", "yes")

    assert [choice_in(text, choices) for text in ("yes", "approve", "👍")] == [
        "yes",
        "approve",
        "yes",
    ]


def test_where_yes_and_no_are_no_choices_their_words_choose_nothing() -> None:
    assert [choice_in(text, ("red", "green")) for text in ("да", "y", "н")] == [None] * 3


def test_what_the_agent_calls_a_choice_goes_before_what_it_means_elsewhere() -> None:
    assert choice_in("Н", ("yes", "no", "н")) == "н"


@pytest.mark.parametrize("language", CATALOGUES)
def test_what_a_button_says_counts_when_it_is_typed(language: str) -> None:
    words = CATALOGUES[language]
    typed = [words[Word.CHOICE_YES], words[Word.CHOICE_NO]]
    approved = [words[Word.CHOICE_APPROVE], words[Word.CHOICE_REJECT]]

    assert [choice_in(text, ("yes", "no")) for text in typed] == ["yes", "no"]
    assert [choice_in(text, ("approve", "reject")) for text in approved] == ["approve", "reject"]


def test_a_yes_that_was_written_before_the_question_confirms_nothing() -> None:
    assert resume_with(CONFIRM, "yes", is_older=True) == Resume("i-1", None)


@pytest.mark.parametrize(
    ("slot", "at", "is_open"), [(C1, 11.0, True), (C1, 10.0 + LIFE, False), (C2, 11.0, False)]
)
def test_a_question_is_open_for_an_hour_in_its_own_chat(
    slot: SlotId, at: float, *, is_open: bool
) -> None:
    assert CONFIRM.is_open(slot, at) is is_open


@pytest.mark.parametrize(("until", "ends"), [(15.0, 15.0), (10.0 + 2 * LIFE, 10.0 + LIFE)])
def test_the_agent_may_end_its_question_sooner_but_not_later(until: float, ends: float) -> None:
    confirm = asked(RowId(1), C1, evolve(ASKS, expires_at=until), now=10.0)

    assert confirm.is_open(C1, ends - 0.5)
    assert not confirm.is_open(C1, ends)


def test_only_the_agent_s_own_end_makes_an_answer_that_waited_useless() -> None:
    ended = asked(RowId(1), C1, evolve(ASKS, expires_at=15.0), now=10.0)

    assert [ended.is_stale(at) for at in (14.9, 15.0)] == [False, True]
    assert not CONFIRM.is_stale(10.0 + 2 * LIFE)


def test_what_the_agent_needs_to_go_on_is_in_no_trace() -> None:
    assert "i-1" not in repr(CONFIRM)


def test_a_question_is_read_as_it_was_kept() -> None:
    assert read_confirm(confirm_facts(CONFIRM)) == CONFIRM


def test_a_question_that_an_older_program_kept_is_read() -> None:
    facts = confirm_facts(CONFIRM)
    del facts["tried_by"], facts["is_tried_choice"], facts["agent_until"]

    assert read_confirm(facts) == CONFIRM


def test_an_answer_is_noted_on_the_row_that_asked_or_tried_last() -> None:
    tried = evolve(CONFIRM, tried_by=RowId(7), is_tried_choice=True)

    assert (CONFIRM.decided_on, tried.decided_on) == (1, 7)


def test_other_words_that_failed_may_be_run_again_whatever_is_answered() -> None:
    assert evolve(CONFIRM, tried_by=RowId(7)).decided_on is None
