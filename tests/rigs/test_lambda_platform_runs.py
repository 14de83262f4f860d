"""The reference server's runs: who listens, who comes back, who stops them."""

from uuid import uuid4

import httpx2
import pytest
import trio

from tests.rigs.lambda_platform_agent import _OWN, FAULT_WORDS
from tests.rigs.lambda_platform_caller import SSE, Caller, calling, numbered, run_input, text_of
from tests.rigs.lambda_platform_contract import Json, flaws

_ENDLESS = {"mock:hang", "mock:slow", "mock:fail", "mock:fail-once"}
_UNKNOWN = {"MOOD_CHANGED"}
_WORDS = sorted({*FAULT_WORDS, *(f"mock:{word}" for word in _OWN)} - _ENDLESS)


def _problem(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def _get(caller: Caller, body: Json) -> Json:
    return dict((await caller.http.get(f"/v1/runs/{body['runId']}")).json())


@pytest.mark.parametrize("word", [*_WORDS, "hello", "mock:stream=30@1000"])
async def test_every_stream_is_what_the_document_says(word: str) -> None:
    async with calling() as caller:
        events = await caller.say(word)
        run = await _get(caller, {"runId": events[0][1]["runId"]})

    assert [number for number, _ in events] == list(range(1, len(events) + 1))
    assert events[0][1]["type"] == "RUN_STARTED"
    of_each_type = {event["type"]: event for _, event in events}
    assert {name for name, event in of_each_type.items() if flaws("RunEvent", event)} <= _UNKNOWN
    is_over = events[-1][1]["type"] in {"RUN_FINISHED", "RUN_ERROR"}
    assert is_over is (word != "mock:cut")
    assert not flaws("RunResult", run)
    assert run["text"] == text_of(events)


async def test_who_wants_json_gets_the_whole_answer_at_once() -> None:
    async with calling() as caller:
        body = run_input(caller.user_id, "mock:photo apricot")
        answer = await caller.start(body, accept="application/json")

    result = answer.json()
    assert not flaws("RunResult", result)
    assert result["status"] == "succeeded"
    assert "apricot" in result["text"]
    assert [one["type"] for one in result["attachments"]] == ["image"]


async def test_a_repeated_request_hears_the_same_run_again() -> None:
    async with calling() as caller:
        body = run_input(caller.user_id, "hello")
        first = await caller.start(body)
        again = await caller.start(body)
        behind = await caller.start(body, Last_Event_ID="70")

        assert again.text == first.text
        assert numbered(behind.text) == numbered(first.text)[70:]
        assert caller.platform.stats.starts == 3
        assert (caller.platform.stats.runs, caller.platform.stats.executed) == (1, 1)


async def test_the_same_id_with_another_request_is_refused() -> None:
    async with calling() as caller:
        body = run_input(caller.user_id, "hello")
        await caller.start(body)
        other = await caller.start(run_input(caller.user_id, "goodbye", runId=body["runId"]))

        assert _problem(other) == (422, "idempotency-key-reuse")
        assert caller.platform.stats.executed == 1


async def test_many_runs_complete_though_their_streams_are_dropped() -> None:
    told: dict[str, list[tuple[int, Json]]] = {}

    async def talk(caller: Caller, chat: str) -> None:
        body = run_input(caller.user_id, f"I am {chat}", chat=chat)
        told[chat] = []
        url, method, more = "/v1/runs", "POST", {"json": body}
        while not told[chat] or told[chat][-1][1]["type"] != "RUN_FINISHED":
            headers = {"Accept": SSE, "Last-Event-ID": str(len(told[chat]))}
            async with caller.http.stream(method, url, headers=headers, **more) as answer:
                got = ""
                try:
                    async for piece in answer.aiter_text():
                        got += piece
                except httpx2.RemoteProtocolError:
                    pass
            told[chat] += numbered(got[: got.rfind("\n\n") + 2])
            url, method, more = f"/v1/runs/{body['runId']}/events", "GET", {}

    async with calling() as caller:
        caller.platform.faults.drop_streams(3, 25, seed=7)
        async with trio.open_nursery() as nursery:
            for number in range(12):
                nursery.start_soon(talk, caller, f"C{number}")

        assert caller.platform.stats.executed == 12
        assert caller.platform.stats.cuts > 12
    for chat, events in told.items():
        assert [number for number, _ in events] == list(range(1, len(events) + 1))
        assert f"I am {chat}\n" in text_of(events)


async def test_a_run_goes_on_when_nobody_listens() -> None:
    async with calling() as caller:
        body = run_input(caller.user_id, "mock:stream=40@200")
        async with caller.listening(body) as lines:
            async for line in lines:
                if "word3 " in line:
                    break
        run = caller.platform.the_run()
        with trio.fail_after(5):
            await run.over.wait()

        assert run.status == "succeeded"
        assert caller.platform.stats.streams == 0


async def test_a_run_that_is_cancelled_says_so_and_keeps_what_came() -> None:
    async with calling() as caller:
        body = run_input(caller.user_id, "mock:hang")
        where = f"/v1/runs/{body['runId']}"
        said = ""
        async with caller.listening(body) as lines:
            async for line in lines:
                said += line
                if '"then"' in line:
                    answer = await caller.http.post(f"{where}/cancel")
                    assert answer.status_code == 202
        again = await caller.http.post(f"{where}/cancel")
        result = await _get(caller, body)

        assert '"outcome": {"type": "cancelled"}' in said
        assert again.status_code == 202
        assert (result["status"], result["text"]) == ("cancelled", "I begin to answer, and then")
        assert caller.platform.stats.cancelled == 1


async def test_the_events_of_an_old_run_are_gone_and_its_text_is_not() -> None:
    async with calling() as caller:
        body = run_input(caller.user_id, "hello")
        await caller.start(body)
        before = await caller.http.get(f"/v1/runs/{body['runId']}/events")
        caller.platform.expire()
        after = await caller.http.get(f"/v1/runs/{body['runId']}/events")
        attached = await caller.start(body)
        result = await _get(caller, body)

    assert before.status_code == 200
    assert _problem(after) == (410, "run-expired")
    assert _problem(attached) == (410, "run-expired")
    assert "hello" in result["text"]


async def test_nobody_knows_a_run_that_was_not_started() -> None:
    async with calling() as caller:
        where = f"/v1/runs/{uuid4()}"
        answers = [
            await caller.http.get(where),
            await caller.http.get(f"{where}/events"),
            await caller.http.post(f"{where}/cancel"),
        ]
        stranger = await caller.start(run_input("user-0", "hello"))

    assert {_problem(answer) for answer in answers} == {(404, "run-not-found")}
    assert _problem(stranger) == (404, "user-not-found")


async def _begun(caller: Caller, nursery: trio.Nursery) -> Json:
    """A run that hangs in the chat C1."""
    body = run_input(caller.user_id, "mock:hang")
    nursery.start_soon(caller.start, body)
    await caller.platform.wait_for("POST", "/v1/runs")
    return body


async def test_a_run_waits_for_the_one_before_it_in_its_thread() -> None:
    async with calling() as caller, trio.open_nursery() as nursery:
        first = await _begun(caller, nursery)
        second = run_input(caller.user_id, "second")
        nursery.start_soon(caller.start, second)
        await caller.platform.wait_for("POST", "/v1/runs", times=2)
        await caller.say("elsewhere", chat="C2")
        waiting = await _get(caller, second)
        await caller.http.post(f"/v1/runs/{first['runId']}/cancel")
        answer = await caller.start(second)

    assert waiting["status"] == "queued"
    assert "second" in text_of(numbered(answer.text))


async def test_a_run_may_interrupt_the_one_before_it() -> None:
    async with calling() as caller, trio.open_nursery() as nursery:
        first = await _begun(caller, nursery)
        props = {"onBusy": "interrupt"}
        events = await caller.say("second", forwardedProps=props)
        before = await _get(caller, first)

    assert before["status"] == "cancelled"
    assert events[-1][1]["outcome"] == {"type": "success"}


async def test_a_run_may_refuse_to_wait() -> None:
    async with calling() as caller, trio.open_nursery() as nursery:
        first = await _begun(caller, nursery)
        props = {"onBusy": "reject"}
        body = run_input(caller.user_id, "second", forwardedProps=props)
        refused = await caller.start(body)
        await caller.http.post(f"/v1/runs/{first['runId']}/cancel")
        with trio.fail_after(5):
            await caller.platform.runs.known[first["runId"]].over.wait()
        later = await caller.start(body)

    assert _problem(refused) == (409, "thread-busy")
    assert later.status_code == 200


async def test_a_failing_start_is_no_work_and_succeeds_when_the_word_says_once() -> None:
    async with calling() as caller:
        once = run_input(caller.user_id, "mock:fail-once")
        first, second = await caller.start(once), await caller.start(once)
        ever = await caller.start(run_input(caller.user_id, "mock:fail", chat="C2"))

        assert _problem(first) == _problem(ever) == (503, "overloaded")
        assert first.headers["retry-after"] == "0"
        assert second.status_code == 200
        assert (caller.platform.stats.runs, caller.platform.stats.executed) == (2, 1)


async def test_a_quiet_stream_pings() -> None:
    async with calling(ping=0.05) as caller:
        body = run_input(caller.user_id, "mock:hang")
        async with caller.listening(body) as lines:
            pings = 0
            async for line in lines:
                pings += line == ": ping"
                if pings == 3:
                    break


@pytest.mark.parametrize(
    "broken",
    [
        {"runId": "7"},
        {"threadId": "no colon"},
        {"messages": "hello"},
        {"messages": [{"id": "m", "role": "king", "content": ""}]},
        {"protocolVersion": "0.9"},
        {"forwardedProps": {"user_id": "user-1"}},
        {"forwardedProps": {"onBusy": "panic"}},
        {"resume": [{"interruptId": "x"}]},
    ],
)
async def test_a_run_that_is_not_as_the_document_says_is_refused(broken: Json) -> None:
    async with calling() as caller:
        answer = await caller.http.post(
            "/v1/runs", json=run_input(caller.user_id, "hello") | broken
        )
        noise = await caller.http.post("/v1/runs", content=b"{", headers=_AS_JSON)
        form = await caller.http.post("/v1/runs", data={"a": "b"})
        unquoted = await caller.start(
            run_input(caller.user_id, "hello"), Idempotency_Key=str(uuid4())
        )

    assert _problem(answer) == _problem(noise) == _problem(unquoted) == (422, "validation")
    assert _problem(form) == (415, "unsupported-media")


_AS_JSON = {"Content-Type": "application/json"}
