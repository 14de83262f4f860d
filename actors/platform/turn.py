"""One turn: the agent's stream, read within its limits, becomes exactly one outcome."""

import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import structlog
import trio
from attrs import define, evolve, frozen

from actors.kernel.asking import ask_until_answered
from actors.metrics import FIRST_WORD_SECONDS
from actors.platform.files import Attach, attached
from actors.platform.made import MadeFiles
from actors.platform.open_turn import OpenTurn
from actors.platform.people import People
from actors.platform.retries import delay_before_retry
from actors.words import Word
from protocols.files import LocalFile
from protocols.mail import Address
from protocols.platform import (
    FailureKind,
    PlatformClient,
    PlatformFailedError,
    RunDetails,
    StreamPart,
    UserUnknownError,
)
from protocols.store import History, StoreMessage
from protocols.turns import Turn, TurnFailed, TurnFinished, TurnOutcome

log = structlog.get_logger("platform.turn")

MOST_AT_ONCE = 10
"""Parts in a row; a client with a full buffer hands over part after part without waiting."""

SLOWEST_UPLOAD = 2**18
"""Bytes a second of the slowest line that files are given the time for."""


@frozen
class Limits:
    """How long and how much one turn may be.

    Args:
        idle: Longest wait for the next part of a stream, also for the first; files that go along
            have time of their own.
        whole: Longest turn, however lively it is; below the hour that a session waits.
        answer_chars: Longest answer; a longer one is broken off there.
        attempts: Requests for one turn, while nothing has been shown yet; where the agent
            answered nothing, two: it has worked, and costs what an answer costs.
        retry_wait: Longest wait before another attempt; who asks for more is not waited for.
    """

    idle: float = 60.0
    whole: float = 3500.0
    answer_chars: int = 200_000
    attempts: int = 4
    retry_wait: float = 30.0


@asynccontextmanager
async def _closing(stream: AsyncIterator[StreamPart]) -> AsyncIterator[AsyncIterator[StreamPart]]:
    try:
        yield stream
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()


@define
class _Patience:
    """Ends all attempts of a turn together: a failed one is no sign of life."""

    _limits: Limits
    _ends_at: float
    scope: trio.CancelScope

    @classmethod
    def from_now(cls, limits: Limits, files: tuple[LocalFile, ...]) -> "_Patience":
        """With time for the upload of *files*, of which nothing is heard meanwhile."""
        now = trio.current_time()
        upload = sum(file.size_bytes for file in files) / SLOWEST_UPLOAD
        scope = trio.CancelScope(deadline=now + min(limits.idle + upload, limits.whole))
        return cls(limits, now + limits.whole, scope)

    def renew(self) -> None:
        """Give it the idle limit again; at most a hundredth less, as a deadline costs something."""
        idle = self._limits.idle
        deadline = min(trio.current_time() + idle, self._ends_at)
        if abs(deadline - self.scope.deadline) > idle / 100:
            self.scope.deadline = deadline

    def lasts(self, seconds: float) -> bool:
        return trio.current_time() + seconds < self.scope.deadline


def _taken(part: StreamPart, open_turn: OpenTurn) -> TurnOutcome | None:
    had_words = open_turn.has_words
    outcome = open_turn.take(part)
    if open_turn.has_words and not had_words:
        FIRST_WORD_SECONDS.observe(trio.current_time() - open_turn.asked_at)
    return outcome


