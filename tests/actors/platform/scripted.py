"""A platform client that does what a test wrote down, and what the tests ask of a bridge."""

import random
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import trio
import trio.testing
from attrs import define, field

from actors.kernel.letters import DeadLetters
from actors.kernel.mailbox import Mailbox
from actors.platform.bridge import PlatformBridge
from actors.platform.files import with_content
from actors.platform.line import Line
from actors.platform.made import MadeFiles
from actors.platform.modes import always
from actors.platform.open_turn import OpenTurn
from actors.platform.people import People
from actors.platform.turn import Limits, TurnRunner
from actors.platform.turns import Turns
from protocols.files import LocalFile
from protocols.ids import Language, PersonId, RowId, RunId, SlotId, SurfaceName, TraceId
from protocols.mail import Address, CalleeDiedError, Question
from protocols.platform import (
    NO_DETAILS,
    Answer,
    Attachment,
    FailureKind,
    PlatformClient,
    PlatformFailedError,
    Resume,
    RunDetails,
    SettingsAction,
    StreamFinished,
    StreamPart,
    TextDelta,
    User,
    UserSettings,
)
from protocols.store import StoreMessage
from protocols.turns import PlatformMessage, RunTurn, Turn, TurnOutcome, TurnProgress
from tests.fakes import A, MemoryStoreAddress

Step = StreamPart | float | Exception
"""A part to hand over, seconds to wait, or an error to raise."""

NO_DISK = Path("/dev/null")
"""A folder that takes no file."""

HEL = TextDelta("Hel")
HELLO: tuple[Step, ...] = (TextDelta("Hel"), TextDelta("lo"), StreamFinished())


def failure(
    kind: FailureKind = FailureKind.OVERLOADED,
    *,
    is_retryable: bool = True,
    retry_after: float | None = None,
) -> PlatformFailedError:
    return PlatformFailedError(kind, is_retryable=is_retryable, retry_after=retry_after)


@define(eq=False)
class ScriptedClient:
    """Plays one script for each stream, in order; the last one again and again."""

    scripts: Sequence[Sequence[Step]] = (HELLO,)
    small_call: Step = 0.0
    """What every small call does first: wait, or fail."""
    users_asked: list[tuple[str, str, str]] = field(factory=list)
    streamed: list[tuple[str, str, str, RunId, Resume | None]] = field(factory=list)
    streamed_at: list[float] = field(factory=list)
    attached: list[tuple[Attachment, ...]] = field(factory=list)
    cancelled: list[RunId] = field(factory=list)
    actions: list[SettingsAction] = field(factory=list)
    open_streams: int = 0
    most_open_streams: int = 0
    details: list[RunDetails] = field(factory=list)
    history_chars: int = 0
    access: Step = 0.0
    """What a question for our access does: wait, or fail."""
    access_asked: int = 0

    async def check_access(self) -> None:
        self.access_asked += 1
        await self._do(self.access)

    async def get_or_create_user(self, external_id: str, platform: str, display_name: str) -> User:
        self.users_asked.append((external_id, platform, display_name))
        await self._do(self.small_call)
        return User(f"u-{external_id}", external_id, platform, display_name)

    async def send_message(
        self,
        user_id: str,
        chat_id: str,
        text: str,
        *,
        run_id: RunId,
        attachments: tuple[Attachment, ...] = (),
        details: RunDetails = NO_DETAILS,
    ) -> Answer:
        raise NotImplementedError

    async def stream_message(
        self,
        user_id: str,
        chat_id: str,
        text: str,
        *,
        run_id: RunId,
        attachments: tuple[Attachment, ...] = (),
        resume: Resume | None = None,
        details: RunDetails = NO_DETAILS,
    ) -> AsyncGenerator[StreamPart, None]:
        self.attached.append(attachments)
        self.details.append(details)
        script = self.scripts[min(len(self.streamed), len(self.scripts) - 1)]
        self.streamed.append((user_id, chat_id, text, run_id, resume))
        self.streamed_at.append(trio.current_time())
        self.open_streams += 1
        self.most_open_streams = max(self.most_open_streams, self.open_streams)
        try:
            await trio.lowlevel.checkpoint()
            for step in script:
                if isinstance(step, float | Exception):
                    await self._do(step)
                else:
                    yield step
        finally:
            self.open_streams -= 1

    async def cancel_run(self, run_id: RunId) -> None:
        self.cancelled.append(run_id)
        await self._do(self.small_call)

    async def get_settings(self, user_id: str) -> UserSettings:
        await self._do(self.small_call)
        return UserSettings({"of": True}, user_id)

    async def update_settings(self, user_id: str, action: SettingsAction) -> UserSettings:
        self.actions.append(action)
        await self._do(self.small_call)
        return UserSettings({action.type: True}, user_id)

    async def _do(self, step: Step) -> None:
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, float)
        await trio.sleep(step)


