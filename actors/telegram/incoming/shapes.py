"""What stands where in JSON of which nothing is known. Pure; never raises."""

from typing import Any, TypeGuard

Json = dict[str, Any]

_LONGEST_HANDLE = 1024
_LARGEST_ID = 2**52  # the Bot API: "at most 52 significant bits"


def table(found: Any) -> Json:
    """*found* where it is an object, else an empty one."""
    return found if isinstance(found, dict) else {}


def is_number(found: Any) -> TypeGuard[int]:
    """Whether *found* is a whole number: in Python ``True`` would be one too."""
    return isinstance(found, int) and not isinstance(found, bool)


def is_id(found: Any) -> TypeGuard[int]:
    """Whether *found* may be the id of a chat, a person, a topic or a message."""
    return is_number(found) and 0 < abs(found) <= _LARGEST_ID


def handle_in(file: Json) -> str | None:
    """What *file* is fetched by; None where it has nothing that can be one."""
    match file.get("file_id"):
        case str(handle) if handle.isascii() and handle.isprintable():
            return handle if 0 < len(handle) <= _LONGEST_HANDLE else None
        case _:
            return None


def text_in(found: Any) -> str:
    """*found* where it is text, else none."""
    return clean(found) if isinstance(found, str) else ""


def clean(text: str) -> str:
    """*text* with half surrogates, which JSON can hold and UTF-8 cannot, replaced."""
    return text.encode(errors="replace").decode()
