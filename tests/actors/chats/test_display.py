"""What people see around an answer."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from actors.chats.display import (
    LONGEST_FOLDED,
    Display,
    Extra,
    display_key,
    display_text,
    folded_of,
    footer_of,
    read_display,
    read_switch,
)
from actors.chats.manner import Manner
from protocols.ids import Language
from protocols.journal import OutboxRow
from protocols.platform import Usage
from tests.actors.chats.world import ME, YOU, World, shown

ENGLISH = Manner(Language("en"), "/")
RUSSIAN = Manner(Language("ru"), "/")
FOOTER = "*gpt\\_5 · tokens: 1,234 in · 56 out*"


@pytest.mark.parametrize(
    ("usage", "footer"),
    [
        (Usage("gpt-5", 1_234, 56), "*gpt-5 · tokens: 1,234 in · 56 out*"),
        (Usage("a_model*"), "*a\\_model\\**"),
        (Usage("", 1_234), "*tokens: 1,234 in*"),
        (Usage("", None, 1_000_000), "*tokens: 1,000,000 out*"),
        (Usage("", 0, 0), "*tokens: 0 in · 0 out*"),
        (Usage(" \n\x1b", None, None), ""),
        (Usage("two\nlines", None, 5), "*two lines · tokens: 5 out*"),
    ],
)
def test_a_footer_says_what_is_known_in_one_line(usage: Usage, footer: str) -> None:
    assert footer_of(usage, ENGLISH) == footer


def test_a_footer_speaks_the_person_s_language() -> None:
    footer = footer_of(Usage("gpt-5", 1_234, 56), RUSSIAN)

    assert footer == "*gpt-5 · токены: 1\N{NO-BREAK SPACE}234 на входе · 56 на выходе*"


@given(st.text(max_size=300), st.none() | st.integers(0, 10**12))
def test_no_name_of_a_model_makes_a_footer_long_or_more_than_a_line(
    model: str, tokens: int | None
) -> None:
    footer = footer_of(Usage(model, tokens, tokens), ENGLISH)

    assert "\n" not in footer
    assert len(footer) < 200
    footer.encode()


@pytest.mark.parametrize(
    ("reasoning", "folded"),
    [
        ("\n First,\r\nthen. \n", "First,\nthen."),
        ("\u200b \n", ""),
        ("\x1b[2Jno\ud800", "[2Jno"),
        ("x" * LONGEST_FOLDED, "x" * LONGEST_FOLDED),
        ("x" * (LONGEST_FOLDED + 1), "x" * (LONGEST_FOLDED - 1) + "…"),
    ],
)
def test_reasoning_is_kept_clean_and_not_too_long(reasoning: str, folded: str) -> None:
    assert folded_of(reasoning) == folded


@given(st.sets(st.sampled_from(Extra)))
def test_what_somebody_wants_to_see_is_read_as_it_was_kept(extras: set[Extra]) -> None:
    display = Display(frozenset(extras))

    assert read_display(display_text(display)) == display
    assert json.loads(display_text(display)).keys() == {"usage", "reasoning"}


@pytest.mark.parametrize("text", [None, "{}", '{"usage": 1, "prices": true}'])
def test_nothing_is_shown_that_nobody_asked_for(text: str | None) -> None:
    assert read_display(text) == Display()


@pytest.mark.parametrize(
    ("words", "switch"),
    [
        ("usage on", (Extra.USAGE, True)),
        (" Reasoning  OFF ", (Extra.REASONING, False)),
        ("usage выкл", (Extra.USAGE, False)),
        ("usage", None),
        ("on usage", None),
        ("", None),
    ],
)
def test_a_switch_is_read_from_words(words: str, switch: tuple[Extra, bool] | None) -> None:
    assert read_switch(words) == switch


# Stories.


async def thinking(world: World, **facts: Any) -> OutboxRow:
    """The answer to a message that the agent thinks about."""
    async with world.running():
        await world.say("think", **facts)
    return world.sent[-1]


def wants(world: World, *extras: Extra) -> World:
    world.journal.keys[display_key(ME)] = display_text(Display(frozenset(extras)))
    return world


async def test_whoever_asked_for_nothing_sees_the_answer_alone(autojump_clock: MockClock) -> None:
    answer = await thinking(World(autojump_clock))

    assert (answer.text, answer.footer, answer.folded) == ("echo think", "", "")


@pytest.mark.parametrize(
    ("extra", "footer", "folded"),
    [(Extra.USAGE, FOOTER, ""), (Extra.REASONING, "", "I think.")],
)
async def test_each_sees_what_they_asked_for(
    extra: Extra, footer: str, folded: str, autojump_clock: MockClock
) -> None:
    world = wants(World(autojump_clock), extra)

    mine = await thinking(world)

    assert (mine.text, mine.footer, mine.folded) == ("echo think", footer, folded)
    assert world.faults == []


async def test_others_see_what_they_asked_for_themselves(autojump_clock: MockClock) -> None:
    theirs = await thinking(wants(World(autojump_clock), *Extra), sender=YOU)

    assert (theirs.footer, theirs.folded) == ("", "")


async def test_a_linked_identity_sees_what_the_first_one_asked_for(
    autojump_clock: MockClock,
) -> None:
    world = wants(World(autojump_clock), *Extra)
    world.journal.keys[f"linked:{YOU}"] = json.dumps(ME)

    theirs = await thinking(world, sender=YOU)

    assert (theirs.footer, theirs.folded) == (FOOTER, "I think.")


async def test_what_an_agent_does_not_say_is_not_looked_for(autojump_clock: MockClock) -> None:
    world = wants(World(autojump_clock), *Extra)
    async with world.running():
        await world.say("hello", "fail")

    assert [(shown(out), out.folded) for out in world.sent] == [
        ("echo hello", ""),
        ("part\n\n*The agent's answer broke off. !retry tries again.*", ""),
    ]
