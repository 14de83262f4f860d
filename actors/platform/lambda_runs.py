"""A run in the platform's words: what is asked, and what its result still has to show; pure."""

from collections.abc import Iterator
from typing import Any

from attrs import field, frozen

from actors.platform.agui_input import run_input, user_message
from actors.platform.agui_questions import continuation_of
from actors.platform.lambda_wire import VERSION, RunResult, key_header, traceparent_of
from protocols.ids import RunId
from protocols.platform import (
    Answer,
    FailureKind,
    PlatformFailedError,
    Resume,
    RunDetails,
    StreamAsks,
    StreamFinished,
    StreamPart,
    TextDelta,
    WholeText,
)

Json = dict[str, Any]


@frozen
class Asked:
    """What a person asks in a run."""

    run_id: RunId
    user_id: str
    chat_id: str
    text: str = field(repr=False)
    details: RunDetails


def input_of(asked: Asked, parts: list[Json], resume: Resume | None = None) -> Json:
    """The run's input; the same for the same words, as the platform refuses any other.

    Args:
        asked: What is asked.
        parts: The files that go along.
        resume: The question that is answered, where one is.

    Raises:
        PlatformFailedError: *resume* is of no question that this client asked.
    """
    entries: list[Json] = []
    words = asked.text
    if resume is not None:
        continuation = continuation_of(resume, asked.text)
        entries, words = continuation.entries, continuation.words
    is_said = bool(words or parts or not entries)
    props = {
        "user_id": asked.user_id,
        "chat_id": asked.chat_id,
        "surface": asked.details.surface,
        "locale": asked.details.language,
        "history": "server",
        "onBusy": "enqueue",
    }
    return run_input(
        thread_id=f"{asked.user_id}:{asked.chat_id}",
        run_id=asked.run_id,
        messages=[user_message(asked.run_id, words, parts)] if is_said else [],
        resume=entries,
        props={name: value for name, value in props.items() if value},
    )


def headers_of(asked: Asked) -> dict[str, str]:
    """The headers of every request for the run."""
    headers = {"Lambda-Version": VERSION, "Idempotency-Key": key_header(asked.run_id)}
    traceparent = traceparent_of(asked.details.trace, asked.run_id)
    return headers if traceparent is None else {**headers, "traceparent": traceparent}


def rest_of(result: RunResult, shown: str) -> Iterator[StreamPart]:
    """What is left to show of a run whose events are not kept any more.

    Raises:
        PlatformFailedError: The run failed, or is not over.
    """
    if result.text.startswith(shown):
        if len(result.text) > len(shown):
            yield TextDelta(result.text[len(shown) :])
    elif not shown.startswith(result.text):
        yield WholeText(result.text)
    yield result.last_part()


def answer_of(result: RunResult) -> Answer:
    """The whole answer of a run that is over; a question of the agent is part of it.

    Raises:
        PlatformFailedError: The run failed, or was stopped by somebody else.
    """
    match result.last_part():
        case StreamFinished(attachments):
            return Answer(result.text, attachments)
        case StreamAsks(question=question):
            return Answer(f"{result.text}\n\n{question}".strip(), result.attachments)
        case _:
            raise PlatformFailedError(FailureKind.CUT, is_retryable=False)
