"""Ids, as types whose docstring gives the shape."""

from typing import NewType
from uuid import UUID, uuid5

SurfaceName = NewType("SurfaceName", str)
SurfaceName.__doc__ = "A place where people chat: ``telegram``, ``matrix`` or ``terminal``."

TELEGRAM = SurfaceName("telegram")
MATRIX = SurfaceName("matrix")
TERMINAL = SurfaceName("terminal")

PLATFORM = SurfaceName("platform")
"""Nobody chats here: what the agent's platform pushes is journaled under this name."""

RoomId = NewType("RoomId", str)
RoomId.__doc__ = (
    "A room on its surface, ``<surface>/<the surface's own id>``: ``matrix/!abc:example.org``."
)

PersonId = NewType("PersonId", str)
PersonId.__doc__ = "A person on a surface: ``matrix:@me:example.org``, ``telegram:42``."

EventId = NewType("EventId", str)
EventId.__doc__ = "What the surface calls one message, unique within the surface: ``$abc``."

RemoteId = NewType("RemoteId", str)
RemoteId.__doc__ = (
    "What the surface calls one message in its room, ours or a person's: ``$abc``, ``1001``."
)

SlotId = NewType("SlotId", str)
SlotId.__doc__ = "A chat slot of one person: ``C1``, ``C2``, … counted from 1, never reused."

RowId = NewType("RowId", int)
RowId.__doc__ = "A journal row, counted from 1 in order of arrival."

OutboxId = NewType("OutboxId", int)
OutboxId.__doc__ = "An outbox row, counted from 1 in order of writing."

RunId = NewType("RunId", str)
RunId.__doc__ = "One run of the agent: a UUID, derived from the message that asked for it."

TraceId = NewType("TraceId", str)
TraceId.__doc__ = "Ties the log lines of one message together: 32 hexadecimal digits."

Language = NewType("Language", str)
Language.__doc__ = (
    "A language by its ISO 639 code, as a person's app says it: ``en``, ``ru``, ``pt-br``."
)

_RUNS = UUID("6f1c3c9e-0d5a-5d57-9b0e-3f5c2a1d7e44")


def surface_of(room: RoomId) -> SurfaceName:
    """The surface that *room* is on."""
    return SurfaceName(room.partition("/")[0])


def native_id(room: RoomId) -> str:
    """What the surface itself calls *room*."""
    return room.partition("/")[2]


def run_id_for(room: RoomId, event_id: EventId) -> RunId:
    """The run for one message: always the same, so that a repeated request is the same run."""
    return RunId(str(uuid5(_RUNS, f"{room}:{event_id}")))
