"""Delivers outbox rows: each one exactly once, in order, in the place of its draft.

Its text comes first, then its files, then what stands below it as buttons.
"""

from typing import assert_never

import structlog
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.matrix.outgoing.amending import Amending
from actors.matrix.outgoing.drafts import Drafts
from actors.matrix.outgoing.files_out import FilesOut
from actors.matrix.outgoing.offers import Offers
from actors.matrix.outgoing.outcomes import Moot, Posted, PostRefused, Redaction, Said
from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.reactions import Reactions
from actors.matrix.outgoing.sent_files import SentFiles, forgotten
from actors.matrix.outgoing.texts import Events, Job, Texts
from actors.matrix.outgoing.turns import Desk
from actors.matrix.outgoing.whereabouts import Whereabouts
from actors.metrics import count_send
from actors.surfaces.leftovers import Leftovers
from protocols.changes import Change, FailedOutgoing, SentOutgoing
from protocols.ids import MATRIX, RemoteId, RoomId
from protocols.journal import OutboxRow
from protocols.mail import Address
from protocols.store import Commit, Conflict, Outgoing, OutgoingRooms, StoreMessage

log = structlog.get_logger("matrix.answers")

_NOTHING = PostRefused("there is nothing to show")
_FOLLOWED_FOR = 86_400.0
"""Seconds: into a room's replacement somebody may have to let us in."""


@define
class Answers:
    """The way from the outbox into the room."""

    store: Address[StoreMessage]
    post: Post
    whereabouts: Whereabouts
    reactions: Reactions
    drafts: Drafts
    leftovers: Leftovers
    _texts: Texts = field(init=False)
    _files: FilesOut = field(init=False)
    _sent_files: SentFiles = field(init=False)
    _offers: Offers = field(init=False)
    _amending: Amending = field(init=False)

    def __attrs_post_init__(self) -> None:
        in_thread = self.leftovers.in_thread
        self._texts = Texts(self.post)
        self._files = FilesOut(self.post, in_thread)
        self._sent_files = SentFiles(self.store)
        self._offers = Offers(self.store, self.post, self.whereabouts)
        self._amending = Amending(self.store, self.post, self._offers, in_thread)

    async def begin(self) -> tuple[RoomId, ...]:
        """The rooms in which an earlier life left something to do, the most urgent first."""
        await self.drafts.begin()
        waiting = await ask_until_answered(self.store, OutgoingRooms(MATRIX))
        return tuple(dict.fromkeys((*waiting, *await self._offers.begin())))

    async def deliver(self, room: RoomId, desk: Desk) -> None:
        """Send everything that waits for *room*."""
        desk.has_outgoing = False
        await self._offers.resume(room)
        while waiting := await ask_until_answered(self.store, Outgoing(room)):
            for row in waiting:
                said = await self._say(row, desk)
                if not await self._settle(row, desk, said):
                    return
                if isinstance(said, Said):
                    await self._offers.pay(row, said.event_id)
        desk.forget_over()

    async def _settle(self, row: OutboxRow, desk: Desk, said: Said | Moot | PostRefused) -> bool:
        """Write down what became of *row*; False if the journal does not take it."""
        done = row.row if row.is_final else None
        if done in desk.turns:
            desk.turns[done].end()
        if done is not None:
            # Before the row is settled: a kill after that would leave the sign for ever.
            await self.reactions.settle(row, desk, is_delivered=isinstance(said, Said))
        over = (*forgotten(row), *self.drafts.forgotten(done))
        outcome = await ask_until_answered(self.store, Commit((*_changes(row, said), *over)))
        if isinstance(outcome, Conflict):
            log.error("outcome.conflicted", outbox_id=row.id)
            return False
        count_send(MATRIX, is_sent=isinstance(said, Said))
        if done is not None:
            self.drafts.noted.pop(done, None)
        await self.leftovers.remove(row.files)
        return True

    async def _say(self, row: OutboxRow, desk: Desk) -> Said | Moot | PostRefused:
        """Say *row* where its room is; again where that goes on elsewhere meanwhile."""
        while True:
            room = self.whereabouts.places.find(row.room).room
            said = await self._say_at(room, row, desk)
            if not isinstance(said, PostRefused) or said == _NOTHING:
                return said
            left = row.created_at + _FOLLOWED_FOR - self.post.clock()
            if not await self.whereabouts.moves(row.room, room, within=left):
                return said

    async def _say_at(self, room: str, row: OutboxRow, desk: Desk) -> Said | Moot | PostRefused:
        if row.amends is not None:
            return await self._amending.amend(row, row.amends, room=room)
        return await self._say_in(room, row, desk)

    async def _say_in(self, room: str, row: OutboxRow, desk: Desk) -> Said | PostRefused:
        tie = await self.whereabouts.tie_to(row.room, row.row)
        job = Job(row, room, tie, await self._shown_id(row, room, desk))
        events = await self._texts.send(job)
        if isinstance(events, PostRefused):
            return events
        place = events[-1:]
        refused = await self._send_files(job, events)
        if refused is not None or not events:
            return refused or _NOTHING
        if job.shown_id is not None and not place:
            # The files alone are the answer.
            await self.post.deliver(room, f"{row.uid}-away", Redaction(job.shown_id))
        if not row.keyboard:
            return Said(events[0])
        # A press names the event that has the buttons.
        return Said(place[0], await self._offers.owed(row, place[0]))

    async def _send_files(self, job: Job, events: Events) -> PostRefused | None:
        """Send the files, adding to *events* what they became."""
        if not job.row.files:
            return None
        done = await self._sent_files.of(job.row)
        for number in range(len(done), len(job.row.files)):
            sent = await self._files.send(job, number, is_first=not (events or done))
            if isinstance(sent, PostRefused):
                return sent
            done.append(sent)
            await self._sent_files.keep(job.row, done)
        events += done
        return None

    async def _shown_id(self, row: OutboxRow, room: str, desk: Desk) -> RemoteId | None:
        """The event whose place the answer takes."""
        if not row.is_final or row.row is None:
            return None
        turn = desk.turns.get(row.row)
        shown_id = row.shown_id or self.drafts.noted.get(row.row)
        if turn is not None:
            if turn.is_unsure:
                # The same transaction again tells which event it became, or would have become.
                outcome = await self.post.deliver(room, turn.txn, turn.tie.first(turn.shown))
                turn.is_unsure = False
                turn.shown_id = outcome.event_id if isinstance(outcome, Posted) else None
            shown_id = turn.shown_id or shown_id
        is_here = shown_id is not None and await self.whereabouts.has(row.room, shown_id)
        return shown_id if is_here else None


def _changes(row: OutboxRow, said: Said | Moot | PostRefused) -> tuple[Change, ...]:
    match said:
        case Said(event_id, changes):
            log.info("answer.delivered", outbox_id=row.id, row=row.row)
            return SentOutgoing(row.id, event_id), *changes
        case Moot(reason):
            log.info("amends.dropped", outbox_id=row.id, reason=reason)
            return (FailedOutgoing(row.id, reason),)
        case PostRefused(reason):
            log.warning("answer.refused", outbox_id=row.id, row=row.row, reason=reason)
            return (FailedOutgoing(row.id, reason),)
        case _:
            assert_never(said)
