"""The production client against the reference server, whatever goes wrong."""

from collections.abc import Callable
from contextlib import aclosing

import pytest
import trio

from protocols.ids import Language, SurfaceName, TraceId
from protocols.platform import (
    Attachment,
    FailureKind,
    PlatformFailedError,
    Resume,
    RunDetails,
    StatusLine,
    StreamAsks,
    StreamFinished,
    StreamPart,
    StreamStopped,
    TextDelta,
    ToolCall,
    Usage,
    WholeText,
)
from tests.actors.platform.on_platform import (
    ALL_WORDS,
    RUN,
    WORDS,
    OnPlatform,
    on_platform,
    run_id,
    shown,
    thoughts,
)
from tests.rigs import lambda_platform_agent
from tests.rigs.lambda_platform_faults import (
    RESUME,
    START,
    STREAMS,
    Fault,
    OnStream,
    empty,
    garbage,
    hang,
    html_page,
    huge,
    overloaded,
    refused,
    status,
    truncated_json,
    unauthorized,
)

TRACE = TraceId("0af7651916cd43dd8448eb211c80319c")


async def failure_of(on: OnPlatform, text: str = "hello") -> PlatformFailedError:
    with pytest.raises(PlatformFailedError) as caught:
        await on.parts(text)
    return caught.value


async def test_an_answer_is_streamed_to_its_end() -> None:
    async with on_platform() as on:
        parts = await on.parts("good morning")

    assert "good morning" in shown(parts)
    assert sum(isinstance(part, TextDelta) for part in parts) > 3
    assert parts[-1] == StreamFinished()


async def test_a_run_says_who_asks_where_and_in_which_language() -> None:
    details = RunDetails(SurfaceName("matrix"), Language("de"), TRACE)
    async with on_platform() as on:
        await on.parts("hello", details=details)
        (body,) = on.platform.inputs()
        (asked,) = on.platform.requests("POST", "/v1/runs")

    assert body["threadId"] == f"{on.user_id}:C1"
    assert body["forwardedProps"] == {
        "user_id": on.user_id,
        "chat_id": "C1",
        "surface": "matrix",
        "locale": "de",
        "history": "server",
        "onBusy": "enqueue",
    }
    assert asked.headers["Idempotency-Key"] == f'"{RUN}"'
    assert asked.headers["Lambda-Version"] == "2026-11-01"
    assert asked.headers["traceparent"].startswith(f"00-{TRACE}-")


async def test_a_repeated_request_is_the_same_run_and_the_same_answer() -> None:
    details = RunDetails(SurfaceName("matrix"), Language("de"), TRACE)
    file = Attachment("a.txt", "text/plain", 2, data=b"hi")
    async with on_platform() as on:
        first, again = [
            await on.parts("hello", details=details, attachments=(file,)) for _ in range(2)
        ]

    assert first == again
    assert on.platform.stats.executed == 1


async def test_what_the_agent_thinks_and_does_comes_along() -> None:
    async with on_platform() as on:
        reasoned, tools, progress, usage = [
            await on.parts(f"mock:{word}", run_id(number))
            for number, word in enumerate(("reason", "tools", "progress", "usage"))
        ]

    assert thoughts(reasoned).endswith("Now I know.")
    assert [part.name for part in tools if isinstance(part, ToolCall)] == [
        "web_search",
        "calculator",
    ]
    lines = [part.text for part in progress if isinstance(part, StatusLine)]
    assert lines[:3] == ["search", "planning", "20% 1/5 searching"]
    assert usage[-1] == StreamFinished(usage=Usage("rig-1", 1234, 56))


@pytest.mark.parametrize("word", ["unknown", "empty", "long", "status"])
async def test_a_run_ends_whatever_is_in_between(word: str) -> None:
    async with on_platform() as on:
        assert isinstance((await on.parts(f"mock:{word}"))[-1], StreamFinished)


async def test_files_of_the_agent_come_with_the_end() -> None:
    async with on_platform() as on:
        photo, link = [
            (await on.parts(f"mock:{word}", run_id(number)))[-1]
            for number, word in enumerate(("photo", "link"))
        ]

    assert isinstance(photo, StreamFinished)
    assert isinstance(link, StreamFinished)
    assert photo.attachments[0].data.startswith(b"\x89PNG")
    assert link.attachments[0].mode == "url"
    assert link.attachments[0].location.startswith(on.platform.url)


