"""What others sent, as the shapes that it should have; what has another one is not there. Pure."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from actors.surfaces.shapes import Json, table

T = TypeVar("T")


def tables(found: Any) -> list[Json]:
    """Those of a list that are objects."""
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def text(found: Any) -> str:
    """*found* if it is a string, else an empty one."""
    return found if isinstance(found, str) else ""


def texts(found: Any) -> list[str]:
    """Those of a list that are strings."""
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def joined(page: Json) -> list[tuple[str, Json]]:
    """The rooms that we are in, of an answer of ``/sync``."""
    rooms = table(table(page.get("rooms")).get("join"))
    return [(room, body) for room, body in rooms.items() if isinstance(body, dict)]


def events_of(room: Json) -> list[Json]:
    """The events of a room of ``/sync``: how it was, then what happened."""
    return [
        *tables(table(room.get("state")).get("events")),
        *tables(table(room.get("timeline")).get("events")),
    ]


def batches(found: Iterable[T], size: int) -> Iterator[list[T]]:
    """*found* in lists of at most *size*."""
    rest = iter(found)
    while some := list(islice(rest, size)):
        yield some
