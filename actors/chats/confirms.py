"""A question that the agent asked a person, until it is answered; pure."""

import json

from attrs import field, frozen

from protocols.ids import PersonId, RoomId, SlotId
from protocols.platform import Resume, TurnAsks
from protocols.store import PutKey, Row

LIFE = 3600.0
"""Seconds for which an answer counts."""

_SHORT = {"y": "yes", "n": "no"}
_PUNCTUATION = " \t\n.!"


@frozen
class Confirm:
    """A question that waits for its answer in one slot.

    Args:
        row: The message whose turn asked.
    """

    interrupt_id: str
    choices: tuple[str, ...] = field(repr=False)
    row: int
    slot: SlotId
    asked_at: float
    expires_at: float


def confirm_key(room: RoomId, person: PersonId) -> str:
    """Where the open question to *person* in *room* is kept."""
    return f"confirm:{room} {person}"


def remember(row: Row, slot: SlotId, asks: TurnAsks, *, now: float) -> PutKey:
    """The change that keeps the question of the turn of *row*."""
    facts = {
        "interrupt_id": asks.interrupt_id,
        "choices": asks.choices,
        "row": row.id,
        "slot": slot,
        "asked_at": now,
        "expires_at": now + LIFE,
    }
    return PutKey(confirm_key(row.room, row.sender), json.dumps(facts, ensure_ascii=False))


def read_confirm(text: str | None) -> Confirm | None:
    """The question in a stored text."""
    if text is None:
        return None
    facts = json.loads(text)
    facts["choices"] = tuple(facts["choices"])
    return Confirm(**facts)


def resume_for(confirm: Confirm | None, row: Row) -> Resume | None:
    """How *row* answers *confirm*; None where it is not about it.

    Words other than a choice cancel the question, and so does a message that was written
    before the question stood there: its "yes" meant something else.
    """
    if confirm is None or confirm.slot != row.slot or row.received_at >= confirm.expires_at:
        return None
    if row.received_at < confirm.asked_at:
        return Resume(confirm.interrupt_id, None)
    return Resume(confirm.interrupt_id, _choice(row.text, confirm.choices))


def _choice(text: str, choices: tuple[str, ...]) -> str | None:
    word = text.strip(_PUNCTUATION).casefold()
    by_word = {choice.strip(_PUNCTUATION).casefold(): choice for choice in choices}
    return by_word.get(word) or by_word.get(_SHORT.get(word, ""))
