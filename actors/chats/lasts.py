"""Which chat a person used last, and under which identity everything of theirs is kept; pure."""

import json

from attrs import define, field, frozen

from protocols.changes import DeleteKey, PutKey
from protocols.ids import TELEGRAM, Language, PersonId, RoomId, SlotId
from protocols.journal import Row

LAST = "last:"
"""What the keys of all such chats start with."""

GONE = "gone:"
"""What the keys of the rooms start with that we are not in any more."""


@frozen
class LastChat:
    """A person's chat, and the language of their app there.

    Args:
        is_shared: Others read there too.
    """

    room: RoomId
    slot: SlotId
    language: Language = Language("")
    is_shared: bool = False


def last_key(person: PersonId) -> str:
    """Where it is kept which chat *person* used last."""
    return f"{LAST}{person}"


def last_text(last: LastChat) -> str:
    """*last* as the store keeps it."""
    facts = {
        "room": last.room,
        "slot": last.slot,
        "language": last.language,
        "shared": last.is_shared,
    }
    return json.dumps(facts, ensure_ascii=False)


def read_last(text: str | None) -> LastChat | None:
    """The chat in the stored *text*; None where there is none."""
    facts = {} if text is None else json.loads(text)
    if not facts.get("room"):
        return None
    language = Language(facts.get("language", ""))
    is_shared = facts.get("shared") is True
    return LastChat(RoomId(facts["room"]), SlotId(facts["slot"]), language, is_shared)


def put_gone(room: RoomId) -> PutKey:
    """The change that notes that we are not in *room* any more."""
    return PutKey(f"{GONE}{room}", "true")


def read_gone(rows: tuple[tuple[str, str], ...]) -> set[RoomId]:
    """The rooms in stored *rows* that we are not in any more."""
    return {RoomId(key.removeprefix(GONE)) for key, _ in rows}


def is_within(place: RoomId, room: RoomId) -> bool:
    """Whether *place* is *room*, or a topic or thread in it."""
    return place == room or place.startswith(f"{room}/")


def read_person(text: str | None) -> PersonId | None:
    """The person in the stored *text*; None where there is none."""
    found = None if text is None else json.loads(text)
    return PersonId(found) if isinstance(found, str) and found else None


def private_room(person: PersonId) -> RoomId | None:
    """The room that *person* has with us without ever having written; None where none is known."""
    surface, _, native = person.partition(":")
    # A private chat on Telegram has its person's number.
    return RoomId(f"{TELEGRAM}/{native}") if surface == TELEGRAM and native.isdecimal() else None


@define
class Lasts:
    """What some people used last; it notes what changes.

    Args:
        linked: Whom a person is one with, where that is another one.
        texts: What the store has under the ``last_key`` of a person.
        gone: The rooms that we are not in any more.
    """

    linked: dict[PersonId, PersonId] = field(factory=dict)
    texts: dict[PersonId, str] = field(factory=dict)
    gone: set[RoomId] = field(factory=set)

    def of(self, person: PersonId) -> LastChat | None:
        """The chat that *person* used last, under the identity that all of theirs is kept under."""
        return read_last(self.texts.get(person))

    def is_gone(self, room: RoomId) -> bool:
        """Whether nobody could read there what we say."""
        return any(is_within(room, gone) for gone in self.gone)

    def heard_in(self, room: RoomId) -> tuple[DeleteKey, ...]:
        """The changes that note that we are in *room*, where somebody was heard."""
        back = sorted(gone for gone in self.gone if is_within(room, gone))
        self.gone.difference_update(back)
        return tuple(DeleteKey(f"{GONE}{room}") for room in back)

    def used(self, row: Row, slot: SlotId) -> tuple[PutKey, ...]:
        """The change that notes that the sender of *row* uses its room and *slot*, if it is one.

        Who talks where others read goes on being told of the rest where nobody else does.
        """
        person = self.linked.get(row.sender, row.sender)
        before, now = self.of(person), LastChat(row.room, slot, row.language, row.is_shared)
        if before == now or (before and now.is_shared and not before.is_shared):
            return ()
        text = last_text(now)
        self.texts[person] = text
        return (PutKey(last_key(person), text),)
