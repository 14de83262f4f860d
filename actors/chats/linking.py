"""``/link`` and ``/unlink``: what they need to know, and what becomes of them.

Such a row is decided alone, not in a page with others: what comes before it has changed the chats
that it joins, and what comes after it finds them joined.
"""

import json
from collections.abc import Iterator, Sequence

from attrs import define, evolve

from actors.chats.asking import ask_through_restarts
from actors.chats.commands import Command, CommandName, Typed
from actors.chats.decisions import Decision, ended
from actors.chats.knowledge import Knowledge
from actors.chats.lasts import last_key
from actors.chats.links import (
    CODE_LIFE,
    MOST_TRIES,
    OFFERS,
    PAUSE,
    Identity,
    Links,
    Offer,
    forgotten,
    group_key,
    join,
    last_joined,
    last_parted,
    linked_key,
    offer_key,
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
    tries_key,
)
from actors.chats.page import Page
from actors.chats.slots import keys_of
from actors.words import Word, say
from protocols.changes import AddOutgoing, Change, DeleteKey, MoveSlot, PutKey
from protocols.ids import PersonId, RoomId, SurfaceName, surface_of
from protocols.journal import Row, RowState, Voice
from protocols.store import FindKeys, GetKey

_NAMES = frozenset({CommandName.LINK, CommandName.UNLINK})


def is_about_links(words: Typed) -> bool:
    """Whether *words* join identities or part them."""
    return isinstance(words, Command) and words.name in _NAMES


def parted(rows: Sequence[tuple[Row, Typed]]) -> Iterator[list[Row]]:
    """*rows* in parts that are decided one after the other: a row about links is one of its own."""
    together: list[Row] = []
    for row, words in rows:
        if not is_about_links(words):
            together.append(row)
            continue
        if together:
            yield together
        yield [row]
        together = []
    if together:
        yield together


# What is looked up.


async def look_up_links(known: Knowledge, row: Row, words: Typed, now: float) -> None:
    """Add to *known* what is needed to decide *row*, if its *words* are about links."""
    if not isinstance(words, Command) or words.name not in _NAMES:
        return
    store, me = known.store, row.sender
    group = read_group(await ask_through_restarts(store, GetKey(group_key(known.person(me)))))
    offers = read_offers(await ask_through_restarts(store, FindKeys(OFFERS)))
    tries = read_tries(await ask_through_restarts(store, GetKey(tries_key(me))), now)
    offer = offer_with(spelled(words.rest), offers)
    offering: tuple[Identity, ...] = ()
    people = [one.person for one in group]
    known.people |= dict.fromkeys(people[1:], people[0]) if people else {}
    if offer is not None:
        kept = await ask_through_restarts(store, GetKey(linked_key(offer.person)))
        first = known.people[offer.person] = read_linked(offer.person, kept)
        offering = read_group(await ask_through_restarts(store, GetKey(group_key(first))))
        people += [first, me]
    known.links = Links(group, offers, offering, tries)
    await known.look_up_people(people)
    await known.look_up_keys(_places(known, me) if offer is not None else set())


def _places(known: Knowledge, person: PersonId) -> set[str]:
    """The keys that say what *person* writes in, in each room where they have a chat."""
    rooms = {chat.room for chat in known.chats.get(person, {}).values()}
    return {key for room in rooms for key in keys_of(room, person)}


# What becomes of it.


