"""What the platform pushes, over HTTP."""

import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from structlog.typing import EventDict

from actors.ops.web.hooks import MOST_BYTES
from actors.ops.web.signatures import key_of
from protocols.chats import RowsArrived
from protocols.mail import AnswerLateError, CalleeDiedError, NoAnswerError, Question
from protocols.pushes import read_event
from tests.actors.ops.rig import A
from tests.actors.ops.web.web_rig import SECRET, Web, as_json, pushed, serving, signed
from tests.fakes import MemoryStoreAddress

PATH = "/webhooks/agent"


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with serving(webhook_keys=(b"old", key_of(SECRET))) as web:
        yield web


async def push(web: Web, body: bytes, **headers: str) -> httpx2.Response:
    """The answer to a genuine push, but for what *headers* replaces."""
    return await web.client.post(PATH, content=body, headers=signed(body) | headers)


def rows(web: Web) -> list[Any]:
    return list(web.store.journal.rows.values())


def counted(status: int) -> float:
    return REGISTRY.get_sample_value("surfaces_webhooks_total", {"status": str(status)}) or 0.0


async def test_a_push_is_in_the_journal_before_it_is_answered(web: Web) -> None:
    before = counted(204)

    answer = await push(web, as_json(pushed()), traceparent=f"00-{'ab' * 16}-{'cd' * 8}-01")

    (row,) = rows(web)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (row.room, row.sender, row.event_id) == ("platform/u_42", "platform:u_42", "msg_1")
    assert (read_event(row.text).text, row.trace) == ("apricot", "ab" * 16)
    assert web.hints.mail == [RowsArrived()]
    assert counted(204) == before + 1


async def test_a_push_that_is_repeated_is_answered_alike_and_journaled_once(web: Web) -> None:
    answers = [(await push(web, as_json(pushed()))).status_code for _ in range(3)]

    assert answers == [204, 204, 204]
    assert len(rows(web)) == 1


async def test_without_a_secret_there_is_no_such_place() -> None:
    async with serving() as web:
        assert (await push(web, as_json(pushed()))).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-signature": "é"},
        {"webhook-timestamp": "yesterday"},
        {"webhook-timestamp": "1"},
        {"webhook-id": "msg_2"},
        {"webhook-id": "a b"},
    ],
)
async def test_what_the_platform_has_not_signed_is_unauthorized(
    web: Web, headers: dict[str, str]
) -> None:
    body = as_json(pushed())
    sent = {name.encode(): value.encode() for name, value in (signed(body) | headers).items()}

    answer = await web.client.post(PATH, content=body, headers=sent)

    assert answer.status_code == 401
    assert rows(web) == []


async def test_what_is_wrong_in_a_genuine_push_is_said_without_a_quotation(
    web: Web, logs: list[EventDict]
) -> None:
    answer = await push(web, as_json(pushed(user_id="apricot/jam", seq=-7)))

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/data/user_id", "/data/seq"]
    assert "apricot" not in answer.text + str(logs)
    assert rows(web) == []


async def test_the_longest_push_is_taken_and_a_longer_one_is_not(web: Web) -> None:
    room = MOST_BYTES - len(as_json(pushed(result={"text": ""})))

    longest = await push(web, as_json(pushed(result={"text": "a" * room})))
    longer = await push(web, as_json(pushed(result={"text": "a" * (room + 1)})))
    far_longer = await push(web, b" " * 4 * MOST_BYTES)

    assert [one.status_code for one in (longest, longer, far_longer)] == [204, 413, 413]
    assert len(rows(web)) == 1


async def test_a_gigabyte_is_not_even_read(web: Web) -> None:
    head = signed(b"") | {"host": "localhost", "content-length": str(1024**3)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())

    said = await web.say(f"POST {PATH} HTTP/1.1\r\n{lines}\r\n".encode() + b"a" * 1000)

    assert said.startswith(b"HTTP/1.1 413")


async def test_a_body_without_an_end_is_cut_off(web: Web) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536

    with trio.fail_after(20):
        try:
            answer = await web.client.post(PATH, content=endless(), headers=signed(b""))
            assert answer.status_code == 413
        except httpx2.HTTPError:
            pass  # it was hung up on while it wrote
        assert (await push(web, as_json(pushed()))).status_code == 204


