"""What a batch of updates comes to: the changes of one transaction, and who has to know. Pure."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, assert_never

from attrs import define, evolve, field

from actors.telegram.incoming.albums import whole
from actors.telegram.incoming.aliases import Aliases
from actors.telegram.incoming.decode import decode
from actors.telegram.incoming.meaning import (
    ChatLost,
    ChatMoved,
    Decoded,
    Ignored,
    Part,
    Reader,
    StrangePress,
    Unreadable,
)
from actors.telegram.incoming.origin import Album
from actors.words import Word, say
from protocols.changes import AddDeadLetter, Change, PutKey
from protocols.journal import Arrival
from protocols.surfaces import AnswerPress

_Whole = Arrival | Unreadable | ChatLost | ChatMoved | StrangePress | Ignored

MOVED_PREFIX = "telegram_moved:"
"""The keys that say, for an old chat id, the id as which the chat goes on."""

_ID = re.compile(r"-?\d{1,16}")


def aliases_in(keys: Iterable[tuple[str, str]]) -> Aliases:
    """What the journal knows of chats that moved, from its *keys* with ``MOVED_PREFIX``."""
    aliases = Aliases()
    for key, value in keys:
        old = key.removeprefix(MOVED_PREFIX)
        if _ID.fullmatch(old) and _ID.fullmatch(value):
            aliases = aliases.after(int(old), int(value))
    return aliases


@define
class Batch:
    """What one batch means.

    Args:
        aliases: What is known of chats' ids after it.
        lost: Chats that we can no longer write to.
        albums: Those among the arrivals.
        answers: What is said to presses that are none.
    """

    aliases: Aliases
    arrivals: list[Arrival] = field(factory=list)
    albums: list[Album] = field(factory=list)
    extra: list[Change] = field(factory=list)
    lost: list[ChatLost] = field(factory=list)
    answers: list[AnswerPress] = field(factory=list)
    ignored: int = 0

    def read(self, update: Any, reader: Reader) -> Decoded:
        """What *update* means; what it says of a chat's id counts from then on."""
        found = decode(update, evolve(reader, aliases=self.aliases))
        if isinstance(found, ChatMoved):
            self.aliases = self.aliases.after(found.old_id, found.new_id)
        return found

    def add_album(self, album: Album, found: Arrival | Ignored) -> None:
        """Add what an album means."""
        self.add(found)
        if isinstance(found, Arrival):
            self.albums.append(album)

    def add(self, found: _Whole) -> None:
        """Add what one update means."""
        match found:
            case Arrival():
                self.arrivals.append(found)
            case Unreadable(reason, body):
                self.extra.append(AddDeadLetter("telegram", "telegram update", reason, body))
            case ChatLost():
                self.lost.append(found)
            case ChatMoved(old_id, new_id):
                self.extra.append(PutKey(f"{MOVED_PREFIX}{old_id}", str(new_id)))
            case StrangePress(room, press_id, language):
                self.answers.append(AnswerPress(room, press_id, say(Word.PRESS_UNKNOWN, language)))
            case Ignored():
                self.ignored += 1
            case _:
                assert_never(found)


def read_batch(updates: Sequence[Any], reader: Reader, known: Collection[Album] = ()) -> Batch:
    """What *updates* mean, each read alone, and each album as one message.

    Albums that are *known* are for us: an earlier part was.
    """
    batch = Batch(reader.aliases)
    found = [batch.read(update, reader) for update in updates]
    albums: dict[Album, list[Part]] = defaultdict(list)
    for part in found:
        if isinstance(part, Part):
            albums[part.album].append(part)
    for one in found:
        if not isinstance(one, Part):
            batch.add(one)
        elif parts := albums.pop(one.album, []):
            batch.add_album(one.album, whole(parts, is_known=one.album in known))
    return batch
