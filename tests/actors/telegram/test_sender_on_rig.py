"""The sender over real connections, against the Bot API server of the rig."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import trio
from attrs import define, evolve, field

from actors.kernel.mailbox import Mailbox
from actors.telegram.sender import TelegramSender
from actors.telegram.settings import Streaming, TelegramSettings
from actors.words import Word, say
from protocols.changes import AddOutgoing, FinishRow, QueueRow, StartRow
from protocols.files import FileKind, FileMissing, LocalFile, Missing, RemoteFile
from protocols.ids import (
    TELEGRAM,
    EventId,
    Language,
    PersonId,
    RemoteId,
    RoomId,
    RowId,
    SlotId,
    TraceId,
    run_id_for,
)
from protocols.journal import Amends, Arrival, Button, Keyboard, OutboxState, RowState, Voice
from protocols.store import Commit, Committed, Journal
from protocols.surfaces import (
    AnswerPress,
    Deliver,
    FetchFile,
    OpenRoom,
    ShowDraft,
    ShowTyping,
    SurfaceMessage,
)
from tests.fakes import MemoryStoreAddress
from tests.rigs.telegram_api import TelegramApi, telegram_api
from tests.rigs.telegram_faults import bad_gateway, reset, truncated
from tests.rigs.telegram_people import Person

LIMIT = 60
MEGABYTE = 2**20
HERE = RoomId("telegram/42")
PNG = b"\x89PNG\r\n\x1a\n"
NOT_SENT = say(Word.SENDING_REFUSED, Language("en"), name="empty.bin", size="0 B", limit="").strip(
    "*"
)
CHOICES: Keyboard = ((Button("Yes", "confirm:1:0"), Button("No", "confirm:1:1")),)


@define
class Gateway:
    """One life of the sender on the rig, with a person who wrote to it."""

    api: TelegramApi
    settings: TelegramSettings
    ann: Person
    store: MemoryStoreAddress = field(factory=MemoryStoreAddress)
    box: Mailbox[SurfaceMessage] = field(factory=lambda: Mailbox("telegram.out"))
    rows: int = 0

    async def begins(self, text: str = "hello") -> RowId:
        """A message of hers, whose turn begins."""
        written = self.ann.writes(text)
        self.rows += 1
        event = EventId(str(self.rows))
        arrival = Arrival(
            event, HERE, PersonId("telegram:42"), "Ann", text, 0.0, TraceId("0" * 32),
            message_id=RemoteId(str(written.message_id)), language=Language("en"),
        )  # fmt: skip
        (row,) = self.store.tell(Journal(TELEGRAM, (arrival,))).rows
        changes = (QueueRow(row.id, SlotId("C1"), run_id_for(HERE, event)), StartRow(row.id))
        assert isinstance(self.store.tell(Commit(changes)), Committed)
        await self.box.address.send(ShowTyping(HERE, row.id))
        return row.id

    async def ends(self, row: RowId, out: AddOutgoing, state: RowState) -> None:
        assert isinstance(self.store.tell(Commit((FinishRow(row, state), out))), Committed)
        await self.box.address.send(Deliver(HERE, row_done=row))
        await self.settled()

    async def answers(self, row: RowId, text: str, *files: LocalFile) -> None:
        """The outcome of her message."""
        out = AddOutgoing(HERE, Voice.AGENT, text, row=row, files=files)
        await self.ends(row, out, RowState.ANSWERED)

    async def settled(self) -> None:
        await _until(lambda: not self._is_pending())

    def _is_pending(self) -> bool:
        return any(out.state is OutboxState.PENDING for out in self.store.journal.outbox.values())

    def make(self, name: str, kind: FileKind, content: bytes) -> LocalFile:
        """A file of the agent's."""
        path = self.settings.files / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest = sha256(content).hexdigest()
        return LocalFile(kind, name, "application/x-test", len(content), str(path), digest)


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  # it looks at things that tell nobody
        await trio.sleep(0.01)


