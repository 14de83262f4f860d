"""Invitations: accepted from people who may bring us into a room, kept until they may."""

import json
from typing import assert_never

import structlog
import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.replies import Done, Limited, Refused, TokenRefused, Unreachable
from actors.matrix.incoming.direct import Direct
from actors.matrix.incoming.pages import Invite, Page
from actors.matrix.outgoing.rooms import Rooms
from actors.matrix.places import person_id
from protocols.changes import Change, DeleteKey, PutKey
from protocols.chats import DirectoryMessage, MayJoin
from protocols.mail import Address, NoAnswerError
from protocols.store import Commit, FindKeys, StoreMessage

log = structlog.get_logger("matrix.invites")

_PREFIX = "matrix_invite:"
_ASK_AGAIN_AFTER = 10.0
"""Seconds: somebody may have been let in meanwhile, and nobody tells us."""

_KEYS_WITHIN = 30.0
"""Seconds that our keys may take to be on the server: what is said before cannot be read."""

_MOST_PENDING = 1000
"""Anybody can ask us in, as often as they like."""


@define
class Invites:
    """The invitations that wait; the journal remembers them, the server says each only once."""

    server: Homeserver
    store: Address[StoreMessage]
    chats: Address[DirectoryMessage]
    rooms: Rooms
    direct: Direct
    _pending: dict[str, Invite] = field(factory=dict)
    _is_loaded: bool = False
    _told: set[Invite] = field(factory=set)
    _changed: trio.Event = field(factory=trio.Event)

    def changes(self, page: Page) -> tuple[Change, ...]:
        """What to remember of *page*, in the same transaction as its token."""
        after = self._after(page)
        new = (invite for invite in page.invites if after.get(invite.room) is invite)
        # Until it is known what earlier lives have noted, all that is over may be among that.
        over = (self._pending.keys() | (set() if self._is_loaded else _over(page))) - after.keys()
        return (
            *(PutKey(_PREFIX + invite.room, _written(invite)) for invite in new),
            *(DeleteKey(_PREFIX + room) for room in sorted(over)),
        )

    def take(self, page: Page) -> None:
        """See to the invitations of *page*, which are durable by now."""
        self._pending = self._after(page)
        if page.invites:
            self._changed.set()

    def _after(self, page: Page) -> dict[str, Invite]:
        """What is pending after *page*: of too many the newest."""
        over = _over(page)
        pending = {room: invite for room, invite in self._pending.items() if room not in over}
        for invite in page.invites:
            pending.pop(invite.room, None)
            pending[invite.room] = invite
        return dict([*pending.items()][-_MOST_PENDING:])

    async def run(self) -> None:
        """Answer invitations, now and whenever their people may have been let in."""
        for key, text in await ask_until_answered(self.store, FindKeys(_PREFIX)):
            room = key.removeprefix(_PREFIX)
            self._pending.setdefault(room, _read(room, text))
        self._is_loaded = True
        with trio.move_on_after(_KEYS_WITHIN):
            await self.rooms.vault.announced()
        while True:
            self._changed = trio.Event()
            for invite in tuple(self._pending.values()):
                await self._consider(invite)
            self._told &= {*self._pending.values()}
            with trio.move_on_after(_ASK_AGAIN_AFTER if self._pending else float("inf")):
                await self._changed.wait()

    async def _consider(self, invite: Invite) -> None:
        if not await self._may_join(invite):
            if invite not in self._told:
                log.info("invite.left_pending", room=invite.room, inviter=invite.inviter)
                self._told.add(invite)
            return
        if await self._is_settled(invite) and self._pending.get(invite.room) in (invite, None):
            self._pending.pop(invite.room, None)
            await ask_until_answered(self.store, Commit((DeleteKey(_PREFIX + invite.room),)))

    async def _may_join(self, invite: Invite) -> bool:
        try:
            return await self.chats.ask(MayJoin(person_id(invite.inviter)))
        except NoAnswerError:
            return False

    async def _is_settled(self, invite: Invite) -> bool:
        """Join; False if that has to be tried again.

        Tried once in a round: a join that waits for another server must not keep the rest waiting.
        """
        room = invite.room
        if invite.is_encrypted:
            self.rooms.saw_encryption(room)
        # Before we are in: what is said there first is read as in a direct chat.
        if invite.is_direct and not await self.direct.add(invite.inviter, room):
            return False
        reply = await self.server.join(room)
        match reply:
            case Limited(wait):
                # It holds for all that we could join.
                self.rooms.status.limited(wait)
                await trio.sleep(wait)
                return False
            case Done():
                log.info("invite.settled", room=room, is_encrypted=invite.is_encrypted)
                return True
            case Refused(status, errcode):
                log.warning("invite.refused", room=room, status=status, errcode=errcode)
                return True
            case Unreachable() | TokenRefused():
                return False
            case _:
                assert_never(reply)


def _over(page: Page) -> set[str]:
    """The rooms that nobody has to invite us into any more."""
    return {*page.left, *(joined.room for joined in page.joined)}


def _written(invite: Invite) -> str:
    return json.dumps(
        {
            "inviter": invite.inviter,
            "is_encrypted": invite.is_encrypted,
            "is_direct": invite.is_direct,
        }
    )


def _read(room: str, text: str) -> Invite:
    found = json.loads(text)
    is_direct = found.get("is_direct") is True  # an earlier version did not keep it
    return Invite(room, found["inviter"], is_encrypted=found["is_encrypted"], is_direct=is_direct)
