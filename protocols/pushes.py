"""What the platform pushes, and how the journal keeps it; pure.

A push is an arrival of the surface ``platform``: its event id is the webhook's id, its room
``platform/<user id>``, and its text is what ``event_text`` gives.
"""

import json
from enum import StrEnum
from typing import Protocol

from attrs import asdict, field, fields, frozen

from protocols.ids import PLATFORM, PersonId, RoomId
from protocols.platform import Attachment


class AgentEventKind(StrEnum):
    """What the platform may push."""

    TASK_PROGRESS = "task_progress"
    TASK_DONE = "task_done"
    TASK_ERROR = "task_error"


@frozen
class AgentEvent:
    """Something that the platform tells us of its own accord.

    Args:
        chat_id: The slot; None for the chat that the person used last.
        text: The progress line, the result's Markdown, or why the task failed.
        seq: Counts the events of one task; what is not newer than what was shown is dropped.
        fraction: How much of a task is done, from 0 to 1.
        attachments: What the result names an address of (mode ``url``).
    """

    kind: AgentEventKind
    task_id: str
    user_id: str
    chat_id: str | None
    text: str = field(repr=False, default="")
    seq: int | None = None
    fraction: float | None = None
    attachments: tuple[Attachment, ...] = ()


class WebhookReceiver(Protocol):
    """Who is told of pushed events."""

    async def on_agent_event(self, event: AgentEvent) -> None:
        """Take one event; it is safe once this returns."""


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
