"""Files that people sent, on their way from the homeserver to this machine's disk."""

import json
from collections.abc import Callable
from errno import ENOSPC
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import trio
from attrs import define
from trio.testing import MockClock

from actors.matrix.api.replies import Done, Limited, Refused, Reply, Take, TokenRefused, Unreachable
from actors.matrix.crypto.attachments import encrypted
from actors.matrix.errands.files_in import LARGEST_BYTES
from protocols.changes import FinishRow
from protocols.files import FileKind, FileMissing, LocalFile, Missing, RemoteFile
from protocols.ids import RoomId, RowId
from protocols.journal import RowState
from protocols.surfaces import Deliver, FetchFile
from tests.actors.matrix.errands.rows import row_in
from tests.actors.matrix.fake_homeserver import FakeHomeserver, Json, gateway_over, started
from tests.actors.matrix.gateway import Gateway, gateway_on
from tests.rigs.synapse import Person, Synapse

PICTURE = bytes(range(256)) * 1000
HERE = RoomId("matrix/!room:fake")
MXC = "mxc://fake/cat"
GONE = FileMissing(Missing.GONE)


def server_with(clock: MockClock, *media: bytes) -> FakeHomeserver:
    server = FakeHomeserver(clock)
    server.media[MXC] = PICTURE
    server.media |= {f"mxc://fake/m{number}": data for number, data in enumerate(media)}
    return server


def fetch(
    row: RowId,
    number: int = 0,
    *,
    handle: str = MXC,
    name: str = "cat.png",
    mime_type: str = "image/png",
    room: RoomId = HERE,
) -> FetchFile:
    return FetchFile(room, row, number, RemoteFile(FileKind.PHOTO, name, mime_type, 5, handle))


def sealed_in(server: FakeHomeserver, data: bytes = PICTURE) -> Json:
    """An ``EncryptedFile`` whose content is on *server*."""
    sealed, file = encrypted(data)
    mxc = f"mxc://fake/sealed{len(server.media)}"
    server.media[mxc] = sealed
    return {**file, "url": mxc}


def content_of(found: LocalFile | FileMissing) -> bytes:
    assert isinstance(found, LocalFile)
    return Path(found.path).read_bytes()


def folder_of(folder: Path, row: RowId) -> Path:
    return folder / "files" / "matrix" / str(row)