@define
class FailingStore(MemoryStoreAddress):
    """A store that does not answer."""

    error: NoAnswerError = field(factory=lambda: AnswerLateError("no answer"))

    async def ask(self, _question: Question[A], /, *, within: float = 10.0) -> A:  # noqa: ARG002
        await trio.lowlevel.checkpoint()
        raise self.error


@pytest.mark.parametrize("error", [AnswerLateError("full"), CalleeDiedError("died")])
async def test_while_nothing_can_be_made_durable_the_platform_comes_again(
    error: NoAnswerError,
) -> None:
    async with serving(store=FailingStore(error=error), webhook_keys=(key_of(SECRET),)) as web:
        answer = await push(web, as_json(pushed()))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert web.hints.mail == []


@define
class WaitingStore(MemoryStoreAddress):
    """A store that answers once it is let."""

    may_answer: trio.Event = field(factory=trio.Event)

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        await self.may_answer.wait()
        return await super().ask(question, within=within)


async def test_more_pushes_at_once_than_we_hold_are_put_off() -> None:
    store, statuses = WaitingStore(), []
    async with serving(store=store, webhook_keys=(key_of(SECRET),)) as web:

        async def send(number: int) -> None:
            body = as_json(pushed())
            headers = signed(body, id_=f"m{number}")
            answer = await web.client.post(PATH, content=body, headers=headers)
            statuses.append(answer.status_code)
            if len(statuses) == 8:
                store.may_answer.set()

        async with trio.open_nursery() as nursery:
            for number in range(40):
                nursery.start_soon(send, number)

    assert statuses == [503] * 8 + [204] * 32


async def test_a_body_that_stops_coming_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.ops.web.hooks._BODY_WITHIN", 0.2)
    async with serving(webhook_keys=(key_of(SECRET),)) as web:
        head = signed(b"") | {"host": "localhost", "content-length": "100"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())

        with trio.fail_after(8):
            said = await web.say(f"POST {PATH} HTTP/1.1\r\n{lines}\r\nabc".encode())

    assert said.startswith(b"HTTP/1.1 408")


async def test_a_client_that_goes_away_in_the_middle_of_its_body_harms_nobody(web: Web) -> None:
    head = signed(b"") | {"host": "localhost", "content-length": "100"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())

    async with await trio.open_tcp_stream("127.0.0.1", web.port) as stream:
        await stream.send_all(f"POST {PATH} HTTP/1.1\r\n{lines}\r\nabc".encode())

    assert (await push(web, as_json(pushed()))).status_code == 204


NAME = st.sampled_from(
    ["webhook-id", "webhook-timestamp", "webhook-signature", "content-type", "traceparent"]
)
VALUE = st.binary(max_size=40).map(lambda raw: raw.translate(None, b"\r\n\0"))


def said_to(port: int, body: bytes, headers: dict[str, bytes]) -> int:
    """The status of the answer; blocks."""
    lines = b"".join(b"%s: %s\r\n" % (name.encode(), raw) for name, raw in headers.items())
    head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n%s\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stream:
        stream.sendall(head % (PATH.encode(), len(body), lines) + body)
        return int(stream.recv(65_536).split(b" ")[1])


async def test_no_bytes_and_no_headers_make_it_fail(web: Web, logs: list[EventDict]) -> None:
    statuses: set[int] = set()

    @given(st.binary(max_size=500), st.dictionaries(NAME, VALUE), st.booleans())
    def fuzz(body: bytes, headers: dict[str, bytes], is_signed: bool) -> None:  # noqa: FBT001
        genuine = {name: raw.encode() for name, raw in signed(body).items()} if is_signed else {}
        statuses.add(said_to(web.port, body, genuine | headers))

    await trio.to_thread.run_sync(fuzz)

    assert statuses == {400, 401}
    assert (await push(web, as_json(pushed()))).status_code == 204
    assert not [line for line in logs if line["log_level"] in {"error", "critical"}]