async def test_a_large_file_of_the_agent_comes_within_the_last_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large = Attachment("big.bin", "application/x-odd", 4 * 2**20, data=bytes(4 * 2**20))
    monkeypatch.setitem(
        lambda_platform_agent._OWN, "link", lambda _: [(0.0, StreamFinished((large,)))]
    )
    async with on_platform(stall=20.0) as on:
        streamed = (await on.parts("mock:link"))[-1]
        on.platform.expire()
        kept = (await on.parts("mock:link"))[-1]

    assert isinstance(streamed, StreamFinished)
    assert streamed.attachments[0].data == large.data
    assert kept == streamed


@pytest.mark.parametrize(
    ("word", "choices", "choice", "words", "answer"),
    [
        ("confirm", ("approve", "reject"), "approve", "approve", ""),
        ("confirm", ("approve", "reject"), "reject", "reject", ""),
        ("choose", ("red", "green", "blue"), "green", "green", "You chose **green**."),
        ("pick", ("The first", "The second"), "The second", "x", "You chose **b**."),
        ("ask", (), None, "Ada", "> Ada"),
        ("both", ("approve", "reject"), "approve", "approve", ""),
    ],
)
async def test_a_question_is_answered_by_the_next_run(
    word: str, choices: tuple[str, ...], choice: str | None, words: str, answer: str
) -> None:
    async with on_platform() as on:
        asks = (await on.parts(f"mock:{word}"))[-1]
        assert isinstance(asks, StreamAsks)
        resume = Resume(asks.interrupt_id, choice)
        first, again = [await on.parts(words, run_id(2), resume=resume) for _ in range(2)]

    assert asks.choices == choices
    assert isinstance(first[-1], StreamFinished)
    assert answer in shown(first)
    assert first == again
    assert on.platform.stats.executed == 2


async def test_a_question_that_ends_says_when() -> None:
    async with on_platform() as on:
        asks = (await on.parts("mock:brief"))[-1]

    assert isinstance(asks, StreamAsks)
    assert asks.expires_at is not None


async def test_the_first_answer_counts_and_a_second_one_is_refused() -> None:
    async with on_platform() as on:
        asks = (await on.parts("mock:confirm"))[-1]
        assert isinstance(asks, StreamAsks)
        await on.parts("approve", run_id(2), resume=Resume(asks.interrupt_id, "approve"))
        with pytest.raises(PlatformFailedError) as caught:
            await on.parts("reject", run_id(3), resume=Resume(asks.interrupt_id, "reject"))

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.REJECTED, False)


async def test_a_run_that_fails_says_so_behind_what_it_said() -> None:
    async with on_platform() as on:
        said: list[StreamPart] = []

        async def listen() -> None:
            async for part in on.client.stream_message(on.user_id, "C1", "mock:error", run_id=RUN):
                said.append(part)  # noqa: PERF401  # what came before the error counts

        with pytest.raises(PlatformFailedError) as caught:
            await listen()

    assert shown(said).startswith("I begin")
    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.BROKEN, False)


async def test_an_overloaded_run_may_be_tried_again() -> None:
    async with on_platform() as on:
        error = await failure_of(on, "mock:busy")

    assert (error.kind, error.is_retryable) == (FailureKind.OVERLOADED, True)


FULL = [pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 9)]


@pytest.mark.parametrize("seed", [0, *FULL])
async def test_fifty_runs_complete_in_order_once_each_though_every_stream_is_dropped(
    seed: int,
) -> None:
    answers: dict[int, list[StreamPart]] = {}

    async def talk(on: OnPlatform, number: int) -> None:
        run = run_id(number + 1)
        chat = f"C{number}"
        stream = on.client.stream_message(on.user_id, chat, "mock:stream=50@1000", run_id=run)
        answers[number] = [part async for part in stream]

    async with on_platform(seed=seed, stall=30.0) as on:
        on.platform.faults.drop_streams(3, 25, seed=seed)
        with trio.fail_after(150):
            async with trio.open_nursery() as nursery:
                for number in range(50):
                    nursery.start_soon(talk, on, number)
        stats = on.platform.stats

    words = "".join(f"word{number} " for number in range(1, 51))
    assert len(answers) == 50
    assert all(shown(parts) == words for parts in answers.values())
    assert all(
        sum(isinstance(part, TextDelta) for part in parts) == 50 for parts in answers.values()
    )
    assert all(parts[-1] == StreamFinished() for parts in answers.values())
    assert (stats.runs, stats.executed, stats.succeeded) == (50, 50, 50)
    assert stats.starts == 50
    assert stats.cuts > 100


