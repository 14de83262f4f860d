"""What a person typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.chats.commands import (
    Blank,
    Command,
    CommandName,
    ForAgent,
    UnknownCommand,
    cleaned,
    is_blank,
    typed,
)

SLASH = ("/",)
MATRIX = ("/", "!")


@pytest.mark.parametrize("name", CommandName)
@pytest.mark.parametrize("prefix", MATRIX)
def test_every_command_is_known_with_either_prefix(name: CommandName, prefix: str) -> None:
    assert typed(f"{prefix}{name}", MATRIX) == Command(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/new My plans", Command(CommandName.NEW, "My plans")),
        ("  /new \t My\nplans  ", Command(CommandName.NEW, "My\nplans")),
        ("/HELP@some_bot", Command(CommandName.HELP)),
        ("/stop@some_bot now", Command(CommandName.STOP, "now")),
        ("/stopp", UnknownCommand(CommandName.STOP)),
        ("/qqqqq", UnknownCommand()),
        ("/", UnknownCommand()),
        ("/etc is a folder", UnknownCommand()),
        ("/usr/bin/x", ForAgent("/usr/bin/x")),
        ("/etc/passwd is readable", ForAgent("/etc/passwd is readable")),
        ("// a comment", ForAgent("// a comment")),
        ("//", ForAgent("//")),
        ("/* c */ int x;", ForAgent("/* c */ int x;")),
        ("/ hello", ForAgent("/ hello")),
        ("/10 would not recommend", ForAgent("/10 would not recommend")),
        ("what is /help", ForAgent("what is /help")),
        ("!help", ForAgent("!help")),
        ("", Blank()),
        (" \n\t ", Blank()),
        ("\x00\x07", Blank()),
        ("\u200b\u2060", Blank()),
        ("a\x00b\x1b[31m", ForAgent("ab[31m")),
        ("a\r\nb\rc\td", ForAgent("a\nb\nc\td")),
    ],
)
def test_a_text_is_a_command_a_near_miss_or_a_message(text: str, expected: object) -> None:
    assert typed(text, SLASH) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!hlep", UnknownCommand(CommandName.HELP)),
        ("!important: read this", ForAgent("!important: read this")),
        ("!", ForAgent("!")),
        ("!!!", ForAgent("!!!")),
        ("/nonsense", UnknownCommand()),
    ],
)
def test_an_exclamation_mark_is_a_prefix_only_near_a_command(text: str, expected: object) -> None:
    assert typed(text, MATRIX) == expected


@given(st.text())
def test_a_cleaned_text_can_be_encoded_and_shows_no_control_characters(text: str) -> None:
    clean = cleaned(text + "\ud800")

    clean.encode()
    assert all(char in "\n\t" or char.isprintable() or ord(char) > 0x9F for char in clean)
    assert cleaned(clean) == clean


@given(st.text(), st.sampled_from([SLASH, MATRIX]))
def test_nothing_that_is_typed_gets_lost(text: str, prefixes: tuple[str, ...]) -> None:
    match typed(text, prefixes):
        case ForAgent(words):
            assert words == cleaned(text)
            assert not is_blank(words)
        case Blank():
            assert is_blank(cleaned(text))
        case Command() | UnknownCommand():
            assert text.strip()[:1] in prefixes or cleaned(text).strip()[:1] in prefixes


def test_a_person_s_words_are_not_in_the_repr() -> None:
    assert "secret" not in repr(typed("/new secret", SLASH))
    assert "secret" not in repr(typed("secret", SLASH))
