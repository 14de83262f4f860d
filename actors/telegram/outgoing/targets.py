"""Where a room is on Telegram: its chat and its topic, which both may change."""

from collections.abc import Iterable

from attrs import define, evolve, field, frozen

from actors.telegram.incoming.batch import MOVED_PREFIX
from protocols.ids import RemoteId, RoomId, RowId, native_id


@frozen
class Target:
    """One chat, or one topic in it."""

    chat: int
    thread: int | None = None

    def reply_to(self, message_id: int | None) -> int | None:
        """What a message about *message_id* replies to: in a group it says whom it answers."""
        return message_id if self.chat < 0 else None


def target_of(room: RoomId) -> Target | None:
    """``telegram/<chat id>`` or ``telegram/<chat id>/<topic id>``; None for anything else."""
    chat, slash, thread = native_id(room).partition("/")
    try:
        return Target(int(chat), int(thread) if slash else None)
    except ValueError:
        return None


def message_number(message: RemoteId | None) -> int | None:
    """Telegram's number of *message*; None for what is none."""
    return int(message) if message and message.isdecimal() and message.isascii() else None


@define
class Targets:
    """What is known of the chats.

    A blocked chat is closed for everything that was asked for up to the newest row that is known
    then: it opens again when the person writes, as that makes a newer row. A topic that was closed
    is tried again just so: somebody who can write there reads there.
    """

    _moved: dict[int, int] = field(factory=dict)
    _threadless: dict[RoomId, RowId] = field(factory=dict)
    _closed: dict[int, RowId] = field(factory=dict)
    _newest: RowId = RowId(0)

    def learn(self, keys: Iterable[tuple[str, str]]) -> None:
        """Take over what the reading half wrote down: groups that have another id now."""
        for key, value in keys:
            old = key.removeprefix(MOVED_PREFIX)
            if _is_number(old) and _is_number(value):
                self.moved(int(old), int(value))

    def find(self, room: RoomId) -> Target | None:
        """Where *room* is now."""
        target = target_of(room)
        if target is None:
            return None
        for _ in range(len(self._moved)):
            target = evolve(target, chat=self._moved.get(target.chat, target.chat))
        return evolve(target, thread=None) if room in self._threadless else target

    def moved(self, old: int, new: int) -> None:
        """Chat *old* goes on as *new*."""
        if old != new:
            self._moved[old] = new

    def lost_thread(self, room: RoomId) -> None:
        """The topic of *room* is gone: write into the chat, until somebody writes in the topic."""
        # Rows are numbered over all rooms: whatever is written from now on is newer.
        self._threadless[room] = self._newest

    def close(self, chat: int, newest: RowId) -> None:
        """Nothing more to *chat* for rows up to *newest*."""
        self._closed[chat] = max(newest, self._closed.get(chat, newest))

    def is_closed(self, room: RoomId, row: RowId | None) -> bool:
        """Whether nothing may go to *room* for *row*; a newer row opens the chat, and the topic."""
        self._see(room, row)
        target = self.find(room)
        if target is None or target.chat not in self._closed:
            return False
        if row is None or row <= self._closed[target.chat]:
            return True
        del self._closed[target.chat]
        return False

    def _see(self, room: RoomId, row: RowId | None) -> None:
        if row is None:
            return
        if row > self._threadless.get(room, row):
            del self._threadless[room]
        self._newest = max(self._newest, row)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal()
