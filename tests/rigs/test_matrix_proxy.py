from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import httpx2
import pytest
import trio
from attrs import define

from tests.rigs.matrix_faults import (
    SEND,
    SYNC,
    Fault,
    bad_gateway,
    garbage,
    half,
    reset,
    server_error,
    slow,
    too_many,
)
from tests.rigs.matrix_proxy import MatrixProxy, matrix_proxy
from tests.rigs.synapse import Person, Synapse


@define
class Line:
    """A person in a room, and what goes through the proxy in their name."""

    proxy: MatrixProxy
    person: Person
    room: str
    http: httpx2.AsyncClient
    number: int = 0

    async def send(self, text: str) -> httpx2.Response:
        self.number += 1
        path = f"/_matrix/client/v3/rooms/{self.room}/send/m.room.message/p{self.number}"
        return await self._ask("PUT", path, {"msgtype": "m.text", "body": text})

    async def sync(self, **query: str) -> httpx2.Response:
        return await self._ask("GET", "/_matrix/client/v3/sync", None, **query)

    async def sent(self) -> list[str]:
        return await self.person.answers(self.room, self.person.user_id)

    async def _ask(self, method: str, path: str, body: object, **query: str) -> httpx2.Response:
        token = {"Authorization": f"Bearer {self.person.account.token}"}
        url = self.proxy.url + path
        return await self.http.request(method, url, json=body, params=query, headers=token)


@asynccontextmanager
async def line(synapse: Synapse) -> AsyncIterator[Line]:
    person = await trio.to_thread.run_sync(synapse.person)
    room = await person.create_room()
    with trio.fail_after(20):
        async with matrix_proxy(synapse.url) as proxy, httpx2.AsyncClient(timeout=20) as http:
            yield Line(proxy, person, room, http)


async def test_requests_long_polls_and_files_pass_through(synapse: Synapse) -> None:
    async with line(synapse) as it:
        since = (await it.sync()).json()["next_batch"]
        media = it.person
        media.server = Synapse(it.proxy.url, synapse.directory)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(it.send, "hello")
            news = (await it.sync(since=since, timeout="10000")).json()
        address = await media.upload(b"\x00\xff" * 100_000, name="a.bin", mime_type="a/b")

        assert it.room in news["rooms"]["join"]
        assert await media.fetch(address) == b"\x00\xff" * 100_000
        assert it.proxy.faults == {}
        assert [call.status for call in it.proxy.calls_of(SEND)] == [200]


@pytest.mark.parametrize(
    ("fault", "status", "effect"),
    [
        (server_error(), 500, []),
        (bad_gateway(), 502, []),
        (bad_gateway(after=True), 502, ["hello"]),
        (garbage(), 200, []),
        (slow(0.01), 200, ["hello"]),
    ],
)
async def test_a_fault_replaces_the_answer_before_or_after_the_effect(
    synapse: Synapse, fault: Fault, status: int, effect: list[str]
) -> None:
    async with line(synapse) as it:
        it.proxy.fail(fault, SEND)

        answer = await it.send("hello")

        assert (answer.status_code, await it.sent()) == (status, effect)
        assert (await it.send("again")).is_success
        assert it.proxy.faults == {fault.name: 1}


@pytest.mark.parametrize(
    ("fault", "effect"), [(reset(), []), (reset(after=True), ["hello"]), (half(), ["hello"])]
)
async def test_a_connection_ends_without_an_answer(
    synapse: Synapse, fault: Fault, effect: list[str]
) -> None:
    async with line(synapse) as it:
        it.proxy.fail(fault, SEND)

        with pytest.raises(httpx2.TransportError):
            await it.send("hello")

        assert await it.sent() == effect


async def test_what_is_sent_inside_a_penalty_is_noticed(synapse: Synapse) -> None:
    async with line(synapse) as it:
        it.proxy.fail(too_many(2), SEND)

        limited = await it.send("first")
        await it.sync()
        await trio.sleep(0.3)
        await it.send("too early")
        await trio.sleep(2)
        await it.send("in time")

        assert limited.json()["retry_after_ms"] == 2000
        assert limited.headers["retry-after"] == "2"
        assert [call.name for call in it.proxy.in_penalty] == [it.proxy.calls_of(SEND)[1].name]


async def test_a_penalty_of_the_homeserver_itself_counts(synapse: Synapse) -> None:
    async with line(synapse) as it:
        user_id = it.person.user_id
        limit = partial(synapse.limit_messages, user_id, per_second=1, burst=1)
        await trio.to_thread.run_sync(limit)

        with trio.fail_after(60):
            while not it.proxy.in_penalty:
                await it.send("again")
                await trio.sleep(0.25)

        assert 429 in {call.status for call in it.proxy.calls}


async def test_a_fault_waits_for_its_calls_and_happens_so_often(synapse: Synapse) -> None:
    async with line(synapse) as it:
        it.proxy.fail(server_error(), SEND, after=1, times=2)

        answers = [(await it.send(str(number))).status_code for number in range(4)]

    assert answers == [200, 500, 500, 200]


async def test_chance_is_the_same_for_the_same_seed(synapse: Synapse) -> None:
    seen = []
    async with line(synapse) as it:
        for _ in range(2):
            it.proxy.by_chance({server_error(): 0.3, bad_gateway(): 0.3}, seed=7, patterns=[SYNC])
            seen.append([(await it.sync()).status_code for _ in range(12)])
        it.proxy.mend()
        assert (await it.sync()).is_success

    assert seen[0] == seen[1]
    assert set(seen[0]) == {200, 500, 502}


async def test_a_homeserver_that_is_away_ends_the_connection() -> None:
    async with matrix_proxy("http://127.0.0.1:1") as proxy, httpx2.AsyncClient() as http:
        with pytest.raises(httpx2.TransportError):
            await http.get(proxy.url)
