"""What is done beside the chats: presses, files of people, topics, the menu, and tidying up."""

from typing import assert_never

import trio
from attrs import define

from actors.surfaces.fetching import FetchDesk
from actors.surfaces.leftovers import Leftovers
from actors.telegram.errands.files_in import FilesIn
from actors.telegram.errands.menu import Menus
from actors.telegram.errands.presses import Presses
from actors.telegram.errands.topics import Topics
from actors.telegram.outgoing.posting import Post
from actors.telegram.settings import TelegramSettings
from protocols.surfaces import AnswerPress, Deliver, FetchFile, OpenRoom, RoomMessage

Errand = AnswerPress | FetchFile | OpenRoom


@define
class Errands:
    """Each is done by itself, in *nursery*; nobody waits for another one."""

    nursery: trio.Nursery
    files: FetchDesk
    leftovers: Leftovers
    menus: Menus
    presses: Presses
    topics: Topics

    def begin(self) -> None:
        """Do what every start does."""
        for tidy in (self.files.tidy, self.leftovers.sweep, self.menus.put):
            self.nursery.start_soon(tidy)

    def take(self, errand: Errand) -> None:
        """Begin *errand*; never waits."""
        match errand:
            case AnswerPress():
                self.nursery.start_soon(self.presses.answer, errand)
            case FetchFile():
                self.files.take(errand)
            case OpenRoom():
                self.topics.take(errand)
            case _:
                assert_never(errand)

    def note(self, message: RoomMessage) -> None:
        """Whatever a room is told, its row's files go when the turn is over.

        An admin's chat is there when something is said in it, and with it a place for a menu.
        """
        if isinstance(message, Deliver) and message.row_done is not None:
            self.files.forget(message.row_done)
        admin = self.menus.newly_heard(message.room)
        if admin is not None:
            self.nursery.start_soon(self.menus.put_for, admin)


def errands(
    post: Post, nursery: trio.Nursery, *, settings: TelegramSettings, leftovers: Leftovers
) -> Errands:
    """All errands of one life."""
    store = post.store
    pace, folder, in_thread = settings.pace, leftovers.folder / "telegram", leftovers.in_thread
    source = FilesIn(post, pace.transfer_within, in_thread)
    return Errands(
        nursery,
        FetchDesk(store, source, nursery, folder, in_thread),
        leftovers,
        Menus(store, post, settings.admins),
        Presses(post, pace.press_lasts),
        Topics(store, post, nursery),
    )
