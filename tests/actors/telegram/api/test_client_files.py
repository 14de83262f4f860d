"""Files on their way to Telegram and from it, over a server in memory."""

import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from actors.telegram.api.client import TelegramClient, TrioSession, open_client
from actors.telegram.api.methods import Take
from actors.telegram.api.outcomes import (
    Ambiguous,
    Done,
    RateLimited,
    Refusal,
    Refused,
    Sent,
    Unauthorized,
    Unreachable,
)
from actors.telegram.api.vocabulary import Bot, GetMe, TelegramMethod
from protocols.files import FileKind, LocalFile
from tests.actors.telegram.fake_bot_api import SETTINGS, TOKEN

WITHIN = 300.0
PICTURE = bytes(range(256)) * 1000

Serve = Callable[[httpx2.Request], Coroutine[None, None, httpx2.Response]]


@define
class Form:
    """What came in one request."""

    fields: dict[str, Any] = field(factory=dict)
    files: dict[str, tuple[str, str, bytes]] = field(factory=dict)


@define
class Server:
    """Reads every upload as a whole, and answers all with *result*."""

    result: Any = field(factory=lambda: {"message_id": 99})
    forms: list[tuple[str, Form]] = field(factory=list)

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        method = request.url.path.rpartition("/")[2]
        self.forms.append((method, _form(request)))
        return httpx2.Response(200, json={"ok": True, "result": self.result})


def _form(request: httpx2.Request) -> Form:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    assert int(request.headers["content-length"]) == len(request.content)
    form = Form()
    for part in message_from_bytes(head + request.content).walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        said = str(part["content-disposition"])
        (name,) = re.findall(r'\bname="(.*?)"', said)
        if found := re.findall(r'filename="(.*?)"', said):
            form.files[name] = found[0], part.get_content_type(), content
        else:
            text = content.decode()
            form.fields[name] = json.loads(text) if text[:1] in {"[", "{"} else text
    return form


def connected(serve: Serve) -> AbstractAsyncContextManager[TelegramClient]:
    return open_client(SETTINGS, transport=httpx2.MockTransport(serve))


def made(folder: Path, name: str = "cat.png", content: bytes = PICTURE, **more: Any) -> LocalFile:
    path = folder / f"made-{len(list(folder.iterdir()))}"
    path.write_bytes(content)
    digest = sha256(content).hexdigest()
    known = LocalFile(FileKind.PHOTO, name, "image/png", len(content), str(path), digest)
    return evolve(known, **more)


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (FileKind.PHOTO, "sendPhoto"), (FileKind.VIDEO, "sendVideo"),
        (FileKind.AUDIO, "sendAudio"), (FileKind.VOICE, "sendVoice"),
        (FileKind.DOCUMENT, "sendDocument"),
    ],
)  # fmt: skip
async def test_a_file_goes_out_whole_as_what_it_is_shown_as(
    tmp_path: Path, kind: FileKind, method: str
) -> None:
    server, file = Server(), made(tmp_path)

    async with connected(server.answer) as client:
        end = await client.send_file(7, file, kind, thread_id=3, reply_to=5, within=WITHIN)

    assert end == Sent(99)
    [(asked, form)] = server.forms
    assert asked == method
    assert form.files == {"0": ("cat.png", "image/png", PICTURE)}
    assert form.fields == {
        "chat_id": "7",
        kind.value: "attach://0",
        "message_thread_id": "3",
        "reply_parameters": {"message_id": 5, "allow_sending_without_reply": True},
    }


async def test_an_album_is_one_request_and_its_first_message_counts(tmp_path: Path) -> None:
    server = Server([{"message_id": 5}, {"message_id": 6}])
    files = [made(tmp_path), made(tmp_path, "film.mp4", b"", kind=FileKind.VIDEO)]

    async with connected(server.answer) as client:
        end = await client.send_album(7, files, within=WITHIN)

    assert end == Sent(5)
    [(asked, form)] = server.forms
    assert asked == "sendMediaGroup"
    assert form.fields["media"] == [
        {"type": "photo", "media": "attach://0"},
        {"type": "video", "media": "attach://1"},
    ]
    assert [content for _, _, content in form.files.values()] == [PICTURE, b""]


async def test_no_name_and_no_type_of_a_file_breaks_the_form(tmp_path: Path) -> None:
    server = Server()
    names = ['a"b\r\nX-Evil: 1\r\n\r\n', "кот 🙂.png", "\ud83d", ""]
    types = ["text/plain\r\nX-Evil: 1", "text/plain; charset=x", "", "x" * 100]

    async with connected(server.answer) as client:
        for name, mime_type in zip(names, types, strict=True):
            file = made(tmp_path, name, mime_type=mime_type)
            assert await client.send_file(7, file, FileKind.DOCUMENT, within=WITHIN) == Sent(99)

    files = [form.files["0"] for _, form in server.forms]
    assert [content for _, _, content in files] == [PICTURE] * 4
    assert [kind for _, kind, _ in files] == [
        "application/octet-stream", "text/plain", "application/octet-stream",
        "application/octet-stream",
    ]  # fmt: skip
    assert files[3][0] == "file"


async def test_a_file_that_is_not_on_the_disk_is_refused_and_nothing_is_asked(
    tmp_path: Path,
) -> None:
    server, file = Server(), made(tmp_path)
    gone = evolve(file, path=str(tmp_path / "gone"))

    async with connected(server.answer) as client:
        alone = await client.send_file(7, gone, FileKind.PHOTO, within=WITHIN)
        among = await client.send_album(7, [file, gone], within=WITHIN)

    assert isinstance(alone, Refused)
    assert alone.why is Refusal.FILE_GONE
    assert among == alone
    assert server.forms == []


