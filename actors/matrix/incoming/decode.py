"""Reads what the homeserver says: raw JSON in, arrivals and what else we want to know out.

Nothing here raises: a server may answer anything, and one event that cannot be read must not
keep the others back.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from attrs import field, frozen

from protocols.ids import EventId, PersonId, RoomId, RowId, RunId, TraceId
from protocols.store import Arrival, Row

Json = dict[str, Any]

_TEXTS = frozenset({"m.text", "m.emote"})
_SILENT = frozenset({"m.notice", "m.server_notice", "m.key.verification.request"})
_DRAFT_TXN = re.compile(r"draft-(\d{1,18})-[0-9a-f]{16}")
_LATEST_MS = 2**53
_SKEW = 600.0
"""Seconds that the clocks of two servers may differ."""


@frozen
class Unreadable:
    """An event that is not what the specification says; *body* is the event itself."""

    reason: str
    body: str = field(repr=False)


@frozen
class OwnDraft:
    """The first event of an answer's draft that an earlier life of ours has sent."""

    row: RowId
    txn: str
    event_id: str


@frozen
class Invite:
    """Somebody asks us into a room."""

    room: str
    inviter: str
    is_encrypted: bool


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


@frozen
class Page:
    """One answer of ``/sync``.

    Args:
        is_late: It was waiting while we could not reach the server.
        is_fresh: It tells how things are, not what is new: the server did not know our token.
    """

    next_batch: str
    joined: tuple[JoinedRoom, ...]
    invites: tuple[Invite, ...]
    left: tuple[str, ...]
    is_late: bool = False
    is_fresh: bool = False


@frozen
class History:
    """One answer of ``/messages``, newest event first; ``end`` is empty at the beginning."""

    events: tuple[Json, ...] = field(repr=False)
    end: str
    names: Mapping[str, str] = field(repr=False)


def room_id(native: str) -> RoomId:
    """The room as the other actors call it."""
    return RoomId(f"matrix/{native}")


def person_id(user_id: str) -> PersonId:
    """The person as the other actors call them."""
    return PersonId(f"matrix:{user_id}")


def draft_txn(row: RowId, run: RunId | None) -> str:
    """The transaction id of a draft's first event: the same in every life, of no other row."""
    return f"draft-{row}-{sha256(str(run).encode()).hexdigest()[:16]}"


def read_page(raw: Json, me: str) -> Page | None:
    """The answer of ``/sync``; None if it is none."""
    next_batch = raw.get("next_batch")
    if not isinstance(next_batch, str) or not next_batch:
        return None
    rooms = _table(raw.get("rooms"))
    return Page(
        next_batch=next_batch,
        joined=tuple(_joined(room, body) for room, body in _entries(rooms, "join")),
        invites=tuple(
            invite
            for room, body in _entries(rooms, "invite")
            if (invite := _invite(room, body, me)) is not None
        ),
        left=tuple(room for room, _ in _entries(rooms, "leave")),
    )


def read_history(raw: Json) -> History | None:
    """The answer of ``/messages``; None if it is none."""
    if not isinstance(raw.get("chunk"), list):
        return None
    events = _events(raw["chunk"])
    names = _names((*_events(raw.get("state")), *events))
    return History(events, _text(raw.get("end")), names)


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
    is_old = isinstance(sent_at_ms, int) and sent_at_ms / 1000 < newest.sent_at - _SKEW
    return is_old or event.get("event_id") == newest.event_id


def decode(
    event: Json, *, room: str, me: str, names: Mapping[str, str], is_backlog: bool
) -> Arrival | Unreadable | OwnDraft | None:
    """What *event* means to us; None for nothing.

    A file, a picture, a place is a message without text: we cannot read it yet.
    """
    if event.get("type") != "m.room.message" or "state_key" in event or _is_redacted(event):
        return None
    if fault := _fault(event):
        return Unreadable(fault, _written(event))
    if event["sender"] == me:
        return _own_draft(event)
    content = event["content"]
    if content["msgtype"] in _SILENT or _relation(content) == "m.replace":
        return None
    is_text = content["msgtype"] in _TEXTS
    return Arrival(
        event_id=EventId(event["event_id"]),
        room=room_id(room),
        sender=person_id(event["sender"]),
        sender_name=names.get(event["sender"]) or event["sender"][1:].partition(":")[0],
        text=_own_words(clean(content["body"]), content) if is_text else "",
        sent_at=event["origin_server_ts"] / 1000,
        trace=TraceId(sha256(event["event_id"].encode()).hexdigest()[:32]),
        is_backlog=is_backlog,
    )


