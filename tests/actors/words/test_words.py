"""The catalogues of the gateway's own words."""

import re
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.text.render import pieces
from actors.words import CATALOGUES, FAILURES, Word, plain, say
from protocols.ids import Language
from protocols.platform import FailureKind

ENGLISH, RUSSIAN = Language("en"), Language("ru")

FACTS = {
    "attempts": 3,
    "chat": plain("C2") + " **my_plans**",
    "chats": "- **C2** plans: here, in use\n- **C1**: here",
    "choice": "Yes",
    "choices": "**yes** / **no**",
    "code": "KQ7-4TX",
    "commands": "- Matrix: `!link KQ74TX`",
    "count": 12,
    "length": 50_000,
    "limit": "20 MB",
    "minutes": 60,
    "name": plain("annual_report*final*.pdf"),
    "near": "chats",
    "person": "telegram:42",
    "place": "`!abc:example.org`",
    "prefix": "/",
    "read": "1,234",
    "seconds": 17,
    "size": "61 MB",
    "skill": "web_search",
    "surface": "Matrix",
    "skills": "- ✅ web_search\n- ⬜ memory",
    "slot": "C2",
    "task": plain("report_7"),
    "tool": "web_search",
    "tree": "surfaces\n└── store  up",
    "waiting": 2,
    "why": "No route to the source",
    "written": "56",
}
"""What a placeholder may stand for, of ordinary length."""

PLAIN_WORDS = [
    word for word in Word if word.name.startswith(("BUTTON_", "DRAFT_", "PRESS_", "MENU_"))
]
"""Shown by the surface outside its messages, where Markdown would be seen as it is."""

every_language = pytest.mark.parametrize("language", [Language(code) for code in CATALOGUES])
every_word = pytest.mark.parametrize("word", Word)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def said(word: Word, language: Language) -> str:
    names = placeholders(CATALOGUES["en"][word])
    return say(word, language, **{name: FACTS[name] for name in names})


def seen(text: str) -> list[str]:
    """The words of *text*, in order, without Markdown's signs."""
    return re.findall(r"\w+", re.sub(r"\\(.)", r"\1", text).replace("_", " "))


@every_language
@every_word
def test_every_language_has_every_word_with_the_same_placeholders(
    language: Language, word: Word
) -> None:
    words = CATALOGUES[language]

    assert placeholders(words[word]) == placeholders(CATALOGUES["en"][word])
    assert words.keys() == set(Word)


def test_every_placeholder_is_a_known_fact() -> None:
    used = {name for text in CATALOGUES["en"].values() for name in placeholders(text)}

    assert used == FACTS.keys()


@every_language
@every_word
def test_every_word_is_one_message_in_which_no_visible_word_is_lost(
    language: Language, word: Word
) -> None:
    text = said(word, language)

    (piece,) = pieces(text)

    assert seen(piece.text) == seen(text)
    assert piece.entities or "**" not in text


@every_language
@pytest.mark.parametrize("word", PLAIN_WORDS)
def test_what_stands_outside_of_messages_is_one_plain_line(language: Language, word: Word) -> None:
    text = CATALOGUES[language][word]

    assert not placeholders(text) or word.name.startswith("DRAFT_")
    assert not re.search(r"[\n*_`\[\]]", text)


@every_language
def test_what_a_surface_limits_is_within_its_limits(language: Language) -> None:
    limits = {"PRESS_": 200, "MENU_": 256, "BUTTON_": 30, "CHOICE_": 30}

    for word, text in CATALOGUES[language].items():
        limit = limits.get(word.name.partition("_")[0] + "_", 1500)
        assert 0 < len(text) <= limit


@every_language
@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_has_words_and_names_the_way_to_retry(
    language: Language, kind: FailureKind
) -> None:
    assert "!retry" in say(FAILURES[kind], language, prefix="!")


@every_language
def test_help_names_every_command_of_the_menu(language: Language) -> None:
    text = say(Word.HELP, language, prefix="!", limit=20)

    menu = {word.name.removeprefix("MENU_").lower() for word in Word if "MENU_" in word.name}
    assert set(re.findall(r"^- `?!([a-z]+)", text, re.MULTILINE)) == menu


@every_language
@every_word
def test_a_command_that_is_whole_is_no_code_so_that_telegram_lets_it_be_tapped(
    language: Language, word: Word
) -> None:
    assert not re.search(r"`\{prefix\}([a-z]+|\{near\})`", CATALOGUES[language][word])


@pytest.mark.parametrize("language", ["ru", "RU", "ru-RU", "ru-Cyrl-RU"])
def test_every_kind_of_russian_is_russian(language: str) -> None:
    assert say(Word.STOPPED, Language(language)) == "Остановлено."


@pytest.mark.parametrize("language", ["", "en", "en-GB", "de", "run", "xx-ru", "-"])
def test_a_language_without_a_catalogue_is_answered_in_english(language: str) -> None:
    assert say(Word.STOPPED, Language(language)) == "Stopped."


@every_word
def test_russian_is_written_in_russian(word: Word) -> None:
    english, russian = said(word, ENGLISH), said(word, RUSSIAN)

    if re.search("[A-Za-z]", re.sub(r"\{\w+\}", "", CATALOGUES["en"][word])):
        assert russian != english
        assert re.search("[а-яё]", russian)  # noqa: RUF001  # Cyrillic


@every_word
def test_the_bot_has_no_gender_in_russian(word: Word) -> None:
    masculine_or_feminine = r"\b[Яя](?: \w+){0,2} \w+(?:л|ла|лся|лась|ен|на|рад|рада)\b"

    assert not re.search(masculine_or_feminine, said(word, RUSSIAN))


@given(st.text(alphabet="ab*_`[]()<>~|#\\{} "))
def test_a_name_shows_as_it_is(name: str) -> None:
    shown = plain(name)

    assert shown.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\") == name
