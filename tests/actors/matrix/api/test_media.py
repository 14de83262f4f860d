"""Media: the client against homeservers that misbehave on a real socket, and against Synapse."""

import gzip
from functools import partial

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from actors.kernel.aio import open_asyncio
from actors.matrix.api.client import MatrixClient
from actors.matrix.api.homeserver import Session
from actors.matrix.api.media import media_limit
from actors.matrix.api.mxc import content_type, download_paths, onward, upload_path
from actors.matrix.api.replies import Done, Limited, Refused, Reply, TokenRefused, Unreachable
from tests.actors.matrix.fake_homeserver import FakeHomeserver
from tests.actors.matrix.raw_homeserver import answering, http
from tests.rigs.synapse import Account, Synapse

PICTURE = bytes(range(256)) * 1000
MXC = "mxc://here.org/AbC-1_2"
UNKNOWN = http("404 Not Found", '{"errcode": "M_UNRECOGNIZED"}')


@define
class Bucket:
    """Takes at most *most* bytes."""

    most: int = 2**30
    data: bytes = b""
    calls: list[int] = field(factory=list)

    async def take(self, chunk: bytes) -> bool:
        await trio.lowlevel.checkpoint()
        self.calls.append(len(chunk))
        self.data += chunk
        return len(self.data) < self.most


def answer_of(data: bytes, *, length: int | None = None, more: str = "") -> bytes:
    said = "" if length is None else f"Content-Length: {length}\r\n"
    return f"HTTP/1.1 200 OK\r\n{said}{more}Connection: close\r\n\r\n".encode() + data


def leading_to(place: str, status: str = "307 Temporary Redirect") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode()


def in_use(client: MatrixClient) -> MatrixClient:
    client.use(Session("@bot:here", "DEVICE", "secret"))
    return client


@pytest.mark.parametrize("length", [len(PICTURE), None])
async def test_a_file_comes_whole_by_the_way_that_asks_who_we_are(length: int | None) -> None:
    bucket = Bucket()
    async with answering(answer_of(PICTURE, length=length)) as (client, asked):
        reply = await in_use(client).download(MXC, bucket.take, within=10)

    assert reply == Done({})
    assert bucket.data == PICTURE
    assert max(bucket.calls) <= 2**16
    assert asked[0].startswith(b"GET /_matrix/client/v1/media/download/here.org/AbC-1_2 ")
    assert b"Authorization: Bearer secret" in asked[0]


@pytest.mark.parametrize("unknown", [UNKNOWN, http("404 Not Found", "<html>")])
async def test_an_older_server_is_asked_in_the_older_way(unknown: bytes) -> None:
    bucket = Bucket()
    async with answering(unknown, answer_of(PICTURE)) as (client, asked):
        reply = await in_use(client).download(MXC, bucket.take, within=10)

    assert reply == Done({})
    assert bucket.data == PICTURE
    assert asked[1].startswith(b"GET /_matrix/media/v3/download/here.org/AbC-1_2?allow_redirect=")


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (http("404 Not Found", '{"errcode": "M_NOT_FOUND"}'), Refused(404, "M_NOT_FOUND")),
        (http("403 No", '{"errcode": "M_FORBIDDEN"}'), Refused(403, "M_FORBIDDEN")),
        (http("401 No", '{"errcode": "M_UNKNOWN_TOKEN"}'), TokenRefused()),
        (http("429 No", '{"retry_after_ms": 2500}'), Limited(2.5)),
        (
            http("504 No", '{"errcode": "M_NOT_YET_UPLOADED"}'),
            Unreachable("504 M_NOT_YET_UPLOADED"),
        ),
        (http("204 No Content", ""), Unreachable("an answer that is no JSON")),
        (answer_of(b"half", length=99), Unreachable("ClientPayloadError")),
        (
            answer_of(b"not zipped at all", length=17, more="Content-Encoding: gzip\r\n"),
            Unreachable("ClientPayloadError"),
        ),
        (b"nonsense\r\n\r\n", Unreachable("ClientResponseError")),
        (leading_to("http://["), Unreachable("an answer that leads elsewhere")),
        (leading_to("file:///etc/passwd"), Unreachable("an answer that leads elsewhere")),
        (http("307 Temporary Redirect", "{}"), Refused(307, "")),
    ],
)
async def test_every_trouble_with_a_file_is_a_value(answer: bytes, reply: Reply) -> None:
    async with answering(answer) as (client, asked):
        found = await in_use(client).download(MXC, Bucket().take, within=10)

    assert found == reply
    assert len(asked) == 1


async def test_no_more_is_read_than_is_taken_whatever_was_said_of_the_length() -> None:
    bucket = Bucket(most=200_000)
    flood = answer_of(b"x" * 30_000_000)
    async with answering(flood) as (client, _asked):
        reply = await in_use(client).download(MXC, bucket.take, within=10)

    assert reply == Done({})
    assert 200_000 <= len(bucket.data) < 300_000


async def test_what_was_zipped_on_the_way_is_counted_unzipped() -> None:
    bucket = Bucket(most=200_000)
    bomb = gzip.compress(bytes(50_000_000))
    answer = answer_of(bomb, length=len(bomb), more="Content-Encoding: gzip\r\n")
    async with answering(answer) as (client, _asked):
        await in_use(client).download(MXC, bucket.take, within=10)

    assert 200_000 <= len(bucket.data) < 1_000_000


async def test_a_file_that_does_not_come_is_given_up() -> None:
    async with answering(answer_of(b"x" * 10, length=10)) as (client, _asked):

        async def never(_chunk: bytes) -> bool:
            await trio.sleep_forever()
            raise AssertionError

        with trio.fail_after(60):  # of real time, on a machine that may be busy
            reply = await in_use(client).download(MXC, never, within=0.2)

    assert reply == Unreachable("no answer in time")


