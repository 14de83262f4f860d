"""To whom a text is addressed: mentions and commands in it. Pure; never raises.

Telegram says where they stand in UTF-16 code units.
"""

import re
from collections.abc import Sequence
from typing import Any

from attrs import field, frozen

from actors.surfaces.shapes import clean, table
from actors.telegram.api.outcomes import Me

_UTF16 = "utf-16-le"


@frozen
class Addressed:
    """A text without what only said to whom it goes.

    Args:
        is_to_us: It mentions us, or holds a command for us.
        is_to_another: It is a command for another bot.
    """

    text: str = field(repr=False)
    is_to_us: bool = False
    is_to_another: bool = False


@frozen
class _Span:
    """A part of a text, in bytes of UTF-16."""

    kind: str
    start: int
    end: int
    user_id: Any


def read_address(text: str, entities: Any, me: Me) -> Addressed:
    """To whom *text* with its *entities*, as Telegram sent them, is addressed."""
    units = text.encode(_UTF16, "surrogatepass")
    spans = _spans(entities, len(units))
    if any(_bot_called(span, units) not in {"", _name(me)} for span in spans if not span.start):
        return Addressed(clean(text), is_to_another=True)
    ours = [cut for span in spans if (cut := _cut_of(span, units, me)) is not None]
    if not ours:
        return Addressed(clean(text))
    rest = _without(units, ours).decode(_UTF16, "replace")
    # The mention alone is also something to say.
    return Addressed(rest if rest.strip() else clean(text), is_to_us=True)


def _spans(entities: Any, size_bytes: int) -> list[_Span]:
    found = entities if isinstance(entities, list) else []
    spans = [_span(entity) for entity in found if isinstance(entity, dict)]
    return [span for span in spans if span is not None and span.end <= size_bytes]


def _span(entity: dict[str, Any]) -> _Span | None:
    match entity:
        case {"type": str(kind), "offset": int(offset), "length": int(length)}:
            user_id = table(entity.get("user")).get("id")
            is_sound = offset >= 0 and length > 0
            return _Span(kind, 2 * offset, 2 * (offset + length), user_id) if is_sound else None
        case _:
            return None


def _bot_called(span: _Span, units: bytes) -> str:
    """The bot that a command names, ``@name`` in small letters; empty for none."""
    if span.kind != "bot_command":
        return ""
    _, at, name = _part(span, units).partition("@")
    return f"{at}{name}".casefold()


def _cut_of(span: _Span, units: bytes, me: Me) -> tuple[int, int] | None:
    """The bytes of *span* that only say that it is for us; None if it is not."""
    match span.kind:
        case "text_mention" if span.user_id == me.id:
            return span.start, span.end
        case "mention" if _part(span, units).casefold() == _name(me):
            return span.start, span.end
        case "bot_command" if (name := _bot_called(span, units)) == _name(me):
            return span.end - 2 * len(name), span.end
        case _:
            return None


def _without(units: bytes, cuts: Sequence[tuple[int, int]]) -> bytes:
    """The text without *cuts*, and without the space or comma that they leave behind."""
    for start, end in sorted(cuts, reverse=True):
        before = units[:start].decode(_UTF16, "replace")
        after = units[end:].decode(_UTF16, "replace")
        if not before.strip():
            before, after = "", re.sub(r"^[\s,:;]+", "", after)
        elif before[-1:].isspace() and (not after or after[:1].isspace()):
            before = before[:-1]
        units = (before + after).encode(_UTF16)
    return units


def _part(span: _Span, units: bytes) -> str:
    return units[span.start : span.end].decode(_UTF16, "replace")


def _name(me: Me) -> str:
    return f"@{me.username}".casefold()
