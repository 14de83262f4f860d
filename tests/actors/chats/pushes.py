"""What the platform pushes, as tests need it."""

import json
from itertools import count
from typing import Any

from actors.chats.lasts import LastChat, last_key, last_text
from actors.chats.slots import Chat, chat_text, chats_prefix
from protocols.ids import EventId, Language, PersonId, RoomId, RowId, SlotId, TraceId
from protocols.journal import Arrival, Row
from protocols.pushes import (
    AgentEvent,
    AgentEventKind,
    agent_user_key,
    event_text,
    push_room,
    push_sender,
)
from tests.fakes import MemoryJournal

USER = "user-1"
PROGRESS, DONE, ERROR = AgentEventKind

_numbers = count(1)


def event(kind: AgentEventKind, text: str = "", **facts: Any) -> AgentEvent:
    """A push about task ``t`` of ``USER``."""
    usual: dict[str, Any] = {"task_id": "t", "user_id": USER, "chat_id": None}
    return AgentEvent(kind=kind, text=text, **(usual | facts))


def arrival_of(what: AgentEvent, webhook: str | None = None) -> Arrival:
    """*what* as the operator's server journals it."""
    return Arrival(
        event_id=EventId(f"msg_{next(_numbers)}" if webhook is None else webhook),
        room=push_room(what.user_id),
        sender=push_sender(what.user_id),
        sender_name="",
        text=event_text(what),
        sent_at=0.0,
        trace=TraceId("t"),
    )


def push(kind: AgentEventKind, text: str = "", **facts: Any) -> Arrival:
    """The same as an arrival with a webhook id of its own."""
    return arrival_of(event(kind, text, **facts))


def row_of(what: AgentEvent, number: int = 1) -> Row:
    """*what* as a row that was just journaled."""
    arrival = arrival_of(what, f"msg-row-{number}")
    return Row(
        id=RowId(number),
        event_id=arrival.event_id,
        room=arrival.room,
        sender=arrival.sender,
        sender_name="",
        text=arrival.text,
        sent_at=0.0,
        received_at=0.0,
        trace=arrival.trace,
    )


def a_user(journal: MemoryJournal, person: PersonId, user: str = USER) -> None:
    """The platform knows *person* as *user*."""
    journal.keys[agent_user_key(user)] = json.dumps(person)


def used_last(journal: MemoryJournal, person: PersonId, room: RoomId, language: str = "en") -> None:
    """*person* wrote in *room* last."""
    last = LastChat(room, SlotId("C1"), Language(language))
    journal.keys[last_key(person)] = last_text(last)


def has_chat(journal: MemoryJournal, person: PersonId, slot: str, room: RoomId) -> None:
    """*person* has the chat *slot* in *room*, and put it away."""
    chat = Chat(SlotId(slot), room, is_archived=True, is_used=True)
    journal.keys[f"{chats_prefix(person)}{slot}"] = chat_text(chat)
