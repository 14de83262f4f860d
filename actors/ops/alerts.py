"""Tells the operator in a chat what is wrong, and when it is over."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog
import trio
from attrs import define, field

from actors.kernel import child
from actors.kernel.asking import ask_until_answered
from actors.ops.incidents import (
    DeadLetterWatch,
    News,
    Told,
    at_the_door,
    in_tree,
    read_told,
    told_text,
)
from protocols.changes import Change, DeleteKey, PutKey
from protocols.chats import DirectoryMessage, ListAccess, Tell
from protocols.ids import PersonId
from protocols.lifecycle import Control
from protocols.mail import Address, NoAnswerError
from protocols.store import Commit, GetKey, StoreMessage, SummariseJournal

log = structlog.get_logger("ops.alerts")

TOLD_KEY = "alerts"
"""Where it is kept what was told, so that a restart repeats nothing."""

LIFE_KEY = "alerts_life"
"""What is to be said of the program's life once it is over; not there after one that ended well."""

EVERY = 10.0
"""Seconds between two looks."""

_PATIENCE = 5.0
_LAST_WORD_WITHIN = 1.5
_LAST_NOTE_WITHIN = 1.0
_CUT_SHORT = "The program started again; its last life was not stopped in order"


@define
class Alerts:
    """Looks at the tree, the journal and the door; whoever is away too long is not waited for.

    Args:
        clock: Seconds since the epoch.
    """

    control: Control
    store: Address[StoreMessage]
    chats: Address[DirectoryMessage]
    people: Sequence[PersonId]
    every: float = EVERY
    clock: Callable[[], float] = time.time
    _letters: DeadLetterWatch = field(factory=DeadLetterWatch)
    _news: News = field(factory=News)
    _unheard: list[PersonId] = field(factory=list)
    _has_begun: bool = False

    async def run(self) -> None:
        """Watch until stopped; the last word says why the program gives up."""
        child.ready()
        try:
            await self._begin()
            while True:
                await self._look()
                await trio.sleep(self.every)
        finally:
            with trio.CancelScope(shield=True):
                await self._end()

    async def _begin(self) -> None:
        told = read_told(await ask_until_answered(self.store, GetKey(TOLD_KEY)))
        line = await ask_until_answered(self.store, GetKey(LIFE_KEY))
        not_before = trio.current_time() + told.pause_left(self.clock())
        self._news = News(told.lines, json.loads(line) if line else "", not_before)
        if line is None:
            await ask_until_answered(self.store, Commit((_life(_CUT_SHORT),)))
        self._has_begun = True

    async def _end(self) -> None:
        """Say why the program gives up, or leave it to the next life where nobody hears it now."""
        failure = f"The program gave up: {self.control.failure}" if self.control.failure else ""
        is_told = False
        if failure and self._news.is_due(trio.current_time()):
            with trio.move_on_after(_LAST_WORD_WITHIN):
                is_told = await self._tell(f"⚠️ {failure}")
        if not failure and not self._has_begun:
            return  # what the last life left is not known
        left = "" if is_told else failure or self._news.last_life
        changes: list[Change] = [_life(left) if left else DeleteKey(LIFE_KEY)]
        if is_told:
            changes.append(self._told())
        with trio.move_on_after(_LAST_NOTE_WITHIN), suppress(NoAnswerError):
            await self.store.ask(Commit(tuple(changes)))

    async def _look(self) -> None:
        current = in_tree(await self.control.census_in_chunks())
        now = trio.current_time()
        try:
            summary = await self.store.ask(SummariseJournal(), within=_PATIENCE)
            access = await self.chats.ask(ListAccess(), within=_PATIENCE)
        except NoAnswerError:
            return  # without them nobody could be told either
        letters = self._letters.look(summary.dead_letters, now)
        self._news.look(current | letters | at_the_door(access))
        message = self._news.message(now)
        if message and await self._tell(message):
            self._news.delivered(now)
            await ask_until_answered(self.store, Commit((self._told(), _life(_CUT_SHORT))))

    def _told(self) -> PutKey:
        return PutKey(TOLD_KEY, told_text(Told(self._news.told, self.clock())))

    async def _tell(self, text: str) -> bool:
        """Say *text* to everybody who is to be told; False where nobody could be."""
        unheard = [person for person in self.people if not await self._is_told(person, text)]
        if unheard != self._unheard:
            self._unheard = unheard
            child.note(f"cannot tell {', '.join(unheard)}" if unheard else "")
            if unheard:
                log.warning("alert.not_told", people=unheard)
        return len(unheard) < len(self.people)

    async def _is_told(self, person: PersonId, text: str) -> bool:
        try:
            return await self.chats.ask(Tell(person, text), within=_PATIENCE)
        except NoAnswerError:
            return False


def _life(line: str) -> PutKey:
    return PutKey(LIFE_KEY, json.dumps(line, ensure_ascii=False))
