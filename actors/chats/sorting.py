"""What becomes of a new row: a turn, the answer to a command, an errand, a refusal; pure."""

from typing import assert_never

from attrs import define, evolve, field

from actors.chats.catch_up_choices import chosen_by_words
from actors.chats.commands import (
    Blank,
    Command,
    CommandName,
    ForAgent,
    Typed,
    UnknownCommand,
    typed,
)
from actors.chats.decisions import (
    Decision,
    DescribeTurn,
    OpenChat,
    ShowSettings,
    StopTurnHere,
    ended,
    ignored,
)
from actors.chats.editing import EditSorter
from actors.chats.linking import Linker
from actors.chats.page import Page
from actors.chats.pressing import PressSorter
from actors.chats.pushing import PushSorter
from actors.chats.redactions import RedactionSorter
from actors.chats.replies import MOST_WAITING, Replies, Reply, elsewhere, label, name_from
from actors.chats.rerun import rerun
from actors.chats.tasks import is_push
from actors.words import Word
from protocols.changes import AddOutgoing
from protocols.ids import RoomId
from protocols.journal import Row, RowState, Voice


@define
class Sorter:
    """Decides row by row; what it decides it knows for the next row."""

    page: Page
    _edits: EditSorter = field(init=False)
    _presses: PressSorter = field(init=False)
    _pushes: PushSorter = field(init=False)
    _redactions: RedactionSorter = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._edits = EditSorter(self.page)
        self._presses = PressSorter(self.page)
        self._pushes = PushSorter(self.page)
        self._redactions = RedactionSorter(self.page)

    def decide(self, row: Row) -> Decision:
        """What becomes of *row*."""
        decision = self._decide(row)
        heard = self.page.known.lasts.heard_in(row.room)
        changes = (*decision.changes, *self.page.slots.take_changes(), *heard)
        decision = evolve(decision, changes=changes)
        self.page.remember(decision)
        return decision

    def _decide(self, row: Row) -> Decision:
        if is_push(row):
            return self._pushes.decide(row)
        if row.press is not None:
            return self._presses.decide(row, row.press)
        if row.redacts is not None:
            return self._redactions.decide(row)
        if not self.page.access.may_write(row.sender):
            return self._stranger(row)
        words = typed(row.text, self.page.surface(row).command_prefixes)
        if row.room in self.page.paused and not _is_urgent(words):
            return Decision(row, is_paused=True)
        edit = None if row.edits is None else self._edits.decide(row, words)
        return edit or self._by_words(row, words)

    def _stranger(self, row: Row) -> Decision:
        heard = self.page.access.hear(row, self.page.now)
        if heard.words:
            words = ended(row, RowState.REFUSED, heard.words, reason="no access")
            return Decision(row, (*words, *heard.changes))
        return Decision(row, (*ignored(row, "no access; was told why"), *heard.changes))

    def _by_words(self, row: Row, words: Typed) -> Decision:
        page = self.page
        match words:
            case ForAgent(text):
                return chosen_by_words(page, row, text) or self._message(row, text)
            case Blank() if row.files:
                return self._message(row, "")
            case Blank():
                return page.quieted(row) or page.refused(row, Word.EMPTY, reason="empty")
            case Command(CommandName.STOP):
                # What runs can be stopped however much was said; a flood of stops is a flood.
                quieted = None if page.known.unfinished.get(row.room) else page.quieted(row)
                return quieted or Decision(row, errand=StopTurnHere())
            case Command(CommandName.NEW, rest) if row.id in page.opened:
                return self._new(row, rest)
            case Command() | UnknownCommand():
                return page.quieted(row) or self._command(row, words)
            case _:
                assert_never(words)

    def _message(self, row: Row, text: str) -> Decision:
        page = self.page
        if (refused := page.too_long(row, text)) is not None:
            return refused
        if page.is_full(row):
            return page.quieted(row) or self._full(row)
        chat = page.slots.chat_for_message(row.room, row.sender)
        return page.work(row, chat.slot, text)

    def _full(self, row: Row) -> Decision:
        reason = "too many waiting"
        return self.page.refused(row, Word.QUEUE_FULL, reason=reason, limit=MOST_WAITING)

    def _command(self, row: Row, words: Command | UnknownCommand) -> Decision:
        match words:
            case Command(CommandName.STATUS):
                return Decision(row, errand=DescribeTurn())
            case Command(CommandName.SETTINGS, rest):
                return Decision(row, errand=ShowSettings(rest))
            case Command(CommandName.LINK | CommandName.UNLINK):
                return Linker(self.page).decide(row, words)
            case Command(CommandName.RETRY):
                return self._retry(row)
            case Command(CommandName.NEW, rest):
                return self._new(row, rest)
            case Command(name, rest):
                return _replied(row, self._replies(row).reply(name, rest), f"/{name}")
            case UnknownCommand(near):
                return _replied(row, self._replies(row).unknown(near), "unknown command")
            case _:
                assert_never(words)

    def _retry(self, row: Row) -> Decision:
        failed = self.page.known.failed.get((row.room, row.sender))
        if failed is None or self.page.as_it_is(failed).decided:
            nothing = Reply(self.page.manner(row).say(Word.RETRYING_NOTHING))
            return _replied(row, nothing, "/retry")
        if self.page.is_full(row):
            return self._full(row)
        return rerun(self.page, row, failed, place=self.page.known.shown(failed.id))

    def _new(self, row: Row, rest: str) -> Decision:
        page, replies = self.page, self._replies(row)
        room = page.opened.get(row.id)
        if room is not None:
            return self._new_elsewhere(row, room, name_from(rest))
        may_open = page.surface(row).opens_rooms and row.id not in page.opened
        if may_open and (replies.here is None or replies.here.is_used):
            page.paused.add(row.room)
            name = name_from(rest) or page.slots.next_slot(row.room, row.sender)
            return Decision(row, errand=OpenChat(name))
        return _replied(row, replies.new(rest), "/new")

    def _new_elsewhere(self, row: Row, room: RoomId, name: str) -> Decision:
        chat = self.page.slots.open_next(room, row.sender, name)
        manner = self.page.manner(row)
        there = manner.say(Word.NEW_CHAT_WELCOME, chat=label(chat))
        word = Word.NEW_CHAT_LINKED if manner.room_link else Word.NEW_CHAT_ELSEWHERE
        here = manner.say(word, chat=label(chat), place=elsewhere(chat, manner))
        welcome = AddOutgoing(room, Voice.GATEWAY, there, is_final=False)
        return Decision(row, (*ended(row, RowState.ANSWERED, here, reason="/new"), welcome))

    def _replies(self, row: Row) -> Replies:
        return Replies(
            self.page.slots,
            row,
            self.page.manner(row),
            tree=self.page.tree,
            is_admin=self.page.access.is_admin(row.sender),
            surfaces=self.page.surfaces,
        )


def _replied(row: Row, reply: Reply, reason: str) -> Decision:
    words = ended(row, RowState.ANSWERED, reply.text, reason=reason, keyboard=reply.keyboard)
    return Decision(row, words)


def _is_urgent(words: Typed) -> bool:
    """It is answered although the rows before it wait: it changes nothing that they need."""
    urgent = (CommandName.STOP, CommandName.STATUS, CommandName.SETTINGS)
    return isinstance(words, Command) and words.name in urgent
