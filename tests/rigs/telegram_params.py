"""The parameters of a call, as forms and JSON bodies give them."""

import json
from typing import Any

from tests.rigs.telegram_faults import bad_request


def as_json(value: Any) -> Any:
    """A parameter that is JSON: as a form gives it, in text, or as a JSON body gives it."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else None
    except ValueError as error:
        raise bad_request("can't parse JSON object") from error


def as_int(value: Any, *, default: int = 0) -> int:
    """A parameter that is a number; anything else is *default*, as with Telegram."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return default


def as_bool(value: Any) -> bool:
    """A parameter that is true or false."""
    return value is True or str(value).lower() in {"true", "yes", "1"}
