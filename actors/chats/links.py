"""Which identities are one person: what is kept of it, and what joins and parts their chats; pure.

``linked:<person>`` names the first of those that *person* is one with; the first has no such key.
``links:<first>`` holds all of them. ``link_offer:<person>`` is the code that a person was given,
``link_tries:<person>`` when they entered wrong ones.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import asdict, define, evolve, field, frozen

from actors.chats.confirms import Confirm
from actors.chats.lasts import LastChat, Lasts, last_key, last_text
from actors.chats.slots import SlotBook, number_of, slot_with
from protocols.changes import DeleteKey, MoveSlot, PutKey
from protocols.ids import Language, PersonId, RoomId, SlotId, SurfaceName, surface_of
from protocols.journal import Row

CODE_LIFE = 600.0
"""Seconds that a code works."""

MOST_TRIES = 5
PAUSE = 600.0
"""After 5 wrong codes within 10 minutes a person's codes are not looked at until that is over."""

KEPT = 3600.0
"""Seconds for which it is known of a code that it has expired."""

OFFERS = "link_offer:"
"""What the keys of all codes start with."""


def linked_key(person: PersonId) -> str:
    """Where the first of those is kept, as JSON text, that *person* is one with."""
    return f"linked:{person}"


def group_key(first: PersonId) -> str:
    """Where all identities are kept that are one with *first*."""
    return f"links:{first}"


def offer_key(person: PersonId) -> str:
    """Where the newest code of *person* is kept."""
    return f"{OFFERS}{person}"


def tries_key(person: PersonId) -> str:
    """Where it is kept when *person* entered wrong codes."""
    return f"link_tries:{person}"


def surface_of_person(person: PersonId) -> SurfaceName:
    """The surface that *person* writes on."""
    return SurfaceName(person.partition(":")[0])


def read_linked(person: PersonId, text: str | None) -> PersonId:
    """Who *person* is for the platform, from what is under their ``linked_key``."""
    return person if text is None else PersonId(json.loads(text))


@frozen
class Identity:
    """One identity of a linked person, and where it can be told of it."""

    person: PersonId
    room: RoomId
    language: Language


def put_group(group: tuple[Identity, ...]) -> PutKey:
    """The change that keeps *group*, whose first is the one that the others are linked to."""
    facts = [asdict(one) for one in group]
    return PutKey(group_key(group[0].person), json.dumps(facts, ensure_ascii=False))


def read_group(text: str | None) -> tuple[Identity, ...]:
    """The identities in a stored *text*; none where nothing is linked."""
    return () if text is None else tuple(Identity(**facts) for facts in json.loads(text))


@frozen
class Offer:
    """A code that joins whoever enters it to *person*.

    Args:
        room: Where it was asked for.
        language: That of *person*.
    """

    person: PersonId
    code: str = field(repr=False)
    expires_at: float
    room: RoomId
    language: Language = Language("")
    is_used: bool = False


def put_offer(offer: Offer) -> PutKey:
    """The change that keeps *offer*, in the place of an earlier one."""
    return PutKey(offer_key(offer.person), json.dumps(asdict(offer), ensure_ascii=False))


def read_offers(rows: tuple[tuple[str, str], ...]) -> dict[PersonId, Offer]:
    """The codes among stored *rows*."""
    offers = (Offer(**json.loads(text)) for _, text in rows)
    return {offer.person: offer for offer in offers}


def forgotten(offers: Mapping[PersonId, Offer], now: float) -> tuple[DeleteKey, ...]:
    """The changes that forget codes which nobody will enter any more."""
    old = (offer.person for offer in offers.values() if now - offer.expires_at >= KEPT)
    return tuple(DeleteKey(offer_key(person)) for person in old)


def spelled(text: str) -> str:
    """The code that a person means by *text*: spaces, dashes and case do not matter."""
    return "".join(char for char in text.upper() if char.isalnum())


def offer_with(code: str, offers: Mapping[PersonId, Offer]) -> Offer | None:
    """The one of *offers* whose code is *code*, found in a time that tells nothing of it."""
    found = [
        offer
        for offer in offers.values()
        if secrets.compare_digest(offer.code.encode(), code.encode())
    ]
    return found[0] if found else None


