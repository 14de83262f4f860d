"""What is the mock's own: its faults on request, its latencies, its counts."""

import pickle
import random
from contextlib import aclosing

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from actors.platform.mock import MockPlatformClient, MockStats, NoReceiverError
from protocols.ids import RunId
from protocols.platform import (
    Attachment,
    FailureKind,
    PlatformFailedError,
    Resume,
    SettingsAction,
    StatusLine,
    StreamAsks,
    StreamFinished,
    StreamPart,
    TextDelta,
)
from protocols.pushes import AgentEvent, AgentEventKind

RUN = RunId("run-1")


def mock() -> MockPlatformClient:
    return MockPlatformClient(latency=False)


async def me(client: MockPlatformClient) -> str:
    return (await client.get_or_create_user("42", "telegram", "Me")).user_id


async def parts_of(
    client: MockPlatformClient, text: str, *, run_id: RunId = RUN, resume: Resume | None = None
) -> list[StreamPart]:
    stream = client.stream_message(await me(client), "C1", text, run_id=run_id, resume=resume)
    return [part async for part in stream]


async def test_a_run_is_executed_once_however_often_it_is_asked_for() -> None:
    client = mock()

    for _ in range(3):
        await parts_of(client, "hello")

    stats = client.get_stats()
    assert stats == MockStats(users=1, requests=3, runs=1, executed=1, finished=1)


async def test_fail_fails_every_time() -> None:
    client = mock()

    for _ in range(2):
        with pytest.raises(PlatformFailedError) as caught:
            await parts_of(client, "mock:fail")
        assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.OVERLOADED, True)

    assert client.get_stats() == MockStats(users=1, requests=2, runs=1, failed=2)


async def test_fail_once_succeeds_when_the_same_run_is_tried_again() -> None:
    client = mock()
    with pytest.raises(PlatformFailedError):
        await parts_of(client, "mock:fail-once")

    parts = await parts_of(client, "mock:fail-once")

    assert isinstance(parts[-1], StreamFinished)
    assert client.get_stats().executed == 1


