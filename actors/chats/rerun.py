"""What has its turn again: a message that failed, and an edited one; pure."""

from actors.chats.commands import cleaned
from actors.chats.decisions import Decision
from actors.chats.notes import context_key
from actors.chats.page import Page, name_of
from actors.chats.retries import RETRY
from actors.words import Word
from protocols.changes import Change, DeleteKey
from protocols.ids import RemoteId, RowId, SlotId
from protocols.journal import Amends, Row

ANEW = "anew"
"""How it is noted on an edit that its text has its turn."""


def rerun(page: Page, row: Row, failed: Row, *, place: RemoteId | None) -> Decision:
    """*row* runs *failed* again, once; *place* shows how that ended, where it is known."""
    more: tuple[Change, ...] = page.decide(failed, RETRY)
    if failed.id in page.known.notes_of(failed.room).contexts:
        more = (*more, DeleteKey(context_key(failed.room, failed.id)))
    if place is not None:
        words = page.manner(row).say(Word.RETRIED_BY, name=name_of(row))
        more = (*more, *page.amend(row, Amends(failed.id, place), words))
    return page.work(
        row,
        _slot(page, row, failed),
        failed.text,
        instead_of=failed,
        files_of=page.known.files_of(failed),
        more=more,
    )


def answer_anew(page: Page, row: Row, edit: Row, *, place: RemoteId) -> Decision:
    """*row* has the text of *edit* answered, with the files of the message that it changed.

    *place* offered it.
    """
    message = page.edited_by(edit)
    offer = Amends(edit.id, place)
    more: tuple[Change, ...] = (
        *page.decide(edit, ANEW),
        *page.amend(row, offer, page.manner(row).say(Word.ANSWERED_ANEW)),
    )
    return page.work(
        row,
        _slot(page, row, message),
        cleaned(edit.text),
        instead_of=edit,
        files_of=_files(page, edit, message),
        more=more,
    )


def _slot(page: Page, row: Row, earlier: Row | None) -> SlotId:
    if earlier is not None and earlier.slot is not None:
        return earlier.slot
    return page.slots.chat_for_message(row.room, row.sender).slot


def _files(page: Page, edit: Row, message: Row | None) -> RowId | None:
    if edit.files or message is None:
        return page.known.files_of(edit)
    return page.known.files_of(message)
