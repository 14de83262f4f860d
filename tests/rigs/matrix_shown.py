"""What a person sees of a room's events: edits in the place of their first message."""

from collections.abc import Sequence
from typing import Any

from attrs import evolve, field, frozen

Json = dict[str, Any]

UNREADABLE = "unable to decrypt"
"""The kind of an encrypted message that this person cannot read."""


@frozen
class Shown:
    """One message as a person sees it: the newest edit's words in the first event's place.

    Args:
        kind: The ``msgtype``, or ``UNREADABLE``.
        edits: How many edits there were; an edit that cannot be read stands for itself.
        content: Of the first event, decrypted.
        reply_to: The event that it answers; empty for none, and for a thread's fallback.
        thread: The event that began its thread; empty for none.
        is_encrypted: Every event of it was.
        is_trusted: Every encrypted event of it came from a device that its owner has signed.
    """

    event_id: str
    sender: str
    text: str
    html: str
    kind: str
    edits: int
    content: Json = field(repr=False, eq=False, factory=dict)
    reply_to: str = ""
    thread: str = ""
    is_encrypted: bool = False
    is_trusted: bool = False

    @property
    def is_readable(self) -> bool:
        """Whether this person has its key."""
        return self.kind != UNREADABLE


def as_shown(events: Sequence[Json]) -> list[Shown]:
    """The messages among *events*, oldest first; encrypted ones as ``opened`` left them."""
    found: dict[str, Shown] = {}
    gone = {event["event_id"] for event in events if not event["content"]}
    for event in events:
        content = event["content"]
        if event["type"] != "m.room.message" or "body" not in content:
            continue
        relation = content.get("m.relates_to", {})
        first = found.get(relation.get("event_id", ""))
        new = content.get("m.new_content")
        if relation.get("event_id") in gone and relation.get("rel_type") == "m.replace":
            continue
        if relation.get("rel_type") != "m.replace" or first is None or new is None:
            found[event["event_id"]] = _first(event, content, relation)
        elif event["sender"] == first.sender:
            found[first.event_id] = _edited(first, event, new)
    return list(found.values())


def reactions(events: Sequence[Json]) -> dict[str, dict[str, list[str]]]:
    """Who reacted to what: event id → emoji → senders; what was taken back is gone."""
    found: dict[str, dict[str, list[str]]] = {}
    for event in events:
        relation = event["content"].get("m.relates_to", {})
        if event["type"] == "m.reaction" and relation.get("rel_type") == "m.annotation":
            below = found.setdefault(relation["event_id"], {})
            below.setdefault(relation["key"], []).append(event["sender"])
    return found


def opened(event: Json, inner: Json | None, *, is_trusted: bool) -> Json:
    """The encrypted *event* with what was in it; None where it could not be read.

    How it relates to others stands outside of the encrypted part.
    """
    relation = {name: part for name, part in event["content"].items() if name == "m.relates_to"}
    if inner is None:
        # An edit that cannot be read is shown too: nobody can tell that it is none.
        kind, content = "m.room.message", {"msgtype": UNREADABLE, "body": ""}
    else:
        kind, content = inner["type"], {**inner["content"], "m.relates_to": {}} | relation
    marks = {"is_encrypted": True, "is_trusted": is_trusted}
    return {**event, "type": kind, "content": content, "marks": marks}


def _first(event: Json, content: Json, relation: Json) -> Shown:
    is_threaded = relation.get("rel_type") == "m.thread"
    reply = relation.get("m.in_reply_to", {}).get("event_id", "")
    marks = event.get("marks", {})
    return Shown(
        event_id=event["event_id"],
        sender=event["sender"],
        text=content["body"],
        html=content.get("formatted_body", ""),
        kind=content["msgtype"],
        edits=0,
        content=content,
        reply_to="" if is_threaded and relation.get("is_falling_back") else reply,
        thread=relation["event_id"] if is_threaded else "",
        is_encrypted=marks.get("is_encrypted", False),
        is_trusted=marks.get("is_trusted", False),
    )


def _edited(first: Shown, event: Json, new: Json) -> Shown:
    marks = event.get("marks", {})
    return evolve(
        first,
        text=new["body"],
        html=new.get("formatted_body", ""),
        kind=new["msgtype"],
        edits=first.edits + 1,
        is_encrypted=first.is_encrypted and marks.get("is_encrypted", False),
        is_trusted=first.is_trusted and marks.get("is_trusted", False),
    )
