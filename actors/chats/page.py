"""One page of rows while it is decided: what is known, and what the rows before came to; pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from attrs import define, evolve, field

from actors.chats.access import AccessBook
from actors.chats.confirms import Confirm, choice_in
from actors.chats.decisions import Decision, ended, ignored
from actors.chats.flood import FloodGate, Verdict
from actors.chats.keyboards import choice_label
from actors.chats.knowledge import Knowledge
from actors.chats.manner import Manner, manner_for
from actors.chats.notes import BY_WORDS, TurnContext, put_context
from actors.chats.presses import EDIT_OFFERED
from actors.chats.replies import MOST_WAITING
from actors.chats.slots import SlotBook
from actors.words import Word, plain
from protocols.changes import AddOutgoing, Change, DecideRow, FinishRow, QueueRow
from protocols.ids import RemoteId, RoomId, RowId, SlotId, SurfaceName, run_id_for, surface_of
from protocols.journal import Amends, Keyboard, Row, RowState, Voice
from protocols.surfaces import Surface

MOST_CHARACTERS = 32_000
"""The longest message for the agent."""

WITHDRAWN = "withdrawn"
"""How it is noted on an edit whose text was offered that a newer one came, or none is left."""

REDACTED = "redacted"
"""The reason of a message that was taken back before its turn."""


@define
class Page:
    """Decides nothing by itself; it holds what all decisions need, and remembers them.

    Args:
        tree: The live tree, as text.
        now: Seconds since the epoch.
        opened: The rooms that were opened for ``/new``; None where none could be.
        paused: Rooms whose next rows wait until a ``/new`` is decided.
    """

    known: Knowledge
    access: AccessBook
    slots: SlotBook
    gate: FloodGate
    surfaces: Mapping[SurfaceName, Surface]
    tree: str
    now: float
    opened: Mapping[RowId, RoomId | None]
    paused: set[RoomId]
    _decided: dict[RowId, str] = field(factory=dict)
    _sorted: dict[RowId, Row] = field(factory=dict)

    def surface(self, row: Row) -> Surface:
        """The surface that *row* came from."""
        return self.surfaces[surface_of(row.room)]

    def manner(self, row: Row) -> Manner:
        """How whoever sent *row* is spoken to."""
        return manner_for(row, self.surface(row))

    # What the rows before came to.

    def remember(self, decision: Decision) -> None:
        """Know for the next row what *decision* makes of its rows."""
        for change in decision.changes:
            match change:
                case QueueRow(id_, slot, run_id, text):
                    text = decision.row.text if text is None else text
                    row = evolve(decision.row, slot=slot, run_id=run_id, text=text)
                    self._sorted[id_] = evolve(row, state=RowState.QUEUED)
                case FinishRow(id_, state, reason) if id_ == decision.row.id:
                    self._sorted[id_] = evolve(decision.row, state=state, reason=reason)
                case _:
                    pass

    def becomes(self, row: Row) -> None:
        """Know that *row* is so from now on."""
        self._sorted[row.id] = row

    def as_it_is(self, row: Row) -> Row:
        """*row* with what this page made of it."""
        row, decided = self._sorted.get(row.id, row), self._decided.get(row.id)
        return row if decided is None else evolve(row, decided=decided)

    def named(self, id_: RowId) -> Row | None:
        """The row that a press or a question names, as it is now."""
        row = self.known.rows.get(id_)
        return None if row is None else self.as_it_is(row)

    def edited_by(self, edit: Row) -> Row | None:
        """The message that *edit* changes: an earlier edit of it, if that was taken as one."""
        before = self.known.recent(edit.room)
        again = self._messages(row for row in before if row.edits == edit.edits)
        message = self.known.message(edit.room, edit.edits or RemoteId(""))
        first = None if message is None else self.as_it_is(message)
        return next((row for row in again if row.id < edit.id), first)

    def newest_message(self, edit: Row) -> RowId | None:
        """The newest message for the agent that the sender of *edit* wrote before it."""
        before = self.known.recent(edit.room)
        mine = self._messages(row for row in before if row.sender == edit.sender)
        return next((row.id for row in mine if row.id < edit.id), None)

    def is_of_redacted(self, edit: Row) -> bool:
        """Whether the message that *edit* changes was taken back."""
        message = self.known.message(edit.room, edit.edits or RemoteId(""))
        if message is not None and self.as_it_is(message).reason == REDACTED:
            return True
        before = self.known.recent(edit.room)
        return any(row.redacts == edit.edits and row.id < edit.id for row in before)

    def offers_before(self, edit: Row) -> tuple[Row, ...]:
        """The earlier edits of the same message whose text was offered, newest first."""
        before = map(self.as_it_is, self.known.recent(edit.room))
        return tuple(row for row in before if _is_offer_before(edit, row))

    def offer_withdrawn(self, edit: Row, offer: Row) -> tuple[Change, ...]:
        """*edit* came after *offer*: nobody can have that answered any more."""
        decided = self.decide(offer, WITHDRAWN)
        place = self.known.shown(offer.id)
        if not decided or place is None:
            return decided
        return (*decided, *self.amend(edit, Amends(offer.id, place), ""))

    def _messages(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Those of *rows* that are messages for the agent, and were not taken back."""
        for row in map(self.as_it_is, rows):
            if row.run_id is not None and row.press is None and row.reason != REDACTED:
                yield row

    # What may come of a row.

    def is_full(self, row: Row) -> bool:
        """Whether too many wait in the room of *row* already."""
        # One runs, the others wait.
        return not row.is_backlog and self.known.unfinished.get(row.room, 0) > MOST_WAITING

    def work(
        self,
        row: Row,
        slot: SlotId,
        text: str,
        *,
        instead_of: Row | None = None,
        files_of: RowId | None = None,
        asked_in: RemoteId | None = None,
        more: tuple[Change, ...] = (),
    ) -> Decision:
        """*row* has its turn, with *text* in *slot*, together with *more* changes.

        The words may be those of an earlier row, *instead_of* which it is answered; so may the
        files. *asked_in* is the message that asked, where a button there answers.
        """
        unfinished = self.known.unfinished
        unfinished[row.room] = unfinished.get(row.room, 0) + 1
        changed = None if text == row.text else text
        queued = QueueRow(row.id, slot, run_id_for(row.room, row.event_id), changed)
        confirm = self._open_question(row, slot)
        is_older = _is_older(confirm, row, instead_of)
        context = TurnContext(files_of, confirm, is_older, is_rerun=instead_of is not None)
        if confirm is not None:
            answer = None if is_older else text
            more = (*more, *self._answered(row, confirm, answer, asked_in=asked_in))
        if context != TurnContext():
            self.known.notes_of(row.room).contexts[row.id] = context
            more = (*more, put_context(row.room, row.id, context))
        return Decision(row, (queued, *more, *self.known.lasts.used(row, slot)))

    def _open_question(self, row: Row, slot: SlotId) -> Confirm | None:
        """The question to whoever sent *row* that a message in *slot* is about."""
        confirm = self.known.notes_of(row.room).questions.get(row.sender)
        return confirm if confirm and confirm.is_open(slot, row.received_at) else None

    def _answered(
        self, row: Row, confirm: Confirm, text: str | None, *, asked_in: RemoteId | None
    ) -> tuple[Change, ...]:
        """*row* answers *confirm* with *text*, or cancels it without."""
        notes = self.known.notes_of(row.room)
        del notes.questions[row.sender]
        asker = None if confirm.decided_on is None else self.named(confirm.decided_on)
        decided = () if asker is None else self.decide(asker, BY_WORDS)
        return (
            *decided,
            notes.taken_by(row),
            *self.question_amended(row, confirm, text, asked_in=asked_in),
        )

    def question_amended(
        self, row: Row, confirm: Confirm, text: str | None, *, asked_in: RemoteId | None = None
    ) -> tuple[AddOutgoing, ...]:
        """What the message that shows *confirm* says once it is answered with *text*."""
        place = asked_in or self.known.shown(confirm.row)
        if place is None or confirm.tried_by is not None:
            return ()
        choice = None if text is None else choice_in(text, confirm.choices)
        words = "" if choice is None else self._choice_words(row, choice)
        return self.amend(row, Amends(confirm.row, place), words)

    def _choice_words(self, row: Row, choice: str) -> str:
        manner = self.manner(row)
        label = plain(choice_label(choice, manner))
        return manner.say(Word.DECIDED_BY, choice=label, name=name_of(row))

    def decide(self, row: Row, what: str) -> tuple[DecideRow, ...]:
        """The change that notes once that *what* was decided about *row*."""
        if self.as_it_is(row).decided:
            return ()
        self._decided[row.id] = what
        return (DecideRow(row.id, what),)

    def amend(
        self, row: Row, amends: Amends, text: str, *, keyboard: Keyboard = ()
    ) -> tuple[AddOutgoing, ...]:
        """What *row* changes in a message that is there."""
        return amended(row, self.manner(row), amends, text=text, keyboard=keyboard)

    # Words of the gateway.

    def quieted(self, row: Row) -> Decision | None:
        """What ends *row* where its room got too many words already."""
        if self.access.is_admin(row.sender):
            return None
        match self.gate.verdict(row.room, self.now):
            case Verdict.SPEAK:
                return None
            case Verdict.WARN:
                return self.refused(row, Word.FLOOD, reason="flood; was told")
            case Verdict.SILENCE:
                return Decision(row, ignored(row, "flood; was told before"))
            case verdict:
                assert_never(verdict)

    def too_long(self, row: Row, text: str) -> Decision | None:
        """What ends *row* where *text* is longer than the agent can take."""
        if len(text) <= MOST_CHARACTERS:
            return None
        return self.quieted(row) or self.refused(
            row, Word.TOO_LONG, reason="too long", length=len(text), limit=MOST_CHARACTERS
        )

    def refused(self, row: Row, word: Word, *, reason: str, **facts: object) -> Decision:
        """*row* is not taken, with a word why."""
        text = self.manner(row).say(word, **facts)
        return Decision(row, ended(row, RowState.REFUSED, text, reason=reason))