async def test_hang_says_a_little_and_goes_on_only_when_it_is_cancelled(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    client = mock()
    said: list[StreamPart] = []

    async def listen() -> None:
        said.extend(await parts_of(client, "mock:hang"))

    nursery.start_soon(listen)
    await trio.sleep(10_000)
    assert said == []
    await client.cancel_run(RUN)
    await trio.testing.wait_all_tasks_blocked()

    assert all(isinstance(part, TextDelta) for part in said)
    assert client.get_stats().cancelled == 1


async def test_cut_ends_without_a_last_part() -> None:
    parts = await parts_of(mock(), "mock:cut")

    assert parts
    assert all(isinstance(part, TextDelta) for part in parts)


async def test_the_whole_answer_of_a_cut_stream_is_a_failure() -> None:
    client = mock()

    with pytest.raises(PlatformFailedError) as caught:
        await client.send_message(await me(client), "C1", "mock:cut", run_id=RUN)

    assert caught.value.kind is FailureKind.CUT


async def test_a_question_is_part_of_the_whole_answer() -> None:
    client = mock()

    answer = await client.send_message(await me(client), "C1", "mock:confirm", run_id=RUN)

    assert answer.text.endswith("Shall the mock agent go on?")


async def test_status_lines_are_no_part_of_the_whole_answer() -> None:
    client = mock()

    answer = await client.send_message(await me(client), "C1", "mock:status", run_id=RUN)

    assert "1/3" not in answer.text
    assert any(isinstance(part, StatusLine) for part in await parts_of(client, "mock:status"))


@pytest.mark.parametrize("word", ["mock:think", "mock:tool"])
async def test_thoughts_and_tools_are_no_part_of_the_whole_answer(word: str) -> None:
    client = mock()

    answer = await client.send_message(await me(client), "C1", word, run_id=RUN)

    assert answer.text.startswith("You wrote")
    assert not any(said in answer.text for said in ("That is what I always do", "web_search"))


async def test_a_run_that_its_platform_stops_has_no_whole_answer() -> None:
    client = mock()

    with pytest.raises(PlatformFailedError) as caught:
        await client.send_message(await me(client), "C1", "mock:stopped", run_id=RUN)

    assert caught.value.kind is FailureKind.CUT
    assert client.get_stats().cancelled == 1


async def test_empty_says_nothing() -> None:
    assert await parts_of(mock(), "mock:empty") == [StreamFinished()]


@pytest.mark.parametrize("latency", [True, False])
async def test_slow_takes_about_20_seconds(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
    *,
    latency: bool,
) -> None:
    client = MockPlatformClient(latency=latency)
    started_at = trio.current_time()

    await parts_of(client, "mock:slow")

    assert trio.current_time() - started_at == pytest.approx(20.3, abs=0.5)


async def test_a_question_is_answered_by_another_run() -> None:
    client = mock()
    *_, asks = await parts_of(client, "mock:confirm")
    assert isinstance(asks, StreamAsks)
    assert client.get_stats().asked == 1

    parts = await parts_of(
        client, "yes", run_id=RunId("run-2"), resume=Resume(asks.interrupt_id, "yes")
    )

    text = "".join(part.text for part in parts if isinstance(part, TextDelta))
    assert "it is done" in text


async def test_the_first_answer_to_a_question_wins() -> None:
    client = mock()
    await parts_of(client, "yes", run_id=RunId("run-2"), resume=Resume("i", "yes"))
    await parts_of(client, "yes", run_id=RunId("run-2"), resume=Resume("i", "yes"))

    with pytest.raises(PlatformFailedError):
        await parts_of(client, "no", run_id=RunId("run-3"), resume=Resume("i", "no"))


async def test_a_question_can_be_answered_again_when_the_first_answer_was_cancelled() -> None:
    client = mock()
    resume = Resume("i", "yes")
    async with aclosing(
        client.stream_message(await me(client), "C1", "yes", run_id=RunId("run-2"), resume=resume)
    ) as stream:
        await anext(stream)
    await client.cancel_run(RunId("run-2"))

    parts = await parts_of(client, "yes", run_id=RunId("run-3"), resume=resume)

    assert isinstance(parts[-1], StreamFinished)


async def test_a_cancelled_run_does_not_run_again() -> None:
    client = mock()
    with trio.CancelScope() as leaving:
        async for _ in client.stream_message(await me(client), "C1", "hello", run_id=RUN):
            leaving.cancel()
    await client.cancel_run(RUN)
    await client.cancel_run(RUN)

    with pytest.raises(PlatformFailedError) as caught:
        await parts_of(client, "hello")

    assert not caught.value.is_retryable
    assert client.get_stats().cancelled == 1


async def test_small_calls_take_10_to_80_ms_and_messages_200_to_600(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    client = MockPlatformClient(random=random.Random(7))
    small, messages = [], []

    for number in range(50):
        started_at = trio.current_time()
        user_id = await me(client)
        small.append(trio.current_time() - started_at)
        started_at = trio.current_time()
        async with aclosing(
            client.stream_message(user_id, "C1", "hi", run_id=RunId(str(number)))
        ) as stream:
            await anext(stream)
        messages.append(trio.current_time() - started_at)

    assert 0.010 <= min(small) < max(small) <= 0.080
    assert 0.200 <= min(messages) < max(messages) <= 0.620


async def test_the_same_seed_gives_the_same_latencies(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    took = []

    for _ in range(2):
        started_at = trio.current_time()
        client = MockPlatformClient(random=random.Random(7))
        await parts_of(client, "hello")
        took.append(trio.current_time() - started_at)

    assert took[0] == pytest.approx(took[1])


async def test_a_name_is_kept_where_none_is_given() -> None:
    client = mock()
    await client.get_or_create_user("42", "telegram", "Me")

    user = await client.get_or_create_user("42", "telegram", "")

    assert user.display_name == "Me"
    assert client.get_stats().users == 1


async def test_settings_that_were_handed_out_are_a_copy() -> None:
    client = mock()
    user_id = await me(client)

    (await client.get_settings(user_id)).skills.clear()

    assert (await client.get_settings(user_id)).skills


async def test_one_skill_is_set() -> None:
    client = mock()
    action = SettingsAction("set", {"skill": "memory", "is_on": True})

    settings = await client.update_settings(await me(client), action)

    assert settings.skills["memory"]
    assert client.get_stats().settings_changes == 1


class Heard:
    def __init__(self) -> None:
        self.events: list[AgentEvent] = []

    async def on_agent_event(self, event: AgentEvent) -> None:
        await trio.lowlevel.checkpoint()
        self.events.append(event)


@pytest.mark.parametrize("kind", AgentEventKind)
async def test_a_simulated_event_reaches_the_receiver(kind: AgentEventKind) -> None:
    heard = Heard()
    client = MockPlatformClient(latency=False, receiver=heard)

    event = await client.simulate_agent_event(kind, user_id="u", chat_id="C1", text="half way")

    assert heard.events == [event]
    assert event == AgentEvent(kind, "task-1", "u", "C1", "half way")
    assert client.get_stats().events == 1


async def test_an_event_without_a_receiver_is_refused() -> None:
    with pytest.raises(NoReceiverError):
        await mock().simulate_agent_event(AgentEventKind.TASK_DONE, user_id="u")


async def test_nothing_of_a_person_stands_in_the_representation() -> None:
    client = mock()

    await parts_of(client, "apricot")

    assert "apricot" not in repr(client)
    assert "Me" not in repr(client)


async def test_what_is_in_a_file_is_not_kept_with_its_run() -> None:
    client = mock()
    file = Attachment("a.txt", "text/plain", 7, data=b"apricot")

    await client.send_message(await me(client), "C1", "look", run_id=RUN, attachments=(file,))

    assert b"apricot" not in pickle.dumps(client._runs[RUN].request)


async def test_the_oldest_runs_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.platform.mock._KEPT_RUNS", 2)
    client = mock()

    for number in range(5):
        await parts_of(client, "mock:empty", run_id=RunId(str(number)))

    assert len(client._runs) == 2
    assert client.get_stats().runs == 5
