"""What a batch of updates comes to: the changes of one transaction, and who has to know. Pure."""

from collections.abc import Sequence
from typing import Any, assert_never

from attrs import define, field, frozen

from actors.telegram.decode import decode, update_id
from actors.telegram.meaning import (
    ChatLost,
    ChatMoved,
    Decoded,
    Ignored,
    Reader,
    StrangePress,
    Unreadable,
    Unsupported,
)
from actors.telegram.outcomes import Ambiguous
from actors.words import Word, say
from protocols.ids import Language, RoomId
from protocols.store import AddDeadLetter, AddOutgoing, Arrival, Change, PutKey, Voice
from protocols.surfaces import AnswerPress

MOVED_PREFIX = "telegram_moved:"
"""The keys that say, for an old chat id, the id as which the chat goes on."""

_LONGEST_REDELIVERY = 1000
"""How far behind the offset an update is one that we had; Telegram may also count anew."""


@frozen
class News:
    """The updates of one answer that we have not had.

    Args:
        offset: What confirms all of them.
    """

    updates: tuple[Any, ...] = field(repr=False)
    offset: int


def news_in(items: Sequence[Any], offset: int) -> News | Ambiguous:
    """What is new in *items*, as the journal is complete up to *offset*.

    After a quiet week Telegram goes on with another number, which may be lower.
    """
    numbers = [update_id(item) for item in items]
    fresh = [number for number in numbers if number is not None and not _is_old(number, offset)]
    if not fresh:
        # Nothing would confirm an update without a number: it would come again, for ever.
        return Ambiguous("updates without a number") if None in numbers else News((), offset)
    updates = [
        item
        for item, number in zip(items, numbers, strict=True)
        if number is None or not _is_old(number, offset)
    ]
    return News(tuple(updates), max(fresh) + 1)


def _is_old(number: int, offset: int) -> bool:
    return offset - _LONGEST_REDELIVERY <= number < offset


@define
class Batch:
    """What one batch means.

    Args:
        lost: Chats that we can no longer write to.
        answers: What is said to presses that are none.
    """

    arrivals: list[Arrival] = field(factory=list)
    extra: list[Change] = field(factory=list)
    noted: list[RoomId] = field(factory=list)
    lost: list[ChatLost] = field(factory=list)
    answers: list[AnswerPress] = field(factory=list)
    ignored: int = 0

    def add(self, found: Decoded) -> None:
        """Add what one update means."""
        match found:
            case Arrival():
                self.arrivals.append(found)
            case Unsupported(room, language, caption):
                if caption is not None:
                    self.arrivals.append(caption)
                self._note(room, language)
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

    def _note(self, room: RoomId, language: Language) -> None:
        """Say once in *room* that there is something we cannot read."""
        if room not in self.noted:
            self.noted.append(room)
            words = say(Word.UNREADABLE_KIND, language)
            self.extra.append(AddOutgoing(room, Voice.GATEWAY, words))


def read_batch(updates: Sequence[Any], reader: Reader) -> Batch:
    """What *updates* mean, each read alone."""
    batch = Batch()
    for update in updates:
        batch.add(decode(update, reader))
    return batch