def read_tries(text: str | None, now: float) -> tuple[float, ...]:
    """When wrong codes were entered within the last ``PAUSE``."""
    tries: list[Any] = [] if text is None else json.loads(text)
    return tuple(float(at) for at in tries if now - at < PAUSE)


@define
class Links:
    """What must be known before a ``/link`` or ``/unlink`` of *person* is decided.

    Args:
        group: The identities that *person* is one with, the first of them first; else none.
        offers: Everybody's codes.
        offering: The group of whoever was given the code that *person* enters.
        tries: When *person* entered wrong codes lately.
    """

    group: tuple[Identity, ...] = ()
    offers: Mapping[PersonId, Offer] = field(factory=dict)
    offering: tuple[Identity, ...] = ()
    tries: tuple[float, ...] = ()


def join(book: SlotBook, joiner: PersonId, first: PersonId) -> tuple[MoveSlot, ...]:
    """Make *joiner* one with *first*: one list of chats, one counter.

    A number that *first* has used is not the joiner's any more: that chat gets the next free one,
    and with it goes what was said in it.
    """
    used = book.following(first)
    following = max(used, book.following(joiner))
    slots: dict[SlotId, SlotId] = {}
    moves: list[MoveSlot] = []
    for chat in reversed(book.all_of(joiner)):
        slots[chat.slot] = chat.slot
        if number_of(chat.slot) < used:
            slots[chat.slot] = slot_with(following)
            moves.append(MoveSlot(chat.room, joiner, chat.slot, slots[chat.slot]))
            following += 1
    book.hand_over(joiner, first, slots)
    book.people[joiner] = first
    book.count_from(following, first)
    return tuple(moves)


def part(book: SlotBook, first: PersonId, others: Iterable[PersonId]) -> None:
    """Make *others* persons of their own again: each keeps the chats on its surface.

    All go on counting behind the highest number of all of them, so that none comes twice.
    """
    following = book.following(first)
    for other in others:
        del book.people[other]
        surface = surface_of_person(other)
        theirs = [chat.slot for chat in book.all_of(first) if surface_of(chat.room) == surface]
        book.hand_over(first, other, {slot: slot for slot in theirs})
        book.count_from(max(following, book.following(other)), other)
    book.count_from(following, first)


def last_joined(
    lasts: Lasts, joiner: PersonId, first: PersonId, moves: Iterable[MoveSlot]
) -> tuple[PutKey | DeleteKey, ...]:
    """What becomes of the chats that both used last: that of *first* counts, if there is one."""
    mine = lasts.of(joiner)
    forgotten_mine = DeleteKey(last_key(joiner))
    if mine is None or lasts.of(first) is not None:
        return (forgotten_mine,)
    now = {(move.room, move.was): move.now for move in moves}
    mine = evolve(mine, slot=now.get((mine.room, mine.slot), mine.slot))
    return (forgotten_mine, PutKey(last_key(first), last_text(mine)))


def last_parted(
    lasts: Lasts, book: SlotBook, group: tuple[Identity, ...]
) -> tuple[PutKey | DeleteKey, ...]:
    """What becomes of the chat that a *group* used last, whose chats are parted in *book*.

    Nobody is told anything in a chat of another person: who did not use it last has the newest.
    """
    last = lasts.of(group[0].person)
    return tuple(_last_of(one, last, book) for one in group)


def _last_of(one: Identity, last: LastChat | None, book: SlotBook) -> PutKey | DeleteKey:
    if last is not None and surface_of(last.room) == surface_of_person(one.person):
        return PutKey(last_key(one.person), last_text(last))
    newest = next((chat for chat in book.all_of(one.person) if not chat.is_archived), None)
    if newest is None:
        return DeleteKey(last_key(one.person))
    return PutKey(last_key(one.person), last_text(LastChat(newest.room, newest.slot, one.language)))


def in_its_chat(confirm: Confirm, asker: Row | None) -> Confirm:
    """*confirm* in the chat where the message now is whose turn asked: a link may have moved it."""
    if asker is None or asker.slot is None:
        return confirm
    return evolve(confirm, slot=asker.slot)
