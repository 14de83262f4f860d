"""What joins and parts chats, by its rules; and that no number ever comes twice."""

import json
from collections.abc import Callable

import pytest
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.chats.confirms import Confirm
from actors.chats.links import (
    KEPT,
    Identity,
    Offer,
    forgotten,
    group_key,
    in_its_chat,
    join,
    linked_key,
    offer_with,
    part,
    put_group,
    put_offer,
    read_group,
    read_linked,
    read_offers,
    read_tries,
    spelled,
    surface_of_person,
)
from actors.chats.slots import SlotBook, chats_prefix, keys_of, number_of, person_key, read_chats
from protocols.changes import DeleteKey, MoveSlot
from protocols.ids import Language, PersonId, RoomId, RowId, SlotId, surface_of
from tests.actors.chats.rows import a_row

T, M, X = PersonId("telegram:1"), PersonId("matrix:@m:s"), PersonId("terminal:owner")
T1, T2 = RoomId("telegram/1"), RoomId("telegram/-5")
M1, M2 = RoomId("matrix/!a:s"), RoomId("matrix/!b:s")
X1 = RoomId("terminal/here")
ROOMS = {T: (T1, T2), M: (M1, M2), X: (X1,)}
OFFER = Offer(T, "ABCDEFGH", 600.0, T1, Language("ru"))


def test_a_code_is_found_however_it_is_spelled() -> None:
    offers = {T: OFFER}

    assert offer_with(spelled("abcd-efgh"), offers) == OFFER
    assert offer_with(spelled(" ABCD EFGH "), offers) == OFFER
    assert offer_with(spelled("ABCDEFG"), offers) is None
    assert offer_with(spelled("йцук"), offers) is None
    assert offer_with("", offers) is None
    assert offer_with(spelled("ABCDEFGH"), {}) is None


def test_what_is_kept_comes_back() -> None:
    group = (Identity(T, T1, Language("ru")), Identity(M, M1, Language("")))

    kept = put_offer(OFFER)
    assert read_offers(((kept.key, kept.value),)) == {T: OFFER}
    assert read_group(put_group(group).value) == group
    assert put_group(group).key == group_key(T)
    assert read_group(None) == ()
    assert read_linked(M, json.dumps(T)) == T
    assert read_linked(M, None) == M


def test_codes_that_nobody_will_enter_are_forgotten() -> None:
    offers = {T: OFFER, M: evolve(OFFER, person=M, expires_at=5000.0)}

    assert forgotten(offers, 600.0 + KEPT) == (DeleteKey(f"link_offer:{T}"),)
    assert forgotten(offers, 600.0) == ()


def test_wrong_codes_are_remembered_for_a_while() -> None:
    assert read_tries(json.dumps([0.0, 500.0, 900.0]), 1000.0) == (500.0, 900.0)
    assert read_tries(None, 0.0) == ()


def test_a_code_is_in_no_repr() -> None:
    assert "ABCDEFGH" not in repr(OFFER)
    assert "ABCDEFGH" not in repr(put_offer(OFFER))


def test_a_question_is_where_what_asked_it_is() -> None:
    confirm = Confirm("i", ("yes",), RowId(1), SlotId("C1"), 0.0, 10.0)

    assert in_its_chat(confirm, a_row(1, slot=SlotId("C7"))).slot == "C7"
    assert in_its_chat(confirm, a_row(1)).slot == "C1"
    assert in_its_chat(confirm, None).slot == "C1"


