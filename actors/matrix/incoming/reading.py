"""What comes in: ``/sync`` and what it left out, into the journal together with its token."""

from functools import partial

import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.kernel.child import beat
from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.patience import insist
from actors.matrix.api.replies import Done, TokenRefused
from actors.matrix.api.status import Status
from actors.matrix.crypto.port import Vault
from actors.matrix.incoming.batch import Batch, Room
from actors.matrix.incoming.decode import decode
from actors.matrix.incoming.direct import Direct
from actors.matrix.incoming.gaps import Gaps, WholeRoom
from actors.matrix.incoming.invites import Invites
from actors.matrix.incoming.late import LateKeys
from actors.matrix.incoming.ledger import Ledger
from actors.matrix.incoming.listening import Listener
from actors.matrix.incoming.lookup import Lookup
from actors.matrix.incoming.mentions import Me
from actors.matrix.incoming.opening import is_sealed, opened
from actors.matrix.incoming.pages import Page, is_from_others
from actors.matrix.incoming.paging import LONG_POLL, Pages
from actors.matrix.incoming.receipts import Receipts
from actors.matrix.incoming.requests import fetch_profile
from actors.matrix.incoming.shapes import on_one_line
from actors.matrix.incoming.upgrades import Continues, Upgrades
from actors.matrix.outgoing.rooms import Rooms
from actors.matrix.outgoing.sending import Sender
from actors.matrix.places import Places
from actors.matrix.settings import MatrixSettings
from actors.metrics import ROUND_TRIPS
from actors.surfaces.shapes import Json
from protocols.chats import DirectoryMessage, RoomGone, RowsArrived
from protocols.ids import MATRIX
from protocols.mail import Address
from protocols.store import StoreMessage, WaitingRooms

_NOT_THERE = "we are not in the room"
_LONGEST_NAME = 256


