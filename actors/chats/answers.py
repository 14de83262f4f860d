"""How errands end the rows that they were run for."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from attrs import define

from actors.chats.asking import ask_through_restarts
from actors.chats.decisions import ended, ignored
from actors.chats.endings import Ending
from actors.chats.hints import DeliveryHints
from actors.chats.manner import Manner, manner_for
from actors.chats.notes import closing_notes, notes_prefix, read_notes
from actors.words import Word
from protocols.changes import Change
from protocols.ids import SurfaceName, surface_of
from protocols.journal import Keyboard, Row, RowState
from protocols.mail import Address, Question
from protocols.store import Commit, Committed, FindKeys, StoreMessage
from protocols.surfaces import Surface

A = TypeVar("A")


@define
class Answers:
    """Ends rows with words, or presses without; a row that was ended before is left alone."""

    store: Address[StoreMessage]
    surfaces: Mapping[SurfaceName, Surface]
    hints: DeliveryHints

    async def ask(self, question: Question[A]) -> A:
        """Ask the store."""
        return await ask_through_restarts(self.store, question)

    def surface(self, row: Row) -> Surface:
        """The surface that *row* came from."""
        return self.surfaces[surface_of(row.room)]

    def manner(self, row: Row) -> Manner:
        """How whoever sent *row* is spoken to."""
        return manner_for(row, self.surface(row))

    async def say(self, rows: Sequence[Row], word: Word, **facts: object) -> None:
        """End all *rows* with the same words; one by one where something was ended before."""
        if await self.say_with((), rows, word, **facts):
            return
        for row in rows:
            await self.say_with((), [row], word, **facts)

    async def say_with(
        self, more: tuple[Change, ...], rows: Sequence[Row], word: Word, **facts: object
    ) -> bool:
        """End *rows* with the same words, together with *more* changes; False where one was."""
        changes = more
        for row in rows:
            text = self.manner(row).say(word, **facts)
            changes = (*changes, *ended(row, RowState.ANSWERED, text, reason="command"))
        return await self._commit(changes)

    async def show(
        self,
        row: Row,
        text: str,
        keyboard: Keyboard = (),
        *,
        reason: str,
        more: tuple[Change, ...] = (),
    ) -> None:
        """End *row* with *text* and buttons below it, together with *more* changes."""
        words = ended(row, RowState.ANSWERED, text, reason=reason, keyboard=keyboard)
        await self._commit((*words, *more))

    async def close_press(
        self,
        row: Row,
        answer: str,
        *,
        reason: str,
        more: tuple[Change, ...] = (),
        is_refused: bool = False,
    ) -> bool:
        """End the press *row* together with *more* changes; whoever pressed gets *answer*.

        False where nothing was changed.
        """
        done = await self._commit((*ignored(row, f"button: {reason}"), *more))
        if done or not more:
            self.hints.answer_press(row, answer, is_refused=is_refused)
        return done

    async def changes_of(self, row: Row, ending: Ending) -> tuple[Change, ...]:
        """What ends the turn of *row* in its session's place."""
        stored = await self.ask(FindKeys(notes_prefix(row.room)))
        notes = read_notes(row.room, stored)
        return (*ending.changes(row), *closing_notes(row, notes, ending.state))

    async def _commit(self, changes: tuple[Change, ...]) -> bool:
        done = await self.ask(Commit(changes))
        return isinstance(done, Committed)