@define
class TurnRunner:
    """Runs turns against the platform, each to exactly one outcome.

    Args:
        store: Has the history of chats, for an agent that keeps none.
        attach: How files go to the agent.
        made: Where files from the agent stand until they are delivered.
    """

    client: PlatformClient
    people: People
    store: Address[StoreMessage]
    attach: Attach
    made: MadeFiles
    limits: Limits
    _random: random.Random

    async def outcome_of(self, open_turn: OpenTurn) -> TurnOutcome:
        """Run the turn; tries again while nothing was shown and the failure allows it."""
        patience = _Patience.from_now(self.limits, open_turn.turn.files)
        outcome: TurnOutcome = TurnFailed("", FailureKind.TIMEOUT)
        with patience.scope:
            outcome = await self._try(open_turn, patience)
        if patience.scope.cancelled_caught:
            return TurnFailed(open_turn.text, open_turn.broken_by or FailureKind.TIMEOUT)
        return await self._with_files(open_turn, outcome)

    async def _try(self, open_turn: OpenTurn, patience: _Patience) -> TurnOutcome:
        attempt = 1
        while True:
            try:
                return await self._read(open_turn, patience)
            except PlatformFailedError as error:
                delay = self._delay_after(attempt, error)
                if open_turn.has_begun:
                    return TurnFailed(open_turn.text, error.kind)
                if delay is None or not patience.lasts(delay):
                    return TurnFailed("", error.kind)
                kind = error.kind
            log.info(
                "turn.retried", row=open_turn.turn.row, kind=kind, attempt=attempt, delay=delay
            )
            open_turn.start_anew()
            open_turn.tell(Word.DRAFT_TRIES_AGAIN)
            await trio.sleep(delay)
            attempt += 1

    def _delay_after(self, attempt: int, error: PlatformFailedError) -> float | None:
        most = 2 if error.kind is FailureKind.EMPTY else self.limits.attempts
        if not error.is_retryable or attempt >= min(most, self.limits.attempts):
            return None
        if (error.retry_after or 0.0) > self.limits.retry_wait:
            return None
        roll = self._random.random()
        return delay_before_retry(attempt, roll=roll, retry_after=error.retry_after)

    async def _with_files(self, open_turn: OpenTurn, outcome: TurnOutcome) -> TurnOutcome:
        """*outcome* with what the agent sent along on the disk; its stream is closed by now."""
        if not isinstance(outcome, TurnFinished):
            return outcome
        sent = tuple(file for file in outcome.attachments if file.mode == "binary")
        named = tuple(file for file in outcome.attachments if file.mode != "binary")
        try:
            kept = await self.made.keep(open_turn.turn.run_id, sent)
        except PlatformFailedError as error:
            return TurnFailed(outcome.text, error.kind)
        return evolve(outcome, attachments=named, files=kept)

    async def _read(self, open_turn: OpenTurn, patience: _Patience) -> TurnOutcome:
        """One attempt; a second one at once where the platform has forgotten who asks."""
        try:
            return await self._read_stream(open_turn, patience)
        except UserUnknownError:
            if open_turn.has_begun:
                raise
            self.people.forget(open_turn.turn.sender)
        return await self._read_stream(open_turn, patience)

    async def _read_stream(self, open_turn: OpenTurn, patience: _Patience) -> TurnOutcome:
        """One stream to its end.

        Raises:
            PlatformFailedError: Also where the stream ends with nothing, or not at all well.
        """
        parts = 0
        async with _closing(await self._stream(open_turn.turn)) as stream:
            async for part in stream:
                outcome = _taken(part, open_turn)
                if open_turn.broken_by is None:
                    patience.renew()
                if isinstance(outcome, TurnFailed):
                    raise PlatformFailedError(outcome.kind, is_retryable=True)
                if outcome is not None:
                    return outcome
                if open_turn.size_chars > self.limits.answer_chars:
                    kept = open_turn.text[: self.limits.answer_chars]
                    return TurnFailed(kept, FailureKind.BROKEN)
                parts += 1
                if parts % MOST_AT_ONCE == 0:
                    await trio.lowlevel.checkpoint()
        raise PlatformFailedError(FailureKind.CUT, is_retryable=True)

    async def _stream(self, turn: Turn) -> AsyncIterator[StreamPart]:
        user_id = await self.people.user_id_of(turn.sender, turn.sender_name)
        return self.client.stream_message(
            user_id,
            turn.slot,
            turn.text,
            run_id=turn.run_id,
            attachments=await attached(turn.files, self.attach),
            resume=turn.resume,
            details=await self._details_of(turn),
        )

    async def _details_of(self, turn: Turn) -> RunDetails:
        details = RunDetails(turn.surface, turn.language, turn.trace)
        if self.client.history_chars <= 0:
            return details
        question = History(turn.row, self.client.history_chars)
        return evolve(details, history=await ask_until_answered(self.store, question))