def amended(
    row: Row, manner: Manner, amends: Amends, *, text: str, keyboard: Keyboard = ()
) -> tuple[AddOutgoing, ...]:
    """Words of *row* below an outcome that is there, and its buttons from now on.

    Nothing where the surface cannot point at it.
    """
    if not amends.place or not manner.has_buttons:
        return ()
    words = AddOutgoing(row.room, Voice.GATEWAY, text, row=amends.row, is_final=False)
    return (evolve(words, keyboard=keyboard, amends=amends),)


def _is_offer_before(edit: Row, row: Row) -> bool:
    is_same = (row.edits, row.sender) == (edit.edits, edit.sender)
    return is_same and row.id < edit.id and row.reason == EDIT_OFFERED


def name_of(row: Row) -> str:
    """Whoever sent *row*, as Markdown."""
    return plain(" ".join(row.sender_name.split()))


def _is_older(confirm: Confirm | None, row: Row, instead_of: Row | None) -> bool:
    """Whether the words of *row* were written before *confirm* stood there."""
    if confirm is None:
        return False
    if instead_of is None:
        return row.press is None and row.received_at < confirm.asked_at
    # What is run again answers the question that it was to answer, and no other.
    return confirm.tried_by != instead_of.id or instead_of.received_at < confirm.asked_at
