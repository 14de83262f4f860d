"""What comes in: ``/sync`` and what it left out, into the journal together with its token."""

from http import HTTPStatus
from typing import assert_never

import structlog
import trio
from attrs import define, evolve, field

from actors.kernel.asking import ask_until_answered
from actors.matrix.api.client import Done, Homeserver, Limited, Refused, TokenRefused, Unreachable
from actors.matrix.api.patience import pause
from actors.matrix.api.status import Status
from actors.matrix.incoming.decode import (
    OwnDraft,
    Page,
    Unreadable,
    decode,
    draft_txn,
    read_page,
    room_id,
)
from actors.matrix.incoming.gaps import Gaps, WholeRoom
from actors.matrix.incoming.invites import Invites
from actors.matrix.outgoing.rooms import NO_ENCRYPTION, Rooms
from actors.matrix.outgoing.sending import SURFACE, Sender
from protocols.chats import DirectoryMessage, RoomGone, RowsArrived
from protocols.ids import RemoteId
from protocols.mail import Address, NoAnswerError
from protocols.store import (
    AddDeadLetter,
    Arrival,
    Change,
    Commit,
    Cursor,
    FindRow,
    Journal,
    ReadCursor,
    RecentRows,
    Row,
    ShowRow,
    StoreMessage,
)

log = structlog.get_logger("matrix.reading")

LONG_POLL = 30.0
_DOUBTS = 2
"""How often a server may say that it does not know our token before we believe it."""


@define
class _Batch:
    """What one page means."""

    arrivals: list[Arrival] = field(factory=list)
    extra: list[Change] = field(factory=list)
    drafts: list[OwnDraft] = field(factory=list)

    def add(self, whole: WholeRoom, me: str, *, is_backlog: bool) -> None:
        """Add a room's events, in order; of many pictures in a row the first stands for all."""
        before = None
        for number, event in enumerate(whole.events):
            is_late = is_backlog or number < whole.backfilled
            found = decode(event, room=whole.room, me=me, names=whole.names, is_backlog=is_late)
            match found:
                case Arrival(sender=sender, text="") if before == sender:
                    pass
                case Arrival(sender=sender, text=text) as arrival:
                    self.arrivals.append(arrival)
                    before = "" if text else sender
                case OwnDraft() as draft:
                    self.drafts.append(draft)
                case Unreadable(reason, body):
                    self.extra.append(AddDeadLetter("matrix", "matrix event", reason, body))
                case None:
                    pass
                case _:
                    assert_never(found)


