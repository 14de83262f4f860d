"""A question that the agent asked a person, until it is answered; pure."""

from typing import Any

from attrs import asdict, field, frozen

from protocols.ids import RowId, SlotId
from protocols.platform import Resume
from protocols.quotes import without_quote
from protocols.turns import TurnAsks

LIFE = 3600.0
"""Seconds for which an answer counts."""

_YES, _NO = ("yes", "approve"), ("no", "reject")

_MEANT = {
    **dict.fromkeys(("y", "yes", "да", "д", "approve", "разрешить", "✅", "👍"), _YES),
    **dict.fromkeys(("n", "no", "нет", "н", "reject", "отклонить", "❌", "👎"), _NO),
}
"""What words mean beside those of the agent; the catalogue's are among them."""

_NUMBERS = {**{f"{number}\u20e3": number for number in range(1, 10)}, "🔟": 10}
"""Signs of the choices in order, where a surface shows its buttons so: ``1️⃣``, ``2️⃣``."""

_DRAWN = "\ufe0f"
"""The sign that a sign is drawn in colours; some keyboards add it, and some do not."""

_PUNCTUATION = " \t\n.!"


@frozen
class Confirm:
    """A question that waits for its answer in one slot.

    Args:
        interrupt_id: As ``StreamAsks`` has it; it may be long, and stands in the journal only.
        row: The message whose turn asked.
        tried_by: The message that answered it last, without success.
        is_tried_choice: That message was one of the choices, and nothing else.
        agent_until: When the agent itself takes no answer any more; None where it does not say.
    """

    interrupt_id: str = field(repr=False)
    choices: tuple[str, ...] = field(repr=False)
    row: RowId
    slot: SlotId
    asked_at: float
    expires_at: float
    tried_by: RowId | None = None
    is_tried_choice: bool = False
    agent_until: float | None = None

    @property
    def decided_on(self) -> RowId | None:
        """The row on which an answer is noted, so that the first one counts.

        None where other words failed: they may be run again whatever is answered meanwhile.
        """
        if self.tried_by is None:
            return self.row
        return self.tried_by if self.is_tried_choice else None

    def is_open(self, slot: SlotId | None, at: float) -> bool:
        """Whether a message in *slot* that came *at* that time is about it."""
        return self.slot == slot and at < self.expires_at

    def is_stale(self, now: float) -> bool:
        """Whether the agent takes no answer any more: one that came in time waited too long."""
        return self.agent_until is not None and now >= self.agent_until


def asked(row: RowId, slot: SlotId, asks: TurnAsks, *, now: float) -> Confirm:
    """The question of the turn of *row*, asked *now*; the agent may want its answer sooner."""
    until = asks.expires_at
    expires_at = now + LIFE if until is None else min(now + LIFE, until)
    return Confirm(asks.interrupt_id, asks.choices, row, slot, now, expires_at, agent_until=until)


def confirm_facts(confirm: Confirm) -> dict[str, Any]:
    """*confirm* as the store keeps it."""
    return asdict(confirm)


def read_confirm(facts: dict[str, Any]) -> Confirm:
    """The question in what the store kept."""
    return Confirm(**facts | {"choices": tuple(facts["choices"])})


def resume_with(confirm: Confirm, text: str, *, is_older: bool) -> Resume:
    """How a message with *text* answers *confirm*.

    Words other than a choice cancel the question, and so does a message that was written
    before the question stood there: its "yes" meant something else.
    """
    return Resume(confirm.interrupt_id, None if is_older else choice_in(text, confirm.choices))


def choice_in(text: str, choices: tuple[str, ...]) -> str | None:
    """The one of *choices* that *text* is, be it a reply or not; None for something else."""
    word = without_quote(text).strip(_PUNCTUATION).casefold()
    named = {choice.strip(_PUNCTUATION).casefold(): choice for choice in choices}
    by_word = {name: choice for name, choice in named.items() if name}
    sign = word.replace(_DRAWN, "")
    meant = (by_word[name] for name in _MEANT.get(sign, ()) if name in by_word)
    return by_word.get(word) or next(meant, None) or _by_number(sign, choices)


def _by_number(sign: str, choices: tuple[str, ...]) -> str | None:
    shown = [choice for choice in choices if choice.strip()]
    number = _NUMBERS.get(sign, 0)
    return shown[number - 1] if 0 < number <= len(shown) else None
