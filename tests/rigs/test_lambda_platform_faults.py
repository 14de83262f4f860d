"""What goes wrong with the reference server looks as it does elsewhere."""

from contextlib import suppress

import httpx2
import pytest
import trio

from tests.rigs import lambda_platform_faults as faults
from tests.rigs.lambda_platform_caller import Caller, calling, numbered, run_input, text_of
from tests.rigs.lambda_platform_contract import Json
from tests.rigs.lambda_platform_faults import FaultPlan, OnStream


async def _cut(caller: Caller, body: Json) -> str:
    """What comes of a stream before its line is cut."""
    got: list[str] = []
    with pytest.raises(httpx2.RemoteProtocolError):
        await _read(caller, body, got)
    return "".join(got)


async def _read(caller: Caller, body: Json, got: list[str]) -> None:
    headers = {"Accept": "text/event-stream"}
    async with caller.http.stream("POST", "/v1/runs", json=body, headers=headers) as answer:
        async for piece in answer.aiter_text():
            got += [piece]


@pytest.mark.parametrize(
    ("fault", "status", "name", "retry_after"),
    [
        (faults.overloaded(3), 503, "/problems/overloaded", "3"),
        (faults.refused("rate-limited", retry_after=2), 429, "/problems/rate-limited", "2"),
        (faults.status(500), 500, "about:blank", None),
        (faults.unauthorized(), 401, "/problems/unauthorized", None),
    ],
)
async def test_a_refusal_is_a_problem_and_does_nothing(
    fault: faults.Fault, status: int, name: str, retry_after: str | None
) -> None:
    async with calling() as caller:
        caller.platform.faults.want(fault, faults.START)
        body = run_input(caller.user_id, "hello")
        answer = await caller.start(body)
        started = caller.platform.stats.starts
        again = await caller.start(body)

    assert (answer.status_code, answer.json()["type"]) == (status, name)
    assert answer.headers.get("retry-after") == retry_after
    assert (started, again.status_code) == (0, 200)


@pytest.mark.parametrize(
    "fault", [faults.status(500, has_effect=True), faults.truncated_json(has_effect=True)]
)
async def test_a_start_may_be_done_though_its_answer_is_lost(fault: faults.Fault) -> None:
    async with calling() as caller:
        caller.platform.faults.want(fault, faults.START)
        body = run_input(caller.user_id, "hello")
        with suppress(httpx2.RemoteProtocolError):
            await caller.start(body, accept="application/json")
        done = caller.platform.stats.executed
        answer = await caller.start(body, accept="application/json")

        assert (done, caller.platform.stats.executed) == (1, 1)
        assert answer.json()["status"] == "succeeded"


@pytest.mark.parametrize(
    ("page", "content_type", "body"),
    [
        (faults.html_page(), "text/html", faults.HTML),
        (faults.html_page(502), "text/html", faults.HTML),
        (faults.empty(), "application/json", b""),
        (faults.garbage(), "application/json", faults.GARBAGE),
    ],
)
async def test_a_page_is_sent_as_it_is(page: faults.Page, content_type: str, body: bytes) -> None:
    async with calling() as caller:
        caller.platform.faults.want(page)
        answer = await caller.http.get("/v1/capabilities")

    assert answer.status_code == page.status
    assert (answer.headers["content-type"], answer.content) == (content_type, body)


async def test_a_json_may_end_in_the_middle() -> None:
    async with calling() as caller:
        caller.platform.faults.want(faults.truncated_json())

        with pytest.raises(httpx2.RemoteProtocolError):
            await caller.http.get("/v1/capabilities")
        assert caller.platform.stats.cuts == 1


async def test_a_page_may_be_huge_and_the_server_lives_when_nobody_reads_it() -> None:
    async with calling() as caller:
        caller.platform.faults.want(faults.huge())
        size = 0
        with trio.move_on_after(30) as enough:
            async with caller.http.stream("GET", "/v1/capabilities") as answer:
                async for piece in answer.aiter_raw():
                    size += len(piece)
                    if size > 4 * faults.MiB:
                        enough.cancel()
        after = await caller.http.get("/v1/capabilities")

    assert size > 4 * faults.MiB
    assert after.status_code == 200


async def test_nothing_comes_while_it_hangs_and_others_are_answered() -> None:
    async with calling() as caller:
        caller.platform.faults.want(faults.hang(), faults.START)
        body = run_input(caller.user_id, "hello")
        with trio.move_on_after(0.2) as patience:
            await caller.start(body)
        other = await caller.http.get("/v1/capabilities")

        assert patience.cancelled_caught
        assert other.status_code == 200
        assert caller.platform.stats.starts == 0


async def test_a_late_answer_is_the_true_one() -> None:
    async with calling() as caller:
        caller.platform.faults.want(faults.Late(0.2))
        before = trio.current_time()
        answer = await caller.http.get("/v1/capabilities")

    assert answer.json()["max_inline_bytes"] == 4 * faults.MiB
    assert trio.current_time() - before >= 0.2


