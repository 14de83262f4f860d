"""Files that the agent made, on their way into a chat."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio
from attrs import define, evolve
from trio.testing import MockClock

from actors.telegram.api.outcomes import (
    Ambiguous,
    Failure,
    Forbidden,
    RateLimited,
    Refusal,
    Refused,
    Unreachable,
)
from actors.telegram.outgoing.files_out import (
    FILE_LIMIT_BYTES,
    PHOTO_LIMIT_BYTES,
    next_run,
    shown_as,
)
from actors.telegram.settings import Streaming
from actors.words import Word, say
from protocols.changes import AddOutgoing, FinishRow
from protocols.files import FileKind, LocalFile
from protocols.ids import Language, RoomId
from protocols.journal import Button, Keyboard, RowState, Voice
from protocols.surfaces import Deliver
from tests.actors.telegram.fake_bot import EPOCH, GROUP, HERE, SETTINGS, Fault, Gateway

RETRY: Keyboard = ((Button("🔁 Try again", "retry:1"),),)
CHAT_GONE = Refused(400, "chat not found", Refusal.CHAT_GONE)
NO = Refused(400, "PHOTO_INVALID_DIMENSIONS")


@define
class Maker:
    """A gateway whose agent makes files."""

    folder: Path
    gateway: Gateway

    def make(self, name: str, kind: FileKind = FileKind.DOCUMENT, size_bytes: int = 5) -> LocalFile:
        """A file as the bridge leaves it; *size_bytes* is what is said of it."""
        path = self.folder / "made" / f"run-{name}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"hello")
        return LocalFile(kind, name, "text/plain", size_bytes, str(path), "0" * 64)

    def photos(self, number: int, kind: FileKind = FileKind.PHOTO) -> list[LocalFile]:
        return [self.make(f"p{n}", kind) for n in range(number)]

    def lose(self, file: LocalFile) -> None:
        Path(file.path).unlink()

    def left(self) -> list[str]:
        """What is on the disk."""
        return sorted(path.name for path in (self.folder / "made").iterdir())


def maker_in(folder: Path, clock: MockClock) -> Maker:
    return Maker(folder, Gateway(clock, settings=evolve(SETTINGS, files=folder)))


async def answer(
    maker: Maker, text: str, files: Sequence[LocalFile], *, room: RoomId = HERE, wait: float = 1.0
) -> None:
    """A whole turn."""
    gateway = maker.gateway
    async with gateway.running():
        row = gateway.row(room, message_id="77")
        if wait:
            await gateway.typing(row)
            await trio.sleep(wait)
        await gateway.finish(row, text, files=files)
        await gateway.settled()


def not_taken(name: str) -> str:
    return said(Word.SENDING_REFUSED, name, "5 B")


def said(word: Word, name: str, size: str) -> str:
    """The line without its Markdown."""
    return say(word, Language("en"), name=name, size=size, limit="50 MB").strip("*")


async def test_files_follow_the_text_in_their_order_and_are_gone_afterwards(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    kinds = [FileKind.DOCUMENT, FileKind.PHOTO, FileKind.VOICE, FileKind.AUDIO, FileKind.VIDEO]
    files = [maker.make(kind.value, kind) for kind in kinds]

    await answer(maker, "here you are", files)

    shown = [(found.kind, *found.files) for found in maker.gateway.bot.seen()]
    assert shown == [("text",), *((kind.value, kind.value) for kind in kinds)]
    assert maker.gateway.outcomes() == ["sent"]
    assert maker.left() == []
    assert maker.gateway.kept() == []


async def test_pictures_and_videos_in_a_row_are_albums(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    files = [*maker.photos(11), maker.make("doc"), *maker.photos(2, FileKind.VIDEO)]

    await answer(maker, "many", files)

    shown = [(found.kind, len(found.files)) for found in maker.gateway.bot.seen()]
    assert shown == [("text", 0), ("album", 10), ("photo", 1), ("document", 1), ("album", 2)]


def sized(kind: FileKind, size_bytes: int) -> LocalFile:
    return LocalFile(kind, "x", "", size_bytes, "/x", "0" * 64)


def test_a_large_picture_is_shown_as_a_document() -> None:
    assert shown_as(sized(FileKind.PHOTO, PHOTO_LIMIT_BYTES)) is FileKind.PHOTO
    assert shown_as(sized(FileKind.PHOTO, PHOTO_LIMIT_BYTES + 1)) is FileKind.DOCUMENT
    assert shown_as(sized(FileKind.VIDEO, FILE_LIMIT_BYTES)) is FileKind.VIDEO


def test_an_album_is_no_larger_than_one_upload() -> None:
    videos = [sized(FileKind.VIDEO, FILE_LIMIT_BYTES // 3) for _ in range(5)]

    assert len(next_run(videos)) == 3
    assert len(next_run([sized(FileKind.VIDEO, FILE_LIMIT_BYTES + 1), *videos])) == 1
    assert len(next_run([sized(FileKind.PHOTO, PHOTO_LIMIT_BYTES + 1), *videos])) == 1


async def test_a_file_over_the_limit_is_named_with_its_size(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    files = [
        maker.make("a_b.zip", size_bytes=FILE_LIMIT_BYTES + 7_000_000),
        maker.make("small.txt"),
    ]

    await answer(maker, "two", files)

    assert maker.gateway.bot.shown() == [
        "two",
        said(Word.SENDING_TOO_LARGE, "a_b.zip", "57 MB"),
        "small.txt",
    ]
    assert maker.left() == []


async def test_a_file_that_is_gone_or_refused_is_named(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    files = [maker.make("gone"), maker.make("refused"), maker.make("fine")]
    maker.lose(files[0])
    async with maker.gateway.running():
        row = maker.gateway.row()
        await maker.gateway.finish(row, "three", files=files)
        await maker.gateway.bot.until(lambda: not_taken("gone") in maker.gateway.bot.shown())
        maker.gateway.bot.faults["document"] = [Fault(NO)]
        await maker.gateway.settled()

    assert maker.gateway.bot.shown() == [
        "three",
        not_taken("gone"),
        not_taken("refused"),
        "fine",
    ]


@pytest.mark.parametrize("kind", [FileKind.PHOTO, FileKind.VOICE, FileKind.VIDEO])
async def test_what_is_refused_as_what_it_is_goes_as_a_document(
    autojump_clock: MockClock, tmp_path: Path, kind: FileKind
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    maker.gateway.bot.faults[kind.value] = [Fault(NO)]

    await answer(maker, "", [maker.make("odd", kind)])

    (found,) = maker.gateway.bot.seen()
    assert (found.kind, found.files) == ("document", ("odd",))


async def test_a_refused_album_goes_file_by_file(autojump_clock: MockClock, tmp_path: Path) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    maker.gateway.bot.faults["album"] = [Fault(NO)]
    maker.gateway.bot.faults["photo"] = [Fault(NO)]

    await answer(maker, "", maker.photos(3))

    shown = [(found.kind, *found.files) for found in maker.gateway.bot.seen()]
    assert shown == [("document", "p0"), ("photo", "p1"), ("photo", "p2")]


@pytest.mark.parametrize("name", ["album", "document"])
async def test_a_chat_that_is_gone_gets_no_lines(
    autojump_clock: MockClock, tmp_path: Path, name: str
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    maker.gateway.bot.faults[name] = [Fault(CHAT_GONE)]
    files = maker.photos(2) if name == "album" else [maker.make("doc")]

    await answer(maker, "text", files)

    assert maker.gateway.outcomes() == ["failed"]
    assert maker.gateway.bot.shown() == ["text"]
    assert maker.left() == []


@pytest.mark.parametrize("name", ["send", "document"])
async def test_a_chat_that_closes_while_files_go_out_is_closed(
    autojump_clock: MockClock, tmp_path: Path, name: str
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    files = [maker.make("large", size_bytes=FILE_LIMIT_BYTES + 1), maker.make("doc")]
    maker.gateway.bot.faults[name] = [Fault(Forbidden("blocked"))]

    await answer(maker, "", files, wait=0)

    assert maker.gateway.outcomes() == ["failed"]
    assert len(maker.gateway.bot.seen()) <= 1


# Nobody knows.


@pytest.mark.parametrize(
    ("fault", "there"),
    [
        (Fault(Ambiguous("502")), ["doc", "next"]),
        (Fault(Ambiguous("reset"), is_done=True), ["doc", "doc", "next"]),
    ],
)
async def test_a_file_that_may_be_there_is_sent_once_more(
    autojump_clock: MockClock, tmp_path: Path, fault: Fault, there: list[str]
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    maker.gateway.bot.faults["document"] = [fault]

    await answer(maker, "", [maker.make("doc"), maker.make("next")])

    assert maker.gateway.bot.shown() == there


async def test_a_file_of_which_nobody_knows_twice_is_named(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    maker.gateway.bot.faults["album"] = [Fault(Ambiguous("502"))] * 2

    await answer(maker, "", [*maker.photos(2), maker.make("next")])

    assert maker.gateway.bot.shown() == [
        f"{not_taken('p0')}\n\n{not_taken('p1')}",
        "next",
    ]


async def test_the_second_try_waits_until_telegram_answers(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    maker.gateway.bot.faults["document"] = [Fault(Ambiguous("502"))]
    maker.gateway.bot.faults["typing"] = [Fault(Ambiguous("502"))] * 5

    await answer(maker, "", [maker.make("doc")], wait=0)

    assert maker.gateway.bot.shown() == ["doc"]
    first, second = maker.gateway.bot.times("document")
    assert second - first > 30


async def test_a_line_is_said_twice_at_most(autojump_clock: MockClock, tmp_path: Path) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    maker.gateway.bot.faults["send"] = [Fault(Ambiguous("reset"), is_done=True)] * 9

    await answer(maker, "", [maker.make("x", size_bytes=FILE_LIMIT_BYTES + 1)], wait=0)

    assert len(maker.gateway.bot.shown()) == 2
    assert maker.gateway.outcomes() == ["failed"]


@pytest.mark.parametrize("fault", [RateLimited(5.0), Unreachable("ConnectError")])
async def test_a_file_that_was_not_sent_is_sent_and_not_counted_as_tried(
    autojump_clock: MockClock, tmp_path: Path, fault: Failure
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    maker.gateway.bot.faults["document"] = [Fault(fault)] * 5

    await answer(maker, "", [maker.make("doc")])

    assert maker.gateway.bot.shown() == ["doc"]


@pytest.mark.parametrize("kills", [1, 2, 3, 4])
async def test_killed_in_the_air_a_file_is_there_twice_at_most(
    autojump_clock: MockClock, tmp_path: Path, kills: int
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    gateway = maker.gateway
    files = [maker.make("one"), maker.make("two")]
    row = gateway.row()
    gateway.commit(
        FinishRow(row, RowState.ANSWERED),
        AddOutgoing(HERE, Voice.AGENT, "", row=row, files=tuple(files)),
    )
    gateway.bot.delays[42] = 1.0
    for _ in range(kills):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gateway.sender().run)
            await gateway.bot.until(lambda: gateway.bot.times("document") != [])
            gateway.bot.calls.clear()
            await trio.sleep(0.75)
            nursery.cancel_scope.cancel()
    async with gateway.running():
        await gateway.settled()

    shown = gateway.bot.shown()
    assert shown.count("one") == 2
    assert 1 <= shown.count("two") <= 2
    assert (not_taken("one") in shown) == (kills > 1)
    assert (not_taken("two") in shown) == (kills > 3)
    assert maker.left() == []


# Files without text.


async def test_files_alone_take_the_placeholder_away(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    await answer(maker, "", [maker.make("doc")])

    assert maker.gateway.bot.texts("send") == ["…"]
    assert maker.gateway.bot.shown() == ["doc"]
    (out,) = maker.gateway.journal.outbox.values()
    assert out.remote_id == "2"


async def test_a_placeholder_that_is_gone_already_is_no_trouble(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    maker.gateway.bot.faults["delete"] = [
        Fault(Ambiguous("502"), is_done=True),
        Fault(Refused(400, "message to delete not found", Refusal.MESSAGE_GONE)),
    ]

    await answer(maker, "", [maker.make("doc")])

    assert maker.gateway.bot.shown() == ["doc"]
    assert maker.gateway.outcomes() == ["sent"]


async def test_a_placeholder_that_cannot_be_deleted_names_the_files(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    refused = Refused(400, "message can't be deleted for everyone")
    maker.gateway.bot.faults["delete"] = [Fault(refused)]

    await answer(maker, "", [maker.make("a_b.txt"), maker.make("c")])

    assert maker.gateway.bot.shown() == ["📎 a_b.txt\n\n📎 c", "a_b.txt", "c"]


async def test_buttons_below_files_have_the_names_to_stand_below(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    gateway = maker.gateway
    async with gateway.running():
        await gateway.finish(gateway.row(), "", files=[maker.make("doc")], keyboard=RETRY)
        await gateway.settled()

    text, doc = gateway.bot.seen()
    assert (text.text, text.keyboard) == ("📎 doc", RETRY)
    assert doc.files == ("doc",)


async def test_files_alone_without_a_placeholder_are_all_that_is_sent(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    gateway = maker.gateway
    gateway.settings = evolve(gateway.settings, streaming=Streaming.OFF)

    await answer(maker, "", maker.photos(2), room=GROUP)

    (found,) = gateway.bot.seen(GROUP)
    assert (found.kind, found.reply_to) == ("album", 77)


async def test_however_long_their_names_are_all_files_are_named(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    maker.gateway.bot.faults["album"] = [Fault(Ambiguous("502"))] * 2
    files = [evolve(file, name=f"{file.name} {'x' * 5000}\ny") for file in maker.photos(10)]

    await answer(maker, "", files)

    (line,) = maker.gateway.bot.shown()
    assert [f"p{number} xx" in line for number in range(10)] == [True] * 10
    assert len(line) < 2000


async def test_words_of_the_gateway_may_have_files_too(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    gateway = maker.gateway
    async with gateway.running():
        files = (maker.make("doc"),)
        gateway.commit(AddOutgoing(HERE, Voice.GATEWAY, "look", files=files))
        await gateway.tell(Deliver(HERE))
        await gateway.settled()

    assert gateway.bot.shown() == ["look", "doc"]


# What is left on the disk.


async def test_nothing_outside_of_the_folder_is_removed(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.write_bytes(b"mine")
    gone = maker.make("gone")
    maker.lose(gone)
    file = evolve(maker.make("doc"), path=str(outside))

    await answer(maker, "text", [file, gone])

    assert outside.exists()
    outside.unlink()


async def test_at_a_start_old_files_go_that_no_message_waits_with(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = maker_in(tmp_path, autojump_clock)
    gateway = maker.gateway
    old, new, waiting = maker.make("old"), maker.make("new"), maker.make("waiting")
    for file, age in ((old, 90_000), (new, 80_000), (waiting, 90_000)):
        os.utime(file.path, (EPOCH - age, EPOCH - age))
    (maker.folder / "made" / "folder").mkdir()
    os.utime(maker.folder / "made" / "folder", (0, 0))
    elsewhere = RoomId("matrix/!a:b")
    gateway.commit(AddOutgoing(elsewhere, Voice.AGENT, "", files=(waiting,)))

    async with gateway.running():
        await trio.sleep(1)

    assert maker.left() == ["folder", "run-new", "run-waiting"]