@pytest.mark.parametrize(
    "fault",
    [
        OnStream("drop", 7),
        OnStream("stall", 7),
        OnStream("twice", 3),
        OnStream("swap", 3),
        OnStream("swap", 0),
        OnStream("truncate", 7),
        OnStream("garbage", 7),
        OnStream("huge", 7),
        OnStream("leap", 7),
        OnStream("leap", 0),
        OnStream("drop", 0),
    ],
)
async def test_a_stream_that_goes_wrong_is_shown_as_if_it_had_not(fault: OnStream) -> None:
    async with on_platform() as on:
        on.platform.faults.want(fault, STREAMS)
        parts = await on.parts(WORDS)

    assert shown(parts) == ALL_WORDS
    assert not any(isinstance(part, WholeText) for part in parts)
    assert on.platform.stats.executed == 1


@pytest.mark.parametrize(
    "fault",
    [
        status(500),
        overloaded(),
        refused("rate-limited", retry_after=1),
        refused("timeout"),
        html_page(),
        html_page(502),
        empty(),
        garbage(),
        huge(),
        hang(),
        truncated_json(),
    ],
)
async def test_a_resume_that_goes_wrong_is_tried_again(fault: Fault) -> None:
    async with on_platform() as on:
        on.platform.faults.want(OnStream("drop", 7), START)
        on.platform.faults.want(fault, RESUME)
        parts = await on.parts(WORDS)

    assert shown(parts) == ALL_WORDS


async def test_a_resume_waits_as_long_as_the_platform_asks() -> None:
    async with on_platform() as on:
        on.platform.faults.want(OnStream("drop", 7), START)
        on.platform.faults.want(overloaded(1), RESUME)
        await on.parts(WORDS)
        first, again = on.platform.requests("GET", "/events")

    assert again.at - first.at >= 1.0


@pytest.mark.parametrize(
    ("make", "kind", "is_retryable"),
    [
        (lambda: status(500), FailureKind.OVERLOADED, True),
        (lambda: overloaded(7), FailureKind.OVERLOADED, True),
        (lambda: refused("rate-limited", retry_after=7), FailureKind.OVERLOADED, True),
        (unauthorized, FailureKind.UNAUTHORIZED, False),
        (lambda: refused("forbidden"), FailureKind.UNAUTHORIZED, False),
        (lambda: refused("thread-busy"), FailureKind.REJECTED, False),
        (lambda: refused("validation"), FailureKind.REJECTED, False),
        (lambda: refused("file-too-large"), FailureKind.FILE_REFUSED, False),
        (hang, FailureKind.TIMEOUT, True),
        (html_page, FailureKind.BROKEN, True),
        (empty, FailureKind.BROKEN, True),
        (garbage, FailureKind.BROKEN, True),
        (huge, FailureKind.BROKEN, True),
        (lambda: huge(content_type="text/event-stream"), FailureKind.BROKEN, True),
    ],
)
async def test_a_run_that_cannot_be_started_is_for_others_to_try_again(
    make: Callable[[], Fault], kind: FailureKind, *, is_retryable: bool
) -> None:
    async with on_platform() as on:
        on.platform.faults.want(make(), START, times=9)
        error = await failure_of(on)

    assert error.kind is kind
    assert error.is_retryable is (is_retryable and len(on.platform.requests("POST")) == 1)


async def test_a_wait_that_the_platform_asks_for_is_passed_on() -> None:
    async with on_platform() as on:
        on.platform.faults.want(overloaded(7), START)
        error = await failure_of(on)

    assert error.retry_after == 7.0


async def test_a_run_whose_events_never_come_ends_at_last() -> None:
    async with on_platform() as on:
        on.platform.faults.want(OnStream("drop", 5), START)
        on.platform.faults.want(status(500), RESUME, times=0)
        error = await failure_of(on, WORDS)

    assert (error.kind, error.is_retryable) == (FailureKind.OVERLOADED, False)


async def test_a_run_that_is_cut_for_ever_is_no_success() -> None:
    async with on_platform() as on:
        error = await failure_of(on, "mock:cut")

    assert (error.kind, error.is_retryable) == (FailureKind.CUT, False)


async def test_a_platform_that_asks_for_too_long_a_wait_is_not_waited_for() -> None:
    async with on_platform() as on:
        on.platform.faults.want(OnStream("drop", 5), START)
        on.platform.faults.want(overloaded(600), RESUME, times=0)
        error = await failure_of(on, WORDS)

    assert error.kind is FailureKind.OVERLOADED


