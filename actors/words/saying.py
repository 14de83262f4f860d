"""Finds the words for a person's language and fills in the facts."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from actors.words.english import ENGLISH
from actors.words.russian import RUSSIAN
from actors.words.word import Word
from protocols.ids import Language
from protocols.platform import FailureKind

CATALOGUES: Mapping[str, Mapping[Word, str]] = MappingProxyType({"en": ENGLISH, "ru": RUSSIAN})
"""The words by language, by ISO 639 code; each table has every word with the same placeholders."""

FAILURES: Mapping[FailureKind, Word] = MappingProxyType(
    {kind: Word[f"FAILED_{kind.name}"] for kind in FailureKind}
)
"""What is said for each way in which a turn may fail."""

SKILLS: Mapping[str, Word] = MappingProxyType(
    {
        word.name.removeprefix("SKILL_NAMED_").lower(): word
        for word in Word
        if word.name.startswith("SKILL_NAMED_")
    }
)
"""What those skills of the agent are called of which the catalogue knows, by their names."""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")


def say(word: Word, language: Language, **facts: object) -> str:
    """The gateway's Markdown for *word*, in *language* if it has that, with *facts* filled in.

    Facts that a person wrote go through ``plain`` first.
    """
    code = language.partition("-")[0].lower()
    return CATALOGUES.get(code, ENGLISH)[word].format(**facts)


def plain(text: str) -> str:
    """*text* as Markdown that shows it as it is: for names that people chose."""
    return _MARKDOWN.sub(r"\\\1", text)
