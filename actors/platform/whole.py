"""A stream as one whole answer."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import assert_never

from protocols.platform import (
    Answer,
    FailureKind,
    PlatformFailedError,
    ReasoningDelta,
    StatusLine,
    StreamAsks,
    StreamFinished,
    StreamPart,
    StreamStopped,
    TextDelta,
    ToolCall,
    WholeText,
)


async def whole_answer(stream: AsyncGenerator[StreamPart, None]) -> Answer:
    """What *stream* comes to; a question of the agent is part of it.

    Raises:
        PlatformFailedError: ``CUT`` where it has no end, or was stopped.
    """
    said: list[str] = []
    async with aclosing(stream):
        async for part in stream:
            match part:
                case TextDelta(more):
                    said.append(more)
                case WholeText(text):
                    said = [text]
                case StatusLine() | ReasoningDelta() | ToolCall():
                    pass
                case StreamFinished(files):
                    return Answer("".join(said), files)
                case StreamAsks(question=question):
                    return Answer(f"{''.join(said)}\n\n{question}".strip())
                case StreamStopped():
                    break
                case _:
                    assert_never(part)
    raise PlatformFailedError(FailureKind.CUT, is_retryable=True)
