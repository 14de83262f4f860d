"""Chat slots C1, C2, …: which one a person writes in, and the next one.

The keys ``<surface>_room:<room>`` (its slot) and ``<surface>_user:<person>`` (the next index)
are those of the earlier program. Its values are read in every likely form and written back
in the simplest: ``"C1"`` and ``2``.

In a room with several people each has a slot of their own: the room's key belongs to whoever
wrote first (the owner), the others have guest keys. So nobody's words land in another's chat.

Linked identities (``links``) have one list of chats and one counter, those of the first of them;
what says who owns a room or is a guest there names whoever writes there.
"""

import json
import re
from collections.abc import Mapping

from attrs import define, evolve, field, frozen

from protocols.changes import DeleteKey, PutKey
from protocols.ids import PersonId, RoomId, SlotId, native_id, surface_of

_INDEX_FIELDS = ("slot", "slot_id", "chat_id", "chat", "index", "chat_index", "next")
_NUMBER = re.compile(r"\s*[Cc]?([0-9]{1,9})\s*")


def room_key(room: RoomId) -> str:
    """Where the slot of *room* is kept."""
    return f"{surface_of(room)}_room:{native_id(room)}"


def person_key(person: PersonId) -> str:
    """Where the next chat index of *person* is kept."""
    surface, _, native = person.partition(":")
    return f"{surface}_user:{native}"


def owner_key(room: RoomId) -> str:
    """Where the person is kept whom the slot in ``room_key`` belongs to."""
    return f"owner:{room}"


def guest_key(room: RoomId, person: PersonId) -> str:
    """Where the slot of *person* is kept in a room that another person owns."""
    return f"guest:{room} {person}"


def chats_prefix(person: PersonId) -> str:
    """What the keys of the chats of *person* start with; no person's id holds a space."""
    return f"chat:{person} "


def keys_of(room: RoomId, person: PersonId) -> tuple[str, ...]:
    """What must be known before a message of *person* in *room* is given a slot."""
    return room_key(room), owner_key(room), person_key(person), guest_key(room, person)


def number_of(slot: SlotId) -> int:
    """The number in a slot: 2 for C2."""
    return int(slot[1:])


def slot_with(number: int) -> SlotId:
    """The slot with *number*, from 1."""
    return SlotId(f"C{number}")


def read_number(text: str | None) -> int | None:
    """The slot's number or index in a stored value, in any form that the earlier program had."""
    return None if text is None else _number_in(_parsed(text))


def read_slot(word: str) -> SlotId | None:
    """The slot that a person means by ``C2``, ``c2`` or ``2``."""
    number = _number_in(word)
    return None if number is None else slot_with(number)