async def test_our_token_does_not_follow_a_file_to_another_server() -> None:
    bucket = Bucket()
    async with (
        answering(answer_of(PICTURE)) as (store, asked_there),
        answering(leading_to(f"{store.url}bucket/1?sig=a%2Fb")) as (client, asked_here),
    ):
        reply = await in_use(client).download(MXC, bucket.take, within=10)

    assert reply == Done({})
    assert bucket.data == PICTURE
    assert b"Bearer secret" in asked_here[0]
    assert asked_there[0].startswith(b"GET /bucket/1?sig=")
    assert b"secret" not in asked_there[0]


async def test_an_answer_that_leads_in_circles_is_left() -> None:
    async with answering(*[leading_to("/again")] * 9) as (client, asked):
        reply = await in_use(client).download(MXC, Bucket().take, within=10)

    assert reply == Unreachable("an answer that leads in circles")
    assert len(asked) == 5


async def test_a_file_that_is_brought_says_only_what_its_header_may_carry() -> None:
    answer = http("200 OK", '{"content_uri": "mxc://here/1"}')
    async with answering(answer) as (client, asked):
        reply = await in_use(client).upload(b"", "image/png\r\nX-Evil: 1", "a b\ud83d&c", within=10)

    assert reply == Done({"content_uri": "mxc://here/1"})
    assert asked[0].startswith(b"POST /_matrix/media/v3/upload?filename=a+b?%26c ")
    assert b"Content-Type: application/octet-stream\r\n" in asked[0]
    assert b"Evil" not in asked[0]


async def test_a_file_that_we_bring_is_led_nowhere_else() -> None:
    async with (
        answering(http("200 OK", "{}")) as (other, asked_there),
        answering(leading_to(other.url)) as (client, _asked),
    ):
        reply = await in_use(client).upload(b"abc", "image/png", "a", within=10)

    assert reply == Refused(307, "")
    assert asked_there == []


@pytest.mark.parametrize(
    "mxc",
    [
        "",
        "mxc://here",
        "mxc://here/",
        "mxc://../1",
        "mxc://here/..",
        "mxc://here/a/b",
        "mxc://here/a?b",
        "mxc://here/a%2e",
        "mxc://here/.",
        "mxc://here/ü",
        "mxc://here/a\n",
        "http://here/a",
        f"mxc://here/{'a' * 300}",
    ],
)
async def test_what_is_no_address_of_media_is_never_asked_for(mxc: str) -> None:
    async with answering(answer_of(PICTURE)) as (client, asked):
        reply = await in_use(client).download(mxc, Bucket().take, within=10)

    assert reply == Refused(400, "M_INVALID_PARAM")
    assert asked == []


def test_the_addresses_of_media_are_the_specifications() -> None:
    assert download_paths("mxc://[::1]:80/a")[0] == (
        "/_matrix/client/v1/media/download/%5B%3A%3A1%5D%3A80/a"
    )
    assert upload_path("") == "/_matrix/media/v3/upload"
    assert content_type("audio/ogg") == "audio/ogg"
    assert content_type("") == "application/octet-stream"


@pytest.mark.parametrize(
    ("url", "location", "place"),
    [
        ("https://a/x", "https://b/y", "https://b/y"),
        ("https://a/x", "/y", "https://a/y"),
        ("http://a/x", "https://b/y", "https://b/y"),
        ("http://a/x", "http://b/y", "http://b/y"),
        ("https://a/x", "http://b/y", None),
        ("https://a/x", "ftp://b/y", None),
        ("https://a/x", "https:///y", "https://a/y"),
    ],
)
def test_nobody_is_led_out_of_an_encrypted_line(url: str, location: str, place: str | None) -> None:
    assert onward(url, location) == place


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        ({"m.upload.size": 1000}, 1000),
        ({}, None),
        ({"m.upload.size": "much"}, None),
        ({"m.upload.size": -1}, None),
        ({"m.upload.size": True}, None),
    ],
)
async def test_the_limit_of_a_server_is_what_it_says(
    autojump_clock: MockClock, body: dict[str, object], limit: int | None
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.use(Session("@bot:fake", "DEVICE", "token1"))
    server.handlers["/_matrix/media/v3/config"] = lambda *_: Done(body)

    assert await media_limit(server) == limit
    assert len(server.times("request")) == 2


async def test_a_server_that_does_not_say_has_no_limit_that_we_know(
    autojump_clock: MockClock,
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["request"] = [Unreachable("502")]

    assert await media_limit(server) is None
    assert len(server.times("request")) == 1


async def test_a_file_goes_to_a_real_homeserver_and_comes_back(synapse: Synapse) -> None:
    account = await trio.to_thread.run_sync(partial(synapse.register, "bot"))
    bucket, small = Bucket(), Bucket(most=1000)
    async with open_asyncio("test"):
        client = MatrixClient(synapse.url)
        client.use(_session(account))
        limit = await media_limit(client)
        brought = await client.upload(PICTURE, "image/png", "cat ü.png", within=20)
        assert isinstance(brought, Done)
        mxc = brought.body["content_uri"]
        fetched = await client.download(mxc, bucket.take, within=20)
        part = await client.download(mxc, small.take, within=20)
        gone = await client.download(mxc[:-1], Bucket().take, within=20)
        await client.close()

    assert limit == 50 * 2**20
    assert (fetched, part) == (Done({}), Done({}))
    assert bucket.data == PICTURE
    assert 1000 <= len(small.data) <= len(PICTURE)
    assert gone == Refused(404, "M_NOT_FOUND")


def _session(account: Account) -> Session:
    return Session(account.user_id, account.device_id, account.token)
