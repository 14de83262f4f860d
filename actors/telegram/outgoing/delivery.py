"""Delivers outbox rows, each in order: its text, then its files.

How a piece of text comes to stand there once says ``placing``, a file ``files_out``.
"""

from typing import assert_never

import structlog
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.metrics import count_send
from actors.surfaces.leftovers import Leftovers
from actors.telegram.api.outcomes import Forbidden, Refused
from actors.telegram.outgoing.amending import Amending
from actors.telegram.outgoing.contents import contents
from actors.telegram.outgoing.files_out import FilesOut
from actors.telegram.outgoing.placing import Job, Moot, Placing, Unfit, is_answer
from actors.telegram.outgoing.posting import Post
from actors.telegram.outgoing.progress import Ledger, Progress
from actors.telegram.outgoing.reactions import Reactions
from actors.telegram.outgoing.targets import message_number
from actors.telegram.outgoing.turns import Desk
from actors.telegram.settings import Streaming, TelegramSettings
from protocols.changes import FailedOutgoing, SentOutgoing
from protocols.ids import TELEGRAM, RemoteId, RoomId, RowId
from protocols.journal import OutboxRow, Voice
from protocols.mail import Address
from protocols.store import Commit, Outgoing, StoreMessage

log = structlog.get_logger("telegram.delivery")


@define
class Delivery:
    """The way from the outbox into the chats."""

    store: Address[StoreMessage]
    post: Post
    settings: TelegramSettings
    reactions: Reactions
    leftovers: Leftovers
    _ledger: Ledger = field(init=False)
    _placing: Placing = field(init=False)
    _amending: Amending = field(init=False)
    _files: FilesOut = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._ledger = Ledger(self.store)
        self._placing = Placing(self.post, self._ledger)
        self._amending = Amending(self.store, self.post, self.leftovers.in_thread)
        self._files = FilesOut(self.post, self._ledger, self.settings.pace.transfer_within)

    async def remember(self) -> None:
        """Go on where an earlier life was."""
        await self._ledger.remember()

    async def deliver(self, room: RoomId, desk: Desk) -> None:
        """Send everything that waits for *room*."""
        is_last = False
        while not is_last:
            desk.has_outgoing, page = False, Outgoing(room)
            waiting = await ask_until_answered(self.store, page)
            for row in waiting:
                await self._settle(await self._send(row, desk), row, desk)
            # What came meanwhile is hinted at again.
            is_last = len(waiting) < page.limit
        if not desk.has_outgoing:  # else the answer of a turn that is over may come only now
            desk.forget_over()

    async def _settle(
        self, change: SentOutgoing | FailedOutgoing, row: OutboxRow, desk: Desk
    ) -> None:
        if is_answer(row):
            turn = desk.turns.get(row.row or RowId(0))
            is_delivered = isinstance(change, SentOutgoing)
            await self.reactions.settle(row, turn, is_delivered=is_delivered)
        await ask_until_answered(self.store, Commit((change, *self._ledger.forgotten(row))))
        count_send(TELEGRAM, is_sent=isinstance(change, SentOutgoing))
        await self.leftovers.remove(row.files)

    async def _send(self, row: OutboxRow, desk: Desk) -> SentOutgoing | FailedOutgoing:
        if self.post.targets.is_closed(row.room, row.row):
            return FailedOutgoing(row.id, "the chat is closed to the bot")
        outcome = await self._say(row, desk)
        if is_answer(row) and row.row in desk.turns:
            desk.turns[row.row].end()
        if isinstance(outcome, int):
            log.info("answer.delivered", outbox_id=row.id, row=row.row)
            self.post.tally.count("delivered")
            return SentOutgoing(row.id, RemoteId(str(outcome)))
        if isinstance(outcome, Forbidden):
            self.post.close(row.room, max(desk.newest_row, row.row or RowId(0)))
        return self._failed(row, outcome)

    def _failed(self, row: OutboxRow, why: Forbidden | Refused | Moot | Unfit) -> FailedOutgoing:
        if isinstance(why, Moot):
            log.info("amends.dropped", outbox_id=row.id, reason=why.reason)
            return FailedOutgoing(row.id, why.reason)
        reason = _words(why)
        log.warning("answer.refused", outbox_id=row.id, row=row.row, reason=reason)
        self.post.tally.count("refused")
        return FailedOutgoing(row.id, reason)

    async def _say(self, row: OutboxRow, desk: Desk) -> int | Forbidden | Refused | Moot | Unfit:
        """The id of the message with its buttons, else of its first one."""
        if row.amends is not None:
            return await self._amending.amend(row, row.amends)
        # The largest answer with much formatting takes a second and more.
        found = await self.leftovers.in_thread(contents, row)
        job = self._job(row, desk, is_short=len(found) <= 1)
        progress = self._ledger.find(row) or Progress(place=job.shown_id)
        if not found and not row.files:
            return Unfit("there is nothing to show")
        for piece in found[progress.done :]:
            message_id = await self._placing.put(job, piece, progress)
            if not isinstance(message_id, int):
                return message_id
            progress = progress.with_piece(message_id)
            # An edit may be repeated; else a kill while a sign is changed would say it again.
            is_sent = is_answer(row) and (progress.done > 1 or not job.is_placed)
            if progress.done < len(found) or row.files or is_sent:
                await self._ledger.keep(row, progress)
        return await self._send_files(job, progress) if row.files else _known_by(row, progress)

    async def _send_files(self, job: Job, progress: Progress) -> int | Forbidden | Refused | Unfit:
        while progress.files < len(job.row.files):
            outcome = await self._files.send_next(job, progress)
            if not isinstance(outcome, Progress):
                return outcome
            progress = outcome
            await self._ledger.keep(job.row, progress)
        if not progress.done:
            await self._files.take_away(job)
        return _known_by(job.row, progress) or Unfit("nobody knows whether anything of it is there")

    def _job(self, row: OutboxRow, desk: Desk, *, is_short: bool) -> Job:
        target = self.post.targets.find(row.room)
        if target is None:
            return Job(row)
        streaming, shown_id = self.settings.streaming.in_chat(target.chat), _shown_id(row, desk)
        is_unseen = shown_id is None and row.row not in desk.turns
        # What a command answers is there at once: a place for it would be seen to flicker.
        is_at_once = row.voice is Voice.GATEWAY and is_short and is_unseen
        return Job(
            row,
            shown_id=shown_id,
            reply_to=target.reply_to(message_number(row.reply_to_id)),
            is_placed=streaming is Streaming.EDIT and not is_at_once,
        )


def _known_by(row: OutboxRow, progress: Progress) -> int:
    """The message by which *row* is known: what a press changes is the one with the buttons."""
    return progress.last_id if row.keyboard and progress.last_id else progress.first_id


def _shown_id(row: OutboxRow, desk: Desk) -> int | None:
    """The message whose place the answer takes."""
    if not is_answer(row) or row.row is None:
        return None
    turn = desk.turns.get(row.row)
    shown_id = row.shown_id if turn is None else turn.shown_id or row.shown_id
    return message_number(shown_id)


def _words(why: Forbidden | Refused | Unfit) -> str:
    match why:
        case Forbidden(reason):
            return f"the chat is closed to the bot: {reason}"
        case Refused(reason=reason):
            return f"Telegram refused: {reason}"
        case Unfit(reason):
            return reason
        case _:
            assert_never(why)
