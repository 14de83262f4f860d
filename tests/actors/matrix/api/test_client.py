"""The client against a homeserver that misbehaves on a real socket."""

from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import trio

from actors.kernel.aio import open_asyncio
from actors.matrix.api.client import MatrixClient, _json_of
from actors.matrix.api.homeserver import Session
from actors.matrix.api.limits import UNSAID_WAIT
from actors.matrix.api.replies import (
    BadCertificate,
    Done,
    Limited,
    Refused,
    Reply,
    TokenRefused,
    Unreachable,
    reply_of,
)
from tests.actors.matrix.raw_homeserver import answering, http, self_signed


@pytest.mark.parametrize(
    ("status", "answer", "reply"),
    [
        (200, b'{"a": 1}', Done({"a": 1})),
        (200, b"<html>", Unreachable("an answer that is no JSON")),
        (200, b"[1]", Unreachable("an answer that is no JSON")),
        (200, b"[" * 100_000, Unreachable("an answer that is no JSON")),
        (200, None, Unreachable("an answer that is too large")),
        (200, b"\xff\xfe", Unreachable("an answer that is no JSON")),
        (502, b"<html>", Unreachable("502")),
        (503, b'{"errcode": "M_UNKNOWN"}', Unreachable("503 M_UNKNOWN")),
        (403, b'{"errcode": "M_RESOURCE_LIMIT_EXCEEDED"}', None),
        (429, b'{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1500}', Limited(1.5)),
        (429, b"slow down", Limited(UNSAID_WAIT)),
        (429, b'{"retry_after_ms": -1}', Limited(UNSAID_WAIT)),
        (429, b'{"retry_after_ms": "soon"}', Limited(UNSAID_WAIT)),
        (400, b'{"errcode": "M_LIMIT_EXCEEDED"}', Limited(UNSAID_WAIT)),
        (401, b'{"errcode": "M_UNKNOWN_TOKEN"}', TokenRefused()),
        (401, b'{"errcode": "M_MISSING_TOKEN"}', TokenRefused()),
        (401, b'{"errcode": "M_USER_LOCKED", "soft_logout": true}', TokenRefused()),
        (401, b'{"flows": [], "session": "x"}', Refused(401, "")),
        (401, b'{"flows": [], "errcode": "M_FORBIDDEN"}', Refused(401, "M_FORBIDDEN")),
        (401, b"<html>", Refused(401, "")),
        (403, b'{"errcode": "M_FORBIDDEN"}', Refused(403, "M_FORBIDDEN")),
        (404, b"", Refused(404, "")),
        (302, b"", Refused(302, "")),
        (400, b'{"errcode": 7}', Refused(400, "")),
        (400, b'{"errcode": "what somebody wrote"}', Refused(400, "")),
    ],
)
def test_every_answer_has_one_meaning(
    status: int, answer: bytes | None, reply: Reply | None
) -> None:
    found = reply_of(status, answer)

    assert found == reply or (reply is None and isinstance(found, Unreachable))


def test_a_refusal_keeps_what_was_said_and_shows_it_to_nobody() -> None:
    wanted = reply_of(401, b'{"flows": [{"stages": ["m.login.password"]}], "session": "hidden"}')
    locked = reply_of(401, b'{"errcode": "M_USER_LOCKED"}')

    assert isinstance(wanted, Refused)
    assert isinstance(locked, TokenRefused)
    assert wanted.body["session"] == "hidden"
    assert locked.errcode == "M_USER_LOCKED"
    assert "hidden" not in repr(wanted)


@pytest.mark.parametrize(
    ("status", "answer", "is_strange"),
    [
        (403, b"<html>", True),
        (403, b'{"message": "a gateway says no"}', True),
        (403, b'{"errcode": "M_FORBIDDEN"}', False),
        (401, b'{"flows": [], "session": "x"}', False),
    ],
)
def test_a_refusal_without_a_word_for_it_is_no_homeservers(
    status: int, answer: bytes, *, is_strange: bool
) -> None:
    reply = reply_of(status, answer)

    assert isinstance(reply, Refused)
    assert reply.is_strange is is_strange


