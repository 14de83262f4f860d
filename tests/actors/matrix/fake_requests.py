"""What the homeserver in memory answers to requests that no test has a handler for."""

from typing import Any, Protocol
from urllib.parse import unquote

from actors.matrix.api.replies import Done, Refused, Reply

Json = dict[str, Any]

NOT_FOUND = Refused(404, "M_NOT_FOUND")
FORBIDDEN = Refused(403, "M_FORBIDDEN")


class HasRooms(Protocol):
    """What is known of the rooms and the account."""

    stream: list[tuple[str, Json]]
    groups: set[str]
    account: dict[str, Json]
    creations: dict[str, Json]
    called: str
    read: dict[str, str]
    open_rooms: set[str]
    readable: set[str]
    joined: set[str]

    def enter(self, room: str) -> None: ...

    def receive(self, room: str, kind: str, txn: str, content: Json) -> Reply: ...


def answered(  # noqa: PLR0911  # a return for each request
    server: HasRooms, method: str, path: str, body: Json | None
) -> Reply:
    """The answer to a request of the client-server API."""
    parts = [unquote(part) for part in path.partition("?")[0].split("/")[4:]]
    match method, parts:
        case "GET", ["profile", _]:
            return Done({"displayname": server.called}) if server.called else NOT_FOUND
        case "GET", ["user", _, "account_data", kind]:
            return Done(server.account[kind]) if kind in server.account else NOT_FOUND
        case "PUT", ["user", _, "account_data", kind]:
            server.account[kind] = body or {}
            return Done({})
        case "GET", ["joined_rooms"]:
            return Done({"joined_rooms": sorted(server.joined)})
        case "POST", ["join", room]:
            if room not in server.open_rooms:
                return FORBIDDEN
            server.enter(room)
            return Done({"room_id": room})
        case "PUT", ["rooms", room, "send", kind, txn]:
            return server.receive(room, kind, txn, body or {})
        case _, ["rooms", room, *rest]:
            is_open = room in server.joined | server.readable
            return _in_room(server, room, rest) if is_open else FORBIDDEN
        case _:
            return Refused(404, "M_UNRECOGNIZED")


def _in_room(server: HasRooms, room: str, parts: list[str]) -> Reply:
    match parts:
        case ["event", event_id]:
            found = (event for where, event in server.stream if where == room)
            return next((Done(one) for one in found if one["event_id"] == event_id), NOT_FOUND)
        case ["state", "m.room.create", ""]:
            return Done(server.creations.get(room, {}))
        case ["state", "m.room.member", _]:
            invited = {"membership": "invite", "is_direct": room not in server.groups}
            unsigned = {"prev_content": invited, "prev_sender": "@alice:fake"}
            return Done({"content": {"membership": "join"}, "unsigned": unsigned})
        case ["receipt", "m.read", event_id]:
            server.read[room] = event_id
            return Done({})
        case _:
            return Refused(404, "M_UNRECOGNIZED")