def clean(text: str) -> str:
    """*text* with half surrogates, which JSON can hold and UTF-8 cannot, replaced."""
    return text.encode(errors="replace").decode()


def _joined(room: str, body: Json) -> JoinedRoom:
    timeline = _table(body.get("timeline"))
    events = _events(timeline.get("events"))
    state = _events(_table(body.get("state")).get("events"))
    return JoinedRoom(
        room=room,
        events=events,
        prev_batch=_text(timeline.get("prev_batch")),
        is_limited=timeline.get("limited") is True,
        is_encrypted=_is_encrypted((*state, *events)),
        names=_names((*state, *events)),
    )


def _invite(room: str, body: Json, me: str) -> Invite | None:
    state = _events(_table(body.get("invite_state")).get("events"))
    for event in state:
        if _own_step(event, me) == "invite" and isinstance(event.get("sender"), str):
            return Invite(room, clean(event["sender"]), _is_encrypted(state))
    return None


def _own_step(event: Json, me: str) -> str:
    """``invite`` or ``join`` where *event* brings us nearer to the room, else nothing."""
    if event.get("type") != "m.room.member" or event.get("state_key") != me:
        return ""
    step = _text(_table(event.get("content")).get("membership"))
    before = _table(_table(event.get("unsigned")).get("prev_content")).get("membership")
    return "" if step == before else step


def _own_draft(event: Json) -> OwnDraft | None:
    txn = _text(_table(event.get("unsigned")).get("transaction_id"))
    found = _DRAFT_TXN.fullmatch(txn)
    return found and OwnDraft(RowId(int(found[1])), txn, event["event_id"])


def _own_words(body: str, content: Json) -> str:
    """*body* without the quotation that older clients put before a reply."""
    relation = _table(content.get("m.relates_to"))
    if "m.in_reply_to" not in relation or not body.startswith(("> <@", "> * <@")):
        return body
    lines = body.split("\n")
    quoted = next((n for n, line in enumerate(lines) if not line.startswith(">")), len(lines))
    return "\n".join(lines[quoted:]).removeprefix("\n")


def _relation(content: Json) -> str:
    return _text(_table(content.get("m.relates_to")).get("rel_type"))


def _is_redacted(event: Json) -> bool:
    return "redacted_because" in _table(event.get("unsigned"))


def _fault(event: Json) -> str:
    """What is wrong with a message event; empty for nothing."""
    content, sent_at_ms = _table(event.get("content")), event.get("origin_server_ts")
    if not (_is_name(event.get("event_id"), "$") and _is_name(event.get("sender"), "@")):
        return "an event without its id or sender"
    if not (isinstance(content.get("msgtype"), str) and isinstance(content.get("body"), str)):
        return "a message without its kind or text"
    if not isinstance(sent_at_ms, int) or not 0 <= sent_at_ms < _LATEST_MS:
        return "a message from no possible time"
    return ""


def _written(event: Json) -> str:
    try:
        return json.dumps(event)
    except RecursionError:
        return ""


def _is_name(found: Any, sigil: str) -> bool:
    return isinstance(found, str) and found.startswith(sigil) and clean(found) == found


def _is_encrypted(events: Iterable[Json]) -> bool:
    return any(event.get("type") in ("m.room.encryption", "m.room.encrypted") for event in events)


def _names(events: Iterable[Json]) -> dict[str, str]:
    return {
        str(event.get("state_key")): clean(name)
        for event in events
        if event.get("type") == "m.room.member"
        and isinstance(name := _table(event.get("content")).get("displayname"), str)
    }


def _entries(rooms: Json, kind: str) -> list[tuple[str, Json]]:
    return [
        (room, _table(body))
        for room, body in _table(rooms.get(kind)).items()
        if room.startswith("!") and clean(room) == room
    ]


def _events(found: Any) -> tuple[Json, ...]:
    if not isinstance(found, list):
        return ()
    return tuple(event for event in found if isinstance(event, dict))


def _table(found: Any) -> Json:
    return found if isinstance(found, dict) else {}


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""