@asynccontextmanager
async def gateway(
    folder: Path, *, streaming: Streaming = Streaming.EDIT, has_topics: bool = False
) -> AsyncIterator[Gateway]:
    """One life, in which nothing breaks a limit."""
    async with telegram_api(has_topics=has_topics) as api:
        settings = TelegramSettings(
            api.token, api.url, streaming=streaming, files=folder, admins=(42, 43)
        )
        life = Gateway(api, settings, api.person(42, "Ann"))
        sender = TelegramSender(life.box, life.store, settings)
        with trio.fail_after(LIMIT):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sender.run)
                yield life
                life.box.close()
        assert api.violations == []
        assert api.calls_in_penalty == []
        assert api.overlaps == []


async def test_files_arrive_whole_and_in_order(tmp_path: Path) -> None:
    async with gateway(tmp_path) as life:
        picture, paper = PNG + b"cat" * 1000, bytes(range(256)) * (12 * MEGABYTE // 256)
        files = [
            life.make("кот 🙂.png", FileKind.PHOTO, picture),
            life.make("dog.png", FileKind.PHOTO, picture),
            life.make('a "b".bin', FileKind.DOCUMENT, paper),
            life.make("large.png", FileKind.PHOTO, PNG + paper),
            life.make("word.ogg", FileKind.VOICE, b"OggS"),
            life.make("no picture.png", FileKind.PHOTO, b"no picture"),
            life.make("empty.bin", FileKind.DOCUMENT, b""),
        ]
        row = await life.begins()
        await life.answers(row, "here", *files)

        sent = life.api.sent_files(42)
        said = life.api.answers(42)

    assert [file.kind for file in sent] == [
        "photo", "photo", "document", "document", "voice", "document"
    ]  # fmt: skip
    assert [file.sha256 for file in sent] == [file.sha256 for file in files[:6]]
    assert [sent[2].name, sent[3].name] == ["a %22b%22.bin", "large.png"]
    assert said == ["here", NOT_SENT]
    assert list((tmp_path / "made").iterdir()) == []


async def test_a_lost_answer_to_an_upload_leaves_the_file_twice_at_most(tmp_path: Path) -> None:
    async with gateway(tmp_path) as life:
        life.api.fail(reset(after=True), "sendDocument", times=2)
        row = await life.begins()
        file = life.make("a.bin", FileKind.DOCUMENT, b"x" * MEGABYTE)
        await life.answers(row, "", file)

        sent = life.api.sent_files(42)

    assert [one.sha256 for one in sent] == [file.sha256] * 2


async def test_a_file_of_a_person_is_fetched_whole_after_trouble(tmp_path: Path) -> None:
    content = bytes(range(256)) * (19 * MEGABYTE // 256)
    async with gateway(tmp_path) as life:
        life.api.fail(bad_gateway(), "getFile")
        life.api.fail(truncated(), "file")
        row = await life.begins()
        life.ann.sends_document(content, name="paper.pdf")
        handle = next(iter(life.api.files.by_id))
        remote = RemoteFile(FileKind.DOCUMENT, "paper.pdf", "application/pdf", 7, handle)
        question = FetchFile(HERE, row, 0, remote)

        found = await life.box.address.ask(question, within=50)

    assert isinstance(found, LocalFile)
    assert (found.size_bytes, found.sha256) == (len(content), sha256(content).hexdigest())
    assert str(found.path).startswith(f"{tmp_path}/telegram/{row}/0-paper.pdf")


async def test_a_file_that_is_larger_than_it_says_or_unknown_is_missing(tmp_path: Path) -> None:
    async with gateway(tmp_path) as life:
        life.api.files.max_download_bytes = 10**9  # as a Bot API server of one's own has it
        row = await life.begins()
        life.ann.sends_document(21 * MEGABYTE, said_size=1000)
        handle = next(iter(life.api.files.by_id))
        remote = RemoteFile(FileKind.DOCUMENT, "paper.pdf", "application/pdf", 7, handle)
        unknown = evolve(remote, handle="unknown")

        large = await life.box.address.ask(FetchFile(HERE, row, 0, remote), within=50)
        gone = await life.box.address.ask(FetchFile(HERE, row, 1, unknown), within=50)

    assert large == FileMissing(Missing.TOO_LARGE, 20 * MEGABYTE)
    assert gone == FileMissing(Missing.GONE)


async def test_a_draft_grows_can_be_stopped_and_gives_way_to_the_answer(tmp_path: Path) -> None:
    async with gateway(tmp_path, streaming=Streaming.DRAFT) as life:
        row = await life.begins()
        await life.api.until(lambda: bool(life.api.drafts(42)))
        (thinking,) = life.api.drafts(42)
        await life.box.address.send(ShowDraft(HERE, row, "**half**"))
        await life.api.until(lambda: [one.text for one in life.api.drafts(42)] == ["half"])
        life.ann.stops_generation()
        await life.answers(row, "half and half")

        said, left = life.api.answers(42), life.api.drafts(42)

    assert (thinking.draft_id, thinking.text, thinking.can_stop) == (row, "", True)
    assert said == ["half and half"]
    assert left == []


async def test_buttons_and_signs_stand_where_they_should(tmp_path: Path) -> None:
    async with gateway(tmp_path) as life:
        row = await life.begins()
        await life.api.until(lambda: any(one.buttons for one in life.api.messages(42)))
        asked, waiting = life.api.messages(42)
        await life.api.until(lambda: bool(asked.reactions))
        out = AddOutgoing(HERE, Voice.AGENT, "Shall I?", row=row, keyboard=CHOICES)
        await life.ends(row, out, RowState.FAILED)
        labels = [button["text"] for button in waiting.buttons]
        query = life.ann.presses_button(waiting, "Yes")
        await life.box.address.send(AnswerPress(HERE, query, "Yes it is."))
        answer = await life.api.callback_answered(query)
        amends = Amends(row, RemoteId(str(waiting.message_id)))
        decided = AddOutgoing(HERE, Voice.GATEWAY, "**Yes** (Ann)", is_final=False, amends=amends)
        life.store.tell(Commit((decided,)))
        await life.box.address.send(Deliver(HERE))
        await life.settled()

    assert labels == ["Yes", "No"]
    assert answer.text == "Yes it is."
    assert (waiting.text, waiting.buttons) == ("Shall I?\n\nYes (Ann)", [])
    assert [sign for _, sign in asked.reactions] == ["👀", "💔"]


async def test_a_new_room_is_a_topic_and_is_written_to(tmp_path: Path) -> None:
    async with gateway(tmp_path, has_topics=True) as life:
        row = await life.begins("/new Plans")
        room = await life.box.address.ask(OpenRoom(HERE, row, "Plans"))
        assert room is not None
        life.store.tell(Commit((AddOutgoing(room, Voice.GATEWAY, "Just write."),)))
        await life.box.address.send(Deliver(room))
        await life.settled()

    topic = int(room.rpartition("/")[2])
    assert life.ann.chat.topics == {topic: "Plans"}
    assert life.api.answers(42, thread=topic) == ["Just write."]


async def test_a_bot_without_topics_says_so(tmp_path: Path) -> None:
    async with gateway(tmp_path) as life:
        row = await life.begins("/new Plans")

        assert await life.box.address.ask(OpenRoom(HERE, row, "Plans")) is None


async def test_everybody_sees_the_menu_that_is_theirs(tmp_path: Path) -> None:
    async with gateway(tmp_path) as life:
        await life.begins()
        stranger = life.api.person(44, "Bob")
        group = life.api.supergroup(-1001)
        await life.api.until(lambda: bool(life.api.menu(stranger, group)))
        await _until(lambda: "telegram_menu" in life.store.journal.keys)
        menus = [life.api.menu(life.ann), life.api.menu(stranger), life.api.menu(stranger, group)]

    assert ["debug" in menu for menu in menus] == [True, False, False]
    assert [len(menu) for menu in menus] == [12, 11, 5]
