"""The Matrix surface's actor: in and out, because one account has one client and one limit."""

import time
from collections.abc import Callable

import trio
from attrs import define, field

from actors.kernel.aio import open_asyncio
from actors.kernel.asking import ask_until_answered
from actors.kernel.child import ParkedError, ready
from actors.kernel.mailbox import Mailbox
from actors.matrix.api.client import MatrixClient
from actors.matrix.api.homeserver import Homeserver, Session
from actors.matrix.api.login import Door, LoginRefused
from actors.matrix.api.status import Status
from actors.matrix.crypto.cross_signing import CrossSigning
from actors.matrix.crypto.port import Vault
from actors.matrix.crypto.vault import OlmVault
from actors.matrix.errands.errands import Errands, errands
from actors.matrix.incoming.direct import Direct
from actors.matrix.incoming.invites import Invites
from actors.matrix.incoming.late import LateKeys
from actors.matrix.incoming.reading import Reader, Watch
from actors.matrix.incoming.receipts import Receipts
from actors.matrix.incoming.upgrades import Upgrades
from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.rooms import Rooms
from actors.matrix.outgoing.sending import Sender
from actors.matrix.places import MOVED_PREFIX, Places
from actors.matrix.settings import MatrixSettings
from actors.surfaces.disk import InThread
from actors.surfaces.leftovers import Leftovers
from protocols.chats import DirectoryMessage
from protocols.mail import Address
from protocols.store import FindKeys, StoreMessage
from protocols.surfaces import AnswerPress, FetchFile, OpenRoom, SurfaceMessage

_CLOSE_WITHIN = 3.0


def olm_vault(server: Homeserver, settings: MatrixSettings, status: Status) -> Vault:
    """The keys of the account, with its device signed by the account's identity."""
    vault = OlmVault(server, status, settings.store_path / "crypto")
    vault.announce = CrossSigning(server, settings, status, vault.signed).ensure
    return vault


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
    vault_for: Callable[[Homeserver, MatrixSettings, Status], Vault] = olm_vault
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
        moved = await ask_until_answered(self.store, FindKeys(MOVED_PREFIX))
        async with trio.open_nursery() as beside:
            surface = _Surface.over(server, self, beside)
            surface.places.learn(moved)
            surface.errands.begin()
            try:
                refused = await self._serve(surface)
            finally:
                surface.vault.close()
                beside.cancel_scope.cancel(reason="the surface is stopped")
        return refused

    async def _serve(self, surface: "_Surface") -> LoginRefused | None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(surface.read, nursery.cancel_scope)
            nursery.start_soon(surface.open_errands)
            drained = trio.Event()
            nursery.start_soon(surface.send, drained)
            ready()
            async for message in self.inbox:
                surface.take(message)
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
    vault: Vault
    places: Places
    rooms: Rooms
    direct: Direct
    errands: Errands
    sender: Sender
    door: Door
    watch: Watch = field(init=False)
    reading: trio.CancelScope = field(factory=trio.CancelScope)
    refused: LoginRefused | None = None

    @classmethod
    def over(cls, server: Homeserver, actor: MatrixSyncer, beside: trio.Nursery) -> "_Surface":
        store, settings, status = actor.store, actor.settings, Status()
        vault, places = actor.vault_for(server, settings, status), Places()
        rooms = Rooms(server, status, vault)
        post = Post(server, rooms, status, store, actor.clock)
        folder = settings.files_path.absolute()
        leftovers = Leftovers(store, folder, actor.clock, actor.in_thread)
        direct = Direct(server, status, places)
        return cls(
            server=server,
            actor=actor,
            status=status,
            vault=vault,
            places=places,
            rooms=rooms,
            direct=direct,
            errands=errands(post, beside, places=places, direct=direct, leftovers=leftovers),
            sender=Sender(server, store, post, settings, places, leftovers),
            door=Door(server, settings, status),
        )

    def __attrs_post_init__(self) -> None:
        """Make what watches the rooms."""
        server, actor, settings = self.server, self.actor, self.actor.settings
        self.watch = Watch(
            direct=self.direct,
            invites=Invites(server, actor.store, actor.chats, self.rooms, self.direct),
            upgrades=Upgrades(server, actor.store, self.status, self.places),
            late=LateKeys(
                store=actor.store,
                vault=self.vault,
                status=self.status,
                places=self.places,
                threads=settings.threads,
                wait=settings.pace.key_within,
                deliver=self.sender.take,
                clock=actor.clock,
            ),
            receipts=Receipts(server),
        )

    def take(self, message: SurfaceMessage) -> None:
        """Pass *message* on to who does it; never waits."""
        match message:
            case FetchFile() | OpenRoom():
                self.errands.take(message)
            case AnswerPress():
                self.sender.take(message)
            case _:
                self.errands.note(message)
                self.sender.take(message)

    async def open_errands(self) -> None:
        """The errands ask the homeserver when the chats may."""
        if me := await self.sender.opened():
            self.errands.open(me)

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
            refused = await self.vault.open(session)
            if refused is not None:
                return refused
            await self._follow(session)
        return LoginRefused("the homeserver ended the session twice: see the account's devices")

    async def _follow(self, session: Session) -> None:
        """Read until the server refuses the token."""
        reader = Reader(
            server=self.server,
            store=self.actor.store,
            chats=self.actor.chats,
            settings=self.actor.settings,
            status=self.status,
            rooms=self.rooms,
            sender=self.sender,
            vault=self.vault,
            places=self.places,
            watch=self.watch,
            me=session.user_id,
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.vault.run)
            await reader.follow()
            nursery.cancel_scope.cancel(reason="the session has ended")
