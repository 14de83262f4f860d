"""How far each outgoing message has come, in memory and in the journal."""

import json

from attrs import define, field, frozen

from actors.kernel.asking import ask_until_answered
from protocols.changes import DeleteKey, PutKey
from protocols.journal import OutboxRow
from protocols.mail import Address
from protocols.store import Commit, FindKeys, StoreMessage

PART_PREFIX = "telegram_part:"
"""The keys that say how much of an outgoing message stands in its chat, by the message's uid."""


@frozen
class Progress:
    """How far one outgoing message has come.

    Args:
        done: So many pieces of its text stand in the chat.
        first_id: The first message of it; 0 before there is one.
        place: The message that is there for the next piece of text.
        files: So many of its files are dealt with.
        tries: So often the next piece, or file, was sent without our knowing what became of it.
        last_id: The newest message of its text, in the end the one with its buttons; 0 before it.
    """

    done: int = 0
    first_id: int = 0
    place: int | None = None
    files: int = 0
    tries: int = 0
    last_id: int = 0

    def with_piece(self, message_id: int) -> "Progress":
        """One more piece of text stands there, as *message_id*."""
        return Progress(
            self.done + 1, self.first_id or message_id, files=self.files, last_id=message_id
        )

    def with_files(self, number: int, message_id: int) -> "Progress":
        """So many more files are dealt with; *message_id* says so."""
        files = self.files + number
        return Progress(self.done, self.first_id or message_id, files=files, last_id=self.last_id)

    def text(self) -> str:
        """The JSON that remembers it."""
        return json.dumps(
            [self.done, self.first_id, self.place, self.files, self.tries, self.last_id]
        )

    @classmethod
    def of(cls, text: str) -> "Progress":
        """What *text* remembers; earlier versions wrote down less."""
        match json.loads(text):
            case [int(done), int(first_id), int() | None as place]:
                return cls(done, first_id, place)
            case [int(done), int(first_id), int() | None as place, int(files), int(tries)]:
                return cls(done, first_id, place, files, tries)
            case [
                int(done), int(first_id), int() | None as place,
                int(files), int(tries), int(last_id),
            ]:  # fmt: skip
                return cls(done, first_id, place, files, tries, last_id)
            case _:
                return cls()


@define
class Ledger:
    """The progress of all outgoing messages that are under way."""

    store: Address[StoreMessage]
    _parts: dict[str, Progress] = field(factory=dict)

    async def remember(self) -> None:
        """Go on where an earlier life was."""
        for key, value in await ask_until_answered(self.store, FindKeys(PART_PREFIX)):
            self._parts[key] = Progress.of(value)

    def find(self, row: OutboxRow) -> Progress | None:
        """How far *row* has come; None where nothing is known."""
        return self._parts.get(_key(row))

    async def keep(self, row: OutboxRow, progress: Progress) -> None:
        """Make it durable."""
        self._parts[_key(row)] = progress
        await ask_until_answered(self.store, Commit((PutKey(_key(row), progress.text()),)))

    def forgotten(self, row: OutboxRow) -> tuple[DeleteKey, ...]:
        """Forget *row*; the changes that do the same in the journal."""
        known = self._parts.pop(_key(row), None)
        return () if known is None else (DeleteKey(_key(row)),)


def _key(row: OutboxRow) -> str:
    return PART_PREFIX + row.uid