@define
class Recorder:
    """A session that only notes how long each answer may take."""

    extra: list[float] = field(factory=list)

    async def ask(
        self,
        _bot: Bot,
        _method: TelegramMethod[Any],
        *,
        more: float = 0.0,
        files: Sequence[LocalFile] = (),
    ) -> Any:
        self.extra.append(more if files else 0.0)
        return {"message_id": 99}

    async def fetch(self, _bot: Bot, _file_path: str, _take: Take) -> Done:
        return Done()


async def test_an_upload_may_take_longer_than_other_requests(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    file, recorder = made(tmp_path), Recorder()
    async with connected(_silent) as client:
        client._session, session = recorder, client._session
        await client.send_file(7, file, FileKind.PHOTO, within=300)
        await client.send_album(7, [file, file], within=200)
        await client.send_message(7, "hello")
        assert client._bot is not None
        end = await session.ask(client._bot, GetMe(), more=300)

    assert recorder.extra == [300, 200, 0]
    assert end == Ambiguous("no answer in time")
    assert autojump_clock.current_time() == pytest.approx(315)


async def _silent(_request: httpx2.Request) -> httpx2.Response:
    await trio.sleep_forever()
    raise AssertionError


# From Telegram.


@define
class Source:
    """Telegram with one file, whose content comes in *parts*."""

    parts: list[bytes | Exception | float]
    status: int = 200
    paths: list[str] = field(factory=list)

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.paths.append(request.url.raw_path.decode())
        if request.url.path.endswith("/getFile"):
            found = {"file_id": "abc", "file_path": "photos/f 1?.jpg"}
            return httpx2.Response(200, json={"ok": True, "result": found})
        assert request.headers["accept-encoding"] == "identity"
        return httpx2.Response(self.status, content=self._content())

    async def _content(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            match part:
                case bytes():
                    yield part
                case float():
                    await trio.sleep(part)
                case error:
                    raise error


@define
class Sink:
    """Takes bytes, at most so many."""

    most: int = 10**9
    taken: bytes = b""

    async def take(self, chunk: bytes) -> bool:
        await trio.lowlevel.checkpoint()
        self.taken += chunk
        return len(self.taken) < self.most


async def test_a_file_is_handed_over_part_by_part(autojump_clock: MockClock) -> None:
    source, sink = Source([PICTURE, 14.0, b"end"]), Sink()

    async with connected(source.answer) as client:
        assert await client.download("abc", sink.take) == Done()

    assert sink.taken == PICTURE + b"end"
    assert autojump_clock.current_time() == pytest.approx(14.0)
    assert source.paths == [f"/bot{TOKEN}/getFile", f"/file/bot{TOKEN}/photos/f%201%3F.jpg"]


async def test_who_has_enough_gets_no_more() -> None:
    source, sink = Source([b"x" * 65536] * 1000), Sink(most=100_000)

    async with connected(source.answer) as client:
        assert await client.download("abc", sink.take) == Done()

    assert len(sink.taken) == 131_072


@pytest.mark.parametrize(
    ("parts", "end"),
    [
        ([b"x", httpx2.ReadError("reset")], Ambiguous("ReadError")),
        ([httpx2.ConnectError("refused")], Unreachable("ConnectError")),
        ([b"x", 16.0], Ambiguous("no answer in time")),
    ],
)
async def test_a_file_that_breaks_off_is_not_there(
    autojump_clock: MockClock, parts: list[bytes | Exception | float], end: object
) -> None:
    async with connected(Source(parts).answer) as client:
        assert await client.download("abc", Sink().take) == end

    assert autojump_clock.current_time() < 20


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (404, Refused(404, "HTTP 404 for a file", Refusal.FILE_GONE)),
        (429, RateLimited(5.0)),
        (302, Ambiguous("HTTP 302 for a file")),
        (502, Ambiguous("HTTP 502 for a file")),
    ],
)
async def test_a_link_that_gives_no_file_says_nothing_about_the_token(
    status: int, end: object
) -> None:
    async with connected(Source([b"no"], status).answer) as client:
        assert await client.download("abc", Sink().take) == end


async def test_what_a_taker_raises_is_the_takers() -> None:
    async def take(_chunk: bytes) -> bool:
        raise OSError("the disk is full")

    async with connected(Source([b"x"]).answer) as client:
        with pytest.raises(OSError, match="the disk is full"):
            await client.download("abc", take)


async def test_the_session_streams_as_aiogram_expects_it() -> None:
    async with connected(Source([b"no"], 404).answer) as client:
        session = client._session
        assert isinstance(session, TrioSession)
        chunks = session.stream_content("http://telegram.test/x", raise_for_status=False)
        assert [chunk async for chunk in chunks] == [b"no"]


@pytest.mark.parametrize("base", ["", "ftp://x", "http://[", "http://{x}"])
async def test_a_wrong_address_ends_in_a_value_for_files_too(tmp_path: Path, base: str) -> None:
    async with open_client(evolve(SETTINGS, api_base=base)) as client:
        sent = await client.send_file(7, made(tmp_path), FileKind.PHOTO, within=WITHIN)
        assert client._bot is not None
        got = await client._session.fetch(client._bot, "x", Sink().take)

    assert isinstance(sent, Unreachable)
    assert isinstance(got, Unreachable)


async def test_without_a_token_no_file_moves(tmp_path: Path) -> None:
    async with open_client(evolve(SETTINGS, token="")) as client:
        assert await client.download("abc", Sink().take) == Unauthorized()
        sent = await client.send_file(7, made(tmp_path), FileKind.PHOTO, within=WITHIN)

    assert sent == Unauthorized()