async def test_a_request_carries_the_token_in_its_header_and_never_in_its_path() -> None:
    async with answering(http("200 OK", '{"event_id": "$x"}')) as (client, asked):
        client.use(Session("@bot:here", "DEVICE", "secret token"))

        reply = await client.send("!r/1:here", "txn", {"body": "ü"})

    assert reply == Done({"event_id": "$x"})
    head, _, body = asked[0].partition(b"\r\n\r\n")
    line = head.split(b"\r\n")[0]
    assert line == b"PUT /_matrix/client/v3/rooms/!r%2F1:here/send/m.room.message/txn HTTP/1.1"
    assert b"Authorization: Bearer secret token" in head
    assert body in {b"", '{"body": "ü"}'.encode()}


def test_half_a_character_is_asked_as_a_question_mark() -> None:
    assert _json_of({"body": "ü \ud83d"}) == '{"body": "ü ?"}'.encode()


async def test_the_secrets_of_a_session_are_not_in_its_repr() -> None:
    await trio.lowlevel.checkpoint()

    assert "secret" not in repr(Session("@bot:here", "DEVICE", "secret token"))


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"]
)
async def test_a_broken_connection_is_an_answer_too(answer: bytes) -> None:
    async with answering(answer, answer) as (client, _asked):
        with trio.fail_after(20):
            assert isinstance(await client.versions(), Unreachable)


async def test_an_answer_without_end_does_not_take_the_memory() -> None:
    flood = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b" " * (17 * 2**20) + b"{}"
    async with answering(flood) as (client, _asked):
        reply = await client.versions()

    assert reply == Unreachable("an answer that is too large")


async def test_nobody_at_the_port_is_an_answer_too() -> None:
    async with open_asyncio("test"):
        client = MatrixClient("http://127.0.0.1:1")

        reply = await client.versions()
        await client.close()

    assert reply == Unreachable("ClientConnectorError")


async def test_each_request_goes_to_its_place() -> None:
    answer = http("200 OK", "{}")
    async with answering(*[answer] * 20) as (client, asked):
        client.use(Session("@bot:here", "DEVICE", "t"))
        await client.log_in("@bot:here", "pw", "", "name")
        await client.log_in("@bot:here", "pw", "DEVICE", "name")
        await client.whoami("other")
        await client.sync("", wait=0.0)
        await client.sync("s1", wait=30.0)
        await client.messages("!r:h", "p", "s1")
        await client.messages("!r:h", "p", "")
        await client.encryption("!r:h")
        await client.join("!r:h")
        await client.leave("!r:h", "why")
        await client.typing("!r:h", "@bot:here", is_typing=True)
        await client.typing("!r:h", "@bot:here", is_typing=False)

    paths = [one.split(b" ")[1].decode().partition("?")[0] for one in asked]
    assert [path.removeprefix("/_matrix/client/v3/") for path in paths] == [
        *("login", "login", "account/whoami", "sync", "sync"),
        *("rooms/!r:h/messages", "rooms/!r:h/messages"),
        *("rooms/!r:h/state/m.room.encryption/", "join/!r:h", "rooms/!r:h/leave"),
        *("rooms/!r:h/typing/@bot:here", "rooms/!r:h/typing/@bot:here"),
    ]
    assert b"Bearer other" in asked[2]
    assert b"since=s1" in asked[4]
    assert b"timeout=30000" in asked[4]


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def serve(stream: trio.SSLStream[trio.SocketStream]) -> None:
        with suppress(trio.BrokenResourceError):
            asked.append(bytes(await stream.receive_some()))

    async with trio.open_nursery() as nursery:
        context = self_signed(tmp_path)
        listeners = await nursery.start(
            partial(trio.serve_ssl_over_tcp, serve, 0, context, host="127.0.0.1")
        )
        port = listeners[0].transport_listener.socket.getsockname()[1]
        async with open_asyncio("test"):
            client = MatrixClient(f"https://127.0.0.1:{port}")
            client.use(Session("@bot:here", "DEVICE", "secret token"))
            reply = await client.typing("!r:here", "@bot:here", is_typing=True)
            await client.close()
        nursery.cancel_scope.cancel()

    assert reply == BadCertificate()
    assert isinstance(reply, Unreachable)
    assert asked == []
