"""What stands where in an update of which nothing is known. Pure; never raises."""

from typing import Any, TypeGuard

from actors.surfaces.shapes import Json, is_number

_LONGEST_HANDLE = 1024
_LARGEST_ID = 2**52  # the Bot API: "at most 52 significant bits"


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
