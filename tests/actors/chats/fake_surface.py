"""A surface that keeps what it is told, and has files and rooms at hand."""

from typing import assert_never

import trio
from attrs import define, field

from actors.kernel.mailbox import Mailbox
from protocols.changes import SentOutgoing
from protocols.files import FileKind, FileMissing, LocalFile, Missing, RemoteFile
from protocols.ids import MATRIX, RemoteId, RoomId, RowId, SurfaceName
from protocols.journal import OutboxRow
from protocols.mail import Address
from protocols.store import Commit, Outgoing, OutgoingRooms, StoreMessage
from protocols.surfaces import (
    AnswerPress,
    Deliver,
    FetchFile,
    OpenRoom,
    RoomMessage,
    ShowDraft,
    ShowTyping,
    SurfaceMessage,
)


def photo(handle: str = "here", name: str = "cat.jpg") -> RemoteFile:
    """A picture; its *handle* says what comes of fetching it, see ``FakeSurface``."""
    return RemoteFile(FileKind.PHOTO, name, "image/jpeg", 3, handle)


@define
class FakeSurface:
    """Sends everything into a list.

    A file whose handle is a ``Missing`` is missing, ``slow N`` takes N seconds, ``never`` does
    not come, ``deadly N`` kills the surface N times. A room is opened once for each row, after an
    hour where its name has ``late`` in it, after 5 seconds with ``wait``; with ``nowhere`` not.
    """

    inbox: Mailbox[SurfaceMessage]
    store: Address[StoreMessage]
    name: SurfaceName = MATRIX
    sent: list[OutboxRow] = field(factory=list)
    shown: list[RoomMessage] = field(factory=list)
    answers: list[AnswerPress] = field(factory=list)
    fetched: list[FetchFile] = field(factory=list)
    opened: dict[RowId, RoomId] = field(factory=dict)
    asked: list[str] = field(factory=list)

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            for room in await self.store.ask(OutgoingRooms(self.name), within=60):
                await self._deliver(room)
            async for message in self.inbox:
                match message:
                    case Deliver(room):
                        self.shown.append(message)
                        await self._deliver(room)
                    case ShowDraft() | ShowTyping():
                        self.shown.append(message)
                    case AnswerPress():
                        self.answers.append(message)
                    case FetchFile():
                        self.fetched.append(message)
                        nursery.start_soon(self._fetch, message)
                    case OpenRoom():
                        nursery.start_soon(self._open, message)
                    case _:
                        assert_never(message)
            nursery.cancel_scope.cancel()

    async def _deliver(self, room: RoomId) -> None:
        while rows := await self.store.ask(Outgoing(room), within=60):
            self.sent += rows
            sent = tuple(SentOutgoing(row.id, RemoteId(f"$s{row.id}")) for row in rows)
            await self.store.ask(Commit(sent), within=60)

    async def _fetch(self, question: FetchFile) -> None:
        file = question.file
        match file.handle.split():
            case ["never"]:
                await trio.sleep_forever()
            case ["slow", seconds]:
                await trio.sleep(float(seconds))
            case ["deadly", times] if self.fetched.count(question) <= int(times):
                raise RuntimeError("as told")
            case _:
                pass
        missing = next((why for why in Missing if why == file.handle), None)
        if missing is not None:
            limit = 20 * 2**20 if missing is Missing.TOO_LARGE else 0
            question.reply_to.send(FileMissing(missing, limit))
        else:
            path = f"/files/{question.row}/{question.number}"
            question.reply_to.send(
                LocalFile(file.kind, file.name, file.mime_type, 3, path, "0" * 64)
            )

    async def _open(self, question: OpenRoom) -> None:
        self.asked.append(question.name)
        if "nowhere" not in question.name:
            room = RoomId(f"{question.room}/{question.row}")
            self.opened.setdefault(question.row, room)
        if "late" in question.name:
            await trio.sleep(3600)
        if "wait" in question.name:
            await trio.sleep(5)
        question.reply_to.send(self.opened.get(question.row))