async def test_a_file_is_brought_to_the_disk_whole(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = server_with(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        row = row_in(gateway, HERE)
        found = await gateway.box.address.ask(fetch(row, 3))

    path = folder_of(tmp_path, row) / "3-cat.png"
    assert found == LocalFile(
        FileKind.PHOTO, "cat.png", "image/png", len(PICTURE), str(path),
        sha256(PICTURE).hexdigest(),
    )  # fmt: skip
    assert path.read_bytes() == PICTURE
    assert [one.name for one in path.parent.iterdir()] == ["3-cat.png"]


async def test_a_file_of_an_encrypted_room_is_brought_in_the_clear(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = server_with(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        row = row_in(gateway, HERE)
        handle = json.dumps(sealed_in(server))
        found = await gateway.box.address.ask(fetch(row, handle=handle))

    assert content_of(found) == PICTURE
    assert isinstance(found, LocalFile)
    assert found.sha256 == sha256(PICTURE).hexdigest()
    assert [one.name for one in folder_of(tmp_path, row).iterdir()] == ["0-cat.png"]


def with_wrong(file: Json, what: str) -> Json:
    match what:
        case "hash":
            return {**file, "hashes": {"sha256": encrypted(b"x")[1]["hashes"]["sha256"]}}
        case "key":
            return {**file, "key": {**file["key"], "k": "AAAA"}}
        case "iv":
            return {**file, "iv": "ü"}
        case "shape":
            return {"url": file["url"], "key": 7, "hashes": [], "iv": None}
        case _:
            return {key: value for key, value in file.items() if key != what}


@pytest.mark.parametrize("what", ["hash", "key", "iv", "shape", "hashes", "url"])
async def test_a_file_that_its_key_does_not_open_is_gone(
    autojump_clock: MockClock, tmp_path: Path, what: str
) -> None:
    server = server_with(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        row = row_in(gateway, HERE)
        handle = json.dumps(with_wrong(sealed_in(server), what))
        found = await gateway.box.address.ask(fetch(row, handle=handle))

    assert found == GONE
    assert not folder_of(tmp_path, row).exists() or not list(folder_of(tmp_path, row).iterdir())


@pytest.mark.parametrize("handle", ["{", "{}", '{"url": 7}', "{" * 100_000, "", "mxc://", "x"])
async def test_a_handle_that_names_no_file_is_a_file_that_is_gone(
    autojump_clock: MockClock, tmp_path: Path, handle: str
) -> None:
    server = server_with(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        found = await gateway.box.address.ask(fetch(row_in(gateway, HERE), handle=handle))

    assert found == GONE


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "0-_.._etc_passwd"),
        ("", "0-file"),
        ("a\0b\ud83d/c.txt", "0-a_b_c.txt"),
        (f"{'ж' * 300}.png", f"0-{'ж' * 40}.png"),
    ],
)
@pytest.mark.parametrize("is_sealed", [False, True])
async def test_no_name_leads_out_of_the_folder_and_what_was_said_is_passed_on(
    autojump_clock: MockClock, tmp_path: Path, name: str, safe: str, *, is_sealed: bool
) -> None:
    server = server_with(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    handle = json.dumps(sealed_in(server)) if is_sealed else MXC
    async with gateway.running():
        row = row_in(gateway, HERE)
        found = await gateway.box.address.ask(
            fetch(row, name=name, handle=handle, mime_type="text/evil\r\n")
        )

    assert isinstance(found, LocalFile)
    assert (found.name, found.mime_type) == (name, "text/evil\r\n")
    assert found.path == str(folder_of(tmp_path, row) / safe)
    assert content_of(found) == PICTURE


async def test_asked_twice_it_is_fetched_once_also_after_a_restart(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = server_with(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    row = row_in(gateway, HERE)
    found: list[LocalFile | FileMissing] = []

    async def ask() -> None:
        found.append(await gateway.box.address.ask(fetch(row)))

    for _ in range(2):
        async with gateway.running(is_killed=True):
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(ask)
            await ask()

    assert len(server.times("download")) == 1
    assert len(found) == 8
    assert len(set(found)) == 1


async def test_a_file_that_was_asked_for_before_the_login_is_fetched_after_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = server_with(autojump_clock)
    server.faults["versions"] = [Unreachable("502")] * 5
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        found = await gateway.box.address.ask(fetch(row_in(gateway, HERE)), within=300)

    assert content_of(found) == PICTURE
    assert len(server.times("download")) == 1


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Refused(404, "M_NOT_FOUND"), GONE),
        (Refused(403, "M_FORBIDDEN"), GONE),
        (Refused(400, "M_INVALID_PARAM"), GONE),
        (Refused(413, ""), FileMissing(Missing.TOO_LARGE, LARGEST_BYTES)),
        (Refused(400, "M_TOO_LARGE"), FileMissing(Missing.TOO_LARGE, LARGEST_BYTES)),
    ],
)
async def test_a_refusal_is_not_argued_with(
    autojump_clock: MockClock, tmp_path: Path, reply: Reply, answer: FileMissing
) -> None:
    server = server_with(autojump_clock)
    server.faults["download"] = [reply]
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        found = await gateway.box.address.ask(fetch(row_in(gateway, HERE)))

    assert found == answer
    assert len(server.times("download")) == 1


@pytest.mark.parametrize("fault", [Unreachable("502"), TokenRefused()])
async def test_trouble_on_the_way_passes_or_is_said(
    autojump_clock: MockClock, tmp_path: Path, fault: Reply
) -> None:
    server = server_with(autojump_clock)
    server.faults["download"] = [fault] * 7
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        row = row_in(gateway, HERE)
        given_up = await gateway.box.address.ask(fetch(row), within=600)
        found = await gateway.box.address.ask(fetch(row), within=600)

    assert given_up == FileMissing(Missing.UNREACHABLE)
    assert content_of(found) == PICTURE
    assert len(server.times("download")) == 8


async def test_penalties_are_waited_for_and_are_no_trouble_of_the_file(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = server_with(autojump_clock)
    troubles: list[Reply] = [Unreachable("502"), Refused(404, "")]
    faults: list[Reply] = [*[Limited(30.0)] * 8, *troubles, *troubles]
    server.faults["download"] = faults
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        found = await gateway.box.address.ask(fetch(row_in(gateway, HERE)), within=3000)

    times = server.times("download")
    assert content_of(found) == PICTURE
    assert len(times) == 13
    assert all(later - before >= 30 for before, later in pairwise(times[:9]))


async def test_downloads_that_are_limited_hold_up_no_answer(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = server_with(autojump_clock)
    server.faults["download"] = [Limited(300.0)]
    gateway = gateway_over(server, tmp_path)
    async with gateway.running(), trio.open_nursery() as nursery:
        await started(server, gateway)
        nursery.start_soon(quietly, gateway, row_in(gateway, HERE))
        await server.until(lambda: bool(server.times("download")))
        began = trio.current_time()
        server.write("hello")
        await server.until(lambda: "echo: hello" in server.said())
        took = trio.current_time() - began
        nursery.cancel_scope.cancel()

    assert took < 5


async def quietly(gateway: Gateway, row: RowId) -> None:
    await gateway.box.address.ask(fetch(row), within=3000)


async def test_bytes_are_counted_whatever_was_said_of_them(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = server_with(autojump_clock, bytes(LARGEST_BYTES), bytes(LARGEST_BYTES + 1))
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        row = row_in(gateway, HERE)
        most = await gateway.box.address.ask(fetch(row, 0, handle="mxc://fake/m0"))
        more = await gateway.box.address.ask(fetch(row, 1, handle="mxc://fake/m1"))
        sealed = json.dumps(sealed_in(server, bytes(LARGEST_BYTES + 1)))
        more_sealed = await gateway.box.address.ask(fetch(row, 2, handle=sealed))

    assert isinstance(most, LocalFile)
    assert most.size_bytes == LARGEST_BYTES
    assert more == more_sealed == FileMissing(Missing.TOO_LARGE, LARGEST_BYTES)
    assert len(list(folder_of(tmp_path, row).iterdir())) == 1


@define
class SlowServer(FakeHomeserver):
    """Needs 100 s for each file."""

    async def download(self, mxc: str, take: Take, *, within: float) -> Reply:
        with trio.move_on_after(within):
            await self._reply("download", lambda: Done({}), mxc)
            await trio.sleep(100)
            await take(b"x")
            return Done({})
        return Unreachable("no answer in time")


async def test_a_room_has_two_downloads_at_once_with_its_threads(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = SlowServer(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    other = RoomId("matrix/!other:fake")
    async with gateway.running(), trio.open_nursery() as nursery:
        await started(server, gateway)
        for room in (HERE, RoomId(f"{HERE}/$root"), HERE, other):
            row = row_in(gateway, room)
            nursery.start_soon(gateway.box.address.ask, fetch(row, room=room))
        await trio.sleep(5)
        under_way = len(server.times("download"))
        nursery.cancel_scope.cancel()

    assert under_way == 3


Disk = Callable[..., Any]


@define
class FullDisk:
    """A disk that fails where *fails* says so."""

    fails: str

    async def __call__(self, function: Disk, /, *args: Any) -> Any:
        await trio.lowlevel.checkpoint()
        if function.__name__ == self.fails:
            raise OSError(ENOSPC, "no")
        return function(*args)


@pytest.mark.parametrize("where", ["begun", "write", "finish", "whole_at", "_decrypt"])
async def test_a_full_disk_is_said_and_leaves_nothing(
    autojump_clock: MockClock, tmp_path: Path, where: str
) -> None:
    server = server_with(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    gateway.in_thread = FullDisk(where)
    async with gateway.running():
        row = row_in(gateway, HERE)
        handle = json.dumps(sealed_in(server))
        found = await gateway.box.address.ask(fetch(row, handle=handle))

    folder = folder_of(tmp_path, row)
    assert found == FileMissing(Missing.NO_ROOM)
    assert not folder.exists() or list(folder.iterdir()) == []


async def test_a_rows_files_go_when_its_turn_is_over(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = server_with(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        row, other = row_in(gateway, HERE), row_in(gateway, HERE)
        await gateway.box.address.ask(fetch(row))
        await gateway.box.address.ask(fetch(other))
        await gateway.say(Deliver(HERE, row_done=row))
        await trio.sleep(1)
        left = [path.name for path in (tmp_path / "files" / "matrix").iterdir()]

    assert left == [str(other)]


async def test_at_a_start_only_our_files_of_finished_rows_go(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_over(server_with(autojump_clock), tmp_path)
    running, finished = row_in(gateway, HERE), row_in(gateway, HERE)
    gateway.commit(FinishRow(finished, RowState.ANSWERED))
    for surface in ("matrix", "telegram"):
        for name in (str(running), str(finished), "999", "notes"):
            (tmp_path / "files" / surface / name).mkdir(parents=True)
    async with gateway.running():
        await trio.sleep(1)
        ours = {path.name for path in (tmp_path / "files" / "matrix").iterdir()}
        theirs = {path.name for path in (tmp_path / "files" / "telegram").iterdir()}

    assert ours == {str(running), "notes"}
    assert len(theirs) == 4


async def test_a_killed_download_begins_anew(autojump_clock: MockClock, tmp_path: Path) -> None:
    gateway = gateway_over(SlowServer(autojump_clock), tmp_path)
    row = row_in(gateway, HERE)
    async with gateway.running(is_killed=True), trio.open_nursery() as nursery:
        nursery.start_soon(quietly, gateway, row)
        await trio.sleep(50)
        nursery.cancel_scope.cancel()
    server = server_with(autojump_clock)
    gateway.connect = lambda _url: server
    async with gateway.running():
        found = await gateway.box.address.ask(fetch(row))

    assert content_of(found) == PICTURE


def uploaded(person: Person, data: bytes) -> str:
    """Where what *person* has brought is."""
    request = Request(  # noqa: S310  # our own homeserver
        f"{person.server.url}/_matrix/media/v3/upload",
        data,
        {"Authorization": f"Bearer {person.account.token}", "Content-Type": "image/png"},
    )
    with urlopen(request) as answer:  # noqa: S310
        return str(json.load(answer)["content_uri"])


@pytest.mark.parametrize("is_sealed", [False, True])
async def test_a_persons_file_comes_over_a_real_homeserver(
    synapse: Synapse, tmp_path: Path, *, is_sealed: bool
) -> None:
    gateway = gateway_on(synapse, tmp_path)
    person = synapse.person()
    sealed, file = encrypted(PICTURE)
    mxc = await trio.to_thread.run_sync(uploaded, person, sealed if is_sealed else PICTURE)
    handle = json.dumps({**file, "url": mxc}) if is_sealed else mxc
    async with gateway.running():
        row = row_in(gateway, HERE)
        with trio.fail_after(30):
            found = await gateway.box.address.ask(fetch(row, handle=handle), within=30)
            gone = await gateway.box.address.ask(fetch(row, 1, handle=f"{mxc}x"), within=30)

    assert content_of(found) == PICTURE
    assert gone == GONE
