from collections.abc import AsyncGenerator, Sequence

import pytest
import trio

from actors.platform.whole import whole_answer
from protocols.platform import (
    Answer,
    Attachment,
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

HEL = TextDelta("Hel")
CAT = Attachment("cat.png", "image/png", 9, mode="url", location="https://example.org/cat.png")
BESIDE = (ReasoningDelta("Hm"), StatusLine("1/2"), ToolCall("web_search"))


async def stream(parts: Sequence[StreamPart]) -> AsyncGenerator[StreamPart, None]:
    for part in parts:
        await trio.lowlevel.checkpoint()
        yield part


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        ([HEL, *BESIDE, TextDelta("lo"), StreamFinished()], Answer("Hello")),
        ([HEL, WholeText("Bye"), TextDelta("!"), StreamFinished()], Answer("Bye!")),
        ([HEL, StreamFinished((CAT,))], Answer("Hel", (CAT,))),
        ([HEL, StreamAsks("i-1", "Go on?")], Answer("Hel\n\nGo on?")),
    ],
)
async def test_a_whole_answer_is_what_its_stream_says_in_the_end(
    parts: Sequence[StreamPart], answer: Answer
) -> None:
    assert await whole_answer(stream(parts)) == answer


@pytest.mark.parametrize("parts", [[HEL], [], [HEL, StreamStopped(), StreamFinished()]])
async def test_a_stream_without_its_own_end_is_no_answer(parts: Sequence[StreamPart]) -> None:
    with pytest.raises(PlatformFailedError) as failed:
        await whole_answer(stream(parts))

    assert failed.value.kind is FailureKind.CUT