@define(eq=False)
class Shown:
    """A sink that remembers all it was given."""

    seen: list[TurnProgress] = field(factory=list)

    def put(self, value: TurnProgress, /) -> None:
        self.seen.append(value)

    @property
    def texts(self) -> list[str]:
        return [progress.text for progress in self.seen]

    @property
    def statuses(self) -> list[str]:
        return [progress.status for progress in self.seen]


def turn(
    number: int = 1,
    *,
    text: str = "hi",
    resume: Resume | None = None,
    files: tuple[LocalFile, ...] = (),
    language: str = "",
) -> Turn:
    return Turn(
        run_id=RunId(f"run-{number}"),
        row=RowId(number),
        surface=SurfaceName("matrix"),
        sender=PersonId("matrix:@me:example.org"),
        sender_name="Me",
        slot=SlotId("C1"),
        text=text,
        trace=TraceId(f"{number:032x}"),
        resume=resume,
        files=files,
        language=Language(language),
    )


def runner_for(
    client: PlatformClient,
    *,
    limits: Limits | None = None,
    made: MadeFiles | None = None,
    store: Address[StoreMessage] | None = None,
) -> TurnRunner:
    store = store or MemoryStoreAddress()
    return TurnRunner(
        client,
        People(client, store),
        store,
        with_content,
        made or MadeFiles(NO_DISK / "made"),
        limits or Limits(),
        random.Random(1),
    )


@define
class Restarting(MemoryStoreAddress):
    """Dies with its first questions."""

    deaths: int = 1

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        if self.deaths:
            self.deaths -= 1
            raise CalleeDiedError("store: crashed")
        return await MemoryStoreAddress.ask(self, question, within=within)


async def run_turn(
    client: ScriptedClient,
    *,
    asked: Turn | None = None,
    shown: Shown | None = None,
    limits: Limits | None = None,
    made: MadeFiles | None = None,
) -> TurnOutcome:
    question = RunTurn(asked or turn(), shown or Shown())
    runner = runner_for(client, limits=limits, made=made)
    return await runner.outcome_of(OpenTurn.asked_by(question, at=trio.current_time()))


def turns_for(
    client: PlatformClient,
    nursery: trio.Nursery,
    *,
    places: int = 1,
    made: MadeFiles | None = None,
) -> Turns:
    return Turns(runner_for(client, made=made), nursery, Line(nursery, places), "refused")


@define(eq=False)
class Desk:
    """A bridge with its mailbox, and the answers to what it was asked."""

    client: ScriptedClient
    files: Path = NO_DISK
    idle_limit: float = 60.0
    max_turns: int = 100
    store: MemoryStoreAddress = field(factory=MemoryStoreAddress)
    box: Mailbox[PlatformMessage] = field(init=False)
    outcomes: dict[str, TurnOutcome | CalleeDiedError] = field(init=False, factory=dict)
    has_asked: trio.Event = field(init=False, factory=trio.Event)
    answered_at: dict[str, float] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.box = Mailbox("platform")
        self.box.letters = DeadLetters()

    async def run(self) -> None:
        """Run one life of the bridge; a new one may follow."""
        bridge = PlatformBridge(
            inbox=self.box,
            open_client=always(self.client),
            store=self.store,
            files=self.files,
            idle_limit=self.idle_limit,
            max_turns=self.max_turns,
        )
        try:
            await bridge.run()
        finally:
            self.box.put_down("the bridge ended")

    async def ask(
        self, asked: Turn, *, name: str | None = None, shown: Shown | None = None
    ) -> TurnOutcome | CalleeDiedError:
        """Ask for a turn; the outcome is kept under *name*, by default its run's id."""
        name = name or asked.run_id
        outcome: TurnOutcome | CalleeDiedError
        question = RunTurn(asked, shown or Shown())
        self.has_asked.set()
        try:
            outcome = await self.box.address.ask(question, within=100_000)
        except CalleeDiedError as died:
            outcome = died
        assert name not in self.outcomes
        self.outcomes[name] = outcome
        self.answered_at[name] = trio.current_time()
        return outcome

    @property
    def late_answers(self) -> int:
        """Answers that nobody waited for."""
        assert self.box.letters is not None
        return sum("late answer" in mail.reason for mail in self.box.letters.newest())


async def settle() -> None:
    """Let every task go as far as it can without time passing."""
    await trio.testing.wait_all_tasks_blocked()
