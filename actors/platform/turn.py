"""One turn: the agent's stream, read within its limits, becomes exactly one outcome."""

import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import assert_never

import structlog
import trio
from attrs import define, field, frozen

from actors.platform.files import Attach, attached
from actors.platform.made import MadeFiles
from actors.platform.people import People
from actors.platform.retries import delay_before_retry
from actors.words import Word, say
from protocols.ids import RunId
from protocols.platform import (
    FailureKind,
    PlatformClient,
    PlatformFailedError,
    StatusLine,
    StreamAsks,
    StreamFinished,
    StreamPart,
    TextDelta,
)
from protocols.turns import (
    RunTurn,
    Turn,
    TurnAsks,
    TurnFailed,
    TurnFinished,
    TurnOutcome,
    TurnProgress,
)

log = structlog.get_logger("platform.turn")

LONGEST_STATUS = 200


@frozen
class Limits:
    """How long and how much one turn may be.

    Args:
        idle: Longest wait for the next part of a stream, also for the first.
        whole: Longest turn, however lively it is; below the hour that a session waits.
        answer_chars: Longest answer; a longer one is broken off there.
        attempts: Requests for one turn, while nothing has been shown yet.
        retry_wait: Longest wait before another attempt; who asks for more is not waited for.
    """

    idle: float = 60.0
    whole: float = 3500.0
    answer_chars: int = 200_000
    attempts: int = 4
    retry_wait: float = 30.0


@define(eq=False)
class OpenTurn:
    """A turn that somebody waits for, and how far it has come."""

    turn: Turn
    _question: RunTurn | None
    asked_at: float
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    status: str = field(default="", repr=False)
    has_place: bool = False
    """It runs; before, it waits for others to end."""
    has_begun: bool = False
    """The agent has sent a part, so another attempt would show it twice."""
    size_chars: int = 0
    _joined: str = field(default="", init=False, repr=False)
    _pieces: list[str] = field(init=False, factory=list, repr=False)

    @classmethod
    def asked_by(cls, question: RunTurn, *, at: float) -> "OpenTurn":
        """The turn of *question*, from its beginning, on trio's clock."""
        return cls(question.turn, question, at)

    def hand_over(self, newest: RunTurn) -> None:
        """Answer *newest* from here on: whoever asked before has crashed and asks again."""
        self.answer(TurnFailed(self.text, FailureKind.GONE))
        self._question = newest
        if self.text or self.status:
            self._show()

    def answer(self, outcome: TurnOutcome) -> None:
        """Answer whoever waits, once; later outcomes have nobody to go to."""
        question, self._question = self._question, None
        if question is not None:
            question.reply_to.send(outcome)

    def begin(self) -> None:
        """The turn has a place and runs; it no longer says that it waits."""
        self.has_place = True
        if self.status:
            self.say("")

    def say(self, status: str) -> None:
        """Show *status* as what is happening now."""
        self.status = " ".join(status[: 2 * LONGEST_STATUS].split())[:LONGEST_STATUS]
        self._show()

    def tell(self, word: Word) -> None:
        """Show *word* as what is happening now, in the person's language."""
        self.say(say(word, self.turn.language))

    def take(self, part: StreamPart) -> TurnOutcome | None:
        """Take in *part*; the outcome if it was the last one."""
        self.has_begun = True
        match part:
            case TextDelta(text):
                self._grow(text)
                return None
            case StatusLine(text):
                self.say(text)
                return None
            case StreamFinished(attachments):
                if self.text.strip() or attachments:
                    return TurnFinished(self.text, attachments)
                return TurnFailed("", FailureKind.EMPTY)
            case StreamAsks(interrupt_id, question, choices):
                return TurnAsks(self.text, interrupt_id, question, choices)
            case _:
                assert_never(part)

    @property
    def text(self) -> str:
        """The answer as far as it has come."""
        if self._pieces:
            self._joined = "".join((self._joined, *self._pieces))
            self._pieces.clear()
        return self._joined

    def _grow(self, text: str) -> None:
        self._pieces.append(text)
        self.size_chars += len(text)
        # Showing copies the whole text. Done once for each 256th that it has grown, all copies
        # together stay in proportion to its length; what is held back is too little to miss.
        if text and (self.size_chars - len(self._joined)) * 256 >= self.size_chars:
            self.status = ""
            self._show()

    def _show(self) -> None:
        if self._question is not None:
            progress = TurnProgress(row=self.turn.row, text=self.text, status=self.status)
            self._question.progress.put(progress)


