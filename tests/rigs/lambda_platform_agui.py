"""What the agent does, as events of AG-UI 1.0; pure."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import assert_never

from attrs import define, field

from protocols.platform import (
    Attachment,
    ReasoningDelta,
    StatusLine,
    StreamAsks,
    StreamBroke,
    StreamFinished,
    StreamPart,
    StreamStopped,
    TextDelta,
    ToolCall,
    Usage,
    WholeText,
)
from tests.rigs.lambda_platform_agent import YES_OR_NO
from tests.rigs.lambda_platform_contract import Json

TERMINAL = frozenset({"RUN_FINISHED", "RUN_ERROR"})
_FAMILIES = frozenset({"image", "audio", "video"})


def encoded(number: int, event: Json) -> bytes:
    """*event* as the *number*-th of a stream of server-sent events."""
    return f"id: {number}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


@define
class Writer:
    """Makes events of parts; opens messages and closes them.

    Args:
        source_of: Where the bytes of a file stand that the agent sends along.
    """

    thread: str
    run_id: str
    source_of: Callable[[Attachment], Json]
    _open: tuple[str, str] | None = None
    """The kind of the open message, ``TEXT`` or ``REASONING``, and its id."""
    _count: int = field(default=0, init=False)

    def started(self) -> Json:
        """The first event."""
        return self._of_run("RUN_STARTED") | {"protocolVersion": "1.0"}

    def events_of(self, part: StreamPart | Json) -> Iterator[Json]:
        """The events of *part*; those that end the run close what is open."""
        match part:
            case TextDelta(text):
                yield from self._more("TEXT", text)
            case ReasoningDelta(text):
                yield from self._more("REASONING", text)
            case StatusLine(text):
                yield {"type": "CUSTOM", "name": "task_progress", "value": {"message": text}}
            case ToolCall(name):
                yield from self._tool(name)
            case StreamFinished(attachments, usage):
                yield from self._finish(attachments, usage)
            case StreamAsks():
                yield from self._close()
                yield self._of_run("RUN_FINISHED") | {"outcome": _asked(part)}
            case StreamStopped():
                yield from self.cancelled()
            case WholeText() | StreamBroke():
                raise TypeError("no script says what only a client can")
            case dict():
                yield from self._raw(part)
            case _:
                assert_never(part)

    def cancelled(self) -> Iterator[Json]:
        """The events of a run that is stopped."""
        yield from self._close()
        yield self._of_run("RUN_FINISHED") | {"outcome": {"type": "cancelled"}}

    def _of_run(self, kind: str) -> Json:
        return {"type": kind, "threadId": self.thread, "runId": self.run_id}

    def _raw(self, event: Json) -> Iterator[Json]:
        if event["type"] in TERMINAL:
            yield from self._close()
        is_finish = event["type"] == "RUN_FINISHED"
        yield self._of_run("RUN_FINISHED") | event if is_finish else event

    def _more(self, kind: str, text: str) -> Iterator[Json]:
        if self._open is None or self._open[0] != kind:
            yield from self._close()
            yield from self._start(kind)
        assert self._open is not None
        stem = _stem(kind)
        yield {"type": f"{stem}_CONTENT", "messageId": self._open[1], "delta": text}

    def _start(self, kind: str) -> Iterator[Json]:
        self._open = (kind, self._next_id("m"))
        named = {"messageId": self._open[1]}
        if kind == "REASONING":
            yield {"type": "REASONING_START", **named}
        role = "assistant" if kind == "TEXT" else "reasoning"
        yield {"type": f"{_stem(kind)}_START", **named, "role": role}

    def _close(self) -> Iterator[Json]:
        if self._open is None:
            return
        kind, message_id = self._open
        self._open = None
        yield {"type": f"{_stem(kind)}_END", "messageId": message_id}
        if kind == "REASONING":
            yield {"type": "REASONING_END", "messageId": message_id}

    def _tool(self, name: str) -> Iterator[Json]:
        call = {"toolCallId": self._next_id("tc")}
        yield {"type": "TOOL_CALL_START", **call, "toolCallName": name}
        yield {"type": "TOOL_CALL_ARGS", **call, "delta": "{}"}
        yield {"type": "TOOL_CALL_END", **call}
        yield {"type": "TOOL_CALL_RESULT", **call, "messageId": self._next_id("r"), "content": "ok"}

    def _finish(self, attachments: tuple[Attachment, ...], usage: Usage | None) -> Iterator[Json]:
        yield from self._close()
        event = self._of_run("RUN_FINISHED") | {"outcome": {"type": "success"}}
        if attachments:
            event["result"] = {"attachments": [self.part_of(file) for file in attachments]}
        if usage is not None:
            event["usage"] = [_usage(usage)]
        yield event

    def part_of(self, file: Attachment) -> Json:
        """*file* as a part of a message."""
        facts = {"filename": file.name, "size": file.size_bytes}
        if file.sha256:
            facts["sha256"] = file.sha256
        family = file.mime_type.partition("/")[0]
        kind = family if family in _FAMILIES else "document"
        return {"type": kind, "source": self.source_of(file), "metadata": facts}

    def _next_id(self, stem: str) -> str:
        self._count += 1
        return f"{stem}{self._count}"


def inline_source(file: Attachment) -> Json:
    """The bytes of *file* within the message."""
    return {"type": "data", "value": b64encode(file.data).decode(), "mimeType": file.mime_type}


def _stem(kind: str) -> str:
    return "TEXT_MESSAGE" if kind == "TEXT" else "REASONING_MESSAGE"


def _usage(usage: Usage) -> Json:
    counts = {"inputTokens": usage.input_tokens, "outputTokens": usage.output_tokens}
    known = {name: count for name, count in counts.items() if count is not None}
    total = {"totalTokens": sum(known.values())} if known else {}
    return {"provider": "rig", "model": usage.model, **known, **total}


def _asked(asks: StreamAsks) -> Json:
    is_yes_or_no = asks.choices == ("yes", "no")
    schema = {"type": "string", "enum": list(asks.choices)} if asks.choices else {"type": "string"}
    interrupt: Json = {
        "id": asks.interrupt_id,
        "reason": "tool_call",
        "message": asks.question,
        "responseSchema": YES_OR_NO if is_yes_or_no else schema,
    }
    if asks.expires_at is not None:
        interrupt["expiresAt"] = datetime.fromtimestamp(asks.expires_at, UTC).isoformat()
    return {"type": "interrupt", "interrupts": [interrupt]}
