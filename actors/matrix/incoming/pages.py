"""Reads the answers of ``/sync`` and ``/messages``: which rooms, which events. Pure.

Nothing here raises: a server may answer anything.
"""

from collections.abc import Iterable, Mapping, Sequence

from attrs import field, frozen

from actors.matrix.incoming.shapes import events_in, is_name, name_in, on_one_line
from actors.surfaces.shapes import Json, clean, is_number, table, text_in
from protocols.journal import Row

_SKEW = 600.0
"""Seconds that the clocks of two servers may differ."""

_LONGEST_NAME = 128


@frozen
class Invite:
    """Somebody asks us into a room.

    Args:
        is_direct: As a chat between the two of us.
    """

    room: str
    inviter: str
    is_encrypted: bool
    is_direct: bool = False


@frozen
class Tombstone:
    """A room was closed: it goes on in the room *replacement*.

    Args:
        sender: Who was allowed to say so.
    """

    replacement: str
    sender: str


@frozen
class JoinedRoom:
    """What is new in a room that we are in.

    Args:
        events: Oldest first; with ``is_limited`` there are older ones behind ``prev_batch``.
        names: User id → display name, of those who wrote.
    """

    room: str
    events: tuple[Json, ...] = field(repr=False)
    prev_batch: str
    is_limited: bool
    is_encrypted: bool
    names: Mapping[str, str] = field(repr=False)
    tombstone: Tombstone | None = None


@frozen
class Page:
    """One answer of ``/sync``.

    Args:
        raw: The whole answer, for whoever keeps the keys.
        direct: What the account says about direct chats, where that is new.
        is_late: It was waiting while we could not reach the server.
        is_fresh: It tells how things are, not what is new: the server did not know our token.
    """

    next_batch: str
    joined: tuple[JoinedRoom, ...]
    invites: tuple[Invite, ...]
    left: tuple[str, ...]
    raw: Json = field(repr=False, factory=dict)
    direct: Json | None = field(repr=False, default=None)
    is_late: bool = False
    is_fresh: bool = False


@frozen
class History:
    """One answer of ``/messages``, newest event first; ``end`` is empty at the beginning."""

    events: tuple[Json, ...] = field(repr=False)
    end: str
    names: Mapping[str, str] = field(repr=False)


def read_page(raw: Json, me: str) -> Page | None:
    """The answer of ``/sync``; None if it is none."""
    next_batch = raw.get("next_batch")
    if not isinstance(next_batch, str) or not next_batch:
        return None
    rooms = table(raw.get("rooms"))
    return Page(
        next_batch=next_batch,
        joined=tuple(_joined(room, body) for room, body in _entries(rooms, "join")),
        invites=tuple(
            invite
            for room, body in _entries(rooms, "invite")
            if (invite := _invite(room, body, me)) is not None
        ),
        left=tuple(room for room, _ in _entries(rooms, "leave")),
        raw=raw,
        direct=_direct(events_in(table(raw.get("account_data")).get("events"))),
    )


def read_history(raw: Json) -> History | None:
    """The answer of ``/messages``; None if it is none."""
    if not isinstance(raw.get("chunk"), list):
        return None
    events = events_in(raw["chunk"])
    names = _names((*events_in(raw.get("state")), *events))
    return History(events, text_in(raw.get("end")), names)


def since_invited(events: Sequence[Json], me: str) -> Sequence[Json] | None:
    """The *events* behind our newest invitation, else behind our join; None if neither is there.

    What was said before we were asked in was not said to us.
    """
    join = None
    for index in range(len(events) - 1, -1, -1):
        match _own_step(events[index], me):
            case "invite":
                return events[index + 1 :]
            case "join" if join is None:
                join = index
            case _:
                pass
    return None if join is None else events[join + 1 :]


def has_invite(events: Sequence[Json], me: str) -> bool:
    """Whether our invitation is among *events*: nothing older is for us."""
    return any(_own_step(event, me) == "invite" for event in events)


def is_known(event: Json, newest: Row) -> bool:
    """Whether *event* is the *newest* that we know, or was sent long before it."""
    sent_at_ms = event.get("origin_server_ts")
    # Whoever sent it may have said any time; when we got it, we know ourselves.
    sent_at = min(newest.sent_at, newest.received_at)
    is_old = is_number(sent_at_ms) and sent_at_ms / 1000 < sent_at - _SKEW
    return is_old or event.get("event_id") == newest.event_id


def is_from_others(event: Json, me: str) -> bool:
    """Whether somebody else has said something by *event*."""
    sender = event.get("sender")
    return is_name(sender, "@") and sender != me and "state_key" not in event


def _joined(room: str, body: Json) -> JoinedRoom:
    timeline = table(body.get("timeline"))
    events = events_in(timeline.get("events"))
    state = events_in(table(body.get("state")).get("events"))
    return JoinedRoom(
        room=room,
        events=events,
        prev_batch=text_in(timeline.get("prev_batch")),
        is_limited=timeline.get("limited") is True,
        is_encrypted=_is_encrypted((*state, *events)),
        names=_names((*state, *events)),
        tombstone=_tombstone((*state, *events)),
    )


def _invite(room: str, body: Json, me: str) -> Invite | None:
    state = events_in(table(body.get("invite_state")).get("events"))
    # What comes before the invitation itself is whatever the inviter's server wants us to believe.
    for event in reversed(state):
        if _own_step(event, me) == "invite" and isinstance(event.get("sender"), str):
            is_direct = table(event.get("content")).get("is_direct") is True
            return Invite(room, clean(event["sender"]), _is_encrypted(state), is_direct)
    return None


def _own_step(event: Json, me: str) -> str:
    """``invite`` or ``join`` where *event* brings us nearer to the room, else nothing."""
    if event.get("type") != "m.room.member" or event.get("state_key") != me:
        return ""
    step = text_in(table(event.get("content")).get("membership"))
    before = table(table(event.get("unsigned")).get("prev_content")).get("membership")
    return "" if step == before else step


def _is_encrypted(events: Iterable[Json]) -> bool:
    return any(event.get("type") in ("m.room.encryption", "m.room.encrypted") for event in events)


def _tombstone(events: Sequence[Json]) -> Tombstone | None:
    """The newest: one that was a mistake may be replaced."""
    for event in reversed(events):
        if event.get("type") == "m.room.tombstone" and event.get("state_key") == "":
            replacement = name_in(table(event.get("content")).get("replacement_room"), "!")
            sender = name_in(event.get("sender"), "@")
            if replacement and sender:
                return Tombstone(replacement, sender)
    return None


def _names(events: Iterable[Json]) -> dict[str, str]:
    """What people call themselves: who asks somebody in or puts them out may call them anything."""
    return {
        event["sender"]: name
        for event in events
        if event.get("type") == "m.room.member"
        and is_name(event.get("sender"), "@")
        and event["sender"] == event.get("state_key")
        and (
            name := on_one_line(
                table(event.get("content")).get("displayname"), longest=_LONGEST_NAME
            )
        )
    }


def _direct(events: Iterable[Json]) -> Json | None:
    found = [table(event.get("content")) for event in events if event.get("type") == "m.direct"]
    return found[-1] if found else None


def _entries(rooms: Json, kind: str) -> list[tuple[str, Json]]:
    found = table(rooms.get(kind)).items()
    # With a slash it would be taken for a thread of another room: see ``Places``.
    return [(room, table(body)) for room, body in found if is_name(room, "!") and "/" not in room]