def _parsed(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def _number_in(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 1 else None
    if isinstance(value, str):
        found = _NUMBER.fullmatch(value)
        return _number_in(int(found[1])) if found else None
    if isinstance(value, dict):
        numbers = (_number_in(value.get(name)) for name in _INDEX_FIELDS)
        return next((number for number in numbers if number is not None), None)
    return None


@frozen
class Chat:
    """One slot of a person: where it is and what it is called.

    Args:
        is_used: A message was written in it.
    """

    slot: SlotId
    room: RoomId
    name: str = field(repr=False, default="")
    is_archived: bool = False
    is_used: bool = False


def chat_text(chat: Chat) -> str:
    """*chat* as the store keeps it."""
    facts = {
        "room": chat.room,
        "name": chat.name,
        "archived": chat.is_archived,
        "used": chat.is_used,
    }
    return json.dumps(facts, ensure_ascii=False)


def read_chats(person: PersonId, rows: tuple[tuple[str, str], ...]) -> dict[SlotId, Chat]:
    """The chats of *person* among stored *rows*; what is not one is left out."""
    chats: dict[SlotId, Chat] = {}
    for key, text in rows:
        slot = SlotId(key.removeprefix(chats_prefix(person)))
        facts = _parsed(text)
        if re.fullmatch(r"C[1-9][0-9]{0,8}", slot) and isinstance(facts, dict):
            chats[slot] = Chat(
                slot,
                RoomId(str(facts.get("room", ""))),
                str(facts.get("name", "")),
                is_archived=facts.get("archived") is True,
                is_used=facts.get("used") is True,
            )
    return chats


@define
class SlotBook:
    """What is known of the slots of some people and rooms; it collects what changes.

    Args:
        keys: The stored texts by key; all of ``keys_of`` that exist.
        chats: The chats of each person, of linked ones under the first.
        people: The first of those that each linked identity is one person with.
    """

    keys: dict[str, str]
    chats: dict[PersonId, dict[SlotId, Chat]]
    people: dict[PersonId, PersonId] = field(factory=dict)
    _changes: list[PutKey | DeleteKey] = field(factory=list)

    def take_changes(self) -> tuple[PutKey | DeleteKey, ...]:
        """What changed since the last call, in order."""
        changes = tuple(self._changes)
        self._changes.clear()
        return changes

    def current(self, room: RoomId, person: PersonId) -> Chat | None:
        """The chat that *person* writes in when they write in *room*; it may be archived."""
        number = read_number(self.keys.get(self._place(room, person)))
        if number is None:
            return None
        slot = slot_with(number)
        return self.chat(person, slot) or Chat(slot, room, is_used=True)

    def all_of(self, person: PersonId) -> tuple[Chat, ...]:
        """The chats of *person*, newest first, the archived too."""
        chats = self._chats(person).values()
        return tuple(sorted(chats, key=lambda chat: number_of(chat.slot), reverse=True))

    def chat(self, person: PersonId, slot: SlotId) -> Chat | None:
        """The chat *slot* of *person*; it may be archived."""
        return self._chats(person).get(slot)

    def go_back(self, chat: Chat, person: PersonId) -> None:
        """Make *chat* the current one of *person* in its room, out of the archive too."""
        if chat.is_archived:
            chat = self.keep(evolve(chat, is_archived=False), person)
        self.choose(chat, person)

    def chat_for_message(self, room: RoomId, person: PersonId) -> Chat:
        """The chat for a message of *person* in *room*: the current one, or else the next one."""
        chat = self.current(room, person)
        if chat is None or chat.is_archived:
            chat = self.open_next(room, person)
        self._adopt(chat, person)
        if not chat.is_used or self.chat(person, chat.slot) is None:
            chat = self.keep(evolve(chat, is_used=True), person)
        return chat

    def open_next(self, room: RoomId, person: PersonId, name: str = "") -> Chat:
        """A new chat of *person* in *room*, with a number that was never used."""
        number = self._next_number(room, person)
        chat = self.keep(Chat(slot_with(number), room, name), person)
        self.count_from(number + 1, person)
        self.choose(chat, person)
        return chat

    def choose(self, chat: Chat, person: PersonId) -> None:
        """Make *chat* the current one of *person* in its room."""
        place = self._place(chat.room, person)
        self._put(place, chat.slot)
        if place == room_key(chat.room):
            self._own(chat.room, person)

    def keep(self, chat: Chat, person: PersonId) -> Chat:
        """Remember *chat* as it is now."""
        person = self.person(person)
        self.chats.setdefault(person, {})[chat.slot] = chat
        self._changes.append(PutKey(f"{chats_prefix(person)}{chat.slot}", chat_text(chat)))
        return chat

    def person(self, identity: PersonId) -> PersonId:
        """Whom the chats of *identity* belong to."""
        return self.people.get(identity, identity)

    def following(self, person: PersonId) -> int:
        """The first number from which on *person* has used none."""
        kept = read_number(self.keys.get(person_key(self.person(person)))) or 1
        highest = max((number_of(slot) for slot in self._chats(person)), default=0)
        return max(kept, highest + 1)

    def count_from(self, number: int, person: PersonId) -> None:
        """Give the next chat of *person* this *number*, or a later one."""
        self._put(person_key(self.person(person)), number)

    def hand_over(self, giver: PersonId, taker: PersonId, slots: Mapping[SlotId, SlotId]) -> None:
        """Make the chats *slots* of *giver* those of *taker*, with the numbers that it says.

        What *giver* writes in somewhere stays the chat there.
        """
        chats = [self._chats(giver)[slot] for slot in slots]
        places = {self._place(chat.room, giver) for chat in chats}
        for chat in chats:
            del self.chats[giver][chat.slot]
            self._changes.append(DeleteKey(f"{chats_prefix(giver)}{chat.slot}"))
            self.keep(evolve(chat, slot=slots[chat.slot]), taker)
        for place in places:
            was = slot_with(read_number(self.keys.get(place)) or 0)
            if slots.get(was, was) != was:
                self._put(place, slots[was])

    def _adopt(self, chat: Chat, person: PersonId) -> None:
        """Take over a slot that the earlier program gave: it belongs to who writes in it first."""
        if self._place(chat.room, person) == room_key(chat.room):
            self._own(chat.room, person)
        kept = read_number(self.keys.get(person_key(self.person(person)))) or 1
        if kept <= number_of(chat.slot):
            self.count_from(number_of(chat.slot) + 1, person)

    def _own(self, room: RoomId, person: PersonId) -> None:
        if owner_key(room) not in self.keys:
            self._put(owner_key(room), person)

    def _put(self, key: str, value: str | int) -> None:
        text = json.dumps(value, ensure_ascii=False)
        if self.keys.get(key) != text:
            self.keys[key] = text
            self._changes.append(PutKey(key, text))

    def _place(self, room: RoomId, person: PersonId) -> str:
        """The key that holds the current slot of *person* in *room*."""
        owner = self._owner(room)
        if owner is not None:
            return room_key(room) if owner == person else guest_key(room, person)
        number = read_number(self.keys.get(room_key(room)))
        if number is not None:
            known = self.chat(person, slot_with(number))
            if known is not None and known.room != room:
                return guest_key(room, person)
        return room_key(room)

    def _owner(self, room: RoomId) -> PersonId | None:
        kept = self.keys.get(owner_key(room))
        if kept is not None:
            return PersonId(str(_parsed(kept)))
        earlier = _parsed(self.keys.get(room_key(room), ""))
        if isinstance(earlier, dict) and isinstance(earlier.get("user_id"), str):
            return PersonId(f"{surface_of(room)}:{earlier['user_id']}")
        return None

    def next_slot(self, room: RoomId, person: PersonId) -> SlotId:
        """The slot that the next new chat of *person* in *room* would have."""
        return slot_with(self._next_number(room, person))

    def _next_number(self, room: RoomId, person: PersonId) -> int:
        here = read_number(self.keys.get(self._place(room, person))) or 0
        return max(self.following(person), here + 1)

    def _chats(self, person: PersonId) -> dict[SlotId, Chat]:
        return self.chats.get(self.person(person), {})
