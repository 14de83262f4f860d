"""What the reference server pushes: signed, and again until it is taken."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
import trio
from attrs import define, field

from tests.rigs.lambda_platform import WEBHOOK_SECRET
from tests.rigs.lambda_platform_caller import calling, run_input
from tests.rigs.lambda_platform_contract import flaws
from tests.rigs.lambda_platform_hooks import signature


@define
class _Receiver:
    """Takes pushes on a raw socket, and answers with one of *answers* after the other."""

    url: str
    answers: list[int]
    got: list[tuple[dict[str, str], bytes]] = field(factory=list)

    async def serve(self, stream: trio.SocketStream) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            received += await stream.receive_some()
        head, _, body = received.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
        headers = {name.lower(): value for name, _, value in lines}
        while len(body) < int(headers["content-length"]):
            body += await stream.receive_some()
        self.got.append((headers, body))
        status = self.answers.pop(0)
        if status:
            said = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\n"
            await stream.send_all(said.encode() + b"Content-Length: 0\r\n\r\n")
        await stream.aclose()


@asynccontextmanager
async def _receiver(*answers: int) -> AsyncIterator[_Receiver]:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    it = _Receiver(f"http://127.0.0.1:{listener.socket.getsockname()[1]}/hook", list(answers))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, it.serve, [listener])
        yield it
        nursery.cancel_scope.cancel()


def test_a_signature_is_that_of_the_standard() -> None:
    # The example of the documentation of Svix, who wrote the standard.
    secret, webhook_id = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"

    said = signature(secret, webhook_id, 1614265330, b'{"test": 2432232314}')

    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_push_is_repeated_with_the_same_id_until_it_is_taken() -> None:
    async with _receiver(500, 0, 503, 204) as receiver, calling() as caller:
        hooks = caller.platform.hooks
        hooks.url, hooks.delays = receiver.url, (0.01,) * 5
        delivery = await caller.platform.push(
            "task_progress", user_id=caller.user_id, text="half", fraction=0.5, seq=3
        )

    assert delivery.statuses == (500, 0, 503, 204)
    assert delivery.is_taken
    assert {headers["webhook-id"] for headers, _ in receiver.got} == {delivery.id}
    for headers, body in receiver.got:
        at = int(headers["webhook-timestamp"])
        right = signature(WEBHOOK_SECRET, delivery.id, at, body)
        assert headers["webhook-signature"] == right
    said = json.loads(receiver.got[0][1])
    assert said["data"]["progress"] == {"message": "half", "fraction": 0.5}
    assert said["data"]["seq"] == 3


async def test_every_secret_signs_while_they_are_rotated() -> None:
    async with _receiver(204) as receiver, calling() as caller:
        hooks = caller.platform.hooks
        hooks.url, hooks.secrets = receiver.url, (WEBHOOK_SECRET, "whsec_b3RoZXI=")
        await caller.platform.push("task_error", user_id=caller.user_id, text="broke")

    ((headers, body),) = receiver.got
    at = int(headers["webhook-timestamp"])
    made = [signature(one, headers["webhook-id"], at, body) for one in hooks.secrets]
    assert headers["webhook-signature"] == " ".join(made)


async def test_nothing_more_is_pushed_to_who_wants_nothing_more() -> None:
    async with _receiver(410) as receiver, calling() as caller:
        caller.platform.hooks.url = receiver.url
        delivery = await caller.platform.push("task_done", user_id=caller.user_id, text="done")

        assert delivery.statuses == (410,)
        assert not delivery.is_taken
        assert caller.platform.hooks.url == ""


async def test_what_nobody_takes_is_given_up() -> None:
    async with _receiver(*[500] * 3) as receiver, calling() as caller:
        hooks = caller.platform.hooks
        hooks.url, hooks.delays = receiver.url, (0.01, 0.01)
        delivery = await caller.platform.push("task_done", user_id=caller.user_id)

    assert delivery.statuses == (500, 500, 500)
    assert not delivery.is_taken


@pytest.mark.parametrize(("word", "kind"), [("hello", "task_done"), ("mock:refuse", "task_error")])
async def test_a_run_that_nobody_waits_for_is_told_by_a_push(word: str, kind: str) -> None:
    async with _receiver(204) as receiver, calling(webhook_url=receiver.url) as caller:
        body = run_input(caller.user_id, word)
        answer = await caller.start(body, accept="application/json", Prefer="respond-async")
        with trio.fail_after(5):
            await caller.platform.hooks.delivered()

    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/runs/{body['runId']}"
    said = json.loads(receiver.got[0][1])
    assert not flaws("AgentEvent", said)
    assert (said["type"], said["data"]["run_id"]) == (kind, body["runId"])
    assert said["data"]["chat_id"] == "C1"
