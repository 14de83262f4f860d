"""Rooms of a homeserver in memory, as the client-server API makes and shows them."""

from urllib.parse import unquote

from attrs import define, field

from actors.matrix.api.replies import Done, Json, Refused, Reply, Unreachable
from tests.actors.matrix.fake_homeserver import BOT, FakeHomeserver
from tests.actors.matrix.fake_requests import answered

_CREATION = ("m.room.create", "")
_MISSING = Refused(404, "M_NOT_FOUND")

State = dict[tuple[str, str], Json]


@define
class FakeRooms:
    """Answers what ``FakeHomeserver.request`` is asked of rooms.

    Args:
        breaks_off: How many of the next room's events are there before the server breaks off.
        refuses: Parts of paths that are forbidden.
    """

    server: FakeHomeserver
    states: dict[str, State] = field(factory=dict)
    aliases: dict[str, str] = field(factory=dict)
    invited: list[tuple[str, str]] = field(factory=list)
    breaks_off: int | None = None
    lost: int = 0
    """So many rooms are made and their answers lost."""
    refuses: tuple[str, ...] = ()
    asked: list[tuple[str, str]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.server.handlers[""] = self.answer

    def answer(self, method: str, path: str, body: Json | None) -> Reply:
        found = path.removeprefix("/_matrix/client/v3/").partition("?")[0]
        parts = [unquote(part) for part in found.split("/")]
        self.asked.append((method, "/".join(parts)))
        if any(part in path for part in self.refuses):
            return Refused(403, "M_FORBIDDEN")
        match method, parts:
            case "POST", ["createRoom"]:
                return self._create(body or {})
            case "GET", ["directory", "room", alias]:
                return Done({"room_id": self.aliases[alias]}) if alias in self.aliases else _MISSING
            case "GET", ["rooms", room, "state", kind, key] if room in self.states:
                content = self.states[room].get((kind, key))
                return _MISSING if content is None else Done(content)
            case "PUT", ["rooms", room, "state", kind, key]:
                self.states.setdefault(room, {})[kind, key] = body or {}
                return Done({"event_id": "$state"})
            case "POST", ["rooms", room, "invite"]:
                return self._invite(room, (body or {})["user_id"])
            case "GET", ["profile", _, "displayname"]:
                return Done({"displayname": "The Agent"})
            case _:
                return answered(self.server, method, path, body)

    @property
    def direct(self) -> Json:
        """The account's list of direct chats."""
        return self.server.account.get("m.direct", {})

    def of_kind(self, kind: str) -> list[str]:
        """The rooms whose type is *kind*; empty for chats."""
        return [
            room
            for room, state in self.states.items()
            if state.get(_CREATION, {"type": None}).get("type", "") == kind
        ]

    def children(self, space: str) -> dict[str, Json]:
        return {key: told for (kind, key), told in self.states[space].items() if "child" in kind}

    def _create(self, body: Json) -> Reply:
        alias = f"#{body['room_alias_name']}:fake"
        if alias in self.aliases:
            return Refused(400, "M_ROOM_IN_USE")
        room = f"!made{len(self.states)}:fake"
        self.aliases[alias] = room
        events: list[tuple[str, str, Json]] = [
            ("m.room.create", "", body.get("creation_content", {})),
            ("m.room.member", BOT, {"membership": "join"}),
            *((event["type"], "", event["content"]) for event in body["initial_state"]),
            ("m.room.name", "", {"name": body["name"]}),
        ]
        self.states[room] = {(kind, key): told for kind, key, told in events[: self.breaks_off]}
        self.server.joined.add(room)
        if ("m.room.encryption", "") in self.states[room]:
            self.server.encrypted.add(room)
        if self.breaks_off is not None:
            self.breaks_off = None
            return Unreachable("500 M_UNKNOWN")
        for person in body["invite"]:
            self._invite(room, person)
        if self.lost:
            self.lost -= 1
            return Unreachable("500 M_UNKNOWN")
        return Done({"room_id": room})

    def _invite(self, room: str, person: str) -> Reply:
        self.invited.append((room, person))
        self.states[room]["m.room.member", person] = {"membership": "invite"}
        return Done({})