@define
class Watch:
    """What follows the rooms through a whole life, whatever session it is in."""

    direct: Direct
    invites: Invites
    upgrades: Upgrades
    late: LateKeys
    receipts: Receipts

    async def run(self) -> None:
        """Do what the pages have asked for."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.invites.run)
            nursery.start_soon(self.upgrades.run)
            nursery.start_soon(self.late.run)
            nursery.start_soon(self.receipts.run)


@define
class Reader:
    """Follows what happens in our rooms, in one session."""

    server: Homeserver
    store: Address[StoreMessage]
    chats: Address[DirectoryMessage]
    settings: MatrixSettings
    status: Status
    rooms: Rooms
    sender: Sender
    vault: Vault
    places: Places
    watch: Watch
    me: str
    # An earlier life may have died between the journal and its hint.
    _owed: list[DirectoryMessage] = field(factory=lambda: [RowsArrived()])
    _names: set[str] = field(factory=set)
    _pages: Pages = field(init=False)
    _ledger: Ledger = field(init=False)
    _gaps: Gaps = field(init=False)
    _lookup: Lookup = field(init=False)
    _listener: Listener = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make the parts."""
        self._pages = Pages(self.server, self.status, self.rooms, self.me)
        self._ledger = Ledger(self.store, self.rooms, self.sender.drafts, self.me)
        self._gaps = Gaps(self.server, self.status, self.me)
        self._lookup = Lookup(self.server, self.store, self.vault, self.me)
        self._listener = Listener(
            self.store,
            self.places,
            self._lookup,
            self.settings.group_mode,
            self.settings.threads,
            self.watch.late.is_waiting,
        )

    async def follow(self) -> None:
        """Take page after page, until the server refuses the token."""
        if not await self._begin():
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.watch.run)
            since, wait = await self._ledger.since(), 0.0
            while (page := await self._pages.next(since, wait=wait)) is not None:
                if not await self._take(page, since, is_first=not wait):
                    break
                self.sender.open(self.me)
                since, wait = page.next_batch, LONG_POLL
            nursery.cancel_scope.cancel(reason="the session has ended")

    async def _begin(self) -> bool:
        """Know who we are and what earlier lives have left; False if our session has ended."""
        found = await insist(self.status, partial(fetch_profile, self.server, self.me))
        if isinstance(found, TokenRefused) or not await self.watch.direct.begin(self.me):
            return False
        if isinstance(found, Done):
            self._note_name(on_one_line(found.body.get("displayname"), longest=_LONGEST_NAME))
        await self.watch.late.begin()
        await self.watch.upgrades.begin()
        return True

    async def _take(self, page: Page, since: str, *, is_first: bool) -> bool:
        """Make *page* durable and tell who has to know; only then may the next one be asked for.

        Without *since* there is no end to go back to: what was said before is not answered.
        False, and nothing done, if our session has ended meanwhile.
        """
        await self._know(page)
        batch = await self._read(page, since, is_backlog=is_first or page.is_late)
        if batch is None:
            return False
        await self._ledger.note_drafts(batch.drafts)
        watch = self.watch
        changes = (*watch.invites.changes(page), *watch.upgrades.changes())
        extra = (*batch.extra, *watch.late.changes(batch), *changes)
        if is_first or extra or batch.arrivals or page.next_batch != since:
            await self._ledger.write(batch.arrivals, extra, page.next_batch)
        self._took(page, batch)
        await self._tell_of(page, has_rows=bool(batch.arrivals))
        return True

    async def _know(self, page: Page) -> None:
        """Take what *page* says of rooms and keys, before its events are read."""
        # First of all, and without waiting for anything: nothing goes there in the open any more.
        for joined in page.joined:
            if joined.is_encrypted:
                self.rooms.saw_encryption(joined.room)
        self.rooms.in_sight()
        if page.direct is not None:
            self.watch.direct.learn(page.direct)
        if page.is_fresh:
            # It does not say whose devices changed since the token that was forgotten.
            self.vault.lose_track()
        await self.vault.receive(page.raw)

    def _took(self, page: Page, batch: Batch) -> None:
        """*page* is durable."""
        watch = self.watch
        watch.upgrades.written()
        watch.upgrades.take_invites(page)
        watch.invites.take(page)
        watch.late.took(batch)
        for room, event_id in batch.read.items():
            watch.receipts.want(room, event_id)
        self.status.synced()
        beat()
        ROUND_TRIPS.labels(MATRIX).inc()

    async def _tell_of(self, page: Page, *, has_rows: bool) -> None:
        """Tell the directory; what its full mailbox does not take, with a later page."""
        if has_rows and RowsArrived() not in self._owed:
            self._owed.append(RowsArrived())
        for room in page.left:
            # Out of a room that goes on elsewhere, nothing is lost.
            if not self.watch.upgrades.is_over(room):
                self._owed.extend(await self._gone(room))
        while self._owed and self.chats.try_send(self._owed[0]):
            self._owed.pop(0)

    async def _gone(self, room: str) -> list[RoomGone]:
        """The room itself, and those of its threads that wait for an answer."""
        here = self.places.room_id(room)
        waiting = await ask_until_answered(self.store, WaitingRooms())
        threads = [other for other in waiting if other.startswith(f"{here}/")]
        return [RoomGone(gone, _NOT_THERE) for gone in (here, *threads)]

    # Events.

    async def _read(self, page: Page, since: str, *, is_backlog: bool) -> Batch | None:
        batch = Batch()
        self._lookup.begin()
        if not await self._read_late(batch):
            return None
        continued = await self._continued(page)
        if continued is None:
            return None
        for joined in page.joined:
            here = self.places.room_id(joined.room)
            known = await self._ledger.newest(here) if page.is_fresh else since
            if not known:
                continue
            if joined.is_limited:
                # Going back may take long, and meanwhile nobody follows what happens.
                self.rooms.lost_sight()
            continues = joined.room in continued
            whole = await self._gaps.close(joined, known, continues=continues)
            if whole is None or not await self._read_room(whole, batch, is_backlog=is_backlog):
                return None
        return batch

    async def _continued(self, page: Page) -> set[str] | None:
        """The rooms of *page* that go on where others ended; None if our session has ended.

        Seen before any event is read, as the rooms of a page come in no order.
        """
        continued = set()
        for joined in page.joined:
            seen = await self.watch.upgrades.see(joined)
            if isinstance(seen, TokenRefused):
                return None
            if isinstance(seen, Continues):
                continued.add(joined.room)
        return continued

    async def _read_late(self, batch: Batch) -> bool:
        """Add what waited for its key, before all that came after it."""
        for late in self.watch.late.readable():
            batch.opened.append(late.sealed.event_id)
            if late.event is None:
                continue
            is_direct = await self.watch.direct.is_direct(late.sealed.room)
            if is_direct is None:
                return False
            names = {late.event["sender"]: late.sealed.name} if late.sealed.name else {}
            room = Room(late.sealed.room, is_shared=not is_direct, names=names)
            await self._hear(late.event, room, batch, is_backlog=True)
        return True

    async def _read_room(self, whole: WholeRoom, batch: Batch, *, is_backlog: bool) -> bool:
        self._note_name(whole.names.get(self.me, ""))
        if not any(is_from_others(event, self.me) for event in whole.events):
            is_direct: bool | None = True  # nothing there depends on it
        else:
            is_direct = await self.watch.direct.is_direct(whole.room)
        if is_direct is None:
            return False
        room = Room(whole.room, is_shared=not is_direct, names=whole.names)
        for number, event in enumerate(whole.events):
            is_late = is_backlog or number < whole.backfilled
            if not is_sealed(event, self.me):
                await self._hear(event, room, batch, is_backlog=is_late)
            elif (inner := opened(self.vault, event, room, batch)) is not None:
                await self._hear(inner, room, batch, is_backlog=is_late)
        return True

    async def _hear(self, event: Json, room: Room, batch: Batch, *, is_backlog: bool) -> None:
        self._lookup.note(event)
        me = Me(self.me, frozenset(self._names))
        found = decode(event, me=me, names=room.names)
        if is_from_others(event, self.me) and isinstance(event.get("event_id"), str):
            batch.read[room.native] = event["event_id"]
        await self._listener.hear(found, room, batch, is_backlog=is_backlog)

    def _note_name(self, name: str) -> None:
        if name:
            self._names.add(name)
