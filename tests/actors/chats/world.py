"""A whole little world: real directory, sessions, pool and supervisor; the rest is fake."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, assert_never, cast

import trio
from attrs import define, field
from trio.abc import Clock
from trio.testing import wait_all_tasks_blocked

from actors.chats.access import AccessPolicy
from actors.chats.directory import ChatDirectory
from actors.chats.session import ChatSession
from actors.kernel.child import ParkedError
from actors.kernel.mailbox import Mailbox
from actors.kernel.pool import Pool
from actors.kernel.spec import ChildSpec, permanent
from actors.kernel.supervision import Supervisor
from protocols.chats import (
    DirectoryMessage,
    Requeued,
    RetryRefused,
    RetryRow,
    RowsArrived,
    SessionMessage,
)
from protocols.files import FileKind, LocalFile
from protocols.ids import (
    TELEGRAM,
    EventId,
    Language,
    PersonId,
    RemoteId,
    RoomId,
    RowId,
    RunId,
    SurfaceName,
    TraceId,
    surface_of,
)
from protocols.journal import UNFINISHED, Arrival, OutboxRow, OutboxState, Press, Row, RowState
from protocols.mail import Question, Sink
from protocols.platform import FailureKind, SettingsAction, Usage, UserSettings
from protocols.store import Commit, Journal, StoreMessage
from protocols.surfaces import AnswerPress, FetchFile, RoomMessage, Surface, SurfaceMessage
from protocols.turns import (
    CancelTurn,
    ChangeSettings,
    FetchSettings,
    PlatformMessage,
    RunTurn,
    Turn,
    TurnAsks,
    TurnFailed,
    TurnFinished,
    TurnOutcome,
    TurnProgress,
    TurnStopped,
)
from tests.actors.chats.fake_surface import FakeSurface
from tests.fakes import MemoryJournal, MemoryStoreAddress
from tests.invariants import journal_faults

MATRIX = SurfaceName("matrix")
ROOM = RoomId("matrix/!r:s")
OTHER_ROOM = RoomId("matrix/!q:s")
ME = PersonId("matrix:@me:s")
YOU = PersonId("matrix:@you:s")
HERE = RoomId("telegram/42")
"""A private chat on the second surface, where there is one."""
ME_THERE = PersonId("telegram:42")
BOSS = PersonId("matrix:@boss:s")

SKILLS = UserSettings({"search": True, "code": False})
DRAWN = LocalFile(FileKind.PHOTO, "cat.png", "image/png", 3, "/made/1-0", "0" * 64)
"""What the agent makes when it is to draw."""

MakeSession = Callable[[str, Mailbox[SessionMessage]], Any]


@define
class FakePlatform:
    """Does what the first word of a message says; anything else is echoed, and files are counted.

    ``hang`` shows a part and goes on for ever, ``deaf`` also when it is cancelled, ``fail``
    breaks off, ``ask`` asks back, ``bomb`` answers what no session can read, ``die`` kills the
    platform with the turn in hand, and ``park`` parks it. ``slow N`` takes N seconds,
    ``stream`` half a one, and shows 50 parts in it. ``draw`` answers with a file and no word,
    ``choose`` asks with the choices that follow it. Without ``settings`` it says nothing of them.
    """

    inbox: Mailbox[PlatformMessage]
    turns: list[Turn] = field(factory=list)
    deaths: list[RunId] = field(factory=list)
    most_deaths: int = 1
    cancelled: list[RunId] = field(factory=list)
    settings: list[UserSettings | TurnFailed] = field(factory=list)
    changes: list[SettingsAction] = field(factory=list)
    askers: list[PersonId] = field(factory=list)
    _running: dict[RunId, RunTurn] = field(factory=dict)

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            async for message in self.inbox:
                match message:
                    case RunTurn(turn):
                        self.turns.append(turn)
                        self._die_if_told(turn)
                        self._running[turn.run_id] = message
                        nursery.start_soon(self._run_turn, message)
                    case CancelTurn(run_id):
                        self.cancelled.append(run_id)
                        self._cancel(run_id)
                    case FetchSettings(sender=sender):
                        self.askers.append(sender)
                        if self.settings:
                            message.reply_to.send(self.settings[-1])
                    case ChangeSettings(sender=sender, action=action):
                        self.askers.append(sender)
                        self.changes.append(action)
                        message.reply_to.send(self._change(action))
                    case _:
                        assert_never(message)
            nursery.cancel_scope.cancel()

    def _change(self, action: SettingsAction) -> UserSettings | TurnFailed:
        """The newest settings with the change made; kept in the place of those."""
        settings = self.settings[-1]
        if isinstance(settings, UserSettings):
            skills = {**settings.skills, action.payload["skill"]: action.payload["is_on"]}
            settings = self.settings[-1] = UserSettings(skills)
        return settings

    def _die_if_told(self, turn: Turn) -> None:
        if turn.text.startswith("die") and self.deaths.count(turn.run_id) < self.most_deaths:
            self.deaths.append(turn.run_id)
            raise RuntimeError("as told")
        if turn.text.startswith("park"):
            raise ParkedError("no token")

    def _cancel(self, run_id: RunId) -> None:
        question = self._running.get(run_id)
        if question is not None and not question.turn.text.startswith("deaf"):
            del self._running[run_id]
            question.reply_to.send(TurnStopped("part"))

    async def _run_turn(self, question: RunTurn) -> None:
        turn = question.turn
        question.progress.put(TurnProgress(turn.row, "part", "working"))
        await trio.sleep(0.05)
        outcome = await self._outcome(turn, question.progress)
        if self._running.get(turn.run_id) is question:
            del self._running[turn.run_id]
            question.reply_to.send(outcome)

    async def _outcome(self, turn: Turn, progress: Sink[TurnProgress]) -> TurnOutcome:
        match next(iter(turn.text.split()), ""):
            case "hang" | "deaf":
                await trio.sleep_forever()
            case "slow":
                await trio.sleep(float(turn.text.split()[1]))
            case "stream":
                for length in range(2, 52):
                    progress.put(TurnProgress(turn.row, "x" * length))
                    await trio.sleep(0.01)
            case _:
                pass
        return _outcome_of(turn)


def _outcome_of(turn: Turn) -> TurnOutcome:
    word, *rest = turn.text.split() or [""]
    match word:
        case "fail":
            return TurnFailed("part", FailureKind.CUT)
        case "ask":
            return TurnAsks("", f"i-{turn.row}", "Really?", ("yes", "no"))
        case "choose":
            return TurnAsks("", f"i-{turn.row}", "Which?", tuple(rest))
        case "ask-within":
            until = trio.current_time() + float(rest[0])
            return TurnAsks("", "{" * 2**16, "Really?", ("approve", "reject"), expires_at=until)
        case "think":
            usage = Usage("gpt_5", 1234, 56)
            return TurnFinished(f"echo {turn.text}", reasoning="I think.", usage=usage)
        case "draw":
            return TurnFinished("", files=(DRAWN,))
        case "bomb":
            return cast("TurnOutcome", object())
        case _:
            files = f" with {len(turn.files)} files" if turn.files else ""
            return TurnFinished(f"echo {turn.text}{files}")


def shown(out: OutboxRow) -> str:
    """What people see of *out*, but for what is folded."""
    return "\n\n".join(part for part in (out.text, out.footer) if part)


@define
class LossyStore:
    """A store that dies between making its *lost_answer*-th commit durable and saying so.

    It takes *seconds_per_batch* for all that waits together, as a group commit does.
    """

    inbox: Mailbox[StoreMessage]
    journal: MemoryJournal
    commits: list[Commit]
    lost_answer: int = 0
    seconds_per_batch: float = 0.0

    async def run(self) -> None:
        while batch := await self.inbox.receive_batch(1024 if self.seconds_per_batch else 1):
            if self.seconds_per_batch:  # no step more than there must be: tests count them
                await trio.sleep(self.seconds_per_batch)
            self._handle(batch)

    def _handle(self, batch: Sequence[StoreMessage]) -> None:
        for message in batch:
            if isinstance(message, Commit):
                self.commits.append(message)
                if len(self.commits) == self.lost_answer:
                    MemoryStoreAddress(self.journal).tell(Commit(message.changes))
                    raise RuntimeError("as told")
            self.journal.handle(message)


@define
class World:
    """One program with one Matrix-like surface."""

    clock: Clock
    policy: AccessPolicy = field(factory=lambda: AccessPolicy("open", admins=(BOSS,)))
    journal: MemoryJournal = field(factory=MemoryJournal)
    make_session: MakeSession | None = None
    most_deaths: int = 1
    lost_answer: int = 0
    seconds_per_batch: float = 0.0
    tree_text: Callable[[], str] = lambda: "the tree"
    program: str = "first"
    has_buttons: bool = False
    opens_rooms: bool = False
    room_link: str = ""
    has_telegram: bool = False
    catch_up_after: float = 0.0
    sent: list[OutboxRow] = field(factory=list)
    shown: list[RoomMessage] = field(factory=list)
    answers: list[AnswerPress] = field(factory=list)
    fetched: list[FetchFile] = field(factory=list)
    opened: dict[RowId, RoomId] = field(factory=dict)
    asked: list[str] = field(factory=list)
    turns: list[Turn] = field(factory=list)
    deaths: list[RunId] = field(factory=list)
    cancelled: list[RunId] = field(factory=list)
    settings: list[UserSettings | TurnFailed] = field(factory=lambda: [SKILLS])
    changes: list[SettingsAction] = field(factory=list)
    askers: list[PersonId] = field(factory=list)
    commits: list[Commit] = field(factory=list)
    store: Mailbox[StoreMessage] = field(factory=lambda: Mailbox("store"))
    platform: Mailbox[PlatformMessage] = field(factory=lambda: Mailbox("platform"))
    matrix: Mailbox[SurfaceMessage] = field(factory=lambda: Mailbox("matrix"))
    telegram: Mailbox[SurfaceMessage] = field(factory=lambda: Mailbox("telegram"))
    chats: Mailbox[DirectoryMessage] = field(factory=lambda: Mailbox("chats"))
    surfaces: dict[SurfaceName, Surface] = field(init=False)
    sessions: Pool[SessionMessage] = field(init=False)
    tree: Supervisor = field(init=False)
    _numbers: Any = field(factory=lambda: count(1))
    _presses: Any = field(factory=lambda: count(1))

    def __attrs_post_init__(self) -> None:
        self.journal.clock = self.clock.current_time
        surface = Surface(
            MATRIX,
            self.matrix.address,
            ("/", "!"),
            draft_every=0.1,
            has_buttons=self.has_buttons,
            opens_rooms=self.opens_rooms,
            sends_files=True,
            room_link=self.room_link,
        )
        surfaces = self.surfaces = {MATRIX: surface}
        if self.has_telegram:
            surfaces[TELEGRAM] = Surface(TELEGRAM, self.telegram.address, has_buttons=True)
        numbers = count(1)
        self.sessions = Pool("sessions", self.make_session or self.session_maker(surfaces))
        self.tree = Supervisor(
            (
                permanent(
                    "store",
                    LossyStore,
                    inbox=self.store,
                    journal=self.journal,
                    commits=self.commits,
                    lost_answer=self.lost_answer,
                    seconds_per_batch=self.seconds_per_batch,
                ),
                permanent(
                    "platform",
                    FakePlatform,
                    inbox=self.platform,
                    turns=self.turns,
                    deaths=self.deaths,
                    most_deaths=self.most_deaths,
                    cancelled=self.cancelled,
                    settings=self.settings,
                    changes=self.changes,
                    askers=self.askers,
                ),
                permanent(
                    "matrix",
                    FakeSurface,
                    inbox=self.matrix,
                    store=self.store.address,
                    sent=self.sent,
                    shown=self.shown,
                    answers=self.answers,
                    fetched=self.fetched,
                    opened=self.opened,
                    asked=self.asked,
                ),
                *self._second_surface(),
                self.sessions.spec(),
                permanent(
                    "chats",
                    ChatDirectory,
                    inbox=self.chats,
                    store=self.store.address,
                    platform=self.platform.address,
                    sessions=self.sessions,
                    surfaces=surfaces,
                    access=self.policy,
                    tree=self.tree_text,
                    clock=self.clock.current_time,
                    make_code=lambda: f"CODE{next(numbers):04d}",
                    catch_up_after=self.catch_up_after,
                ),
            ),
            intensity=1000,
        )

    def _second_surface(self) -> tuple[ChildSpec, ...]:
        if not self.has_telegram:
            return ()
        return (
            permanent(
                "telegram",
                FakeSurface,
                inbox=self.telegram,
                store=self.store.address,
                name=TELEGRAM,
                sent=self.sent,
                shown=self.shown,
                answers=self.answers,
            ),
        )

    def session_maker(self, surfaces: dict[SurfaceName, Surface]) -> MakeSession:
        def make(room: str, inbox: Mailbox[SessionMessage]) -> ChatSession:
            return ChatSession(
                RoomId(room),
                inbox,
                self.store.address,
                self.platform.address,
                surfaces,
                clock=self.clock.current_time,
                program=self.program,
            )

        return make

    async def write(self, *texts: str, **facts: Any) -> tuple[RowId, ...]:
        """A person writes *texts*, all in one batch; *facts* are further ones of each arrival."""
        return await self.arrive(*(self.arrival(text, **facts) for text in texts))

    async def press(
        self, *actions: str, place: str = "$pressed", **facts: Any
    ) -> tuple[RowId, ...]:
        """A person presses buttons, all in one batch."""
        presses = (Press(f"p{next(self._presses)}", action, RemoteId(place)) for action in actions)
        return await self.arrive(*(self.arrival("", press=press, **facts) for press in presses))

    async def edit(self, message: str, *texts: str, **facts: Any) -> tuple[RowId, ...]:
        """A person changes a message of theirs, again and again in one batch."""
        place = RemoteId(message)
        return await self.write(*texts, message_id=place, edits=place, **facts)

    async def redact(self, *rows: int, **facts: Any) -> tuple[RowId, ...]:
        """Somebody takes back what *rows* are, all in one batch."""
        events = (RemoteId(self.journal.rows[RowId(row)].event_id) for row in rows)
        return await self.arrive(*(self.arrival("", redacts=event, **facts) for event in events))

    def arrival(
        self, text: str, *, room: RoomId = ROOM, sender: PersonId = ME, **facts: Any
    ) -> Arrival:
        """One thing that a person does, now."""
        number = next(self._numbers)
        usual: dict[str, Any] = {
            "language": Language("en"),
            "message_id": RemoteId("" if {"press", "redacts"} & facts.keys() else f"m{number}"),
        }
        return Arrival(
            event_id=EventId(f"${len(self.journal.rows)}.{number}"),
            room=room,
            sender=sender,
            sender_name="Somebody",
            text=text,
            sent_at=trio.current_time(),
            trace=TraceId("t"),
            **(usual | facts),
        )

    async def arrive(self, *arrivals: Arrival) -> tuple[RowId, ...]:
        """One batch of the surface."""
        rows = await self._journal(*arrivals)
        self.chats.address.try_send(RowsArrived())
        return rows

    async def arrive_unseen(self, *texts: str) -> tuple[RowId, ...]:
        """One batch that the directory is not told of."""
        return await self._journal(*map(self.arrival, texts))

    async def _journal(self, *arrivals: Arrival) -> tuple[RowId, ...]:
        journal = Journal(surface_of(arrivals[0].room), arrivals)
        journaled = await self.store.address.ask(journal, within=60)
        return tuple(row.id for row in journaled.rows)

    async def say(self, *texts: str, room: RoomId = ROOM, **facts: Any) -> list[str]:
        """A person writes *texts* and waits; what they see since."""
        seen = len(self.sent)
        await self.write(*texts, room=room, **facts)
        await self.settle()
        return [shown(out) for out in self.sent[seen:] if out.room == room]

    async def retry(self, row: int) -> Requeued | RetryRefused:
        """The operator runs *row* again, and waits."""
        answer = await self.chats.address.ask(RetryRow(RowId(row)))
        await self.settle()
        return answer

    async def settle(self, *, within: float = 300.0) -> None:
        """Wait until every row is finished and everything was sent."""
        with trio.fail_after(within):
            while self.is_busy:  # noqa: ASYNC110  # it looks from outside, as a person does
                await trio.sleep(within / 3000)

    async def begins(self, row: RowId) -> None:
        """Wait until the turn of *row* runs."""
        with trio.fail_after(300):
            while self.journal.rows[row].state is not RowState.RUNNING:  # noqa: ASYNC110
                await trio.sleep(0.1)

    @property
    def is_busy(self) -> bool:
        return any(row.state in UNFINISHED for row in self.rows) or any(
            out.state is OutboxState.PENDING for out in self.journal.outbox.values()
        )

    @property
    def rows(self) -> list[Row]:
        return list(self.journal.rows.values())

    @property
    def states(self) -> list[RowState]:
        return [row.state for row in self.rows]

    @property
    def texts(self) -> list[str]:
        """What people saw, in order."""
        return list(map(shown, self.sent))

    @property
    def faults(self) -> list[str]:
        return journal_faults(self.rows, self.journal.outbox.values())

    async def ask_directory(self, question: Question[Any]) -> Any:
        return await self.chats.address.ask(question)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["World"]:
        """The program runs; at the end it stops in order and the journal is whole."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.tree.run)
            await wait_all_tasks_blocked()
            yield self
            self.tree.stop("the test is over")
