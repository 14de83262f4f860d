"""Files that people sent, on their way to this machine's disk."""

import errno
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve
from trio.testing import MockClock

from actors.chats.files import LONGEST_FETCH
from actors.surfaces.disk import Part
from actors.telegram.api.methods import Take
from actors.telegram.api.outcomes import (
    Ambiguous,
    Done,
    Failure,
    Forbidden,
    RateLimited,
    Refusal,
    Refused,
    Unreachable,
)
from actors.telegram.errands.files_in import LARGEST_BYTES
from protocols.changes import FinishRow
from protocols.files import FileKind, FileMissing, LocalFile, Missing, RemoteFile
from protocols.ids import RoomId, RowId
from protocols.journal import RowState
from protocols.surfaces import Deliver, FetchFile
from tests.actors.telegram.fake_bot import (
    GROUP,
    HERE,
    SETTINGS,
    TOPIC,
    Call,
    FakeBot,
    Fault,
    Gateway,
)

PICTURE = bytes(range(256)) * 1000
GIVEN_UP = FileMissing(Missing.UNREACHABLE)


def gateway_in(folder: Path, clock: MockClock, bot: FakeBot | None = None) -> Gateway:
    gateway = Gateway(clock, bot or FakeBot(), settings=evolve(SETTINGS, files=folder))
    gateway.bot.stored["abc"] = PICTURE
    return gateway


def fetch(
    row: RowId,
    number: int = 0,
    *,
    handle: str = "abc",
    name: str = "cat.png",
    room: RoomId = HERE,
) -> FetchFile:
    file = RemoteFile(FileKind.PHOTO, name, "image/png", 5, handle)
    return FetchFile(room, row, number, file)


def content_of(found: LocalFile | FileMissing) -> bytes:
    assert isinstance(found, LocalFile)
    return Path(found.path).read_bytes()


