"""What one event says about another: a reply, a thread, new words, a reaction. Pure."""

from typing import Any

from attrs import frozen

from actors.matrix.incoming.shapes import name_in
from actors.surfaces.shapes import Json, table, text_in

_SELECTOR = "\ufe0f"
_LONGEST_KEY = 64


@frozen
class Relation:
    """The events that a message is about, each by its id; empty for none.

    Args:
        thread: The event that began the thread it stands in.
        edits: The message whose words it replaces.
    """

    reply_to: str = ""
    thread: str = ""
    edits: str = ""


def relation_of(content: Json) -> Relation:
    """What a message with *content* is about."""
    relates = table(content.get("m.relates_to"))
    target, reply = name_in(relates.get("event_id"), "$"), table(relates.get("m.in_reply_to"))
    match relates.get("rel_type"):
        case "m.replace":
            return Relation(edits=target)
        case "m.thread":
            # For clients without threads the newest message of one stands there as if replied to.
            is_reply = relates.get("is_falling_back") is not True
            reply_to = name_in(reply.get("event_id"), "$") if is_reply else ""
            return Relation(reply_to, thread=target)
        case _:
            return Relation(name_in(reply.get("event_id"), "$"))


def is_edit(content: Json) -> bool:
    """Whether *content* is only there to change another message."""
    return table(content.get("m.relates_to")).get("rel_type") == "m.replace"


def reaction_in(content: Json) -> tuple[str, str] | None:
    """What is reacted to, and the emoji as ``same_emoji`` gives it; None for no reaction."""
    relates = table(content.get("m.relates_to"))
    if relates.get("rel_type") != "m.annotation":
        return None
    target, key = name_in(relates.get("event_id"), "$"), text_in(relates.get("key"))
    key = same_emoji(key[:_LONGEST_KEY])
    return (target, key) if target and key else None


def same_emoji(key: str) -> str:
    """*key* without what only says how to draw it: clients differ in that."""
    return key.replace(_SELECTOR, "")


def redacted_by(event: Json) -> str:
    """The event that a redaction takes back: it stands in its content since room version 11."""
    inner: Any = table(event.get("content")).get("redacts")
    return name_in(event.get("redacts"), "$") or name_in(inner, "$")


def own_words(body: str, content: Json) -> str:
    """*body* without the quotation that older clients put before a reply."""
    relation = table(content.get("m.relates_to"))
    if "m.in_reply_to" not in relation or not body.startswith(("> <@", "> * <@")):
        return body
    lines = body.split("\n")
    quoted = next((n for n, line in enumerate(lines) if not line.startswith(">")), len(lines))
    return "\n".join(lines[quoted:]).removeprefix("\n")
