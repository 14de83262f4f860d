"""What becomes of an edit: pure, with all that is known of its page."""

from typing import assert_never

from attrs import define, evolve

from actors.chats.commands import Typed, cleaned
from actors.chats.decisions import Decision, ended, ignored
from actors.chats.edits import REPEATED, AsMessage, Edited, LeaveIt, Offer, Reword, edited
from actors.chats.keyboards import anew_keyboard
from actors.chats.page import WITHDRAWN, Page
from actors.chats.presses import EDIT_OFFERED
from actors.words import Word
from protocols.changes import Change, RewordRow
from protocols.journal import Row, RowState

REWORDED = "edit; its message has the new words"


@define
class EditSorter:
    """Decides edits."""

    page: Page

    def decide(self, row: Row, words: Typed) -> Decision | None:
        """What becomes of the edit *row*; None where it is a message of its own."""
        page = self.page
        if page.is_of_redacted(row):
            return Decision(row, ignored(row, "edit of a redacted message"))
        message = page.edited_by(row)
        if message is not None and page.known.context_of(message).is_rerun:
            return Decision(row, ignored(row, "edit of a /retry"))
        offers = page.offers_before(row)
        what = edited(
            row,
            words,
            message,
            offered=_standing(offers),
            newest=page.newest_message(row),
            has_buttons=page.surface(row).has_buttons,
            is_held=message is not None and page.known.is_held(message),
        )
        decision = self._carry_out(row, what)
        if decision is None or what == REPEATED:
            return decision
        withdrawn = (it for offer in offers for it in page.offer_withdrawn(row, offer))
        return evolve(decision, changes=(*decision.changes, *withdrawn))

    def _carry_out(self, row: Row, what: Edited) -> Decision | None:
        page = self.page
        match what:
            case AsMessage():
                return None
            case LeaveIt(reason):
                return Decision(row, ignored(row, reason))
            case Reword(message, text):
                return page.too_long(row, text) or self._reword(row, message, text)
            case Offer():
                return page.too_long(row, row.text) or self._offer(row)
            case _:
                assert_never(what)

    def _reword(self, row: Row, message: Row, text: str) -> Decision:
        self.page.becomes(evolve(message, text=text))
        changes: tuple[Change, ...] = (RewordRow(message.id, text), *ignored(row, REWORDED))
        context = self.page.known.context_of(message)
        if context.answers is not None and not context.is_older:
            changes = (*changes, *self.page.question_amended(row, context.answers, text))
        return Decision(row, changes)

    def _offer(self, row: Row) -> Decision:
        manner = self.page.manner(row)
        keyboard = anew_keyboard(row.id, manner)
        text = manner.say(Word.EDIT_OFFER)
        offer = ended(row, RowState.ANSWERED, text, reason=EDIT_OFFERED, keyboard=keyboard)
        return self.page.quieted(row) or Decision(row, offer)


def _standing(offers: tuple[Row, ...]) -> str | None:
    """The words of the newest of *offers*, unless a newer edit has withdrawn that."""
    if not offers or offers[0].decided == WITHDRAWN:
        return None
    return cleaned(offers[0].text)
