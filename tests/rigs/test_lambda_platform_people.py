"""The reference server's users, settings, and what it says to whom it does not know."""

import httpx2
import pytest

from tests.rigs.lambda_platform import TOKEN
from tests.rigs.lambda_platform_caller import calling, run_input
from tests.rigs.lambda_platform_contract import VERSION


def _problem(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == answer.status_code
    return answer.status_code, said["type"].removeprefix("/problems/")


async def test_a_person_is_the_same_user_every_time() -> None:
    async with calling() as caller:
        first = await caller.http.put("/v1/users/matrix/%40me%3Aa.org", json={"display_name": "A"})
        again = await caller.http.put("/v1/users/matrix/%40me%3Aa.org", json={"locale": "ru"})
        other = await caller.http.put("/v1/users/telegram/%40me%3Aa.org", json={})

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["external_id"] == "@me:a.org"
    assert first.json()["user_id"] != other.json()["user_id"]


@pytest.mark.parametrize("raw", ["%40a%2Fb%2Fsettings", "%0A", "%C3%A9%20%3F%23"])
async def test_an_external_id_may_hold_anything(raw: str) -> None:
    async with calling() as caller:
        answer = await caller.http.put(f"/v1/users/matrix/{raw}", json={})

    assert answer.status_code == 201
    assert answer.json()["external_id"] == str(httpx2.URL(f"http://a/{raw}").path)[1:]


async def test_a_toggle_is_done_once_for_one_key() -> None:
    async with calling() as caller:
        where = f"/v1/users/{caller.user_id}/settings"
        before = await caller.http.get(where)
        action = {"type": "toggle_skill", "payload": {"skill": "memory"}}
        key = {"Idempotency-Key": '"press-1"'}
        first = await caller.http.post(f"{where}/actions", json=action, headers=key)
        again = await caller.http.post(f"{where}/actions", json=action, headers=key)
        other = await caller.http.post(f"{where}/actions", json={"type": "reset"}, headers=key)
        after = await caller.http.get(where)

    assert before.json()["skills"]["memory"] is False
    assert first.json()["skills"]["memory"] is True
    assert (again.json(), again.headers["etag"]) == (first.json(), first.headers["etag"])
    assert (after.json(), after.headers["etag"]) == (first.json(), first.headers["etag"])
    assert before.headers["etag"] != after.headers["etag"]
    assert _problem(other) == (422, "idempotency-key-reuse")


async def test_settings_that_changed_meanwhile_are_left_alone() -> None:
    async with calling() as caller:
        where = f"/v1/users/{caller.user_id}/settings"
        etag = (await caller.http.get(where)).headers["etag"]
        if_match = {"If-Match": etag}
        act = {"type": "set", "payload": {"model": "big"}}
        first = await caller.http.post(f"{where}/actions", json=act, headers=if_match)
        late = await caller.http.post(f"{where}/actions", json={"type": "reset"}, headers=if_match)
        after = await caller.http.get(where)

    assert first.json()["model"] == "big"
    assert _problem(late) == (412, "settings-changed")
    assert after.json()["model"] == "big"


@pytest.mark.parametrize(
    "action",
    [
        {"type": "toggle_skill", "payload": {"skill": "flying"}},
        {"type": "dance"},
        {"payload": {}},
        ["reset"],
    ],
)
async def test_an_action_that_nobody_knows_changes_nothing(action: object) -> None:
    async with calling() as caller:
        where = f"/v1/users/{caller.user_id}/settings"
        before = await caller.http.get(where)
        answer = await caller.http.post(f"{where}/actions", json=action)
        after = await caller.http.get(where)

    assert _problem(answer) == (422, "validation")
    assert answer.json()["errors"]
    assert before.headers["etag"] == after.headers["etag"]


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("", (401, "unauthorized")),
        ("Bearer wrong", (401, "unauthorized")),
        (f"Basic {TOKEN}", (401, "unauthorized")),
        ("Bearer known", (403, "forbidden")),
    ],
)
async def test_nobody_is_let_in_without_the_token(token: str, problem: tuple[int, str]) -> None:
    async with calling() as caller:
        caller.platform.gate.forbidden.add("known")
        run = run_input(caller.user_id, "hello")
        answer = await caller.http.post("/v1/runs", json=run, headers={"Authorization": token})

        assert _problem(answer) == problem
        assert caller.platform.stats.starts == 0


async def test_the_token_can_be_changed_while_it_runs() -> None:
    async with calling() as caller:
        caller.platform.gate.token = "another"
        answer = await caller.http.get("/v1/capabilities")

    assert _problem(answer) == (401, "unauthorized")


async def test_every_answer_says_which_version_it_speaks() -> None:
    async with calling() as caller:
        answers = [
            await caller.http.get("/v1/capabilities"),
            await caller.http.get("/v1/runs/7"),
            await caller.http.get("/nowhere"),
            await caller.http.delete("/v1/runs"),
        ]
        other = await caller.http.get("/v1/capabilities", headers={"Lambda-Version": "1999-01-01"})

    assert [one.status_code for one in answers] == [200, 404, 404, 405]
    assert {one.headers["lambda-version"] for one in answers} == {VERSION}
    assert [_problem(one)[1] for one in answers[1:]] == ["run-not-found", *["about:blank"] * 2]
    assert _problem(other) == (422, "validation")


async def test_a_test_sees_what_came() -> None:
    async with calling() as caller:
        await caller.say("hello", chat="C7")

        assert [one["threadId"] for one in caller.platform.inputs()] == [f"{caller.user_id}:C7"]
        (start,) = caller.platform.requests("POST", "/v1/runs")
        assert start.headers["authorization"] == f"Bearer {TOKEN}"
        assert TOKEN not in repr(caller.platform)
