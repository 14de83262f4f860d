"""Chat Completions, between its JSON and the platform's words; pure.

Source:
    OpenAI API reference, "Chat Completions", and what Ollama, llama.cpp, vLLM, OpenRouter,
    DeepSeek and Mistral send in its name.
"""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from attrs import define, field, frozen

from actors.platform.openai_files import inlined, picture_part
from actors.platform.web_failures import StatusError, kind_of
from protocols.journal import Exchange
from protocols.platform import (
    Attachment,
    FailureKind,
    PlatformFailedError,
    ReasoningDelta,
    StreamPart,
    TextDelta,
    Usage,
)

FILE_ONLY = "(a file)"
"""Stands for words that were none: every message of the history has some."""

_DONE = "[DONE]"
_FAILED = "error"
_MOST_MODELS = 1_000
Json = dict[str, Any]


@frozen
class Prompt:
    """All that a model is told for one answer.

    Args:
        system: What it is told before every chat; empty for nothing.
        history: What was said before, oldest first.
    """

    model: str
    system: str = field(repr=False)
    history: tuple[Exchange, ...] = field(repr=False)
    text: str = field(repr=False)
    attachments: tuple[Attachment, ...] = ()
    has_vision: bool = False


def request_body(prompt: Prompt, *, wants_usage: bool) -> Json:
    """The body of the request for a streamed answer to *prompt*.

    Raises:
        PlatformFailedError: A file is not one that a model can be given.
    """
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    body = {
        "model": prompt.model,
        "messages": [*system, *_said_before(prompt.history), _asked_now(prompt)],
        "stream": True,
    }
    return body | ({"stream_options": {"include_usage": True}} if wants_usage else {})


def newest_that_fit(history: tuple[Exchange, ...], most_chars: int) -> tuple[Exchange, ...]:
    """The newest exchanges of *history* that are at most *most_chars* long together."""
    left = most_chars
    for number, exchange in enumerate(reversed(history)):
        left -= len(exchange.asked) + len(exchange.answered)
        if left < 0:
            return history[len(history) - number :]
    return history


def _said_before(history: Iterable[Exchange]) -> Iterable[Json]:
    for exchange in history:
        yield {"role": "user", "content": exchange.asked.strip() or FILE_ONLY}
        yield {"role": "assistant", "content": exchange.answered.strip() or FILE_ONLY}


def _asked_now(prompt: Prompt) -> Json:
    pictures: list[Json] = []
    texts = [prompt.text] if prompt.text.strip() else []
    for file in prompt.attachments:
        picture = picture_part(file, has_vision=prompt.has_vision)
        if picture is None:
            texts.append(inlined(file))
        else:
            pictures.append(picture)
    text = "\n\n".join(texts)
    if not pictures:
        return {"role": "user", "content": text}
    words = [{"type": "text", "text": text}] if text else []
    return {"role": "user", "content": [*words, *pictures]}


def refuses_usage(error: StatusError) -> bool:
    """Whether *error* is that of a server which does not know that it may tell the usage."""
    if error.status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
        return False
    return any(word in json.dumps(error.body) for word in ("stream_options", "include_usage"))


def models_listed(body: Any) -> tuple[str, ...]:
    """The ids of the models in the answer to ``GET /models``.

    Raises:
        PlatformFailedError: It is no such list.
    """
    match body:
        case {"data": [*models]}:
            ids = [one["id"] for one in models[:_MOST_MODELS] if _has_id(one)]
            return tuple(dict.fromkeys(ids))
        case _:
            raise _broken()


def _has_id(model: Any) -> bool:
    match model:
        case {"id": str(id_)}:
            return bool(id_)
        case _:
            return False


