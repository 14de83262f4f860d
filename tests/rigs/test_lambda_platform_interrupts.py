"""The reference server's agent asks; the first answer counts."""

import pytest
import trio

from tests.rigs.lambda_platform_caller import Caller, calling, run_input, text_of
from tests.rigs.lambda_platform_contract import Json


async def _asked(caller: Caller, word: str) -> list[Json]:
    events = await caller.say(word)
    outcome = events[-1][1]["outcome"]
    assert outcome["type"] == "interrupt"
    return list(outcome["interrupts"])


def _entry(interrupt: Json, payload: object) -> Json:
    return {"interruptId": interrupt["id"], "status": "resolved", "payload": payload}


@pytest.mark.parametrize(
    ("word", "payload", "outcome"),
    [
        ("mock:confirm", {"approved": True}, "it is done"),
        ("mock:confirm", {"approved": False}, "left everything as it was"),
        ("mock:choose", "green", "You chose **green**"),
        ("mock:pick", "b", "You chose **b**"),
        ("mock:ask", "I am Ann", "> I am Ann"),
        ("mock:ask", {"other": 1}, "neither a yes nor a no"),
    ],
)
async def test_the_agent_goes_on_with_the_answer(word: str, payload: object, outcome: str) -> None:
    async with calling() as caller:
        (question,) = await _asked(caller, word)
        events = await caller.say("as I said", resume=[_entry(question, payload)])

    assert outcome in text_of(events)


async def test_the_first_answer_wins() -> None:
    async with calling() as caller:
        (question,) = await _asked(caller, "mock:confirm")
        yes = run_input(caller.user_id, "yes", resume=[_entry(question, {"approved": True})])
        no = run_input(caller.user_id, "no", resume=[_entry(question, {"approved": False})])
        first, second, again = [await caller.start(body) for body in (yes, no, yes)]

        assert first.status_code == 200
        assert second.status_code == 409
        assert second.json()["type"] == "/problems/interrupt-expired"
        assert again.text == first.text
        assert caller.platform.stats.executed == 2


async def test_a_cancelled_answer_leaves_the_question_open() -> None:
    async with calling() as caller, trio.open_nursery() as nursery:
        (question,) = await _asked(caller, "mock:confirm")
        nursery.start_soon(caller.say, "mock:hang")
        await caller.platform.wait_for("POST", "/v1/runs", times=2)
        entry = _entry(question, {"approved": True})
        waiting = run_input(caller.user_id, "yes", resume=[entry])
        nursery.start_soon(caller.start, waiting)
        await caller.platform.wait_for("POST", "/v1/runs", times=3)
        for run_id in list(caller.platform.runs.known):
            await caller.http.post(f"/v1/runs/{run_id}/cancel")
        with trio.fail_after(5):
            await caller.platform.runs.known[waiting["runId"]].over.wait()
        events = await caller.say("yes", resume=[entry])

    assert "it is done" in text_of(events)


async def test_all_questions_of_a_run_are_answered_at_once() -> None:
    async with calling() as caller:
        one, other = await _asked(caller, "mock:both")
        yes, no = _entry(one, {"approved": True}), _entry(other, {"approved": False})
        half = await caller.start(run_input(caller.user_id, "yes", resume=[yes]))
        events = await caller.say("both", resume=[yes, no])

    assert half.status_code == 422
    assert "it is done" in text_of(events)
    assert "left everything" in text_of(events)


async def test_a_question_that_nobody_asked_has_no_answer() -> None:
    async with calling() as caller:
        (question,) = await _asked(caller, "mock:confirm")
        entry = _entry(question, {"approved": True})
        elsewhere = await caller.start(run_input(caller.user_id, "yes", chat="C2", resume=[entry]))
        unknown = await caller.start(
            run_input(caller.user_id, "yes", resume=[entry | {"interruptId": "none"}])
        )

    assert (elsewhere.status_code, unknown.status_code) == (409, 409)


async def test_an_answer_that_is_late_does_not_count() -> None:
    async with calling() as caller:
        (question,) = await _asked(caller, "mock:brief")
        caller.platform.runs.interrupts.asked[question["id"]].expires_at = 0.0
        entry = _entry(question, {"approved": True})
        late = await caller.start(run_input(caller.user_id, "yes", resume=[entry]))
        events = await caller.say("", resume=[entry | {"status": "cancelled"}])

    assert late.status_code == 409
    assert "did not answer in time" in text_of(events)