@define
class Linker:
    """Decides ``/link`` and ``/unlink``; access is nothing that a link gives to anybody."""

    page: Page

    def decide(self, row: Row, command: Command) -> Decision:
        """What becomes of *row*."""
        if command.name is CommandName.UNLINK:
            return self._unlink(row)
        code = spelled(command.rest)
        if row.is_shared:
            return self._refuse_here(row, code)
        return self._enter(row, code) if code else self._offer(row)

    @property
    def _links(self) -> Links:
        return self.page.known.links

    def _refuse_here(self, row: Row, code: str) -> Decision:
        """Others read it: a code that is shown here is good for nobody any more."""
        offer = offer_with(code, self._links.offers)
        if offer is None:
            return self._said(row, Word.LINK_PRIVATELY)
        return self._said(row, Word.LINK_CODE_SEEN, put_offer(evolve(offer, is_used=True)))

    def _offer(self, row: Row) -> Decision:
        page, group = self.page, self._links.group
        taken = {surface_of(row.room), *(surface_of_person(one.person) for one in group)}
        others = [it for it in page.surfaces.values() if it.name not in taken]
        if not others and group:
            return self._said(row, Word.LINK_ALREADY, person=_others(group, row.sender))
        if not others:
            return self._said(row, Word.LINK_NOWHERE)
        code = spelled(page.access.new_code())
        offer = Offer(row.sender, code, page.now + CODE_LIFE, row.room, row.language)
        lines = (f"- {title(it.name)}: `{it.command_prefixes[-1]}link {code}`" for it in others)
        return self._said(
            row,
            Word.LINK_CODE,
            *forgotten(self._links.offers, page.now),
            put_offer(offer),
            code=code,
            commands="\n".join(lines),
            minutes=round(CODE_LIFE / 60),
        )

    def _enter(self, row: Row, code: str) -> Decision:
        page, links = self.page, self._links
        if len(links.tries) >= MOST_TRIES:
            wait = PAUSE - (page.now - links.tries[0])
            return self._said(row, Word.LINK_PAUSE, minutes=max(1, round(wait / 60)))
        offer = offer_with(code, links.offers)
        if offer is None or not page.access.may_write(offer.person):
            return self._wrong(row, Word.LINK_UNKNOWN)
        if offer.person == row.sender:
            return self._said(row, Word.LINK_OWN_CODE)
        if links.group:
            return self._said(row, Word.LINK_ALREADY, person=_others(links.group, row.sender))
        if offer.is_used:
            return self._wrong(row, Word.LINK_USED)
        if offer.expires_at <= page.now:
            return self._wrong(row, Word.LINK_EXPIRED)
        return self._join(row, offer)

    def _join(self, row: Row, offer: Offer) -> Decision:
        page, links, me = self.page, self._links, row.sender
        group = links.offering or (Identity(offer.person, offer.room, offer.language),)
        if surface_of_person(me) in {surface_of_person(one.person) for one in group}:
            return self._said(row, Word.LINK_SAME_SURFACE, surface=title(surface_of_person(me)))
        first = group[0].person
        moves = join(page.slots, me, first)
        told = self._told(offer.room, offer, Word.LINKED_ELSEWHERE, me)
        changes: tuple[Change, ...] = (
            PutKey(linked_key(me), json.dumps(first)),
            put_group((*group, Identity(me, row.room, row.language))),
            put_offer(evolve(offer, is_used=True)),
            DeleteKey(tries_key(me)),
            DeleteKey(offer_key(me)),
            *moves,
            *last_joined(page.known.lasts, me, first, moves),
            *told,
        )
        return self._said_text(row, self._joined_text(row, offer, moves), *changes)

    def _joined_text(self, row: Row, offer: Offer, moves: Sequence[MoveSlot]) -> str:
        manner = self.page.manner(row)
        text = manner.say(Word.LINKED, person=offer.person)
        if not moves:
            return text
        chats = ", ".join(f"{move.was} → **{move.now}**" for move in moves)
        return f"{text}\n\n{manner.say(Word.LINKED_MOVED, chats=chats)}"

    def _unlink(self, row: Row) -> Decision:
        group, me = self._links.group, row.sender
        if not group:
            return self._said(row, Word.UNLINK_NOTHING)
        first, *others = group
        part(self.page.slots, first.person, [one.person for one in others])
        told = (
            it
            for one in group
            if one.person != me
            for it in self._told(one.room, one, Word.UNLINKED_ELSEWHERE, me)
        )
        gone = [DeleteKey(linked_key(one.person)) for one in others]
        # The chat that was used last may be another's from now on.
        gone += [DeleteKey(last_key(one.person)) for one in group]
        lasts = last_parted(self.page.known.lasts, self.page.slots, group)
        changes = (DeleteKey(group_key(first.person)), *gone, *lasts, *told)
        return self._said(row, Word.UNLINKED, *changes)

    def _told(
        self, room: RoomId, whom: Identity | Offer, word: Word, person: PersonId
    ) -> tuple[AddOutgoing, ...]:
        """Words for another identity where it last spoke of links; none where that is off."""
        surface = self.page.surfaces.get(surface_of(room))
        if surface is None:
            return ()
        prefix = surface.command_prefixes[-1]
        text = say(word, whom.language, prefix=prefix, person=person)
        return (AddOutgoing(room, Voice.GATEWAY, text, is_final=False),)

    def _wrong(self, row: Row, word: Word) -> Decision:
        tries = json.dumps((*self._links.tries, self.page.now))
        return self._said(row, word, PutKey(tries_key(row.sender), tries))

    def _said(self, row: Row, word: Word, *more: Change, **facts: object) -> Decision:
        return self._said_text(row, self.page.manner(row).say(word, **facts), *more)

    def _said_text(self, row: Row, text: str, *more: Change) -> Decision:
        words = ended(row, RowState.ANSWERED, text, reason="/link")
        return Decision(row, (*words, *more))


def title(surface: SurfaceName) -> str:
    """What *surface* is called in a sentence."""
    return surface.capitalize()


def _others(group: Sequence[Identity], person: PersonId) -> str:
    return ", ".join(one.person for one in group if one.person != person)