async def test_a_dropped_stream_ends_behind_so_many_events() -> None:
    async with calling() as caller:
        caller.platform.faults.want(OnStream("drop", after=5), faults.START)
        body = run_input(caller.user_id, "hello")
        got = numbered(await _cut(caller, body))
        where = f"/v1/runs/{body['runId']}/events"
        rest = await caller.http.get(where, headers={"Last-Event-ID": "5"})

    assert [number for number, _ in got] == [1, 2, 3, 4, 5]
    assert numbered(rest.text)[0][0] == 6


async def test_a_truncated_stream_ends_within_an_event() -> None:
    async with calling() as caller:
        caller.platform.faults.want(OnStream("truncate", after=3))
        got = await _cut(caller, run_input(caller.user_id, "hello"))

    assert "id: 4" in got
    assert not got.endswith("\n\n")


async def test_garbage_in_a_stream_is_no_event() -> None:
    async with calling() as caller:
        caller.platform.faults.want(OnStream("garbage", after=3))
        got = await _cut(caller, run_input(caller.user_id, "hello"))

    assert "\ufffd" in got
    assert [number for number, _ in numbered(got[: got.index("\ufffd")])] == [1, 2, 3]


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("twice", [1, 2, 3, 3, 4, 4, 5, 5]),
        ("swap", [1, 2, 4, 3, 6, 5]),
        ("leap", [1, 2, 4, 5, 6, 7]),
    ],
)
async def test_a_stream_may_repeat_swap_or_miss_events(
    kind: faults.StreamKind, numbers: list[int]
) -> None:
    async with calling() as caller:
        caller.platform.faults.want(OnStream(kind, after=2))
        events = await caller.say("hello")

    assert [number for number, _ in events][: len(numbers)] == numbers
    assert events[-1][1]["type"] == "RUN_FINISHED" or kind == "swap"


async def test_an_event_may_be_huge() -> None:
    async with calling() as caller:
        caller.platform.faults.want(OnStream("huge", after=2, size_bytes=faults.MiB))
        events = await caller.say("hello")

    assert len(events[2][1]["delta"]) >= faults.MiB
    assert events[2][0] == 3
    assert events[-1][1]["type"] == "RUN_FINISHED"


async def test_a_stalled_stream_says_nothing_more() -> None:
    async with calling(ping=0.02) as caller:
        caller.platform.faults.want(OnStream("stall", after=3))
        got: list[str] = []
        async with caller.listening(run_input(caller.user_id, "hello")) as lines:
            with trio.move_on_after(0.5) as patience:
                async for line in lines:
                    got += [line]

    assert patience.cancelled_caught
    assert len(numbered("\n".join(got))) == 3
    assert ": ping" not in got


def test_a_rule_is_for_so_many_requests_behind_so_many() -> None:
    plan = FaultPlan()
    plan.want(faults.hang(), faults.START, times=2, after=1)

    said = [plan.next("POST /v1/runs") for _ in range(4)]

    assert [one is not None for one in said] == [False, True, True, False]
    assert plan.next("GET /v1/capabilities") is None


def test_the_same_seed_drops_at_the_same_events() -> None:
    one, other = FaultPlan(), FaultPlan()
    one.drop_streams(3, 25, seed=1)
    other.drop_streams(3, 25, seed=1)

    drops = [one.next("GET /v1/runs/7/events") for _ in range(50)]

    assert drops == [other.next("GET /v1/runs/7/events") for _ in range(50)]
    assert {drop.after for drop in drops if isinstance(drop, OnStream)} > {3, 25}
    assert one.next("PUT /v1/users/telegram/42") is None


def test_faults_by_chance_come_about_as_often_as_they_should() -> None:
    plan = FaultPlan()
    plan.by_chance({faults.overloaded(): 0.2, faults.hang(): 0.1}, seed=3, patterns=(faults.USERS,))

    drawn = [plan.next("PUT /v1/users/telegram/42") for _ in range(1000)]

    assert 150 < drawn.count(faults.overloaded()) < 250
    assert 60 < drawn.count(faults.hang()) < 140
    assert plan.next("POST /v1/runs") is None
    plan.clear()
    assert plan.next("PUT /v1/users/telegram/42") is None


async def test_a_part_of_what_came_is_still_told_when_all_goes_wrong_by_chance() -> None:
    async with calling() as caller:
        caller.platform.faults.by_chance({faults.overloaded(): 0.5}, seed=5)
        statuses = {(await caller.http.get("/v1/capabilities")).status_code for _ in range(20)}
        caller.platform.faults.clear()
        events = await caller.say("hello")

    assert statuses == {200, 503}
    assert "hello" in text_of(events)
