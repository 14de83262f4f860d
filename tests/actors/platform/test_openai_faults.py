"""Whatever an OpenAI-compatible server does, a turn ends in one outcome within its limits."""

from collections.abc import AsyncIterator

import pytest
import trio

from actors.platform.turn import Limits
from protocols.platform import FailureKind
from protocols.turns import TurnFailed, TurnFinished
from tests.actors.platform.openai_chat import Chat, chat_with
from tests.actors.platform.raw_server import EVENTS, answer, chunk
from tests.rigs.openai_server import (
    Fault,
    OpenAIServer,
    delta,
    event,
    refusal,
    says,
    says_and_closes,
    says_and_hangs,
    streamed,
)

IDLE = 0.5
LIMITS = Limits(idle=IDLE, attempts=2)
BEGUN = (EVENTS, event(delta(role="assistant")), event(delta("Once upon")))

FAULTS: dict[str, tuple[Fault, FailureKind]] = {
    "500": (says(refusal("500 Internal Server Error", "oh")), FailureKind.OVERLOADED),
    "503": (says(refusal("503 Service Unavailable", "oh")), FailureKind.OVERLOADED),
    "401": (says(refusal("401 Unauthorized", "oh")), FailureKind.UNAUTHORIZED),
    "a hang before the headers": (says_and_hangs(), FailureKind.TIMEOUT),
    "a hang before the first word": (says_and_hangs(EVENTS), FailureKind.TIMEOUT),
    "a close before the headers": (says_and_closes(), FailureKind.UNREACHABLE),
    "a close before the first word": (says_and_closes(EVENTS), FailureKind.CUT),
    "truncated JSON": (says(*streamed('{"choices": [{"del')), FailureKind.BROKEN),
    "an empty answer": (says(*streamed(delta(None, "stop"), "[DONE]")), FailureKind.EMPTY),
    "no event at all": (says(*streamed()), FailureKind.CUT),
    "garbage bytes": (says_and_closes(b"\x00\xff\xfe garbage\r\n\r\n"), FailureKind.BROKEN),
    "garbage in the stream": (says(EVENTS, chunk(b"data: \xff\xfe{\n\n")), FailureKind.BROKEN),
    "an HTML page": (says(answer(b"<html>hi</html>", kind="text/html")), FailureKind.BROKEN),
    "an answer that does not stream": (says(answer(b'{"choices": []}')), FailureKind.BROKEN),
    "an event without an end": (
        says_and_hangs(EVENTS, *[chunk(b"data: " + b"x" * 2**19)] * 4),
        FailureKind.BROKEN,
    ),
    "an error in the stream": (
        says(*streamed({"error": {"message": "oh", "code": 429}})),
        FailureKind.OVERLOADED,
    ),
}


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer().running() as running:
        yield running


@pytest.fixture
async def chat(server: OpenAIServer) -> AsyncIterator[Chat]:
    async with chat_with(server.address) as opened:
        yield opened


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_that_stays_ends_the_turn_as_what_it_is(
    server: OpenAIServer, chat: Chat, name: str
) -> None:
    fault, kind = FAULTS[name]
    server.faults += [fault] * LIMITS.attempts

    with trio.fail_after(2 * IDLE + 2):
        outcome = await chat.outcome(limits=LIMITS)

    assert outcome == TurnFailed("", kind)


@pytest.mark.parametrize("name", sorted(FAULTS.keys() - {"401"}))
async def test_a_fault_that_passes_is_tried_again_before_anything_was_shown(
    server: OpenAIServer, chat: Chat, name: str
) -> None:
    fault, kind = FAULTS[name]
    server.faults.append(fault)

    outcome = await chat.outcome(limits=LIMITS)

    if kind is FailureKind.TIMEOUT:  # the whole patience went into the first attempt
        assert outcome == TurnFailed("", kind)
    else:
        assert isinstance(outcome, TurnFinished)
        assert outcome.text == "You said: hello"
        assert server.chats[0] == server.chats[1]


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (says_and_closes(*BEGUN), FailureKind.CUT),
        (says_and_hangs(*BEGUN), FailureKind.TIMEOUT),
        (says_and_closes(*BEGUN, chunk(b"data: {\n\n")), FailureKind.BROKEN),
        (says_and_closes(*BEGUN, event("[DONE]")), FailureKind.CUT),
    ],
    ids=["a cut", "a stall", "truncated JSON", "no finish reason"],
)
async def test_what_came_is_kept_and_not_asked_for_again(
    server: OpenAIServer, chat: Chat, end: Fault, kind: FailureKind
) -> None:
    server.faults.append(end)

    with trio.fail_after(2 * IDLE + 1):
        outcome = await chat.outcome(limits=LIMITS)

    assert outcome == TurnFailed("Once upon", kind)
    assert len(server.chats) == 1


async def test_a_wait_that_a_server_asks_for_is_waited(server: OpenAIServer, chat: Chat) -> None:
    busy = refusal("429 Too Many Requests", "slow down", "Retry-After: 1")
    server.faults.append(says(busy))
    began = trio.current_time()

    outcome = await chat.outcome(limits=Limits(idle=10.0, attempts=2))

    assert isinstance(outcome, TurnFinished)
    assert trio.current_time() - began >= 1.0


async def test_a_401_is_not_tried_again(server: OpenAIServer, chat: Chat) -> None:
    server.faults.append(says(refusal("401 Unauthorized", "oh")))

    assert await chat.outcome() == TurnFailed("", FailureKind.UNAUTHORIZED)
    assert len(server.chats) == 1


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/v1", "http://no-such-host.invalid/v1", "https://127.0.0.1:1/v1"]
)
async def test_a_server_that_is_not_there_is_unreachable(address: str) -> None:
    async with chat_with(address) as chat:
        with trio.fail_after(10):
            outcome = await chat.outcome()

    assert outcome == TurnFailed("", FailureKind.UNREACHABLE)


async def test_a_fault_in_one_chat_is_nothing_to_another(server: OpenAIServer, chat: Chat) -> None:
    hangs = trio.Event()

    async def hang(stream: trio.abc.Stream) -> None:
        hangs.set()
        await says_and_hangs(*BEGUN)(stream)

    server.faults.append(hang)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(chat.parts)
        await hangs.wait()
        outcome = await chat.outcome("and me?")
        nursery.cancel_scope.cancel()

    assert isinstance(outcome, TurnFinished)