async def test_a_token_that_is_taken_away_ends_the_stream() -> None:
    async with on_platform() as on:
        on.platform.faults.want(OnStream("drop", 7), START)
        on.platform.faults.want(unauthorized(), RESUME, times=0)
        error = await failure_of(on, WORDS)

    assert error.kind is FailureKind.UNAUTHORIZED


async def test_events_that_are_not_kept_any_more_leave_the_rest_of_the_text() -> None:
    async with on_platform() as on:
        on.platform.faults.want(OnStream("drop", 7), START)
        on.platform.faults.want(refused("run-expired"), RESUME)
        stream = on.client.stream_message(on.user_id, "C1", WORDS, run_id=RUN)
        parts: list[StreamPart] = []
        async for part in stream:
            parts.append(part)
            await on.platform.the_run().over.wait()

    assert shown(parts) == ALL_WORDS
    assert not any(isinstance(part, WholeText) for part in parts)
    assert parts[-1] == StreamFinished()


async def test_a_run_that_is_asked_for_long_after_it_ended_shows_its_result() -> None:
    async with on_platform() as on:
        first = await on.parts("mock:photo hello")
        on.platform.expire()
        again = await on.parts("mock:photo hello")

    assert shown(again) == shown(first)
    assert again[-1] == first[-1]


async def test_a_question_survives_its_events() -> None:
    async with on_platform() as on:
        first = await on.parts("mock:confirm")
        on.platform.expire()
        again = await on.parts("mock:confirm")

    assert again[-1] == first[-1]


async def test_a_run_that_failed_long_ago_has_failed() -> None:
    async with on_platform() as on:
        await failure_of(on, "mock:refuse")
        on.platform.expire()
        error = await failure_of(on, "mock:refuse")

    assert error.is_retryable is False


async def test_a_run_that_the_platform_lost_before_it_said_a_word_begins_again() -> None:
    async with on_platform() as on:
        on.platform.faults.want(OnStream("drop", 0), START)
        on.platform.faults.want(refused("run-not-found"), RESUME)
        parts = await on.parts(WORDS)

    assert shown(parts) == ALL_WORDS
    assert on.platform.stats.starts == 2


async def test_leaving_a_stream_does_not_stop_the_run() -> None:
    async with on_platform() as on:
        with trio.fail_after(5):
            stream = on.client.stream_message(on.user_id, "C1", "mock:stream=99@200", run_id=RUN)
            async with aclosing(stream):
                await anext(stream)
            left = trio.current_time()
            parts = await on.parts("mock:stream=99@200")

    assert trio.current_time() - left < 5
    assert sum(isinstance(part, TextDelta) for part in parts) == 99
    assert (on.platform.stats.executed, on.platform.stats.cancelled) == (1, 0)


async def test_a_cancelled_run_says_that_it_was_stopped() -> None:
    async with on_platform() as on:
        stream = on.client.stream_message(on.user_id, "C1", "mock:stream=999@200", run_id=RUN)
        said: list[StreamPart] = []
        async for part in stream:
            if not said:
                await on.client.cancel_run(RUN)
            said.append(part)

    assert said[-1] == StreamStopped()
    assert on.platform.stats.cancelled == 1


async def test_cancelling_what_is_over_or_unknown_is_no_error() -> None:
    async with on_platform() as on:
        await on.parts("hello")

        await on.client.cancel_run(RUN)
        await on.client.cancel_run(run_id(7))


async def test_a_stop_that_overtakes_its_run_stops_it_all_the_same() -> None:
    async with on_platform() as on, trio.open_nursery() as nursery:
        before = on.platform.stats.requests
        nursery.start_soon(on.client.cancel_run, RUN)
        with trio.fail_after(5):
            while on.platform.stats.requests == before:  # noqa: ASYNC110
                await trio.sleep(0.01)
        parts = await on.parts("mock:stream=999@200")

    assert parts[-1] == StreamStopped()
    assert on.platform.stats.cancelled == 1


async def test_cancelling_is_tried_again_and_then_it_is_an_error() -> None:
    async with on_platform() as on:
        on.platform.faults.want(status(500), "/cancel$", times=2)
        await on.client.cancel_run(RUN)

        on.platform.faults.want(unauthorized(), "/cancel$")
        with pytest.raises(PlatformFailedError):
            await on.client.cancel_run(RUN)
