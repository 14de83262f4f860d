"""From the body of a push to the event in it; everything that cannot be one is named. Pure."""

import json
from typing import Any

from actors.ops.web.problems import Fault
from actors.ops.web.rules import (
    ADDRESS,
    COUNT,
    FILES,
    KIND,
    MIME_TYPE,
    NAME,
    OBJECT,
    SHA256,
    SHARE,
    TEXT,
    USER,
    Reading,
    Rule,
    T,
)
from protocols.platform import Attachment
from protocols.pushes import AgentEvent, AgentEventKind

_DATA = "/data"
_WORDS = {
    AgentEventKind.TASK_PROGRESS: ("progress", ("message",)),
    AgentEventKind.TASK_DONE: ("result", ("text",)),
    AgentEventKind.TASK_ERROR: ("error", ("detail", "title")),
}
"""Where each kind of event has its words; the first that is there counts."""


def read_push(body: bytes) -> AgentEvent | tuple[Fault, ...]:
    """The event in *body*, or what is wrong with it, without a word of it."""
    try:
        said = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return (Fault("", "is not JSON, or is nested too deeply"),)
    if not isinstance(said, dict):
        return (Fault("", OBJECT.words),)
    reading = Reading()
    event = _event(reading, said)
    return tuple(reading.faults) or event


def _no_number(_name: str) -> float:
    raise ValueError("not a number")


def _event(reading: Reading, said: dict[str, Any]) -> AgentEvent:
    kind = reading.take(said, "type", KIND, at="")
    reading.take(said, "timestamp", TEXT, at="")
    data = reading.take(said, "data", OBJECT, at="")
    progress = _part(reading, data, "progress")
    return AgentEvent(
        kind,
        task_id=reading.take(data, "task_id", NAME, at=_DATA),
        user_id=reading.take(data, "user_id", USER, at=_DATA),
        chat_id=reading.take_if_there(data, "chat_id", NAME, at=_DATA),
        text=_words(reading, kind, data),
        seq=reading.take_if_there(data, "seq", COUNT, at=_DATA),
        fraction=reading.take_if_there(progress, "fraction", SHARE, at="/data/progress"),
        attachments=_attachments(reading, kind, data),
    )


def _part(reading: Reading, data: dict[str, Any], name: str) -> dict[str, Any]:
    return reading.take_if_there(data, name, OBJECT, at=_DATA) or {}


def _words(reading: Reading, kind: AgentEventKind, data: dict[str, Any]) -> str:
    part_name, names = _WORDS[kind]
    part = _part(reading, data, part_name)
    for name in names:
        text = reading.take_if_there(part, name, TEXT, at=f"{_DATA}/{part_name}")
        if text is not None:
            return text
    return ""


def _attachments(
    reading: Reading, kind: AgentEventKind, data: dict[str, Any]
) -> tuple[Attachment, ...]:
    if kind is not AgentEventKind.TASK_DONE:
        return ()
    result = _part(reading, data, "result")
    parts = reading.take_if_there(result, "attachments", FILES, at="/data/result")
    found = (_attachment(part) for part in parts or ())
    return tuple(one for one in found if one is not None)


def _attachment(part: Any) -> Attachment | None:
    """A file that *part* names an address of; None for what it only carries, or what is no file."""
    part = OBJECT.check(part) or {}
    source, facts = OBJECT.check(part.get("source")) or {}, OBJECT.check(part.get("metadata")) or {}
    if source.get("type") != "url" or not (location := _found(source, "value", ADDRESS)):
        return None
    return Attachment(
        name=_found(facts, "filename", TEXT) or _found(facts, "name", TEXT) or "file",
        mime_type=_found(source, "mimeType", MIME_TYPE) or "application/octet-stream",
        size_bytes=_found(facts, "size", COUNT),
        mode="url",
        location=location,
        sha256=_found(facts, "sha256", SHA256),
    )


def _found(said: dict[str, Any], name: str, rule: Rule[T]) -> T:
    """The value *name*; what is not said, or not well, of a file is no reason to refuse it."""
    found = rule.check(said.get(name))
    return rule.instead if found is None else found
