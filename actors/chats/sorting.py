"""What becomes of a new message: a turn, the answer to a command, a refusal; pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import assert_never

from attrs import define, field, frozen

from actors.chats.access import AccessBook
from actors.chats.commands import (
    Blank,
    Command,
    CommandName,
    ForAgent,
    Typed,
    UnknownCommand,
    typed,
)
from actors.chats.flood import FloodGate, Verdict
from actors.chats.manner import Manner, manner_for
from actors.chats.replies import MOST_WAITING, Replies
from actors.chats.slots import SlotBook
from actors.words import Word
from protocols.ids import PersonId, RoomId, SlotId, SurfaceName, run_id_for, surface_of
from protocols.store import AddOutgoing, Change, FinishRow, QueueRow, Row, RowState, Voice
from protocols.surfaces import Surface

MOST_CHARACTERS = 32_000
"""The longest message for the agent."""


class Errand(StrEnum):
    """A command that needs an answer from the session; the directory does not wait for it."""

    STOP = "stop"
    STATUS = "status"


@frozen
class Decision:
    """What becomes of one row: changes that sort it, or an errand that will."""

    row: Row
    changes: tuple[Change, ...] = field(repr=False, default=())
    errand: Errand | None = None

    @property
    def is_work(self) -> bool:
        """A session has something to do."""
        return any(isinstance(change, QueueRow) for change in self.changes)

    @property
    def is_spoken(self) -> bool:
        """A surface has something to deliver."""
        return any(isinstance(change, AddOutgoing) for change in self.changes)


def ended(row: Row, state: RowState, text: str, *, reason: str) -> tuple[Change, ...]:
    """The changes that end *row* with the gateway's words."""
    return (
        FinishRow(row.id, state, reason),
        AddOutgoing(row.room, Voice.GATEWAY, text, row=row.id),
    )


@define
class Sorter:
    """Decides row by row, with all that is known; what it decides it knows for the next row.

    Args:
        unfinished: How many rows of a room run or wait.
        failed: The last failed row by room and person.
        tree: The live tree, as text.
        now: Seconds since the epoch.
    """

    access: AccessBook
    slots: SlotBook
    gate: FloodGate
    surfaces: Mapping[SurfaceName, Surface]
    unfinished: dict[RoomId, int]
    failed: Mapping[tuple[RoomId, PersonId], Row | None]
    tree: str
    now: float

    def decide(self, row: Row) -> Decision:
        """What becomes of *row*."""
        if not self.access.may_write(row.sender):
            return self._stranger(row)
        surface = self.surfaces[surface_of(row.room)]
        decision = self._by_words(row, typed(row.text, surface.command_prefixes))
        return Decision(
            row, (*decision.changes, *self.slots.take_changes()), errand=decision.errand
        )

    def _stranger(self, row: Row) -> Decision:
        heard = self.access.hear(row, self.now)
        if heard.words:
            words = ended(row, RowState.REFUSED, heard.words, reason="no access")
            return Decision(row, (*words, *heard.changes))
        silence = FinishRow(row.id, RowState.IGNORED, "no access; was told why")
        return Decision(row, (silence, *heard.changes))

    def _by_words(self, row: Row, words: Typed) -> Decision:
        match words:
            case ForAgent(text):
                return self._message(row, text)
            case Blank():
                return self._speak(row, RowState.REFUSED, Word.EMPTY, reason="empty")
            case Command(CommandName.STOP):
                # What runs can be stopped however much was said; a flood of stops is a flood.
                held = None if self.unfinished.get(row.room) else self._held_back(row)
                return held or Decision(row, errand=Errand.STOP)
            case Command() | UnknownCommand():
                return self._held_back(row) or self._command(row, words)
            case _:
                assert_never(words)

    def _message(self, row: Row, text: str) -> Decision:
        if len(text) > MOST_CHARACTERS:
            return self._speak(
                row,
                RowState.REFUSED,
                Word.TOO_LONG,
                reason="too long",
                length=len(text),
                limit=MOST_CHARACTERS,
            )
        if self._is_full(row):
            return self._full(row)
        chat = self.slots.chat_for_message(row.room, row.sender)
        return self._queue(row, chat.slot, text)

    def _queue(self, row: Row, slot: SlotId, text: str) -> Decision:
        self.unfinished[row.room] = self.unfinished.get(row.room, 0) + 1
        run_id = run_id_for(row.room, row.event_id)
        changed = text if text != row.text else None
        return Decision(row, (QueueRow(row.id, slot, run_id, changed),))

    def _is_full(self, row: Row) -> bool:
        # One runs, the others wait.
        return not row.is_backlog and self.unfinished.get(row.room, 0) > MOST_WAITING

    def _full(self, row: Row) -> Decision:
        reason = "too many waiting"
        return self._speak(
            row, RowState.REFUSED, Word.QUEUE_FULL, reason=reason, limit=MOST_WAITING
        )

    def _command(self, row: Row, words: Command | UnknownCommand) -> Decision:
        match words:
            case Command(CommandName.STATUS):
                return Decision(row, errand=Errand.STATUS)
            case Command(CommandName.RETRY):
                return self._retry(row)
            case Command(name, rest):
                text = self._replies(row).reply(name, rest)
                return Decision(row, ended(row, RowState.ANSWERED, text, reason=f"/{name}"))
            case UnknownCommand(near):
                text = self._replies(row).unknown(near)
                reason = "unknown command"
                return Decision(row, ended(row, RowState.ANSWERED, text, reason=reason))
            case _:
                assert_never(words)

    def _retry(self, row: Row) -> Decision:
        earlier = self.failed.get((row.room, row.sender))
        if earlier is None:
            text = self._say(row, Word.RETRYING_NOTHING)
            return Decision(row, ended(row, RowState.ANSWERED, text, reason="/retry"))
        if self._is_full(row):
            text = self._say(row, Word.QUEUE_FULL, limit=MOST_WAITING)
            return Decision(row, ended(row, RowState.REFUSED, text, reason="too many waiting"))
        slot = earlier.slot or self.slots.chat_for_message(row.room, row.sender).slot
        return self._queue(row, slot, earlier.text)

    def _held_back(self, row: Row) -> Decision | None:
        """What ends *row* where its room got too many words already."""
        if self.access.is_admin(row.sender):
            return None
        match self.gate.verdict(row.room, self.now):
            case Verdict.SPEAK:
                return None
            case Verdict.WARN:
                text = self._say(row, Word.FLOOD)
                return Decision(row, ended(row, RowState.REFUSED, text, reason="flood; was told"))
            case Verdict.SILENCE:
                silence = FinishRow(row.id, RowState.IGNORED, "flood; was told before")
                return Decision(row, (silence,))
            case verdict:
                assert_never(verdict)

    def _speak(
        self, row: Row, state: RowState, word: Word, *, reason: str, **facts: object
    ) -> Decision:
        held = self._held_back(row)
        if held is not None:
            return held
        return Decision(row, ended(row, state, self._say(row, word, **facts), reason=reason))

    def _say(self, row: Row, word: Word, **facts: object) -> str:
        return self._manner(row).say(word, **facts)

    def _manner(self, row: Row) -> Manner:
        return manner_for(row, self.surfaces[surface_of(row.room)])

    def _replies(self, row: Row) -> Replies:
        return Replies(
            self.slots,
            row.room,
            row.sender,
            manner=self._manner(row),
            tree=self.tree,
            is_admin=self.access.is_admin(row.sender),
        )
