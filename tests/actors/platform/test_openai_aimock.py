"""Our client against aimock, a server that is not ours, where Node is there."""

from collections.abc import AsyncIterator, Iterator

import pytest

from actors.platform.turn import Limits
from protocols.journal import Exchange
from protocols.platform import FailureKind, RunDetails, StreamFinished, Usage
from protocols.turns import TurnFailed, TurnFinished
from tests.actors.platform.openai_chat import Chat, chat_with, said, thoughts_of
from tests.rigs.aimock import Aimock, Json, aimock_running
from tests.rigs.openai_foreign import NotInstalledError

KEY = "aimock-key"
LONG = "Once upon a time there was a server, and it was not ours, and it told this story. " * 3


def answers(asked: str, response: Json, **more: object) -> Json:
    return {"match": {"userMessage": asked}, "response": response, **more}


USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
BUSY: Json = {"error": {"message": "slow down", "type": "rate_limit_error"}, "status": 429}
CALL = {"name": "rm", "arguments": {"path": "/"}}
FIXTURES: list[Json] = [
    answers("usage", {"content": "counted", "usage": USAGE}),
    answers("think", {"content": "so", "reasoning": "hm, well"}),
    answers("limit", {"content": "too lo", "finishReason": "length"}),
    answers("tool", {"content": "Well.", "toolCalls": [CALL]}),
    {
        "match": {"userMessage": "busy once", "sequenceIndex": 0},
        "response": {**BUSY, "retryAfter": 1},
    },
    answers("busy once", {"content": "not any more"}),
    answers("busy always", {**BUSY, "retryAfter": 0}),
    answers("forbidden", {"error": {"message": "no", "type": "x"}, "status": 401}),
    answers("truncated", {"content": LONG}, truncateAfterChunks=4, latency=50),
    {"match": {"userMessage": "and then?", "turnIndex": 1}, "response": {"content": "the end"}},
    answers("story", {"content": LONG}),
]


@pytest.fixture(scope="module")
def aimock(request: pytest.FixtureRequest) -> Iterator[Aimock]:
    cache = request.config.cache
    assert cache is not None
    try:
        with aimock_running(cache.mkdir("aimock"), FIXTURES, key=KEY) as running:
            yield running
    except NotInstalledError as error:
        pytest.skip(f"aimock cannot be installed here: {error}")


@pytest.fixture
async def chat(aimock: Aimock) -> AsyncIterator[Chat]:
    aimock.begin()
    async with chat_with(aimock.openai, model="gpt-4o", secret=KEY) as opened:
        yield opened


async def test_a_story_streams_from_beginning_to_end(aimock: Aimock, chat: Chat) -> None:
    parts = await chat.parts("tell me a story")

    assert said(parts) == LONG
    assert len(parts) > 5
    assert len(aimock.asked()) == 1


async def test_its_usage_is_told(chat: Chat) -> None:
    [*_, last] = await chat.parts("usage")

    assert last == StreamFinished(usage=Usage("gpt-4o", 10, 5))


async def test_what_was_said_before_is_known_to_it(chat: Chat) -> None:
    details = RunDetails(history=(Exchange("tell me a story", LONG),))

    assert said(await chat.parts("and then?", details=details)) == "the end"


async def test_its_thoughts_are_apart_from_the_answer(aimock: Aimock) -> None:
    async with chat_with(aimock.openai, model="o3", secret=KEY) as chat:
        parts = await chat.parts("think")

    assert (thoughts_of(parts), said(parts)) == ("hm, well", "so")


async def test_a_limit_and_a_tool_are_taken_as_they_come(chat: Chat) -> None:
    assert said(await chat.parts("limit")).startswith("too lo\n\n*The answer ends here")
    assert said(await chat.parts("tool")) == "Well."


async def test_a_busy_server_is_asked_again_as_late_as_it_says(aimock: Aimock, chat: Chat) -> None:
    outcome = await chat.outcome("busy once", limits=Limits(idle=8.0))

    assert isinstance(outcome, TurnFinished)
    assert outcome.text == "not any more"
    first, second = aimock.asked()
    assert second["timestamp"] - first["timestamp"] >= 1000


async def test_a_server_that_stays_busy_is_left_in_peace(aimock: Aimock, chat: Chat) -> None:
    outcome = await chat.outcome("busy always", limits=Limits(idle=8.0, attempts=3))

    assert outcome == TurnFailed("", FailureKind.OVERLOADED)
    assert len(aimock.asked()) == 3


async def test_whoever_is_not_let_in_asks_once(aimock: Aimock, chat: Chat) -> None:
    assert await chat.outcome("forbidden") == TurnFailed("", FailureKind.UNAUTHORIZED)
    assert len(aimock.asked()) == 1

    async with chat_with(aimock.openai, model="gpt-4o", secret="another") as stranger:
        assert await stranger.outcome("story") == TurnFailed("", FailureKind.UNAUTHORIZED)


async def test_a_truncated_story_is_kept_and_not_taken_for_a_whole_one(chat: Chat) -> None:
    outcome = await chat.outcome("truncated")

    assert isinstance(outcome, TurnFailed)
    assert outcome.kind is FailureKind.CUT
    assert outcome.text
    assert LONG.startswith(outcome.text)


@pytest.mark.parametrize(
    ("chaos", "kind"),
    [
        ("dropRate", FailureKind.OVERLOADED),
        ("malformedRate", FailureKind.BROKEN),
        ("disconnectRate", FailureKind.UNREACHABLE),
        ("rateLimitRate", FailureKind.OVERLOADED),
    ],
)
async def test_chaos_ends_a_turn_as_what_it_is_and_is_over_when_it_is_over(
    aimock: Aimock, chat: Chat, chaos: str, kind: FailureKind
) -> None:
    aimock.begin(**{chaos: 1})
    assert await chat.outcome("story") == TurnFailed("", kind)

    aimock.begin(**{chaos: 0})
    assert isinstance(await chat.outcome("story"), TurnFinished)
