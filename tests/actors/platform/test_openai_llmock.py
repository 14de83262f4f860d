"""Our client against llmock, a server that is not ours, and its verdict on us."""

from collections.abc import AsyncIterator, Iterator

import pytest
import trio

from actors.platform.turn import Limits
from protocols.platform import FailureKind, StreamFinished
from protocols.turns import TurnFailed, TurnFinished, TurnOutcome
from tests.actors.platform.openai_chat import Chat, chat_with, said, text_of
from tests.rigs.llmock import Behaviour, Llmock, llmock_running
from tests.rigs.openai_foreign import NotInstalledError

LIMITS = Limits(idle=8.0)
MODEL = "gpt-4o"
ANSWER = "The answer of the day is forty-two, and that is all that there is to say of it."


def running(request: pytest.FixtureRequest, *options: str) -> Iterator[Llmock]:
    cache = request.config.cache
    assert cache is not None
    # Paced, so that it sees us leave: what is sent at once counts as read to its end.
    options = (*options, "--stream-chunk-delay-ms", "5")
    try:
        with llmock_running(cache.mkdir("llmock"), *options) as llmock:
            yield llmock
    except NotInstalledError as error:
        pytest.skip(f"llmock cannot be installed here: {error}")


@pytest.fixture(scope="module")
def llmock(request: pytest.FixtureRequest) -> Iterator[Llmock]:
    yield from running(request)


@pytest.fixture(scope="module")
def chaotic(request: pytest.FixtureRequest) -> Iterator[Llmock]:
    # Rolled anew in each run: so rare that ten attempts at one message do not all fail, so many
    # messages that some do.
    rates = ("429=0.08", "500=0.05", "503=0.05")
    faults = ("disconnect=0.05", "truncate=0.05", "malformed=0.03")
    errors = [word for rate in rates for word in ("--error-rate", rate)]
    streams = [word for rate in faults for word in ("--stream-fault", rate)]
    yield from running(request, *errors, *streams, "--rpm", "600")


@pytest.fixture
async def chat(llmock: Llmock) -> AsyncIterator[Chat]:
    async with chat_with(llmock.openai, model=MODEL, secret="k") as opened:
        yield opened


def reply(**more: object) -> Behaviour:
    return {"type": "reply", "text": ANSWER, "times": None, **more}


def fail(status: int, times: int | None = 1, retry_after: float | None = 0) -> Behaviour:
    return {"type": "fail", "status": status, "times": times, "retry_after": retry_after}


def breaks(kind: str, after_chunks: int, **more: object) -> Behaviour:
    return {"type": "stream_fault", "kind": kind, "after_chunks": after_chunks, **more}


def assert_flawless(llmock: Llmock) -> None:
    """Every behaviour was met, and the client did nothing that is worth a word."""
    verdict = llmock.verdict()
    assert verdict.findings == (), verdict.text
    assert [status for status in llmock.statuses() if status >= 400] or verdict.attempts


def answered(outcome: TurnOutcome) -> str:
    assert isinstance(outcome, TurnFinished), outcome
    return outcome.text


async def test_an_answer_streams_and_ends_with_its_usage(llmock: Llmock, chat: Chat) -> None:
    llmock.begin(reply())

    parts = await chat.parts("what is the answer?")

    assert said(parts) == ANSWER
    assert len(parts) > 10
    [last] = [part for part in parts if isinstance(part, StreamFinished)]
    assert last.usage is not None
    assert last.usage.model == MODEL
    assert (last.usage.input_tokens or 0) > 0
    assert (last.usage.output_tokens or 0) > 0
    assert_flawless(llmock)


async def test_it_lets_us_in_and_several_models_are_no_choice(llmock: Llmock, chat: Chat) -> None:
    llmock.begin(reply())

    await chat.client.check_access()
    async with chat_with(llmock.openai, model="") as unsure:
        outcome = await unsure.outcome()

    assert outcome == TurnFailed("", FailureKind.REJECTED)


PASSING: dict[str, tuple[Behaviour, ...]] = {
    **{f"{status}": (fail(status),) for status in (408, 429, 500, 502, 503, 504, 529)},
    "three different errors": (fail(500), fail(503), fail(429)),
    "a wait that is asked for": (fail(429, retry_after=1),),
    "a wait that is asked for twice": (fail(503, times=2, retry_after=1),),
    "errors that name no wait": (fail(500, times=3, retry_after=None),),
    "a cut before the first word": (breaks("disconnect", 1),),
    "a truncation before the first word": (breaks("truncate", 1),),
    "a truncation before anything": (breaks("truncate", 0),),
    "a broken first chunk": (breaks("malformed", 0),),
    "a late answer": ({"type": "delay", "seconds": 0.5},),
    "a late first word": ({"type": "slow_first_token", "seconds": 0.5},),
    "an error, then a truncation": (fail(503), breaks("truncate", 1)),
}


