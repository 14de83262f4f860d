"""The sending half over a homeserver, a journal and keys in memory."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import trio
from attrs import define, field
from trio.testing import MockClock

from actors.matrix.api.homeserver import Session
from actors.matrix.api.login import LoginRefused
from actors.matrix.api.replies import Done, Refused, Reply
from actors.matrix.api.status import Status
from actors.matrix.crypto.port import Broken, KeyMissing, NotSealed, Opened, Sealed
from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.rooms import Rooms
from actors.matrix.outgoing.sending import Sender
from actors.matrix.places import Places
from actors.matrix.settings import MatrixSettings, Pace
from actors.matrix.txns import draft_txn
from actors.surfaces.leftovers import Leftovers
from protocols.changes import AddOutgoing, FinishRow, QueueRow, StartRow
from protocols.files import FileKind, LocalFile
from protocols.ids import (
    MATRIX,
    EventId,
    PersonId,
    RemoteId,
    RoomId,
    RowId,
    SlotId,
    TraceId,
    run_id_for,
)
from protocols.journal import (
    Amends,
    Arrival,
    Keyboard,
    OutboxRow,
    OutboxState,
    Press,
    Row,
    RowState,
    Voice,
)
from protocols.mail import Question
from protocols.store import Commit, Committed, Journal
from protocols.surfaces import Deliver, ShowTyping
from tests.actors.matrix.fake_homeserver import ALICE, BOT, ROOM, FakeHomeserver
from tests.fakes import MemoryJournal, MemoryStoreAddress, at_once

Json = dict[str, Any]
A = TypeVar("A")

HERE = RoomId(f"matrix/{ROOM}")
EPOCH = 1_700_000_000.0


@define
class FakeVault:
    """Seals so that no word can be read, and remembers which rooms are encrypted.

    Args:
        refusals: What ``seal`` says first.
    """

    encrypted: set[str] = field(factory=set)
    refusals: list[NotSealed] = field(factory=list)
    while_sealing: Callable[[], None] = lambda: None

    async def open(self, session: Session) -> LoginRefused | None:
        assert session.user_id == BOT
        return None

    async def announced(self) -> None:
        await trio.lowlevel.checkpoint()

    def lose_track(self) -> None:
        pass

    async def receive(self, page: Json) -> None:
        assert page

    def unseal(self, room: str, event: Json) -> Opened | KeyMissing | Broken:
        return Opened({"room": room, **event})

    def take_new_keys(self) -> frozenset[str]:
        return frozenset()

    def saw_encryption(self, room: str) -> None:
        self.encrypted.add(room)

    def is_encrypted(self, room: str) -> bool:
        return room in self.encrypted

    async def seal(self, room: str, kind: str, content: Json) -> Sealed | NotSealed:
        await trio.lowlevel.checkpoint()
        self.while_sealing()
        if self.refusals:
            return self.refusals.pop(0)
        words = json.dumps({"room_id": room, "type": kind, "content": content})
        return Sealed({"algorithm": "fake", "ciphertext": b64encode(words.encode()).decode()})

    async def run(self) -> None:
        await trio.sleep_forever()

    def close(self) -> None:
        """Let go of nothing."""


def unsealed(content: Json) -> Json:
    """What is in an ``m.room.encrypted`` content."""
    found: Json = json.loads(b64decode(content["ciphertext"]))
    assert found["type"] == "m.room.message"
    inner: Json = found["content"]
    return inner


def take_events(server: FakeHomeserver) -> None:
    """Have *server* take events of any type, and redactions."""

    def send(_method: str, path: str, body: Json | None) -> Reply:
        room, _, kind, txn = map(unquote, path.rpartition("/rooms/")[2].split("/"))
        return put(room, txn, body or {}, kind)

    def redact(_method: str, path: str, _body: Json | None) -> Reply:
        room, _, event_id, txn = map(unquote, path.rpartition("/rooms/")[2].split("/"))
        return put(room, txn, {"redacts": event_id}, "m.room.redaction")

    def put(room: str, txn: str, body: Json, kind: str) -> Reply:
        if room not in server.joined:
            return Refused(403, "M_FORBIDDEN")
        if len(json.dumps(body)) > server.largest:
            return Refused(413, "M_TOO_LARGE")
        if (room, txn) not in server.sent:
            unsigned = {"transaction_id": txn}
            event_id = server.add(body, room=room, sender=BOT, type=kind, unsigned=unsigned)
            server.sent[room, txn] = event_id
        return Done({"event_id": server.sent[room, txn]})

    server.handlers |= {"/send/": send, "/redact/": redact}


@define
class TellingStore(MemoryStoreAddress):
    """Says when the journal has changed."""

    changed: trio.Event = field(factory=trio.Event)

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        answer = await super().ask(question, within=within)
        if isinstance(question, Commit):
            changed, self.changed = self.changed, trio.Event()
            changed.set()
        return answer


@define
class Out:
    """One account's sending half; each ``running`` is one life of it."""

    server: FakeHomeserver
    folder: Path
    settings: MatrixSettings
    journal: MemoryJournal
    vault: FakeVault = field(factory=FakeVault)
    places: Places = field(factory=Places)
    store: TellingStore = field(init=False)
    sender: Sender = field(init=False)
    rooms: Rooms = field(init=False)

    @classmethod
    def over(
        cls, clock: MockClock, folder: Path, server: FakeHomeserver | None = None, **settings: Any
    ) -> "Out":
        """A new one, in a room that is not encrypted."""
        server = server or FakeHomeserver(clock)
        server.session = Session(BOT, "DEVICE1", "token1")
        take_events(server)
        account = MatrixSettings(
            homeserver="http://fake",
            user_id=BOT,
            store_path=folder / "matrix",
            files_path=folder / "files",
            **{"pace": Pace(), **settings},
        )
        return cls(server, folder, account, MemoryJournal(lambda: EPOCH + clock.current_time()))

    def __attrs_post_init__(self) -> None:
        self.store = TellingStore(self.journal)

    def begin(self) -> Sender:
        """The parts of a new life."""
        status, clock = Status(), self.journal.clock
        self.rooms = Rooms(self.server, status, self.vault)
        self.rooms.in_sight()
        post = Post(self.server, self.rooms, status, self.store, clock)
        leftovers = Leftovers(self.store, self.settings.files_path, clock, at_once)
        self.sender = Sender(self.server, self.store, post, self.settings, self.places, leftovers)
        return self.sender

    async def find_drafts(self) -> None:
        """The sync shows drafts of an earlier life that the journal lacks, as the reader does."""
        txns = {draft_txn(row.id, row.run_id): row for row in self.journal.rows.values()}
        for _, event in self.server.stream:
            row = txns.get(event.get("unsigned", {}).get("transaction_id", ""))
            if row is not None and row.shown_id is None:
                await self.sender.drafts.note(row.id, event["event_id"])

    @asynccontextmanager
    async def running(self, *, is_killed: bool = False) -> AsyncIterator[Sender]:
        """One life, ended in good order, or cancelled where it stands."""
        sender = self.begin()
        await self.find_drafts()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sender.run)
            sender.open(BOT)
            yield sender
            if is_killed:
                nursery.cancel_scope.cancel()
            sender.close()

    # What the other actors do.

    def commit(self, *changes: Any) -> None:
        assert isinstance(self.store.tell(Commit(changes)), Committed)

    def row(self, *, room: RoomId = HERE, text: str = "hello", **more: Any) -> Row:
        """A message of Alice's whose turn runs."""
        number = len(self.journal.rows) + 1
        arrival = Arrival(
            event_id=EventId(f"$asked{number}"),
            room=room,
            sender=PersonId(f"matrix:{ALICE}"),
            sender_name="Alice",
            text=text,
            sent_at=self.journal.clock(),
            trace=TraceId("0" * 32),
            **{"message_id": RemoteId(f"$asked{number}"), **more},
        )
        (row,) = self.store.tell(Journal(MATRIX, (arrival,))).rows
        run = run_id_for(room, row.event_id)
        self.commit(QueueRow(row.id, SlotId("C1"), run), StartRow(row.id))
        return self.journal.rows[row.id]

    def press(self, place: str) -> Row:
        """A press of Alice's on the buttons of *place*."""
        return self.row(text="", press=Press("$press", "x", RemoteId(place)), message_id=place)

    def finish(
        self,
        row: Row,
        text: str,
        state: RowState = RowState.ANSWERED,
        *,
        voice: Voice = Voice.AGENT,
        keyboard: Keyboard = (),
        files: tuple[LocalFile, ...] = (),
        footer: str = "",
        folded: str = "",
    ) -> None:
        """The turn of *row* ends with *text*."""
        answer = AddOutgoing(
            row.room, voice, text, row=row.id, keyboard=keyboard, files=files,
            footer=footer, folded=folded,
        )  # fmt: skip
        self.commit(FinishRow(row.id, state), answer)
        self.sender.take(Deliver(row.room, row_done=row.id))

    def amend(self, original: Row, place: str, text: str, keyboard: Keyboard = ()) -> None:
        """Change the answer to *original*."""
        amends = Amends(original.id, RemoteId(place))
        self.commit(
            AddOutgoing(
                original.room,
                Voice.GATEWAY,
                text,
                row=original.id,
                is_final=False,
                keyboard=keyboard,
                amends=amends,
            )
        )
        self.sender.take(Deliver(original.room))

    def type(self, row: Row) -> None:
        """The turn of *row* runs."""
        self.sender.take(ShowTyping(row.room, row.id))

    def file(self, data: bytes, kind: FileKind, name: str, mime_type: str = "") -> LocalFile:
        """A file of the agent's."""
        folder = self.settings.files_path / "made"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{len(list(folder.iterdir()))}-{kind}"
        path.write_bytes(data)
        return LocalFile(kind, name, mime_type, len(data), str(path), "0" * 64)

    def lose(self, file: LocalFile) -> None:
        """Somebody removes *file* from the disk."""
        Path(file.path).unlink()

    # What a test looks at.

    async def settled(self) -> None:
        """Wait until nothing waits in the outbox."""
        with trio.fail_after(3600):
            while any(out.state is OutboxState.PENDING for out in self.outbox):
                await self.store.changed.wait()

    @property
    def outbox(self) -> list[OutboxRow]:
        return list(self.journal.outbox.values())

    def events(self, kind: str = "m.room.message", *, room: str = ROOM) -> list[Json]:
        """The events of ours of this *kind*, in order."""
        return [
            event
            for where, event in self.server.stream
            if (where, event["sender"], event["type"]) == (room, BOT, kind)
        ]

    def contents(self, kind: str = "m.room.message", *, room: str = ROOM) -> list[Json]:
        return [event["content"] for event in self.events(kind, room=room)]

    def reactions(self) -> list[tuple[str, str]]:
        """Our reactions that stand: what they are about, and the emoji."""
        gone = {content["redacts"] for content in self.contents("m.room.redaction")}
        return [
            (event["content"]["m.relates_to"]["event_id"], event["content"]["m.relates_to"]["key"])
            for event in self.events("m.reaction")
            if event["event_id"] not in gone
        ]

    def wire(self) -> str:
        """All that ever went to the server."""
        return repr([call.words for call in self.server.calls])

    def row_of(self, number: int) -> Row:
        return self.journal.rows[RowId(number)]
