"""What stands in an agent's JSON, taken with care: it may be anything; pure."""

from datetime import UTC, datetime
from math import isfinite
from typing import Any

_LARGEST = 2**53


def text_of(value: object) -> str:
    """*value* where it is a string, else an empty one; what is no character is replaced."""
    if not isinstance(value, str):
        return ""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a character: no store and no surface takes it
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def object_of(value: object) -> dict[str, Any]:
    """*value* where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    """*value* where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def count_of(value: object) -> int | None:
    """*value* where it is a whole number that counts something, else None."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST:
        return value
    return None


def fraction_of(value: object) -> float | None:
    """*value* where it is a number from 0 to 1, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) and 0 <= value <= 1 else None


def instant_of(value: object) -> float | None:
    """Seconds since the epoch of an RFC 3339 time; None where *value* is none."""
    try:
        instant = datetime.fromisoformat(text_of(value))
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
