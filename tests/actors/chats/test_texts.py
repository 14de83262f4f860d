"""The catalogue of the gateway's own words."""

from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.chats.texts import CATALOGUES, FAILURES, Word, plain, say
from protocols.ids import PersonId
from protocols.platform import FailureKind

ME = PersonId("matrix:@me:s")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", CATALOGUES)
def test_every_language_has_every_word_with_the_same_placeholders(language: str) -> None:
    words = CATALOGUES[language]

    assert set(words) == set(Word)
    for word in Word:
        assert placeholders(words[word]) == placeholders(CATALOGUES["en"][word])


@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_has_words_and_names_the_way_to_retry(kind: FailureKind) -> None:
    assert "!retry" in say(FAILURES[kind], ME, prefix="!")


def test_no_word_is_longer_than_a_message_of_any_surface() -> None:
    assert all(len(text) < 1500 for text in CATALOGUES["en"].values())


@given(st.text(alphabet="ab*_`[]()<>~|#\\{} "))
def test_a_name_shows_as_it_is(name: str) -> None:
    shown = plain(name)

    assert shown.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\") == name
