"""Tells the operator in a chat what is wrong, and when it is over."""

from collections.abc import Sequence

import structlog
import trio
from attrs import define, field

from actors.kernel import child
from actors.kernel.asking import ask_until_answered
from actors.ops.incidents import (
    DeadLetterWatch,
    News,
    at_the_door,
    in_tree,
    read_told,
    told_text,
)
from protocols.changes import PutKey
from protocols.chats import DirectoryMessage, ListAccess, Tell
from protocols.ids import PersonId
from protocols.lifecycle import Control
from protocols.mail import Address, NoAnswerError
from protocols.store import Commit, GetKey, StoreMessage, SummariseJournal

log = structlog.get_logger("ops.alerts")

TOLD_KEY = "alerts"
"""Where it is kept what was told, so that a restart repeats nothing."""

EVERY = 10.0
"""Seconds between two looks."""

_PATIENCE = 5.0
_LAST_WORD_WITHIN = 1.5


@define
class Alerts:
    """Looks at the tree, the journal and the door; whoever is away too long is not waited for."""

    control: Control
    store: Address[StoreMessage]
    chats: Address[DirectoryMessage]
    people: Sequence[PersonId]
    every: float = EVERY
    _letters: DeadLetterWatch = field(factory=DeadLetterWatch)
    _news: News = field(factory=News)

    async def run(self) -> None:
        """Watch until stopped; the last word says why the program gives up."""
        child.ready()
        try:
            self._news = News(read_told(await ask_until_answered(self.store, GetKey(TOLD_KEY))))
            while True:
                await self._look()
                await trio.sleep(self.every)
        finally:
            if self.control.failure:
                with trio.move_on_after(_LAST_WORD_WITHIN, shield=True):
                    await self._tell(f"⚠️ The program gives up: {self.control.failure}")

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
            kept = PutKey(TOLD_KEY, told_text(self._news.told))
            await ask_until_answered(self.store, Commit((kept,)))

    async def _tell(self, text: str) -> bool:
        """Say *text* to everybody who is to be told; False where nobody could be."""
        is_told = False
        for person in self.people:
            try:
                is_on_its_way = await self.chats.ask(Tell(person, text), within=_PATIENCE)
            except NoAnswerError:
                is_on_its_way = False
            if not is_on_its_way:
                log.warning("alert.not_told", person=person)
            is_told = is_told or is_on_its_way
        return is_told
