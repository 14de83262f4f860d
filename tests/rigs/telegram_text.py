"""What Telegram makes of a message's text, entities and buttons, and what it refuses.

Source:
    TDLib, ``MessageEntity.cpp`` (``fix_formatted_text``, ``clean_input_string_with_entities``)
    and ``LinkManager.cpp`` (``check_link``).
"""

import json
import re
from typing import Any

from tests.rigs.telegram_faults import Json, bad_request

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_ENTITIES = 100
MAX_CALLBACK_BYTES = 64
MAX_BUTTONS = 100
MAX_MARKUP_BYTES = 10_240
_ENTITIES = frozenset(
    {
        *("bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre", "text_link"),
        *("text_mention", "custom_emoji", "blockquote", "expandable_blockquote", "date_time"),
    }
)
# Telegram finds these itself and ignores them in what a bot sends.
_FOUND_BY_TELEGRAM = frozenset(
    {
        *("mention", "hashtag", "cashtag", "bot_command"),
        *("url", "email", "phone_number", "bank_card_number"),
    }
)
_CONTROLS = dict.fromkeys(range(33), " ") | {10: "\n", 13: None}
_HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair
_FURTHEST = 1_000_000
_ACTIONS = frozenset(
    {
        *("callback_data", "url", "web_app", "login_url", "copy_text", "callback_game", "pay"),
        *("switch_inline_query", "switch_inline_query_current_chat"),
        "switch_inline_query_chosen_chat",
    }
)


def length_utf16(text: str) -> int:
    """UTF-16 code units of *text*."""
    return len(text) + sum(char > "\uffff" for char in text)


def formatted(
    text: object,
    entities: object,
    *,
    too_long: str = "message is too long",
    max_length: int = MAX_TEXT,
    may_be_empty: bool = False,
) -> tuple[str, list[Json]]:
    """The text and entities as Telegram keeps them.

    Args:
        max_length: In code points, of what is left.
        may_be_empty: A caption may, a message may not.

    Raises:
        RefusedError: With Telegram's text, if it takes no such message.
    """
    text = text if isinstance(text, str) else ""
    if not text and not may_be_empty:
        raise bad_request("message text is empty")
    if _HALF.search(text):
        raise bad_request("strings must be encoded in UTF-8")
    wanted = [one for given in _listed(entities) if (one := _entity(given)) is not None]
    _check_positions(text, wanted)
    text, wanted = _trimmed(text.translate(_CONTROLS), _without_returns(text, wanted))
    if not text and not may_be_empty:
        raise bad_request("text must be non-empty")
    if len(text) > max_length:
        raise bad_request(too_long)
    return text, wanted[:MAX_ENTITIES]


def _listed(entities: object) -> list[Any]:
    if entities is None or entities == "":
        return []
    if not isinstance(entities, list):
        raise bad_request("can't parse entities: Object expected as entities")
    return entities


def _entity(given: object) -> Json | None:
    """One entity, None if Telegram ignores it."""
    if not isinstance(given, dict):
        raise bad_request("can't parse MessageEntity: Expected an Object")
    for name in ("offset", "length"):
        if not isinstance(given.get(name), int):
            raise bad_request(f"can't parse MessageEntity: Can't find field \"{name}\"")
    kind = given.get("type")
    if kind in _FOUND_BY_TELEGRAM:
        return None
    if kind not in _ENTITIES:
        raise bad_request("can't parse MessageEntity: Unsupported type specified")
    if kind == "text_link":
        check_url(given.get("url"), "Entity URL")
    for name in ("offset", "length"):
        if not 0 <= given[name] <= _FURTHEST:
            raise bad_request(f"receive an entity with incorrect {name} {given[name]}")
    return dict(given) if given["length"] else None


