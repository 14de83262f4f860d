"""The Matrix surface's actor: in and out, because one account has one client and one limit."""

import time
from collections.abc import Callable

import trio
from attrs import define

from actors.disk import InThread
from actors.kernel.aio import open_asyncio
from actors.kernel.asking import ask_until_answered
from actors.kernel.child import ParkedError, ready
from actors.kernel.mailbox import Mailbox
from actors.leftovers import Leftovers
from actors.matrix.api.client import Homeserver, MatrixClient, Session
from actors.matrix.api.login import Door, LoginRefused
from actors.matrix.api.status import Status
from actors.matrix.crypto.keyless import Keyless
from actors.matrix.crypto.port import Vault
from actors.matrix.incoming.invites import Invites
from actors.matrix.incoming.reading import LONG_POLL, Reader
from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.rooms import Rooms
from actors.matrix.outgoing.sending import Sender
from actors.matrix.places import MOVED_PREFIX, Places
from actors.matrix.settings import MatrixSettings
from protocols.chats import DirectoryMessage
from protocols.mail import Address
from protocols.store import FindKeys, StoreMessage
from protocols.surfaces import SurfaceMessage

_CLOSE_WITHIN = 3.0


@define
class MatrixSyncer:
    """One Matrix account: reads its rooms into the journal, and says what the outbox holds.

    The inbox is read all the time, whatever the server does, so that nobody waits for us.

    Args:
        clock: Seconds since the epoch.
        in_thread: Does what blocks.
    """

    inbox: Mailbox[SurfaceMessage]
    store: Address[StoreMessage]
    chats: Address[DirectoryMessage]
    settings: MatrixSettings
    connect: Callable[[str], Homeserver] = MatrixClient
    vault_for: Callable[[Homeserver, MatrixSettings, Status], Vault] = Keyless
    clock: Callable[[], float] = time.time
    in_thread: InThread = trio.to_thread.run_sync

    async def run(self) -> None:
        """Work until the inbox is closed, then deliver what is pending."""
        async with open_asyncio("matrix"):
            server = self.connect(self.settings.homeserver)
            try:
                refused = await self._live(server)
            finally:
                with trio.move_on_after(_CLOSE_WITHIN, shield=True):
                    await server.close()
        if refused is not None:
            raise ParkedError(refused.reason)

    async def _live(self, server: Homeserver) -> LoginRefused | None:
        surface = _Surface.over(server, self)
        moved = await ask_until_answered(self.store, FindKeys(MOVED_PREFIX))
        surface.places.learn(moved)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(surface.read, nursery.cancel_scope)
            drained = trio.Event()
            nursery.start_soon(surface.send, drained)
            ready()
            async for message in self.inbox:
                surface.sender.take(message)
            surface.reading.cancel()
            surface.sender.close()
            with trio.move_on_after(self.settings.pace.drain):
                await drained.wait()
            nursery.cancel_scope.cancel(reason="the surface is stopped")
        return surface.refused


@define
class _Surface:
    """The parts of one life."""

    server: Homeserver
    actor: MatrixSyncer
    status: Status
    rooms: Rooms
    places: Places
    sender: Sender
    invites: Invites
    door: Door
    reading: trio.CancelScope
    refused: LoginRefused | None = None

    @classmethod
    def over(cls, server: Homeserver, actor: MatrixSyncer) -> "_Surface":
        store, settings, status = actor.store, actor.settings, Status()
        rooms = Rooms(server, status, actor.vault_for(server, settings, status))
        post, places = Post(server, rooms, status, store, actor.clock), Places()
        folder = settings.files_path.absolute()
        leftovers = Leftovers(store, folder, actor.clock, actor.in_thread)
        return cls(
            server=server,
            actor=actor,
            status=status,
            rooms=rooms,
            places=places,
            sender=Sender(server, store, post, settings, places, leftovers),
            invites=Invites(server, store, actor.chats, rooms),
            door=Door(server, settings, status),
            reading=trio.CancelScope(),
        )

    async def send(self, drained: trio.Event) -> None:
        await self.sender.run()
        drained.set()

    async def read(self, life: trio.CancelScope) -> None:
        """Log in and follow the rooms; a session that has ended is renewed once."""
        with self.reading:
            self.refused = await self._read_until_refused()
            life.cancel(reason="the surface is parked")

    async def _read_until_refused(self) -> LoginRefused:
        for enter in (self.door.enter, self.door.enter_again):
            session = await enter()
            if isinstance(session, LoginRefused):
                return session
            await self._follow(session)
        return LoginRefused("the homeserver ended the session twice: see the account's devices")

    async def _follow(self, session: Session) -> None:
        """Take page after page, until the server refuses the token."""
        reader = Reader(
            server=self.server,
            store=self.actor.store,
            chats=self.actor.chats,
            status=self.status,
            rooms=self.rooms,
            invites=self.invites,
            sender=self.sender,
            me=session.user_id,
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.invites.run)
            since, wait = await reader.since(), 0.0
            while (page := await reader.next_page(since, wait=wait)) is not None:
                if not await reader.take(page, since, is_first=not wait):
                    break
                nursery.start_soon(reader.refuse_encrypted, page)
                self.sender.open(session.user_id)
                since, wait = page.next_batch, LONG_POLL
            nursery.cancel_scope.cancel(reason="the session has ended")
