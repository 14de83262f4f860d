"""What stands where in JSON of which nothing is known. Pure; never raises."""

from typing import Any, TypeGuard

Json = dict[str, Any]


def table(found: Any) -> Json:
    """*found* where it is an object, else an empty one."""
    return found if isinstance(found, dict) else {}


def text_in(found: Any) -> str:
    """*found* where it is text, else none."""
    return clean(found) if isinstance(found, str) else ""


def is_number(found: Any) -> TypeGuard[int]:
    """Whether *found* is a whole number: in Python ``True`` would be one too."""
    return isinstance(found, int) and not isinstance(found, bool)


def clean(text: str) -> str:
    """*text* with half surrogates, which JSON can hold and UTF-8 cannot, replaced."""
    return text.encode(errors="replace").decode()