@pytest.mark.parametrize("name", PASSING)
async def test_a_fault_before_the_first_word_costs_the_person_nothing(
    llmock: Llmock, chat: Chat, name: str
) -> None:
    llmock.begin(*PASSING[name], reply())

    outcome = await chat.outcome(f"what is the answer in spite of {name}?", limits=LIMITS)

    assert answered(outcome) == ANSWER
    assert llmock.waiting() == 1  # the answer itself, which stays
    assert_flawless(llmock)


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("disconnect", FailureKind.CUT),
        ("truncate", FailureKind.CUT),
        ("malformed", FailureKind.BROKEN),
    ],
)
async def test_half_an_answer_is_never_taken_for_a_whole_one(
    llmock: Llmock, chat: Chat, kind: str, failure: FailureKind
) -> None:
    llmock.begin(breaks(kind, 5), reply())

    outcome = await chat.outcome("what is the answer?", limits=LIMITS)
    assert isinstance(outcome, TurnFailed)
    assert outcome.kind is failure
    assert outcome.text
    assert ANSWER.startswith(outcome.text)
    assert len(llmock.statuses()) == 1  # what was shown is not asked for again behind its back

    # The person presses the button that came with it.
    assert answered(await chat.outcome("what is the answer?", limits=LIMITS)) == ANSWER
    assert_flawless(llmock)


@pytest.mark.parametrize("after_chunks", [0, 5])
async def test_a_stream_that_stalls_is_left_within_the_idle_limit(
    llmock: Llmock, chat: Chat, after_chunks: int
) -> None:
    llmock.begin(breaks("stall", after_chunks, stall_seconds=30), reply())

    with trio.fail_after(3):
        outcome = await chat.outcome("what is the answer?", limits=Limits(idle=0.7))

    assert isinstance(outcome, TurnFailed)
    assert outcome.kind is FailureKind.TIMEOUT
    assert bool(outcome.text) is bool(after_chunks)
    assert_flawless(llmock)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.REJECTED),
        (401, FailureKind.UNAUTHORIZED),
        (403, FailureKind.UNAUTHORIZED),
        (404, FailureKind.REJECTED),
        (413, FailureKind.FILE_REFUSED),
        (422, FailureKind.REJECTED),
    ],
)
async def test_what_no_retry_can_mend_is_asked_once(
    llmock: Llmock, chat: Chat, status: int, kind: FailureKind
) -> None:
    llmock.begin(fail(status, times=None))

    assert await chat.outcome(limits=LIMITS) == TurnFailed("", kind)
    assert llmock.statuses() == [status]
    assert_flawless(llmock)


async def test_a_server_that_is_down_is_asked_a_few_times_and_not_at_once(
    llmock: Llmock, chat: Chat
) -> None:
    llmock.begin(fail(503, times=None, retry_after=None))

    outcome = await chat.outcome(limits=LIMITS)

    assert outcome == TurnFailed("", FailureKind.OVERLOADED)
    assert llmock.statuses() == [503] * LIMITS.attempts
    assert_flawless(llmock)


async def test_a_tool_that_the_model_calls_unasked_breaks_nothing(
    llmock: Llmock, chat: Chat
) -> None:
    call = {"name": "delete_files", "arguments": {"path": "/"}}
    broken = "malformed_arguments"
    fault: Behaviour = {"type": "tool_fault", "kind": broken, "times": None, "match": {}}
    llmock.begin(reply(tool_calls=[call]), fault)

    assert said(await chat.parts()) == ANSWER
    assert_flawless(llmock)


async def test_an_answer_that_reached_a_limit_says_so(llmock: Llmock, chat: Chat) -> None:
    llmock.begin(reply(finish_reason="length"))

    text = text_of(await chat.parts())

    assert text == f"{ANSWER}\n\n*The answer ends here: the model has reached its limit.*"


async def pressed_until_answered(chat: Chat, text: str) -> None:
    """A person who retries what failed, as the button below it offers."""
    for _ in range(10):
        if isinstance(await chat.outcome(text, limits=LIMITS), TurnFinished):
            return
        await trio.sleep(1.2)  # longer than llmock ever asks for
    pytest.fail("ten times nothing")


async def test_in_lasting_chaos_every_message_is_answered_and_the_verdict_is_good(
    chaotic: Llmock,
) -> None:
    # Longer than the six chunks behind which it breaks at the latest: its own answers are
    # shorter by chance, and one that breaks behind its finish reason is whole.
    chaotic.begin(reply())

    with trio.fail_after(120):
        async with chat_with(chaotic.openai, model=MODEL) as chat, trio.open_nursery() as nursery:
            for number in range(40):
                nursery.start_soon(pressed_until_answered, chat, f"question {number}")

    verdict = chaotic.verdict()
    assert verdict.errors == (), verdict.text
    assert verdict.faults > 0
    assert verdict.attempts > 40