async def test_a_file_is_brought_to_the_disk_whole(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    async with gateway.running():
        row = gateway.row()
        found = await gateway.ask(fetch(row, 3))

    path = tmp_path / "telegram" / str(row) / "3-cat.png"
    assert found == LocalFile(
        FileKind.PHOTO, "cat.png", "image/png", len(PICTURE), str(path),
        sha256(PICTURE).hexdigest(),
    )  # fmt: skip
    assert path.read_bytes() == PICTURE
    assert [one.name for one in path.parent.iterdir()] == ["3-cat.png"]


async def test_the_name_of_a_persons_file_is_in_no_repr(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    async with gateway.running():
        question = fetch(gateway.row(), name="my diagnosis.pdf")
        found = await gateway.ask(question)
    part = Part.begun(tmp_path / "0-my_diagnosis.pdf", 1)
    part.discard()

    assert isinstance(found, LocalFile)
    assert "diagnosis" in found.path
    assert "diagnosis" not in repr((question, found, part))


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "0-_.._etc_passwd"),
        ("..", "0-file"),
        ("", "0-file"),
        (".env", "0-env"),
        ("a\0b\ud83d/c.txt", "0-a_b_c.txt"),
        (f"{'ж' * 300}.png", f"0-{'ж' * 40}.png"),
        (f"x.{'ж' * 300}", f"0-x.{'ж' * 38}"),
    ],
)
async def test_no_name_leads_out_of_the_folder(
    autojump_clock: MockClock, tmp_path: Path, name: str, safe: str
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    async with gateway.running():
        row = gateway.row()
        found = await gateway.ask(fetch(row, name=name))

    assert isinstance(found, LocalFile)
    assert found.name == name
    assert found.path == str(tmp_path / "telegram" / str(row) / safe)


async def test_asked_twice_it_is_fetched_once_also_after_a_restart(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    row = gateway.row()
    found: list[LocalFile | FileMissing] = []

    async def ask() -> None:
        found.append(await gateway.ask(fetch(row)))

    for _ in range(2):
        async with gateway.running():
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(ask)
            await ask()

    assert len(gateway.bot.times("download")) == 1
    assert len(found) == 8
    assert len(set(found)) == 1


async def test_who_asks_for_a_file_keeps_nobody_waiting(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    gateway.bot.delays[0] = 100.0
    async with gateway.running():
        row = gateway.row()
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(gateway.ask, fetch(row, number))
            await trio.sleep(1)
            under_way = len(gateway.bot.times("download"))
            await gateway.say("quick")
            await gateway.bot.until(lambda: gateway.bot.shown() == ["quick"], within=2)

    assert under_way == 2
    assert len(gateway.bot.times("download")) == 10


@define
class SlowHandles(FakeBot):
    """Files whose handle begins with ``slow`` need 100 s each."""

    async def download(self, file_id: str, take: Take) -> Done | Failure:
        self.calls.append(Call(trio.current_time(), "download", 0, None, file_id))
        await trio.sleep(100 if file_id.startswith("slow") else 0.1)
        await take(b"x")
        return Done()


async def test_one_persons_slow_album_does_not_hold_up_another_persons_file(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock, SlowHandles())
    async with gateway.running():
        row, other = gateway.row(), gateway.row(GROUP)
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(gateway.ask, fetch(row, number, handle="slow"))
            await trio.sleep(1)
            began = trio.current_time()
            found = await gateway.ask(fetch(other, room=GROUP, handle="quick"))
            took = trio.current_time() - began
            nursery.cancel_scope.cancel()

    assert content_of(found) == b"x"
    assert took < 10


async def test_the_topics_of_a_group_share_its_downloads(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock, SlowHandles())
    async with gateway.running(), trio.open_nursery() as nursery:
        for room in (GROUP, TOPIC, TOPIC):
            row = gateway.row(room)
            nursery.start_soon(gateway.ask, fetch(row, room=room, handle="slow"))
        await trio.sleep(10)
        under_way = len(gateway.bot.times("download"))

    assert under_way == 2


async def test_all_chats_together_have_sixteen_downloads(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock, SlowHandles())
    async with gateway.running(), trio.open_nursery() as nursery:
        for chat in range(1, 21):
            room = RoomId(f"telegram/{chat}")
            row = gateway.row(room)
            nursery.start_soon(gateway.ask, fetch(row, room=room, handle="slow"))
        await trio.sleep(10)
        under_way = len(gateway.bot.times("download"))

    assert under_way == 16
    assert len(gateway.bot.times("download")) == 20


@pytest.mark.parametrize(
    "fault",
    [Ambiguous("reset"), Unreachable("ConnectError"), RateLimited(60.0)],
)
async def test_trouble_on_the_way_passes(
    autojump_clock: MockClock, tmp_path: Path, fault: Failure
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    gateway.bot.faults["download"] = [Fault(fault, is_done=True)] * 2
    async with gateway.running():
        found = await gateway.ask(fetch(gateway.row()))

    assert content_of(found) == PICTURE
    assert isinstance(fault, RateLimited) == (gateway.bot.times("download")[1] > 60)


async def test_a_file_waits_for_a_penalty_as_its_answer_does(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    gateway.bot.faults["download"] = [Fault(RateLimited(400.0))]
    async with gateway.running():
        found = await gateway.ask(fetch(gateway.row()), within=LONGEST_FETCH)

    assert content_of(found) == PICTURE


async def test_penalties_in_a_row_are_no_trouble_of_the_file(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    gateway.bot.faults["download"] = [Fault(RateLimited(3.0))] * 8 + [Fault(Ambiguous("502"))] * 4
    async with gateway.running():
        found = await gateway.ask(fetch(gateway.row()), within=LONGEST_FETCH)

    assert content_of(found) == PICTURE
    assert len(gateway.bot.times("download")) == 13


async def test_files_that_come_one_after_the_other_are_all_waited_for(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock, SlowHandles())
    found: list[LocalFile | FileMissing] = []

    async def ask(row: RowId, number: int) -> None:
        asked = fetch(row, number, handle="slow")
        found.append(await gateway.ask(asked, within=LONGEST_FETCH))

    async with gateway.running():
        row = gateway.row()
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(ask, row, number)

    assert [content_of(one) for one in found] == [b"x"] * 10


async def test_trouble_that_does_not_pass_is_said(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    gateway.bot.faults["download"] = [Fault(Ambiguous("502"))] * 100
    async with gateway.running():
        row = gateway.row()
        found = await gateway.ask(fetch(row))

    assert found == GIVEN_UP
    assert len(gateway.bot.times("download")) == 5
    assert list((tmp_path / "telegram" / str(row)).iterdir()) == []


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        (Refused(400, "invalid file_id"), FileMissing(Missing.GONE)),
        (Forbidden("no"), FileMissing(Missing.GONE)),
        (
            Refused(400, "file is too big", Refusal.FILE_TOO_LARGE),
            FileMissing(Missing.TOO_LARGE, LARGEST_BYTES),
        ),
    ],
)
async def test_a_refusal_is_not_argued_with(
    autojump_clock: MockClock, tmp_path: Path, outcome: Failure, answer: FileMissing
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    gateway.bot.faults["download"] = [Fault(outcome)]
    async with gateway.running():
        found = await gateway.ask(fetch(gateway.row()))

    assert found == answer
    assert len(gateway.bot.times("download")) == 1


async def test_bytes_are_counted_whatever_was_said_of_them(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    gateway.bot.stored |= {"most": b"x" * LARGEST_BYTES, "more": b"x" * (LARGEST_BYTES + 1)}
    async with gateway.running():
        row = gateway.row()
        most = await gateway.ask(fetch(row, 0, handle="most"))
        more = await gateway.ask(fetch(row, 1, handle="more"))

    assert isinstance(most, LocalFile)
    assert most.size_bytes == LARGEST_BYTES
    assert more == FileMissing(Missing.TOO_LARGE, LARGEST_BYTES)
    assert len(list((tmp_path / "telegram" / str(row)).iterdir())) == 1


@define
class SlowBot(FakeBot):
    """Hands over a byte a minute."""

    async def download(self, file_id: str, take: Take) -> Done | Failure:
        self.calls.append(Call(trio.current_time(), "download", 0, None, file_id))
        for _ in range(1000):
            await take(b"x")
            await trio.sleep(60)
        return Done()


async def test_a_file_that_comes_too_slowly_is_given_up(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock, SlowBot())
    async with gateway.running():
        found = await gateway.ask(fetch(gateway.row()))

    assert found == GIVEN_UP
    assert 600 < autojump_clock.current_time() < 700 < LONGEST_FETCH / 4


Disk = Callable[..., Any]


@define
class FullDisk:
    """A disk that fails where *fails* says so."""

    fails: str
    errno: int = errno.ENOSPC

    async def __call__(self, function: Disk, /, *args: Any) -> Any:
        await trio.lowlevel.checkpoint()
        if function.__name__ == self.fails:
            raise OSError(self.errno, "no")
        return function(*args)


@pytest.mark.parametrize("where", ["begun", "write", "finish", "whole_at"])
async def test_a_full_disk_is_said_and_leaves_nothing(
    autojump_clock: MockClock, tmp_path: Path, where: str
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    gateway.in_thread = FullDisk(where)
    async with gateway.running():
        row = gateway.row()
        found = await gateway.ask(fetch(row))

    assert found == FileMissing(Missing.NO_ROOM)
    folder = tmp_path / "telegram" / str(row)
    assert not folder.exists() or list(folder.iterdir()) == []


async def test_a_rows_files_go_when_its_turn_is_over(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    async with gateway.running():
        row, other = gateway.row(), gateway.row()
        await gateway.ask(fetch(row))
        await gateway.ask(fetch(other))
        await gateway.finish(row, "a cat")
        await gateway.settled()
        await trio.sleep(1)
        left = [path.name for path in (tmp_path / "telegram").iterdir()]
        await gateway.tell(Deliver(HERE, row_done=row))
        await trio.sleep(1)

    assert left == [str(other)]


async def test_a_download_ends_when_its_turn_is_over(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    gateway.bot.delays[0] = 1000.0
    async with gateway.running():
        row = gateway.row()
        found: list[LocalFile | FileMissing] = []

        async def ask() -> None:
            found.append(await gateway.ask(fetch(row)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.sleep(1)
            await gateway.tell(Deliver(HERE, row_done=row))
        await trio.sleep(1)
        left = list((tmp_path / "telegram").iterdir())

    assert found == [FileMissing(Missing.GONE)]
    assert left == []
    assert autojump_clock.current_time() < 10


async def test_at_a_start_the_files_of_finished_rows_go(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_in(tmp_path, autojump_clock)
    running, finished = gateway.row(), gateway.row()
    gateway.commit(FinishRow(finished, RowState.ANSWERED))
    for name in (str(running), str(finished), "999", "notes", "٣"):
        (tmp_path / "telegram" / name).mkdir(parents=True)
        (tmp_path / "telegram" / name / "0-cat.png").write_bytes(PICTURE)
    async with gateway.running():
        await trio.sleep(1)
        left = {path.name for path in (tmp_path / "telegram").iterdir()}
        await gateway.finish(running, "a cat")
        await trio.sleep(1)
        at_last = {path.name for path in (tmp_path / "telegram").iterdir()}

    assert left == {str(running), "notes", "٣"}
    assert at_last == {"notes", "٣"}


async def test_a_killed_download_begins_anew(autojump_clock: MockClock, tmp_path: Path) -> None:
    gateway = gateway_in(tmp_path, autojump_clock, SlowBot())
    row = gateway.row()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gateway.sender().run)
        nursery.start_soon(_quietly, gateway, row)
        await trio.sleep(100)
        nursery.cancel_scope.cancel()
    gateway.bot = FakeBot(stored={"abc": PICTURE})
    async with gateway.running():
        found = await gateway.ask(fetch(row))

    assert content_of(found) == PICTURE


async def _quietly(gateway: Gateway, row: RowId) -> None:
    await gateway.ask(fetch(row))
