"""What is done beside the chats: files of people, rooms for new chats, and tidying up."""

from typing import assert_never

import trio
from attrs import define

from actors.matrix.errands.files_in import FilesIn
from actors.matrix.errands.lines import Account, Line, OwnLimit
from actors.matrix.errands.making import Maker
from actors.matrix.errands.opening import Opening
from actors.matrix.errands.spaces import Direct, Spaces
from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.rooms import Open, Rooms
from actors.matrix.places import Places
from actors.surfaces.fetching import FetchDesk
from actors.surfaces.leftovers import Leftovers
from protocols.ids import MATRIX
from protocols.surfaces import Deliver, FetchFile, OpenRoom, RoomMessage

Errand = FetchFile | OpenRoom


@define
class Errands:
    """Each is done by itself; nobody waits for another one."""

    nursery: trio.Nursery
    account: Account
    files: FetchDesk
    opening: Opening

    def begin(self) -> None:
        """Do what every start does."""
        for tidy in (self.files.tidy, self.opening.spaces.resume):
            self.nursery.start_soon(tidy)

    def open(self, me: str) -> None:
        """Ask the homeserver from now on: we are logged in as *me*."""
        self.account.open(me)

    def take(self, errand: Errand) -> None:
        """Begin *errand*; never waits."""
        match errand:
            case FetchFile():
                self.files.take(errand)
            case OpenRoom():
                self.opening.take(errand)
            case _:
                assert_never(errand)

    def note(self, message: RoomMessage) -> None:
        """Whatever a room is told, its row's files go when the turn is over."""
        if isinstance(message, Deliver) and message.row_done is not None:
            self.files.forget(message.row_done)


def errands(
    post: Post, nursery: trio.Nursery, *, places: Places, direct: Direct, leftovers: Leftovers
) -> Errands:
    """All errands of one life."""
    account, server, status, store = Account(), post.server, post.status, post.store
    folder, in_thread = leftovers.folder / MATRIX, leftovers.in_thread

    async def is_encrypted(room: str) -> bool | None:
        return await _is_encrypted(post.rooms, room)

    # The server limits them apart; only what stands in a room counts as a message there.
    source = FilesIn(server, Line(account, OwnLimit(status)), in_thread)
    maker = Maker(server, store, Line(account, OwnLimit(status)))
    spaces = Spaces(maker, store, Line(account, post), direct)
    return Errands(
        nursery,
        account,
        FetchDesk(store, source, nursery, folder, in_thread),
        Opening(store, places, is_encrypted, maker, spaces, nursery),
    )


async def _is_encrypted(rooms: Rooms, room: str) -> bool | None:
    found = await rooms.check(room)
    if rooms.is_encrypted(room):
        return True
    return False if isinstance(found, Open) else None
