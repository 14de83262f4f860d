import pytest

from tests.rigs.telegram_client import ANN, Bot
from tests.rigs.telegram_faults import Json, RefusedError
from tests.rigs.telegram_text import checked_markup, formatted

FACE = "😀"  # one code point, two UTF-16 units


def bold(offset: int, length: int) -> Json:
    return {"type": "bold", "offset": offset, "length": length}


def link(url: object) -> Json:
    return {"type": "text_link", "offset": 0, "length": 1, "url": url}


def refused(text: object, *entities: object) -> str:
    with pytest.raises(RefusedError) as caught:
        formatted(text, list(entities))
    return caught.value.description.removeprefix("Bad Request: ")


@pytest.mark.parametrize("text", ["", None, 7])
def test_no_text_is_refused(text: object) -> None:
    assert refused(text) == "message text is empty"


@pytest.mark.parametrize("text", [" ", "\n \t", "\r"])
def test_a_text_of_spaces_is_refused(text: str) -> None:
    assert refused(text) == "text must be non-empty"


def test_half_a_surrogate_pair_is_no_text() -> None:
    assert refused("x\ud83d") == "strings must be encoded in UTF-8"


def test_length_counts_code_points_of_what_is_left() -> None:
    assert formatted(FACE * 4096 + "  ", None)[0] == FACE * 4096
    assert refused("x" * 4097) == "message is too long"


def test_spaces_around_are_cut_and_entities_moved() -> None:
    assert formatted("\n\nhi there \n", [bold(2, 10)]) == ("hi there", [bold(0, 8)])
    assert formatted("  hi", [bold(0, 4)]) == ("  hi", [bold(0, 4)])
    assert formatted("hi  ", [bold(2, 2)]) == ("hi", [])


def test_carriage_returns_and_control_characters_are_cleaned() -> None:
    assert formatted("a\r\nb\x07c", [bold(3, 3)]) == ("a\nb c", [bold(2, 3)])


def test_entities_are_measured_in_utf16() -> None:
    assert formatted(FACE + "x", [bold(2, 1)]) == (FACE + "x", [bold(2, 1)])
    assert refused(FACE + "x", bold(1, 2)) == "entity begins in a middle of a UTF-16 symbol"
    assert refused("x" + FACE, bold(0, 2)) == (
        "entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol"
    )


def test_entities_outside_of_the_text_are_refused() -> None:
    assert refused("hello", bold(5, 1)) == (
        "entity begins after the end of the text at UTF-16 offset 5"
    )
    assert refused("hello", bold(1, 5)) == (
        "entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 6"
    )
    assert refused("hello", bold(-1, 2)) == "receive an entity with incorrect offset -1"


@pytest.mark.parametrize(
    ("entity", "words"),
    [
        ("bold", "Expected an Object"),
        ({"type": "loud", "offset": 0, "length": 1}, "Unsupported type specified"),
        ({"type": "bold", "offset": "0", "length": 1}, 'Can\'t find field "offset"'),
        (link(None), 'Can\'t find field "url"'),
    ],
)
def test_what_is_no_entity_is_refused(entity: object, words: str) -> None:
    assert refused("x", entity) == f"can't parse MessageEntity: {words}"


def test_entities_that_are_no_list_are_refused() -> None:
    with pytest.raises(RefusedError, match="can't parse entities"):
        formatted("x", {"type": "bold"})


def test_entities_that_telegram_finds_itself_and_empty_ones_are_ignored() -> None:
    assert formatted("@ann", [{"type": "mention", "offset": 0, "length": 4}, bold(0, 0)])[1] == []


def test_entities_beyond_the_hundredth_are_lost() -> None:
    entities = [bold(place, 1) for place in range(120)]

    assert formatted("x" * 120, entities)[1] == entities[:100]


@pytest.mark.parametrize(
    "url",
    [
        "src/a.py",
        "http://localhost:8000",
        "mailto:ann@example.com",
        "#top",
        "ftp://example.com",
        "/etc/passwd",
        "",
    ],
)
def test_a_link_without_a_real_host_refuses_the_message(url: str) -> None:
    assert refused("x", link(url)) == f"entity URL '{url}' is invalid: Wrong HTTP URL"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a?b#c",
        "HTTP://example.com:80",
        "example.com",
        "example.com:8080/x",
        "tg://user?id=42",
        "tg:resolve?domain=ann",
        "http://127.0.0.1:8000",
    ],
)
def test_a_link_with_a_host_is_taken(url: str) -> None:
    assert formatted("x", [link(url)])[1] == [link(url)]


@pytest.mark.parametrize(
    ("button", "words"),
    [
        ({"text": "x", "callback_data": "ä" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": ""}, "BUTTON_DATA_INVALID"),
        ({"text": "x"}, "can't parse inline keyboard button: Text buttons are unallowed"),
        ({"callback_data": "x"}, "can't parse inline keyboard button: Can't find field"),
        ({"text": "x", "url": "http://localhost"}, "inline keyboard button URL"),
        ("x", "can't parse inline keyboard button"),
    ],
)
def test_bad_buttons_are_refused(button: object, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        checked_markup({"inline_keyboard": [[button]]})


@pytest.mark.parametrize(
    "markup", [[1], {"inline_keyboard": [1]}, {"inline_keyboard": 1}, {"inline_keyboard": None}]
)
def test_what_is_no_keyboard_is_refused(markup: object) -> None:
    with pytest.raises(RefusedError):
        checked_markup(markup)


def test_64_bytes_of_callback_data_are_taken() -> None:
    markup = {"inline_keyboard": [[{"text": "x", "callback_data": "ä" * 32}]]}

    assert checked_markup(markup) == markup
    assert checked_markup({}) is None


def test_100_buttons_are_taken_and_no_more() -> None:
    rows = [[{"text": "x", "callback_data": "x"}] * 5] * 20

    assert checked_markup({"inline_keyboard": rows}) == {"inline_keyboard": rows}
    with pytest.raises(RefusedError, match="reply markup is too long"):
        checked_markup({"inline_keyboard": [*rows, rows[0]]})


def test_buttons_of_more_than_10_kb_are_too_long() -> None:
    rows = [[{"text": "x" * 60, "callback_data": "x" * 64}]] * 80

    with pytest.raises(RefusedError, match="reply markup is too long"):
        checked_markup({"inline_keyboard": rows})


@pytest.mark.parametrize("rows", [[], [[]], [[{"text": "", "callback_data": "x"}]]])
def test_a_keyboard_without_labels_is_none(rows: object) -> None:
    assert checked_markup({"inline_keyboard": rows}) is None


async def test_an_edit_that_is_too_long_has_words_of_its_own(bot: Bot) -> None:
    sent = await bot.send("x")

    assert await bot.send("x" * 4097) == "Bad Request: message is too long"
    assert await bot.edit(sent["message_id"], "x" * 4097, ANN) == "Bad Request: MESSAGE_TOO_LONG"
