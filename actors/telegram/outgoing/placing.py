"""Puts one piece of text into its chat such that it stands there once.

Telegram has no idempotency key: a message that is sent twice stands there twice. An edit may be
repeated. So what may not come twice is put in the place of a message whose id is in the journal;
the rest is sent at once, and only if nobody knows whether it was, put in such a place, too.
"""

from functools import partial
from typing import assert_never

from attrs import define, evolve, frozen

from actors.telegram.api.outcomes import Ambiguous, Forbidden, NotModified, Refusal, Refused, Sent
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.posting import Post
from actors.telegram.outgoing.progress import Ledger, Progress
from actors.telegram.text.render import PLACEHOLDER, Piece
from protocols.journal import OutboxRow

_MOST_PLACES = 3


@frozen
class Job:
    """One outgoing message on its way.

    Args:
        shown_id: The message that showed it while it grew.
        reply_to: What its first new message replies to.
        is_placed: Its first piece is put in the place of a message, whether there is one yet or
            not; otherwise it is sent at once.
    """

    row: OutboxRow
    shown_id: int | None = None
    reply_to: int | None = None
    is_placed: bool = True

    @property
    def urgency(self) -> Urgency:
        """Answers come first."""
        return Urgency.FINAL if is_answer(self.row) else Urgency.NOTICE

    def reply_from(self, progress: Progress) -> int | None:
        """What the next new message replies to: only the first one does."""
        return None if progress.first_id else self.reply_to


@frozen
class Moot:
    """Nobody has any use for it; *reason* says why."""

    reason: str


@frozen
class Unfit:
    """It was not even tried; *reason* says why."""

    reason: str


def is_answer(row: OutboxRow) -> bool:
    """Whether it is the one visible outcome of its row."""
    return row.is_final and row.row is not None and row.amends is None


@define
class Placing:
    """The way of a piece of text into its chat."""

    post: Post
    ledger: Ledger

    async def put(self, job: Job, piece: Piece, progress: Progress) -> int | Forbidden | Refused:
        """The id of the message in which *piece* stands."""
        is_first = is_answer(job.row) and progress.done == 0
        is_known = is_first and progress.tries > 0  # by an earlier life, which may have sent it
        if progress.place is not None or is_known or (is_first and job.is_placed):
            return await self._put_in_place(job, piece, progress)
        marked = evolve(progress, tries=1)
        sent = await self.post.send(
            job.row.room,
            piece,
            job.urgency,
            reply_to=job.reply_from(progress),
            mark=partial(self.ledger.keep, job.row, marked) if is_first else None,
        )
        match sent:
            case Sent(message_id):
                return message_id
            case Forbidden() | Refused():
                return sent
            case Ambiguous():
                # It may stand there: once more at most, however often we try.
                return await self._put_in_place(job, piece, progress)
            case _:
                assert_never(sent)

    async def _put_in_place(
        self, job: Job, piece: Piece, progress: Progress
    ) -> int | Forbidden | Refused:
        for _ in range(_MOST_PLACES):
            place = progress.place or await self._make_place(job, progress)
            if not isinstance(place, int):
                return place
            outcome = await self.post.edit(job.row.room, place, piece, job.urgency)
            match outcome:
                case Sent() | NotModified() | Ambiguous():
                    return place
                case Refused(why=Refusal.MESSAGE_GONE):
                    # Somebody deleted it: the answer still has to be seen.
                    progress = evolve(progress, place=None)
                case Forbidden() | Refused():
                    return outcome
                case _:
                    assert_never(outcome)
        return Refused(400, "every message for it was deleted at once")

    async def _make_place(self, job: Job, progress: Progress) -> int | Forbidden | Refused:
        """A message of ours that may be edited, in the journal."""
        while True:
            sent = await self.post.send(
                job.row.room,
                Piece(PLACEHOLDER),
                job.urgency,
                reply_to=job.reply_from(progress),
            )
            match sent:
                case Sent(message_id):
                    await self.ledger.keep(job.row, evolve(progress, place=message_id))
                    return message_id
                case Forbidden() | Refused():
                    return sent
                case Ambiguous():
                    continue
                case _:
                    assert_never(sent)