@asynccontextmanager
async def _closing(stream: AsyncIterator[StreamPart]) -> AsyncIterator[AsyncIterator[StreamPart]]:
    try:
        yield stream
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()


@define
class TurnRunner:
    """Runs turns against the platform, each to exactly one outcome.

    Args:
        attach: How files go to the agent.
        made: Where files from the agent stand until they are delivered.
    """

    client: PlatformClient
    people: People
    attach: Attach
    made: MadeFiles
    limits: Limits
    _random: random.Random

    async def outcome_of(self, open_turn: OpenTurn) -> TurnOutcome:
        """Run the turn; tries again while nothing was shown and the failure allows it."""
        ends_at = trio.current_time() + self.limits.whole
        attempt = 1
        while True:
            try:
                outcome = await self._attempt(open_turn, ends_at)
                return await self._with_files(open_turn.turn.run_id, outcome)
            except PlatformFailedError as error:
                delay = self._delay_after(attempt, error)
                if delay is None or open_turn.has_begun:
                    return TurnFailed(open_turn.text, error.kind)
                kind = error.kind
            log.info(
                "turn.retried", row=open_turn.turn.row, kind=kind, attempt=attempt, delay=delay
            )
            open_turn.tell(Word.DRAFT_TRIES_AGAIN)
            await trio.sleep(delay)
            attempt += 1

    def _delay_after(self, attempt: int, error: PlatformFailedError) -> float | None:
        if not error.is_retryable or attempt >= self.limits.attempts:
            return None
        roll = self._random.random()
        delay = delay_before_retry(attempt, roll=roll, retry_after=error.retry_after)
        return delay if delay <= self.limits.retry_wait else None

    async def _attempt(self, open_turn: OpenTurn, ends_at: float) -> TurnOutcome:
        with trio.CancelScope(deadline=self._next_deadline(ends_at)) as patience:
            return await self._read(open_turn, ends_at, patience)
        return TurnFailed(open_turn.text, FailureKind.TIMEOUT)

    async def _with_files(self, run_id: RunId, outcome: TurnOutcome) -> TurnOutcome:
        """*outcome* with what the agent sent along on the disk; its stream is closed by now."""
        if not isinstance(outcome, TurnFinished):
            return outcome
        sent = tuple(file for file in outcome.attachments if file.mode == "binary")
        named = tuple(file for file in outcome.attachments if file.mode != "binary")
        return TurnFinished(outcome.text, named, await self.made.keep(run_id, sent))

    def _next_deadline(self, ends_at: float) -> float:
        return min(trio.current_time() + self.limits.idle, ends_at)

    async def _read(
        self, open_turn: OpenTurn, ends_at: float, patience: trio.CancelScope
    ) -> TurnOutcome:
        async with _closing(await self._stream(open_turn.turn)) as stream:
            async for part in stream:
                patience.deadline = self._next_deadline(ends_at)
                outcome = open_turn.take(part)
                if outcome is not None:
                    return outcome
                if open_turn.size_chars > self.limits.answer_chars:
                    kept = open_turn.text[: self.limits.answer_chars]
                    return TurnFailed(kept, FailureKind.BROKEN)
                # A client with a full buffer hands over part after part without waiting.
                await trio.lowlevel.checkpoint()
        return TurnFailed(open_turn.text, FailureKind.CUT)

    async def _stream(self, turn: Turn) -> AsyncIterator[StreamPart]:
        user_id = await self.people.user_id_of(turn.surface, turn.sender, turn.sender_name)
        return self.client.stream_message(
            user_id,
            turn.slot,
            turn.text,
            run_id=turn.run_id,
            attachments=await attached(turn.files, self.attach),
            resume=turn.resume,
        )