@define(eq=False)
class AnswerReader:
    """Takes the events of one streamed answer; only the first choice counts.

    Attributes:
        finish_reason: Why the model ended, once it has: ``stop``, ``length`` and others.
        is_over: The server says that nothing more will come.
        usage: What the answer cost, as far as the server has said.
    """

    finish_reason: str = field(init=False, default="")
    is_over: bool = field(init=False, default=False)
    usage: Usage | None = field(init=False, default=None)
    _model: str = field(init=False, default="")
    _said: list[str] = field(init=False, factory=list, repr=False)

    def read(self, data: str) -> list[StreamPart]:
        """The parts that one event brings; none for much of what servers say.

        Raises:
            PlatformFailedError: It is not the protocol, or the server says that it failed.
        """
        if data.strip() == _DONE:
            self.is_over = True
            return []
        if not data.strip():
            return []
        return self._taken(_object(data))

    def after_text(self, notice: str) -> str:
        """*notice* as it follows the text: in a paragraph of its own, and in no code block."""
        text = "".join(self._said)
        fences = sum(line.lstrip().startswith("```") for line in text.splitlines())
        closing = "\n```" if fences % 2 else ""
        return f"{closing}\n\n{notice}" if text else notice

    def check_ended(self) -> None:
        """Raise ``PlatformFailedError`` where the model had not ended: the stream was cut."""
        if not self.finish_reason:
            raise PlatformFailedError(FailureKind.CUT, is_retryable=True)

    def _taken(self, chunk: Json) -> list[StreamPart]:
        if chunk.get("error"):
            raise failure_in(chunk["error"])
        self._note_usage(chunk)
        choice = _first_choice(chunk)
        if choice is None:
            return []
        reason = choice.get("finish_reason")
        if reason == _FAILED:
            raise failure_in(choice.get("error"))
        if isinstance(reason, str) and reason:
            self.finish_reason = reason
        parts = list(_parts(choice.get("delta")))
        self._said += [part.text for part in parts if isinstance(part, TextDelta)]
        return parts

    def _note_usage(self, chunk: Json) -> None:
        model = chunk.get("model")
        if isinstance(model, str) and model:
            self._model = model
        match chunk.get("usage"):
            case {**counts} if counts:
                read, written = counts.get("prompt_tokens"), counts.get("completion_tokens")
                self.usage = Usage(self._model, _count(read), _count(written))
            case _:
                pass


def failure_in(error: Any) -> PlatformFailedError:
    """What an error object inside a stream means, by its code; its words are not looked at."""
    match error:
        case {"code": int(status)} | {"status": int(status)}:
            pass
        case {"type": "invalid_request_error"}:
            status = HTTPStatus.BAD_REQUEST
        case _:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
    if not HTTPStatus.BAD_REQUEST <= status < 600:  # noqa: PLR2004  # no status of HTTP is larger
        status = HTTPStatus.INTERNAL_SERVER_ERROR
    is_retryable = StatusError(status).is_retryable
    return PlatformFailedError(kind_of(status), is_retryable=is_retryable)


def _object(data: str) -> Json:
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError):
        raise _broken() from None
    if not isinstance(chunk, dict):
        raise _broken()
    return chunk


def _first_choice(chunk: Json) -> Json | None:
    choices = chunk.get("choices") or []
    if not isinstance(choices, list):
        raise _broken()
    ours = (one for one in choices if isinstance(one, dict) and one.get("index") in {None, 0})
    return next(ours, None)


def _parts(delta: Any) -> Iterable[StreamPart]:
    """What one delta says; fragments of tool calls are none of it, as no tool was offered."""
    if not isinstance(delta, dict):
        return
    content = delta.get("content")
    thought = delta.get("reasoning_content") or delta.get("reasoning") or _thinking(content)
    if isinstance(thought, str) and thought:
        yield ReasoningDelta(thought)
    text = _text(content) or delta.get("refusal")
    if isinstance(text, str) and text:
        yield TextDelta(text)


def _text(content: Any) -> str:
    """The words in *content*, which a few servers send in parts."""
    match content:
        case str():
            return content
        case [*parts]:
            return "".join(map(_text, parts))
        case {"type": "text", "text": str(text)}:
            return text
        case _:
            return ""


def _thinking(content: Any) -> str:
    match content:
        case [*parts]:
            return "".join(map(_thinking, parts))
        case {"type": "thinking", "thinking": thought}:
            return _text(thought)
        case _:
            return ""


def _count(value: Any) -> int | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value < 2**53 else None


def _broken() -> PlatformFailedError:
    return PlatformFailedError(FailureKind.BROKEN, is_retryable=True)
