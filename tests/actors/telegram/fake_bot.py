"""A Telegram in memory that does as it is told, and a gateway whose sender speaks to it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import trio
from attrs import define, evolve, field, frozen
from trio.testing import MockClock

from actors.kernel.mailbox import Mailbox
from actors.surfaces.disk import InThread
from actors.telegram.api.methods import Take
from actors.telegram.api.outcomes import (
    Done,
    Failure,
    Me,
    NotModified,
    Opened,
    Refusal,
    Refused,
    Sent,
)
from actors.telegram.errands.menu import MENU_KEY
from actors.telegram.sender import TelegramSender
from actors.telegram.settings import TelegramSettings
from protocols.changes import AddOutgoing, Change, FinishRow, QueueRow, StartRow
from protocols.files import FileKind, LocalFile
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
from protocols.journal import Amends, Arrival, Keyboard, RowState, Voice
from protocols.mail import Question
from protocols.store import Commit, Committed, Journal
from protocols.surfaces import Deliver, ShowDraft, ShowTyping, SurfaceMessage
from tests.fakes import MemoryJournal, MemoryStoreAddress, at_once

A = TypeVar("A")

HERE = RoomId("telegram/42")
GROUP = RoomId("telegram/-100")
TOPIC = RoomId("telegram/-100/7")

EPOCH = 1_000_000.0
SETTINGS = TelegramSettings("1:x")


@frozen
class Call:
    """One request, when it came."""

    at: float
    name: str
    chat: int
    thread: int | None = None
    text: str = ""
    reply_to: int | None = None


@frozen
class Fault:
    """What the next request of a kind ends in, and whether it was done all the same."""

    outcome: Failure
    is_done: bool = False


@frozen
class Shown:
    """A message of the bot as its chat shows it."""

    chat: int
    text: str
    keyboard: Keyboard = ()
    reply_to: int | None = None
    files: tuple[str, ...] = ()
    kind: str = "text"


@define
class FakeBot:
    """One bot's Telegram; *faults* are for the next requests by name.

    Args:
        drafts: What each draft said, in order, by its id.
        reactions: The bot's, by chat and message.
        pressed: How presses were answered.
        stored: Files that people sent, by their id.
        menus: Commands by scope and language.
    """

    me: Me = field(factory=lambda: Me(4242, "agent_bot"))
    calls: list[Call] = field(factory=list)
    messages: dict[int, Shown] = field(factory=dict)
    drafts: dict[int, list[str]] = field(factory=lambda: defaultdict(list))
    reactions: dict[tuple[int, int], list[str]] = field(factory=lambda: defaultdict(list))
    pressed: list[tuple[str, str]] = field(factory=list)
    stored: dict[str, bytes] = field(factory=dict)
    topics: list[tuple[int, str]] = field(factory=list)
    menus: dict[tuple[str, str], dict[str, str]] = field(factory=dict)
    faults: dict[str, list[Fault]] = field(factory=lambda: defaultdict(list))
    delays: dict[int, float] = field(factory=lambda: defaultdict(lambda: 0.05))
    marked: list[Any] = field(factory=list)
    is_open: bool = False
    _ids: "count[int]" = field(factory=lambda: count(1))

    async def get_me(self) -> Me | Failure:
        async def say() -> Me:
            return self.me

        return await self._do(Call(0, "me", 0), say)

    async def send_message(
        self,
        chat_id: int,
        text: str,
        entities: Any = (),
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        keyboard: Keyboard = (),
    ) -> Sent | Failure:
        async def post() -> Sent:
            return self._add(Shown(chat_id, text, keyboard, reply_to))

        self.marked.append(entities)
        return await self._do(Call(0, "send", chat_id, thread_id, text, reply_to), post)

    async def edit_message(
        self,
        chat_id: int,
        message_id: int,
        text: str,
        entities: Any = (),
        *,
        keyboard: Keyboard = (),
    ) -> Sent | NotModified | Failure:
        async def edit() -> Sent | NotModified | Refused:
            old = self.messages.get(message_id)
            if old is None:
                return Refused(400, "message to edit not found", Refusal.MESSAGE_GONE)
            new = evolve(old, chat=chat_id, text=text, keyboard=keyboard)
            if old == new:
                return NotModified()
            self.messages[message_id] = new
            return Sent(message_id)

        self.marked.append(entities)
        return await self._do(Call(0, "edit", chat_id, None, text), edit)

    async def delete_message(self, chat_id: int, message_id: int) -> Done | Failure:
        async def delete() -> Done | Refused:
            if self.messages.pop(message_id, None) is None:
                return Refused(400, "message to delete not found", Refusal.MESSAGE_GONE)
            return Done()

        return await self._do(Call(0, "delete", chat_id), delete)

    async def send_draft(
        self,
        chat_id: int,
        draft_id: int,
        text: str,
        entities: Any = (),
        *,
        thread_id: int | None = None,
    ) -> Done | Failure:
        async def show() -> Done:
            self.drafts[draft_id].append(text)
            return Done()

        self.marked.append(entities)
        return await self._do(Call(0, "draft", chat_id, thread_id, text), show)

    async def send_typing(self, chat_id: int, thread_id: int | None = None) -> Done | Failure:
        return await self._do(Call(0, "typing", chat_id, thread_id), _done)

    async def send_file(
        self,
        chat_id: int,
        file: LocalFile,
        kind: FileKind,
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        within: float,
    ) -> Sent | Failure:
        async def post() -> Sent | Refused:
            if not _are_there(file):
                return Refused(404, "the file is not on this machine", Refusal.FILE_GONE)
            return self._add(Shown(chat_id, "", (), reply_to, (file.name,), kind.value))

        assert within > 60
        call = Call(0, f"{kind.value}", chat_id, thread_id, file.name, reply_to)
        return await self._do(call, post)

    async def send_album(
        self,
        chat_id: int,
        files: Sequence[LocalFile],
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        within: float,
    ) -> Sent | Failure:
        names = tuple(file.name for file in files)

        async def post() -> Sent | Refused:
            if not _are_there(*files):
                return Refused(404, "the file is not on this machine", Refusal.FILE_GONE)
            return self._add(Shown(chat_id, "", (), reply_to, names, "album"))

        assert within > 60
        assert 2 <= len(files) <= 10
        call = Call(0, "album", chat_id, thread_id, " ".join(names), reply_to)
        return await self._do(call, post)

    async def react(self, chat_id: int, message_id: int, emoji: str) -> Done | Failure:
        async def show() -> Done:
            self.reactions[chat_id, message_id].append(emoji)
            return Done()

        return await self._do(Call(0, "react", chat_id, None, emoji), show)

    async def answer_callback(self, callback_id: str, text: str = "") -> Done | Failure:
        async def tell() -> Done:
            self.pressed.append((callback_id, text))
            return Done()

        return await self._do(Call(0, "press", 0, None, text), tell)

    async def download(self, file_id: str, take: Take) -> Done | Failure:
        async def hand_over() -> Done | Refused:
            if file_id not in self.stored:
                return Refused(400, "invalid file_id")
            content = self.stored[file_id]
            for start in range(0, len(content), 65536):
                if not await take(content[start : start + 65536]):
                    break
            return Done()

        return await self._do(Call(0, "download", 0, None, file_id), hand_over)

    async def create_topic(self, chat_id: int, name: str) -> Opened | Failure:
        async def open_() -> Opened:
            self.topics.append((chat_id, name))
            return Opened(700 + len(self.topics))

        return await self._do(Call(0, "topic", chat_id, None, name), open_)

    async def set_commands(
        self, commands: Mapping[str, str], scope: Mapping[str, Any], language: str
    ) -> Done | Failure:
        async def put() -> Done:
            who = f"{scope['type']}:{scope['chat_id']}" if "chat_id" in scope else scope["type"]
            self.menus[who, language] = dict(commands)
            return Done()

        # Beside the calls: a menu is no part of what a test of chats looks at.
        await trio.sleep(0.05)
        fault = self.faults["menu"].pop(0) if self.faults["menu"] else None
        return await put() if fault is None else fault.outcome

    def _add(self, shown: Shown) -> Sent:
        message_id = next(self._ids)
        self.messages[message_id] = shown
        return Sent(message_id)

    async def _do(self, call: Call, effect: Callable[[], Awaitable[A]]) -> A | Failure:
        self.calls.append(evolve(call, at=trio.current_time()))
        delay = self.delays[call.chat]
        await trio.sleep(delay / 2)
        fault = self.faults[call.name].pop(0) if self.faults[call.name] else None
        outcome: A | Failure
        if fault is None:
            outcome = await effect()
        else:
            if fault.is_done:
                await effect()
            outcome = fault.outcome
        await trio.sleep(delay / 2)
        return outcome

    # What a test looks at.

    def shown(self, room: RoomId = HERE) -> list[str]:
        """What a person sees in the chat, in order: texts, and the names of files."""
        return [" ".join((found.text, *found.files)).strip() for found in self.seen(room)]

    def seen(self, room: RoomId = HERE) -> list[Shown]:
        """The messages of the bot in the chat, in order."""
        chat = int(room.split("/")[1])
        return [found for found in self.messages.values() if found.chat == chat]

    def times(self, *names: str) -> list[float]:
        """When requests of these kinds came."""
        return [call.at for call in self.calls if call.name in names]

    def texts(self, *names: str) -> list[str]:
        """What they said."""
        return [call.text for call in self.calls if call.name in names]

    async def until(self, is_so: Callable[[], bool], *, within: float = 300.0) -> None:
        """Wait until *is_so*."""
        with trio.fail_after(within):
            while not is_so():  # noqa: ASYNC110  # it looks at things that tell nobody
                await trio.sleep(0.01)


async def _done() -> Done:
    return Done()


def _are_there(*files: LocalFile) -> bool:
    return all(Path(file.path).exists() for file in files)


@define
class Gateway:
    """A journal, a mailbox and one life of the sender after the other."""

    clock: MockClock
    bot: FakeBot = field(factory=FakeBot)
    journal: MemoryJournal = field(factory=MemoryJournal)
    settings: TelegramSettings = SETTINGS
    in_thread: InThread = field(default=at_once)
    box: Mailbox[SurfaceMessage] = field(factory=lambda: Mailbox("telegram.out"))
    _events: "count[int]" = field(factory=lambda: count(1))

    def __attrs_post_init__(self) -> None:
        self.journal.clock = self._wall

    def _wall(self) -> float:
        return EPOCH + self.clock.current_time()

    @property
    def store(self) -> MemoryStoreAddress:
        """The store of every life."""
        return MemoryStoreAddress(self.journal)

    def sender(self) -> TelegramSender:
        """A new life, with a mailbox of its own."""
        self.box = Mailbox("telegram.out")
        return TelegramSender(
            self.box, self.store, self.settings,
            connect=self._connect, clock=self._wall, in_thread=self.in_thread,
        )  # fmt: skip

    @asynccontextmanager
    async def _connect(self, _settings: TelegramSettings) -> AsyncIterator[FakeBot]:
        self.bot.is_open = True
        yield self.bot
        self.bot.is_open = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """One life, stopped in good order at the end."""
        sender = self.sender()
        with trio.fail_after(3600):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sender.run)
                yield
                self.box.close()

    def row(self, room: RoomId = HERE, *, message_id: str = "", language: str = "en") -> RowId:
        """A message that somebody wrote; its turn runs."""
        event = EventId(str(next(self._events)))
        person = PersonId("telegram:42")
        arrival = Arrival(
            event, room, person, "Ann", "hello", EPOCH, TraceId("0" * 32),
            message_id=RemoteId(message_id), language=Language(language),
        )  # fmt: skip
        (row,) = self.store.tell(Journal(TELEGRAM, (arrival,))).rows
        self.commit(QueueRow(row.id, SlotId("C1"), run_id_for(room, event)), StartRow(row.id))
        return row.id

    def commit(self, *changes: Change) -> None:
        """Change the journal, as the other actors do."""
        assert isinstance(self.store.tell(Commit(changes)), Committed)

    async def tell(self, message: SurfaceMessage) -> None:
        """Send to the surface."""
        await self.box.address.send(message)

    async def ask(self, question: Question[A], *, within: float = 3000.0) -> A:
        """Ask the surface."""
        return await self.box.address.ask(question, within=within)

    async def typing(self, row: RowId) -> None:
        await self.tell(ShowTyping(self.journal.rows[row].room, row))

    async def draft(self, row: RowId, text: str, status: str = "") -> None:
        await self.tell(ShowDraft(self.journal.rows[row].room, row, text, status))

    async def finish(
        self,
        row: RowId,
        text: str,
        *,
        keyboard: Keyboard = (),
        files: Sequence[LocalFile] = (),
        state: RowState = RowState.ANSWERED,
        voice: Voice = Voice.AGENT,
        footer: str = "",
        folded: str = "",
    ) -> None:
        """The turn's one visible outcome."""
        room = self.journal.rows[row].room
        out = AddOutgoing(
            room, voice, text, row=row, keyboard=keyboard, files=tuple(files),
            footer=footer, folded=folded,
        )  # fmt: skip
        self.commit(FinishRow(row, state), out)
        await self.tell(Deliver(room, row_done=row))

    async def amend(self, row: RowId, place: str, text: str = "", keyboard: Keyboard = ()) -> None:
        """Something changes below the outcome of *row*."""
        room = self.journal.rows[row].room
        amends = Amends(row, RemoteId(place))
        out = AddOutgoing(
            room, Voice.GATEWAY, text, is_final=False, keyboard=keyboard, amends=amends
        )
        self.commit(out)
        await self.tell(Deliver(room))

    async def say(self, text: str, room: RoomId = HERE) -> None:
        """Words of the gateway that nobody asked for."""
        self.commit(AddOutgoing(room, Voice.GATEWAY, text))
        await self.tell(Deliver(room))

    def kept(self) -> list[str]:
        """The keys in the journal but the menu's, which every first start leaves."""
        return [key for key in self.journal.keys if key != MENU_KEY]

    def outcomes(self) -> list[str]:
        """How the outgoing messages ended."""
        return [str(out.state) for out in self.journal.outbox.values()]

    async def settled(self) -> None:
        """Wait until nothing is pending."""
        await self.bot.until(lambda: "pending" not in self.outcomes())