def check_url(url: object, what: str) -> None:
    """Refuse an address that Telegram makes no link of; *what* begins the description."""
    if not isinstance(url, str):
        raise bad_request("can't parse MessageEntity: Can't find field \"url\"")
    scheme, _, rest = url.rpartition("://")
    if scheme.lower() in {"tg", "ton"} or url.lower().startswith(("tg:", "ton:")):
        return
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].partition(":")[0]
    is_other_scheme = scheme.lower() not in {"", "http", "https"} or re.match(
        r"[a-zA-Z]+:(?![/\d])", url
    )
    if is_other_scheme or "." not in host:
        raise bad_request(f"{_lowered(what)} '{url}' is invalid: Wrong HTTP URL")


def _lowered(what: str) -> str:
    return what[:1].lower() + what[1:]


def _check_positions(text: str, entities: list[Json]) -> None:
    """Each entity must begin and end between two characters of *text*."""
    edges, at = {0}, 0
    for char in text:
        at += length_utf16(char)
        edges.add(at)
    for one in sorted(entities, key=lambda one: int(one["offset"])):
        start, end = one["offset"], one["offset"] + one["length"]
        if start >= at:
            raise bad_request(f"entity begins after the end of the text at UTF-16 offset {start}")
        if end > at:
            raise bad_request(
                f"entity beginning at UTF-16 offset {start} "
                f"ends after the end of the text at UTF-16 offset {end}"
            )
        if start not in edges:
            raise bad_request("entity begins in a middle of a UTF-16 symbol")
        if end not in edges:
            raise bad_request(
                f"entity beginning at UTF-16 offset {start} ends in a middle of a UTF-16 symbol"
            )


def _without_returns(text: str, entities: list[Json]) -> list[Json]:
    """The entities' places in *text* after its carriage returns are gone."""
    if "\r" not in text:
        return entities
    units = text.encode("utf-16-le")

    def moved(place: int) -> int:
        return place - units[: 2 * place].decode("utf-16-le").count("\r")

    return [
        {**one, "offset": moved(one["offset"]), "length": moved(_end(one)) - moved(one["offset"])}
        for one in entities
    ]


def _end(entity: Json) -> int:
    return int(entity["offset"] + entity["length"])


def _trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Without spaces at the end, nor before the first entity at the beginning."""
    text = text.rstrip(" \n")
    last = length_utf16(text)
    kept = [
        {**one, "length": min(_end(one), last) - one["offset"]}
        for one in sorted(entities, key=lambda one: (one["offset"], -one["length"]))
        if one["offset"] < last
    ]
    first = min((one["offset"] for one in kept), default=last)
    cut = min(len(text) - len(text.lstrip(" \n")), first)
    return text[cut:], [{**one, "offset": one["offset"] - cut} for one in kept]


def checked_markup(markup: object) -> Json | None:
    """The buttons, if Telegram takes them; None where none are left.

    Source:
        TDLib, ``get_reply_markup``, which drops buttons without a label. The server's limits on
        an inline keyboard are written nowhere: 100 buttons and about 10 kB by reports.
    """
    if markup in (None, "", {}):
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" not in markup:
        return markup
    if not isinstance(markup["inline_keyboard"], list):
        raise bad_request('field "inline_keyboard" must be of type Array')
    rows = [kept for row in markup["inline_keyboard"] if (kept := _row(row))]
    kept_markup = markup | {"inline_keyboard": rows}
    is_long = len(json.dumps(kept_markup, ensure_ascii=False).encode()) > MAX_MARKUP_BYTES
    if is_long or sum(map(len, rows)) > MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    return kept_markup if rows else None


def _row(row: object) -> list[Any]:
    if not isinstance(row, list):
        raise bad_request("can't parse inline keyboard button: expected an Array")
    for button in row:
        _check_button(button)
    return [button for button in row if button["text"]]


def _check_button(button: object) -> None:
    if not isinstance(button, dict) or not isinstance(button.get("text"), str):
        raise bad_request("can't parse inline keyboard button: Can't find field \"text\"")
    if not _ACTIONS & button.keys():
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    if "url" in button:
        check_url(button["url"], "Inline keyboard button URL")
    if "callback_data" in button:
        size_bytes = len(str(button["callback_data"]).encode(errors="replace"))
        if not 1 <= size_bytes <= MAX_CALLBACK_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
