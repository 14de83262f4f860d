"""What becomes of the press of a button: pure, with all that is known of its page."""

from typing import assert_never

from attrs import define, evolve

from actors.chats.catch_up_choices import chosen_by_press
from actors.chats.decisions import Decision, StopRow, SwitchSetting, ignored
from actors.chats.keyboards import chat_label
from actors.chats.page import Page
from actors.chats.presses import (
    AnewPress,
    CatchUpPress,
    ChatPress,
    ChoicePress,
    Chosen,
    DisplayPress,
    Pressed,
    RetryPress,
    SkillPress,
    StopPress,
    chosen,
    read_press,
    why_refused,
)
from actors.chats.replies import Replies, label
from actors.chats.rerun import answer_anew, rerun
from actors.words import Word
from protocols.ids import RemoteId, SlotId
from protocols.journal import Amends, Press, Row


@define
class PressSorter:
    """Decides presses. One that has its turn is like a message; the others end without a word."""

    page: Page

    def decide(self, row: Row, press: Press) -> Decision:
        """What becomes of *press*, which is *row*."""
        if not self.page.access.may_write(row.sender):
            return self._refused(row, Word.PRESS_NO_ACCESS)
        pressed = read_press(press.action)
        if row.room in self.page.paused and not _is_urgent(pressed):
            return Decision(row, is_paused=True)
        target = None if pressed is None else self.page.named(pressed.row)
        word = why_refused(pressed, row, target)
        if pressed is None or target is None or word is not None:
            return self._refused(row, word or Word.PRESS_UNKNOWN)
        return self._carry_out(row, pressed, target, place=press.place)

    def _carry_out(self, row: Row, pressed: Pressed, target: Row, *, place: RemoteId) -> Decision:
        match pressed:
            case StopPress():
                return Decision(row, errand=StopRow(target.id))
            case SkillPress() | DisplayPress():
                errand = SwitchSetting(Amends(target.id, place), pressed)
                return self._hurried(row) or Decision(row, errand=errand)
            case ChatPress(_, slot):
                return self._hurried(row) or self._go_back(row, slot, Amends(target.id, place))
            case RetryPress():
                return self._full(row) or rerun(self.page, row, target, place=place)
            case AnewPress():
                return self._full(row) or answer_anew(self.page, row, target, place=place)
            case CatchUpPress(_, choice):
                decision = chosen_by_press(self.page, row, choice)
                return decision or self._refused(row, Word.PRESS_DECIDED)
            case ChoicePress():
                return self._choose(row, pressed, target, place=place)
            case _:
                assert_never(pressed)

    def _choose(self, row: Row, pressed: ChoicePress, target: Row, *, place: RemoteId) -> Decision:
        question = self.page.known.notes_of(row.room).questions.get(row.sender)
        match chosen(pressed, question, row.received_at):
            case Chosen(confirm, choice):
                more = self.page.decide(target, f"choice {pressed.number}")
                return self.page.work(row, confirm.slot, choice, asked_in=place, more=more)
            case Word.PRESS_EXPIRED as word:
                refused = self._refused(row, word)
                buttons_gone = self.page.amend(row, Amends(target.id, place), "")
                return evolve(refused, changes=(*refused.changes, *buttons_gone))
            case word:
                return self._refused(row, word)

    def _go_back(self, row: Row, slot: SlotId, amends: Amends) -> Decision:
        page, manner = self.page, self.page.manner(row)
        chat = page.slots.chat(row.sender, slot)
        if chat is None or chat.room != row.room:
            return self._refused(row, Word.PRESS_UNKNOWN)
        page.slots.go_back(chat, row.sender)
        replies = Replies(page.slots, row, manner, tree="", is_admin=False)
        text = manner.say(Word.CHAT_CHOSEN, chat=label(chat))
        amended = page.amend(row, amends, text, keyboard=replies.chats_here(amends.row))
        answer = manner.say(Word.CHAT_CHOSEN, chat=chat_label(chat))
        changes = (*ignored(row, "button: chat"), *amended)
        return Decision(row, changes, press_answer=answer)

    def _full(self, row: Row) -> Decision | None:
        return self._refused(row, Word.PRESS_FAILED) if self.page.is_full(row) else None

    def _hurried(self, row: Row) -> Decision | None:
        """What becomes of a press where so many came that the surface could not follow."""
        return self._refused(row, Word.PRESS_FAILED) if self.page.quieted(row) else None

    def _refused(self, row: Row, word: Word) -> Decision:
        answer = self.page.manner(row).say(word)
        changes = ignored(row, pressed_in_vain(word))
        return Decision(row, changes, press_answer=answer, is_press_refused=True)


def _is_urgent(pressed: Pressed | None) -> bool:
    """It changes nothing that the rows before it need."""
    return isinstance(pressed, StopPress | SkillPress | DisplayPress)


def pressed_in_vain(word: Word) -> str:
    """The reason of a press that did nothing."""
    return f"button: {word.name.removeprefix('PRESS_').lower()}"
