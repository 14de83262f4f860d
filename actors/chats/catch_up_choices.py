"""What is asked about messages that waited long, and what becomes of them then; pure."""

from collections.abc import Mapping, Sequence
from typing import assert_never

from actors.chats.backlog import again, note_key, put_note
from actors.chats.decisions import Decision, ended, ignored
from actors.chats.keyboards import catch_up_keyboard
from actors.chats.manner import Manner
from actors.chats.page import Page, name_of
from actors.chats.presses import CatchUp
from actors.words import CATALOGUES, Word
from protocols.changes import AddOutgoing, Change, DecideRow, DeleteKey, FinishRow, RepeatRow
from protocols.journal import Row, RowState, Voice
from protocols.quotes import without_quote

ASKED = "catch-up"
"""How it is noted on the newest of the messages that their person was asked about them."""

CHOSEN = "catch-up"
"""The reason of the row that says which are answered."""

_UNWANTED = "waited too long; its person wants no answer"
_COMES_AGAIN = "waited long; it comes again as a row of its own"

LABELS: Mapping[CatchUp, Word] = {
    CatchUp.ALL: Word.BUTTON_ALL,
    CatchUp.LAST: Word.BUTTON_LAST,
    CatchUp.NONE: Word.BUTTON_NONE,
}

_WORDS = {
    words[word].casefold(): choice
    for words in CATALOGUES.values()
    for choice, word in LABELS.items()
} | {"всё": CatchUp.ALL}

_PUNCTUATION = " \t\n.!«»\"'"


def question(rows: Sequence[Row], manner: Manner, now: float) -> tuple[Change, ...]:
    """The changes that ask about *rows*, all of one person in one room.

    A second time they conflict: the question stands there.
    """
    newest = rows[-1]
    facts = {"count": len(rows), "name": name_of(newest)}
    text = manner.say(Word.CATCH_UP_OF if newest.is_shared else Word.CATCH_UP, **facts)
    if not manner.has_buttons:
        choices = " / ".join(f"**{manner.say(word).lower()}**" for word in LABELS.values())
        text = f"{text}\n\n{manner.say(Word.ASK_CHOICE, choices=choices)}"
    return (
        DecideRow(newest.id, ASKED),
        put_note((newest.room, newest.sender), now),
        AddOutgoing(
            newest.room,
            Voice.GATEWAY,
            text,
            row=newest.id,
            is_final=False,
            keyboard=catch_up_keyboard(newest.id, manner),
        ),
    )


def choice_in(text: str) -> CatchUp | None:
    """Which choice a person means by *text*, in any language; None for anything else."""
    own = without_quote(text).strip(_PUNCTUATION)
    return _WORDS.get(" ".join(own.split()).casefold())


def chosen_by_words(page: Page, row: Row, text: str) -> Decision | None:
    """What becomes of *row* and of what waits, if *text* says what to do with that."""
    choice = choice_in(text)
    if choice is None or not _held(page, row):
        return None
    words, changes = _carry_out(page, row, choice)
    return Decision(row, (*ended(row, RowState.ANSWERED, words, reason=CHOSEN), *changes))


def chosen_by_press(page: Page, row: Row, choice: CatchUp) -> Decision | None:
    """What becomes of the press *row* and of what waits; None where nothing does."""
    held = _held(page, row)
    if not held:
        return None
    words, changes = _carry_out(page, row, choice)
    said = AddOutgoing(row.room, Voice.GATEWAY, words, row=held[-1].id, is_final=False)
    return Decision(row, (*ignored(row, f"button: {CHOSEN}"), *changes, said), press_answer=words)


def _held(page: Page, row: Row) -> list[Row]:
    """What waits for the word of whoever sent *row*, as it is now."""
    held = map(page.as_it_is, page.known.held.get((row.room, row.sender), {}).values())
    return [one for one in held if one.state is RowState.RECEIVED]


def _carry_out(page: Page, row: Row, choice: CatchUp) -> tuple[str, tuple[Change, ...]]:
    """The words for it, and what becomes of the messages that wait.

    Those that are answered come once more: newer ones may have been answered meanwhile, and what
    is said in a room stands there in the order of its rows.
    """
    place = row.room, row.sender
    held, manner = _held(page, row), page.manner(row)
    del page.known.held[place]
    match choice:
        case CatchUp.ALL:
            wanted, word, count = held, Word.CATCHING_UP_ALL, len(held)
        case CatchUp.LAST:
            wanted, word, count = held[-1:], Word.CATCHING_UP_LAST, len(held) - 1
        case CatchUp.NONE:
            wanted, word, count = [], Word.CATCHING_UP_NONE, len(held)
        case _:
            assert_never(choice)
    unwanted = [one for one in held if one not in wanted]
    ends = (
        *(FinishRow(one.id, RowState.IGNORED, _UNWANTED) for one in unwanted),
        *(FinishRow(one.id, RowState.IGNORED, _COMES_AGAIN) for one in wanted),
    )
    repeats = (RepeatRow(one.id, again(one)) for one in wanted)
    return manner.say(word, count=count), (*ends, *repeats, DeleteKey(note_key(place)))