@define
class Model:
    """Some identities, what the store has of them, and what was said where."""

    keys: dict[str, str] = field(factory=dict)
    groups: list[list[PersonId]] = field(factory=list)
    slots: dict[int, SlotId] = field(factory=dict)
    """The slot of each conversation; a conversation is what was begun in a room."""
    talks: dict[tuple[RoomId, PersonId], int] = field(factory=dict)
    """Which conversation goes on in a room."""
    homes: dict[int, tuple[RoomId, PersonId]] = field(factory=dict)
    used: dict[tuple[PersonId, SlotId], int] = field(factory=dict)
    """The conversation that a person's number stood for, as the platform has seen it."""

    def book(self) -> SlotBook:
        """What a directory knows that has just read the store."""
        people = {it: self.first(it) for it in ROOMS if linked_key(it) in self.keys}
        known = {person_key(person) for person in ROOMS}
        known |= {key for it, rooms in ROOMS.items() for room in rooms for key in keys_of(room, it)}
        stored = tuple(sorted(self.keys.items()))
        chats = {
            it: read_chats(
                it, tuple(pair for pair in stored if pair[0].startswith(chats_prefix(it)))
            )
            for it in ROOMS
        }
        keys = {key: text for key, text in stored if key in known}
        return SlotBook(keys, chats, people)

    def first(self, person: PersonId) -> PersonId:
        return read_linked(person, self.keys.get(linked_key(person)))

    def keep(self, book: SlotBook) -> None:
        for change in book.take_changes():
            if isinstance(change, DeleteKey):
                del self.keys[change.key]
            else:
                self.keys[change.key] = change.value

    def write(self, person: PersonId, room: RoomId) -> None:
        book = self.book()
        slot = book.chat_for_message(room, person).slot
        self.keep(book)
        talk = self.talks.setdefault((room, person), len(self.homes))
        self.homes[talk] = room, person
        assert self.slots.setdefault(talk, slot) == slot, "the room lost its chat"
        assert self.used.setdefault((self.first(person), slot), talk) == talk, "a number twice"

    def new(self, person: PersonId, room: RoomId) -> None:
        book = self.book()
        before = book.current(room, person)
        book.open_next(room, person)
        self.keep(book)
        assert before is None or before.slot in {it.slot for it in book.all_of(person)}
        self.talks.pop((room, person), None)

    def link(self, joiner: PersonId, other: PersonId) -> None:
        group = next((it for it in self.groups if other in it), [other])
        if any(joiner in it for it in self.groups) or joiner in group:
            return
        book = self.book()
        moves = join(book, joiner, group[0])
        self.keep(book)
        self.keys[linked_key(joiner)] = json.dumps(group[0])
        for move in moves:
            self._follow(move)
        self.groups = [it for it in self.groups if it is not group] + [[*group, joiner]]

    def _follow(self, move: MoveSlot) -> None:
        for talk, home in self.homes.items():
            if home == (move.room, move.sender) and self.slots[talk] == move.was:
                self.slots[talk] = move.now

    def unlink(self, person: PersonId) -> None:
        group = next((it for it in self.groups if person in it), None)
        if group is None:
            return
        book = self.book()
        part(book, group[0], group[1:])
        self.keep(book)
        for one in group[1:]:
            del self.keys[linked_key(one)]
        self.groups = [it for it in self.groups if it is not group]

    def faults(self) -> list[str]:
        book, faults = self.book(), []
        for person in ROOMS:
            numbers = [number_of(chat.slot) for chat in book.all_of(person)]
            if len(numbers) != len(set(numbers)):
                faults.append(f"{person} has two chats with one number")
            if numbers and max(numbers) >= book.following(person):
                faults.append(f"{person} would use a number again")
            own = {surface_of(chat.room) for chat in book.all_of(person)}
            group = next((it for it in self.groups if person in it), [person])
            if not own <= {surface_of_person(one) for one in group}:
                faults.append(f"{person} has a chat on a surface where they are not")
        return faults


people = st.sampled_from(sorted(ROOMS))
steps = st.one_of(
    st.tuples(st.sampled_from(["write", "new"]), people, st.integers(0, 1)),
    st.tuples(st.just("write"), people, st.integers(0, 1)),
    st.tuples(st.just("link"), people, people),
    st.tuples(st.just("unlink"), people, st.none()),
)


def do(model: Model, name: str, person: PersonId, more: int | PersonId | None) -> None:
    if isinstance(more, int):
        rooms = ROOMS[person]
        act: Callable[[PersonId, RoomId], None] = model.write if name == "write" else model.new
        act(person, rooms[more % len(rooms)])
    elif more is not None:
        model.link(person, more)
    else:
        model.unlink(person)


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=25))
def test_no_number_stands_for_two_chats_and_every_room_keeps_its_own(
    story: list[tuple[str, PersonId, int | PersonId | None]],
) -> None:
    model = Model()
    for name, person, more in story:
        do(model, name, person, more)

        assert model.faults() == []


@pytest.mark.parametrize("times", [1, 2, 5])
def test_linking_again_and_again_reuses_nothing(times: int) -> None:
    model = Model()
    for room in (T1, M1):
        model.write(T if room == T1 else M, room)
    for _ in range(times):
        model.link(M, T)
        model.write(M, M1)
        model.unlink(M)
        model.write(M, M1)
        model.link(T, M)
        model.write(T, T1)
        model.unlink(T)

    assert model.faults() == []
    assert len(set(model.slots.values())) == 2


def test_what_the_earlier_program_gave_keeps_its_number_or_gets_the_next() -> None:
    model = Model(keys={"matrix_room:!a:s": '"C1"', "matrix_room:!b:s": '"C3"'})
    model.keys["matrix_user:@m:s"] = "4"
    model.write(T, T1)
    model.link(M, T)
    book = model.book()

    taken, free = book.chat_for_message(M1, M).slot, book.chat_for_message(M2, M).slot

    assert (taken, free) == ("C4", "C3")