@define
class Reader:
    """Follows what happens in our rooms."""

    server: Homeserver
    store: Address[StoreMessage]
    chats: Address[DirectoryMessage]
    status: Status
    rooms: Rooms
    invites: Invites
    sender: Sender
    me: str
    _owed: list[DirectoryMessage] = field(factory=list)

    async def next_page(self, since: str, *, wait: float) -> Page | None:
        """What is new since *since*, however long it takes; None if our session has ended.

        A server that says again and again that it does not know *since* is asked for all there is.
        """
        streak, is_late, is_fresh = 0, False, False
        while True:
            reply = await self.server.sync(since, wait=wait)
            page = read_page(reply.body, self.me) if isinstance(reply, Done) else None
            if page is not None:
                return evolve(page, is_late=is_late, is_fresh=is_fresh)
            self.rooms.lost_sight()
            # At once: Synapse answers the same long poll again with what it had found before.
            is_late, wait = True, 0.0
            match reply:
                case TokenRefused():
                    return None
                case Limited(silence):
                    self.status.limited(silence)
                    await trio.sleep(silence)
                case Refused(HTTPStatus.BAD_REQUEST) if since and streak >= _DOUBTS:
                    log.warning("cursor.refused", errcode=reply.errcode)
                    since, is_fresh = "", True
                case _:
                    streak += 1
                    await pause(self.status, _trouble(reply), streak)

    async def since(self) -> str:
        """The token up to which everything is in the journal; empty for a new account."""
        cursor = await ask_until_answered(self.store, ReadCursor(self._cursor_name))
        return cursor.value if cursor is not None else ""

    async def take(self, page: Page, since: str, *, is_first: bool) -> bool:
        """Make *page* durable and tell who has to know; only then may the next one be asked for.

        Without *since* there is no end to go back to: what was said before is not answered.
        False, and nothing done, if our session has ended meanwhile.
        """
        for joined in page.joined:
            if joined.is_encrypted:
                self.rooms.saw_encryption(joined.room)
        self.rooms.in_sight()
        batch = await self._read(page, since, is_backlog=is_first or page.is_late)
        if batch is None:
            return False
        await self._note_drafts(batch.drafts)
        extra = (*batch.extra, *self.invites.changes(page))
        if is_first or extra or batch.arrivals or page.next_batch != since:
            await self._journal(batch.arrivals, extra, page.next_batch)
        self.invites.take(page)
        self.status.synced()
        self._tell_of(page, has_rows=bool(batch.arrivals) or is_first)
        return True

    def _tell_of(self, page: Page, *, has_rows: bool) -> None:
        """Tell the directory; what its full mailbox does not take, with a later page."""
        if has_rows and RowsArrived() not in self._owed:
            self._owed.append(RowsArrived())
        for room in page.left:
            reason = NO_ENCRYPTION if self.rooms.is_encrypted(room) else "we are not in the room"
            self._owed.append(RoomGone(room_id(room), reason))
        while self._owed and self.chats.try_send(self._owed[0]):
            self._owed.pop(0)

    async def refuse_encrypted(self, page: Page) -> None:
        """Leave the rooms of *page* that turned out to be encrypted."""
        for joined in page.joined:
            if joined.is_encrypted:
                await self.rooms.refuse(joined.room)

    @property
    def _cursor_name(self) -> str:
        return f"matrix:{self.me}"

    async def _read(self, page: Page, since: str, *, is_backlog: bool) -> _Batch | None:
        batch = _Batch()
        gaps = Gaps(self.server, self.status, self.me)
        for joined in page.joined:
            known = await self._newest(joined.room) if page.is_fresh else since
            if not known or self.rooms.is_encrypted(joined.room):
                continue
            if joined.is_limited:
                # Going back may take long, and meanwhile nobody follows what happens.
                self.rooms.lost_sight()
            whole = await gaps.close(joined, known)
            if whole is None:
                return None
            batch.add(whole, self.me, is_backlog=is_backlog)
        return batch

    async def _newest(self, room: str) -> Row | None:
        """The newest row of *room*, else of all rooms: what came later, no token has passed."""
        rows = await ask_until_answered(self.store, RecentRows(1, room_id(room)))
        rows = rows or await ask_until_answered(self.store, RecentRows(1))
        return rows[0] if rows else None

    async def _note_drafts(self, drafts: list[OwnDraft]) -> None:
        """Remember our drafts before the token passes them, in case we were killed after sending.

        What the sender itself has remembered by then is found to be so.
        """
        for draft in drafts:
            row = await ask_until_answered(self.store, FindRow(draft.row))
            if row is None or row.shown_id is not None:
                continue
            if draft_txn(row.id, row.run_id) == draft.txn:
                self.sender.answers.found_drafts[row.id] = RemoteId(draft.event_id)
                # A finished row takes no more; what we remember here is for its answer.
                await ask_until_answered(
                    self.store, Commit((ShowRow(row.id, RemoteId(draft.event_id)),))
                )

    async def _journal(
        self, arrivals: list[Arrival], extra: tuple[Change, ...], token: str
    ) -> None:
        cursor = Cursor(self._cursor_name, token)
        question = Journal(SURFACE, tuple(arrivals), cursor, extra)
        while True:
            try:
                await self.store.ask(evolve(question))
            except NoAnswerError:
                self.rooms.lost_sight()
                # It may be durable all the same, and its extra changes must not come twice.
                if await ask_until_answered(self.store, ReadCursor(cursor.name)) == cursor:
                    return
            else:
                log.debug("batch.journaled", arrivals=len(arrivals), changes=len(extra))
                return


def _trouble(reply: Done | Unreachable | Refused) -> str:
    match reply:
        case Done():
            return "an answer that is no sync"
        case Unreachable(reason):
            return reason
        case Refused(status, errcode):
            return f"{status} {errcode}"
        case _:
            assert_never(reply)
