"""One running turn: the question to the platform, its drafts, its typing, its stop."""

import trio
from attrs import define, evolve, field, frozen

from actors.chats.files import Fetched, Fetcher, local_files, text_for_agent
from actors.kernel.mailbox import Latest
from protocols.files import RemoteFile
from protocols.journal import Row
from protocols.mail import Address, AnswerLateError, CalleeDiedError, CalleeParkedError
from protocols.platform import FailureKind
from protocols.surfaces import ShowDraft, ShowTyping, Surface
from protocols.turns import (
    CancelTurn,
    PlatformMessage,
    RunTurn,
    Turn,
    TurnFailed,
    TurnOutcome,
    TurnProgress,
    TurnStopped,
)


@frozen
class Patience:
    """How long a turn waits for whom, in seconds.

    Args:
        turn: The longest turn; the platform's own idle limit ends a silent one much earlier.
        stop: How long a stopped turn waits for the platform's last word.
        restarts: Before each further try where the bridge died with the turn.
        typing: Between two signs of life; a surface shows one for a minute.
    """

    turn: float = 3600.0
    stop: float = 0.5
    restarts: tuple[float, ...] = (0.5, 2.0, 5.0, 10.0, 12.0)
    typing: float = 45.0


@define
class _Progress:
    """The newest progress of a turn, for whoever shows it and for whoever must end it."""

    newest: TurnProgress
    _unseen: Latest[TurnProgress] = field(factory=Latest)

    def put(self, value: TurnProgress, /) -> None:
        """Take *value* in the place of the one before."""
        self.newest = value
        self._unseen.put(value)

    async def get(self) -> TurnProgress:
        """Wait for progress that was not taken yet."""
        return await self._unseen.get()


@define
class RunningTurn:
    """Runs one turn and shows how it comes along.

    Args:
        files: Those that come with the message; they are brought here first.
        fetched: What came of that, once it is known.
    """

    row: Row
    turn: Turn
    files: tuple[RemoteFile, ...]
    platform: Address[PlatformMessage]
    surface: Surface
    patience: Patience
    fetched: tuple[Fetched, ...] = ()
    began_at: float = field(factory=trio.current_time)
    _stop: trio.Event = field(factory=trio.Event)
    _progress: _Progress = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._progress = _Progress(TurnProgress(self.row.id, ""))

    def stop(self) -> None:
        """Ask the turn to end; its outcome comes soon and keeps what came so far."""
        self._stop.set()

    async def outcome(self) -> TurnOutcome:
        """Run the turn to its end."""
        outcome: TurnOutcome | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._show_typing)
            nursery.start_soon(self._show_drafts)
            nursery.start_soon(self._obey_stop, nursery.cancel_scope)
            await self._fetch_files()
            outcome = await self._ask()
            nursery.cancel_scope.cancel("the turn is over")
        if outcome is None:  # the platform did not answer the stop in time
            return TurnStopped(self._progress.newest.text)
        return outcome

    async def _fetch_files(self) -> None:
        if not self.files:
            return
        restarts = self.patience.restarts
        fetcher = Fetcher(self.surface.address, self.row.room, self.row.id, restarts)
        fetched = await fetcher.fetch(self.files)
        text = text_for_agent(self.turn.text, fetched)
        self.turn = evolve(self.turn, text=text, files=local_files(fetched))
        self.fetched = fetched

    async def _ask(self) -> TurnOutcome:
        for wait in (0.0, *self.patience.restarts):
            await trio.sleep(wait)
            question = RunTurn(self.turn, self._progress)
            try:
                return await self.platform.ask(question, within=self.patience.turn)
            except CalleeParkedError:
                return TurnFailed(self._progress.newest.text, FailureKind.UNAUTHORIZED)
            except CalleeDiedError:
                continue
            except AnswerLateError:
                await self.platform.send(CancelTurn(self.turn.run_id))
                return TurnFailed(self._progress.newest.text, FailureKind.TIMEOUT)
        return TurnFailed(self._progress.newest.text, FailureKind.GONE)

    async def _obey_stop(self, turn: trio.CancelScope) -> None:
        await self._stop.wait()
        cancel = CancelTurn(self.turn.run_id)
        if len(self.fetched) < len(self.files):
            self.platform.try_send(cancel)  # an earlier life of the session may have asked
            turn.cancel("stopped before the platform was asked")
        with trio.move_on_after(self.patience.stop):
            await self.platform.send(cancel)
            await trio.sleep_forever()
        turn.cancel("stopped; the platform did not answer in time")

    async def _show_typing(self) -> None:
        while True:
            await self.surface.address.send(ShowTyping(self.row.room, self.row.id))
            await trio.sleep(self.patience.typing)

    async def _show_drafts(self) -> None:
        while True:
            progress = await self._progress.get()
            draft = ShowDraft(self.row.room, self.row.id, progress.text, progress.status)
            await self.surface.address.send(draft)
            await trio.sleep(self.surface.draft_every)
