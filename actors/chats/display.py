"""What a person wants to see around an answer: what it cost below it, the reasoning above it."""

import json
from enum import StrEnum

from attrs import field, frozen

from actors.chats.asking import ask_through_restarts
from actors.chats.commands import cleaned, is_blank
from actors.chats.manner import Manner
from actors.words import Word, count_text, plain
from protocols.ids import PersonId
from protocols.mail import Address
from protocols.platform import Usage
from protocols.store import GetKey, StoreMessage
from protocols.turns import TurnFinished, TurnOutcome

LONGEST_FOLDED = 4_000
"""Characters of the reasoning that are kept: a surface folds them away, and may show fewer."""

_LONGEST_MODEL = 60


class Extra(StrEnum):
    """Something that may stand around an answer."""

    USAGE = "usage"
    REASONING = "reasoning"


@frozen
class Display:
    """The *extras* that one person wants to see."""

    extras: frozenset[Extra] = frozenset()

    def switched(self, extra: Extra, *, is_on: bool) -> "Display":
        """The same with *extra* on or off."""
        return Display(self.extras | {extra} if is_on else self.extras - {extra})


@frozen
class Around:
    """What stands around one answer; empty for nothing.

    Args:
        footer: Markdown below it, of which nothing is the agent's.
        folded: Plain text above it.
    """

    footer: str = field(repr=False, default="")
    folded: str = field(repr=False, default="")


NOTHING_AROUND = Around()

_TOKENS = {
    ("read", "written"): Word.TOKENS_BOTH,
    ("read",): Word.TOKENS_IN,
    ("written",): Word.TOKENS_OUT,
}

_ON_OFF = {"on": True, "вкл": True, "off": False, "выкл": False}


def read_switch(words: str) -> tuple[Extra, bool] | None:
    """What ``usage on`` wants, and whether on; None for other words."""
    match words.casefold().split():
        case [str(name), str(state)] if name in set(Extra) and state in _ON_OFF:
            return Extra(name), _ON_OFF[state]
        case _:
            return None


# Where it is kept.


def display_key(person: PersonId) -> str:
    """Where it is kept what *person* wants to see; of two linked identities the first."""
    return f"display:{person}"


def display_text(display: Display) -> str:
    """*display* as the store keeps it: ``{"usage": true, "reasoning": false}``."""
    return json.dumps({extra.value: extra in display.extras for extra in Extra})


def read_display(text: str | None) -> Display:
    """What the store kept; nothing is shown that nobody asked for."""
    facts = {} if text is None else json.loads(text)
    return Display(frozenset(extra for extra in Extra if facts.get(extra.value) is True))


async def display_of(store: Address[StoreMessage], person: PersonId) -> Display:
    """What *person* wants to see, who is a ``first_identity``."""
    return read_display(await ask_through_restarts(store, GetKey(display_key(person))))


async def around(
    store: Address[StoreMessage], person: PersonId, outcome: TurnOutcome, manner: Manner
) -> Around:
    """What *person*, who is a ``first_identity``, wants to see around *outcome*.

    The store is asked only where there is such.
    """
    if not isinstance(outcome, TurnFinished):
        return NOTHING_AROUND
    footer = "" if outcome.usage is None else footer_of(outcome.usage, manner)
    folded = folded_of(outcome.reasoning)
    if not footer and not folded:
        return NOTHING_AROUND
    extras = (await display_of(store, person)).extras
    return Around(
        footer if Extra.USAGE in extras else "", folded if Extra.REASONING in extras else ""
    )


# What it looks like.


def footer_of(usage: Usage, manner: Manner) -> str:
    """``*gpt-5 · tokens: 1,234 in · 56 out*``; empty where nothing is known."""
    model = " ".join(cleaned(usage.model).split())[:_LONGEST_MODEL].rstrip()
    parts = [part for part in (plain(model), _tokens(usage, manner)) if part]
    return f"*{' · '.join(parts)}*" if parts else ""


def folded_of(reasoning: str) -> str:
    """*reasoning* as it is kept: cleaned, and not too long."""
    text = cleaned(reasoning).strip()
    if is_blank(text):
        return ""
    return text if len(text) <= LONGEST_FOLDED else f"{text[: LONGEST_FOLDED - 1].rstrip()}…"


def _tokens(usage: Usage, manner: Manner) -> str:
    counts = {"read": usage.input_tokens, "written": usage.output_tokens}
    facts = {
        name: count_text(count, manner.language)
        for name, count in counts.items()
        if count is not None
    }
    word = _TOKENS.get(tuple(facts))
    return "" if word is None else manner.say(word, **facts)
