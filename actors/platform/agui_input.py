"""What an AG-UI agent is asked, from our words; pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from protocols.ids import RunId
from protocols.journal import Exchange

Json = dict[str, Any]

PROTOCOL_VERSION = "1.0"


def run_input(
    *,
    thread_id: str,
    run_id: RunId,
    messages: Iterable[Json],
    resume: list[Json] | None = None,
    props: Mapping[str, Any] | None = None,
    context: Mapping[str, str] | None = None,
) -> Json:
    """AG-UI's ``RunAgentInput``; the same words give the same input.

    Args:
        thread_id: Of the conversation, as the agent knows it.
        run_id: Of this run.
        messages: Oldest first.
        resume: The answers to the interrupts of the run before, where there were any.
        props: What only this agent understands.
        context: What the agent may want to know, by its description.
    """
    asked = {
        "threadId": thread_id,
        "runId": run_id,
        "protocolVersion": PROTOCOL_VERSION,
        "state": {},
        "messages": list(messages),
        "tools": [],
        "context": [
            {"description": description, "value": value}
            for description, value in (context or {}).items()
            if value
        ],
        "forwardedProps": dict(props or {}),
    }
    if resume:
        asked["resume"] = resume
    return asked


def user_message(run_id: RunId, text: str, parts: Iterable[Json] = ()) -> Json:
    """What a person says in a run, with files as ``agui_parts.part_of`` gives them."""
    files = list(parts)
    content: str | list[Json] = text
    if files:
        content = ([{"type": "text", "text": text}] if text else []) + files
    return {"id": run_id, "role": "user", "content": content}


def history_messages(history: Iterable[Exchange]) -> list[Json]:
    """What was said before, oldest first, for an agent that keeps nothing."""
    messages = []
    for number, exchange in enumerate(history, 1):
        for role, said in (("user", exchange.asked), ("assistant", exchange.answered)):
            if said:
                messages.append({"id": f"before-{number}-{role}", "role": role, "content": said})
    return messages
