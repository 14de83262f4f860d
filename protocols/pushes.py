"""What the platform pushes, on its way through the journal; pure.

A push is an arrival of the surface ``platform``: its event id is the webhook's id, its room
``platform/<user id>``, and its text is what ``event_text`` gives.
"""

import json

from attrs import asdict, fields

from protocols.ids import PLATFORM, PersonId, RoomId
from protocols.platform import AgentEvent, AgentEventKind, Attachment


def push_room(user_id: str) -> RoomId:
    """The room that pushes for the platform's user *user_id* are journaled under."""
    return RoomId(f"{PLATFORM}/{user_id}")


def push_sender(user_id: str) -> PersonId:
    """The sender that pushes for the platform's user *user_id* are journaled under."""
    return PersonId(f"{PLATFORM}:{user_id}")


def agent_user_key(user_id: str) -> str:
    """Where the person is kept, as JSON text, whom the platform calls *user_id*."""
    return f"agent_user:{user_id}"


def event_text(event: AgentEvent) -> str:
    """*event* as the journal keeps it; its attachments by address only."""
    facts = asdict(event)
    for attachment in facts["attachments"]:
        del attachment["data"]
    return json.dumps(facts, ensure_ascii=False)


def read_event(text: str) -> AgentEvent:
    """The event in *text*, which ``event_text`` gave; an older program may have."""
    known = {one.name for one in fields(AgentEvent)}
    facts = {name: value for name, value in json.loads(text).items() if name in known}
    files = tuple(Attachment(**file) for file in facts.pop("attachments", ()))
    return AgentEvent(**facts | {"kind": AgentEventKind(facts["kind"]), "attachments": files})
