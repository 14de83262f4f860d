"""What is noted for the turns of one room: open questions, and what a queued row is about; pure.

All of it stands under keys with one prefix, so that one look finds it.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, assert_never

from attrs import asdict, define, evolve, field, frozen

from actors.chats.confirms import Confirm, confirm_facts, read_confirm, resume_with
from actors.chats.retries import RETRYABLE
from protocols.changes import DecideRow, DeleteKey, PutKey, TakeKey
from protocols.ids import PersonId, RoomId, RowId
from protocols.journal import Row, RowState
from protocols.platform import Resume


@frozen
class TurnContext:
    """What a row's turn is about, beside the row's words.

    Args:
        files_of: The row whose files come along: that of the message which is run again.
        answers: The question that the row answers.
        is_older: Its words were written before that question stood there.
        is_rerun: Its words are an earlier row's, so nobody can edit them here.
    """

    files_of: RowId | None = None
    answers: Confirm | None = None
    is_older: bool = False
    is_rerun: bool = False


@define
class RoomNotes:
    """The notes of one room.

    Args:
        texts: The questions as the store has them.
    """

    questions: dict[PersonId, Confirm] = field(factory=dict)
    contexts: dict[RowId, TurnContext] = field(factory=dict)
    texts: dict[PersonId, str] = field(factory=dict)

    def remember(self, room: RoomId, changes: Iterable[PutKey | DeleteKey]) -> None:
        """Know what *changes* make of the notes, which are those of *room*."""
        for change in changes:
            match change:
                case PutKey(key, text):
                    new = read_notes(room, ((key, text),))
                    self.questions |= new.questions
                    self.texts |= new.texts
                    self.contexts |= new.contexts
                case DeleteKey(key):
                    gone = {id_ for id_ in self.contexts if context_key(room, id_) == key}
                    self.contexts = {
                        id_: context for id_, context in self.contexts.items() if id_ not in gone
                    }
                case _:
                    assert_never(change)

    def taken_by(self, row: Row) -> TakeKey:
        """The change that closes the question which *row* is about.

        It conflicts where another row was quicker: a question has one answer.
        """
        key = question_key(row.room, row.sender)
        return TakeKey(key, self.texts[row.sender], row.id)


BY_WORDS = "words"
"""How it is noted on a question that a message answered it."""

NO_CONTEXT = TurnContext()

NOTES = "confirm:"
"""What the keys of all notes start with."""

_OF_ROW = re.compile(r" #([0-9]{1,18})$")


def notes_prefix(room: RoomId) -> str:
    """What the keys of the notes of *room* start with."""
    return f"{NOTES}{room} "


def question_key(room: RoomId, person: PersonId) -> str:
    """Where the open question to *person* in *room* is kept."""
    return f"{notes_prefix(room)}{person}"


def context_key(room: RoomId, row: RowId) -> str:
    """Where it is kept what the turn of *row* is about; no person's id starts so."""
    return f"{notes_prefix(room)}#{row}"


def row_noted(key: str) -> RowId | None:
    """The row that the note under *key* is about; None for a question."""
    found = _OF_ROW.search(key)
    return None if found is None else RowId(int(found[1]))


def read_notes(room: RoomId, stored: tuple[tuple[str, str], ...]) -> RoomNotes:
    """The notes of *room* among what the store has under its prefix."""
    notes = RoomNotes()
    for key, text in stored:
        name = key.removeprefix(notes_prefix(room))
        facts: dict[str, Any] = json.loads(text)
        if name.startswith("#"):
            notes.contexts[RowId(int(name[1:]))] = _read_context(facts)
        else:
            notes.questions[PersonId(name)] = read_confirm(facts)
            notes.texts[PersonId(name)] = text
    return notes


def put_question(room: RoomId, person: PersonId, confirm: Confirm) -> PutKey:
    """The change that keeps *confirm* open."""
    text = json.dumps(confirm_facts(confirm), ensure_ascii=False)
    return PutKey(question_key(room, person), text)


def put_context(room: RoomId, row: RowId, context: TurnContext) -> PutKey:
    """The change that keeps what the turn of *row* is about."""
    answers = None if context.answers is None else confirm_facts(context.answers)
    facts = {**asdict(context, recurse=False), "answers": answers}
    return PutKey(context_key(room, row), json.dumps(facts, ensure_ascii=False))


def _read_context(facts: dict[str, Any]) -> TurnContext:
    answers = None if facts["answers"] is None else read_confirm(facts["answers"])
    return TurnContext(**facts | {"answers": answers})


def resume_for(row: Row, context: TurnContext) -> Resume | None:
    """How the words of *row* answer the question that it is about, if there is one."""
    if context.answers is None:
        return None
    return resume_with(context.answers, row.text, is_older=context.is_older)


def question_taken(
    row: Row, notes: RoomNotes, *, asker: Row | None
) -> tuple[DecideRow | TakeKey | PutKey, ...]:
    """The changes by which *row* ends the open question; they conflict where another did.

    It is noted on *asker*, as that is now, and in what the turn of the row is about.
    """
    confirm = notes.questions[row.sender]
    decided: tuple[DecideRow, ...] = ()
    if asker is not None and not asker.decided:
        decided = (DecideRow(asker.id, BY_WORDS),)
    is_older = row.received_at < confirm.asked_at
    context = evolve(notes.contexts.get(row.id, NO_CONTEXT), answers=confirm, is_older=is_older)
    return (*decided, notes.taken_by(row), put_context(row.room, row.id, context))


def closing_notes(row: Row, notes: RoomNotes, state: RowState) -> tuple[PutKey | DeleteKey, ...]:
    """What becomes of the notes about *row* when it ends as *state*.

    The question that it was to answer is open again where it gave no answer: it may be run again,
    and then its files can still be found, or it was taken back.
    """
    context = notes.contexts.get(row.id)
    if context is None:
        return ()
    drop = DeleteKey(context_key(row.room, row.id))
    if state not in RETRYABLE | {RowState.IGNORED}:
        return (drop,)
    keep: PutKey | DeleteKey = drop
    if context.files_of is not None and state in RETRYABLE:
        keep = put_context(row.room, row.id, TurnContext(context.files_of))
    resume = resume_for(row, context)
    if context.answers is None or resume is None or row.sender in notes.questions:
        return (keep,)
    is_choice = resume.choice is not None
    confirm = evolve(context.answers, tried_by=row.id, is_tried_choice=is_choice)
    return keep, put_question(row.room, row.sender, confirm)
