"""AG-UI 1.0 events of one run, as the parts of a stream; pure.

Source:
    https://docs.ag-ui.com, "Events"; unknown types and fields are ignored, as it asks.
"""

import json
from typing import Any

from attrs import define, field

from actors.platform.agui_parts import attachments_of, usage_of
from actors.platform.agui_questions import question_of
from actors.platform.agui_said import Said
from actors.platform.json_values import fraction_of, list_of, object_of, text_of
from protocols.platform import (
    FailureKind,
    PlatformFailedError,
    ReasoningDelta,
    StatusLine,
    StreamFinished,
    StreamPart,
    StreamStopped,
    TextDelta,
    ToolCall,
)

Json = dict[str, Any]
Parts = tuple[StreamPart, ...]

_STATUS_FIELDS = ("message", "text", "title", "description", "status")
_KINDS = {
    "overloaded": FailureKind.OVERLOADED,
    "rate_limited": FailureKind.OVERLOADED,
    "timeout": FailureKind.TIMEOUT,
    "upstream": FailureKind.OVERLOADED,
    "unauthorized": FailureKind.UNAUTHORIZED,
    "forbidden": FailureKind.UNAUTHORIZED,
    "file_too_large": FailureKind.FILE_REFUSED,
    "unsupported_media": FailureKind.FILE_REFUSED,
    "validation": FailureKind.REJECTED,
    "interrupt_expired": FailureKind.REJECTED,
    "thread_busy": FailureKind.REJECTED,
}
_RETRYABLE = {"overloaded", "rate_limited", "timeout"}


def failure_of(code: object) -> PlatformFailedError:
    """What ``RUN_ERROR`` with *code* means; its message is not ours to show."""
    name = text_of(code).strip().lower().replace("-", "_")
    kind = _KINDS.get(name, FailureKind.BROKEN)
    return PlatformFailedError(kind, is_retryable=name in _RETRYABLE)


@define(eq=False)
class _Prose:
    """Text of several messages; a blank line stands between two of them."""

    _message: object = None
    _is_begun: bool = False
    _has_ended: bool = False
    _end: str = ""

    def more(self, message: object, delta: str) -> str:
        """*delta* as it is shown; without an id it belongs to the message before."""
        if not delta:
            return ""
        is_other = self._has_ended or (message is not None and message != self._message)
        text = delta
        if is_other and self._is_begun and not self._end.endswith("\n\n"):
            text = ("\n" if self._end.endswith("\n") else "\n\n") + delta
        if message is not None:
            self._message = message
        self._is_begun, self._has_ended = True, False
        self._end = (self._end + text)[-2:] if len(text) < 2 else text[-2:]  # noqa: PLR2004
        return text

    def end(self) -> None:
        """What comes next is another message, whatever its id."""
        self._has_ended = True


@define(eq=False)
class RunDecoder:
    """Takes one run's events in their order.

    Args:
        said: Where a question for an agent that keeps nothing is put together; None for one that
            keeps the conversation.
    """

    said: Said | None = None
    _text: _Prose = field(init=False, factory=_Prose)
    _thoughts: _Prose = field(init=False, factory=_Prose)
    _others: set[str] = field(init=False, factory=set)
    """Messages that are not the assistant's."""

    def read(self, data: str) -> Parts:
        """The parts that one event gives, most often one; the last part ends the run.

        Raises:
            PlatformFailedError: The run failed, or *data* is no event.
        """
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise _broken(is_retryable=True) from None
        return self.take(event)

    def take(self, event: object) -> Parts:
        """The same of an event that is out of its JSON already."""
        if not isinstance(event, dict):
            raise _broken(is_retryable=True)
        if self.said is not None:
            self.said.take(event)
        match event.get("type"):
            case "TEXT_MESSAGE_CONTENT" | "TEXT_MESSAGE_CHUNK" | "TEXT_MESSAGE_START":
                return self._say(event)
            case (
                "REASONING_MESSAGE_CONTENT"
                | "REASONING_MESSAGE_CHUNK"
                | "THINKING_TEXT_MESSAGE_CONTENT"
            ):
                text = self._thoughts.more(event.get("messageId"), text_of(event.get("delta")))
                return (ReasoningDelta(text),) if text else ()
            case "REASONING_MESSAGE_START" | "THINKING_TEXT_MESSAGE_START":
                self._thoughts.end()
                return ()
            case "RUN_FINISHED":
                return (_end_of(event, self.said.messages() if self.said is not None else []),)
            case "RUN_ERROR":
                raise failure_of(event.get("code"))
            case name:
                return _doing(name, event)

    def _say(self, event: Json) -> Parts:
        """Only what the assistant says is the answer."""
        message = event.get("messageId")
        if event.get("role") not in (None, "assistant"):
            self._others.add(text_of(message))
        if self._others and text_of(message) in self._others:
            return ()
        text = self._text.more(message, text_of(event.get("delta")))
        return (TextDelta(text),) if text else ()


def _doing(name: object, event: Json) -> Parts:
    """What the agent is doing, by an event that says so."""
    match name:
        case "TOOL_CALL_START" | "TOOL_CALL_CHUNK":
            tool = text_of(event.get("toolCallName"))
            return (ToolCall(tool),) if tool.strip() else ()
        case "STEP_STARTED":
            return _status(text_of(event.get("stepName")))
        case "SUBAGENT_STARTED":
            return _status(text_of(event.get("name")))
        case "ACTIVITY_SNAPSHOT":
            said = _words_in(object_of(event.get("content")))
            return _status(said or text_of(event.get("activityType")))
        case "ACTIVITY_DELTA":
            changes = [object_of(change) for change in list_of(event.get("patch"))]
            return _status(
                _words_in(
                    {text_of(c.get("path")).removeprefix("/"): c.get("value") for c in changes}
                )
            )
        case "CUSTOM" if event.get("name") == "task_progress":
            return _status(_progress(event.get("value")))
        case _:
            return ()


def _progress(value: object) -> str:
    progress = object_of(value)
    fraction = fraction_of(progress.get("fraction"))
    share = "" if fraction is None else f"{fraction:.0%}"
    return f"{share} {text_of(value) or _words_in(progress)}".strip()


def _end_of(event: Json, messages: list[Json]) -> StreamPart:
    outcome = event.get("outcome")
    match {"type": "success"} if outcome is None else outcome:
        case {"type": "success"}:
            result = object_of(event.get("result"))
            usage = usage_of(event.get("usage")) or usage_of(result.get("usage"))
            return StreamFinished(attachments_of(result.get("attachments")), usage)
        case {"type": "interrupt", "interrupts": interrupts}:
            return question_of(interrupts, messages)
        case {"type": "cancelled"}:
            return StreamStopped()
        case _:
            raise _broken(is_retryable=False)


def _status(text: str) -> Parts:
    return (StatusLine(text),) if text.strip() else ()


def _words_in(content: Json) -> str:
    return next((said for name in _STATUS_FIELDS if (said := text_of(content.get(name)))), "")


def _broken(*, is_retryable: bool) -> PlatformFailedError:
    return PlatformFailedError(FailureKind.BROKEN, is_retryable=is_retryable)
