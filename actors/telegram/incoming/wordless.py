"""What is sent without words, in words for the agent: places, contacts, dice, stickers. Pure."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from actors.surfaces.shapes import Json, clean, is_number, table
from actors.telegram.incoming.shapes import handle_in

_LONGEST_WORDS = 256
_MOST_EYES = 64  # of the slot machine


def words_for(raw: Json) -> str:
    """What the message *raw* says without a text; empty for nothing."""
    said = (say(table(raw[kind])) for kind, say in _SAYINGS.items() if kind in raw)
    return next((words for words in said if words), "")


def _venue(venue: Json) -> str:
    known = (_line(venue.get("title")), _line(venue.get("address")))
    named = ", ".join(part for part in known if part)
    place = _place(table(venue.get("location")))
    if not named:
        return f"Location: {place}" if place else ""
    return f"Venue: {named} ({place})" if place else f"Venue: {named}"


def _location(location: Json) -> str:
    place = _place(location)
    return f"Location: {place}" if place else ""


def _place(location: Json) -> str:
    latitude = _degrees(location.get("latitude"), 90)
    longitude = _degrees(location.get("longitude"), 180)
    return f"{latitude}, {longitude}" if latitude and longitude else ""


def _degrees(found: Any, most: int) -> str:
    is_one = isinstance(found, int | float) and not isinstance(found, bool) and abs(found) <= most
    return f"{found:.6f}".rstrip("0").rstrip(".") if is_one else ""


def _contact(contact: Json) -> str:
    names = (_line(contact.get("first_name")), _line(contact.get("last_name")))
    name = " ".join(part for part in names if part)
    known = ", ".join(part for part in (name, _line(contact.get("phone_number"))) if part)
    return f"Contact: {known}" if known else ""


def _dice(dice: Json) -> str:
    value, emoji = dice.get("value"), _line(dice.get("emoji"))
    return (
        f"Dice {emoji}: {value}" if emoji and is_number(value) and 0 < value <= _MOST_EYES else ""
    )


def _sticker(sticker: Json) -> str:
    emoji = _line(sticker.get("emoji"))
    if emoji:
        return f"Sticker: {emoji}"
    return "Sticker" if handle_in(sticker) else ""


def _line(found: Any) -> str:
    """Words of a person on one line."""
    text = found[:_LONGEST_WORDS] if isinstance(found, str) else ""
    return " ".join(clean(text).split())


# A venue is a location, too, and says more.
_SAYINGS: Mapping[str, Callable[[Json], str]] = MappingProxyType(
    {
        "venue": _venue,
        "location": _location,
        "contact": _contact,
        "dice": _dice,
        "sticker": _sticker,
    }
)
