"""How a turn ends: its state, and the one outcome that the person sees; pure."""

from typing import assert_never

from attrs import evolve, field, frozen

from actors.chats.commands import is_blank
from actors.chats.display import NOTHING_AROUND, Around
from actors.chats.keyboards import choice_keyboard, choice_word, retry_keyboard
from actors.chats.manner import Manner
from actors.chats.presses import ASKED_BACK
from actors.chats.retries import RETRYABLE
from actors.words import FAILURES, Word, plain
from protocols.changes import AddOutgoing, Change, FinishRow
from protocols.files import LocalFile
from protocols.journal import Keyboard, Row, RowState, Voice
from protocols.platform import Attachment, FailureKind
from protocols.turns import TurnAsks, TurnFailed, TurnFinished, TurnOutcome, TurnStopped


@frozen
class Ending:
    """What becomes of a row whose turn is over."""

    state: RowState
    voice: Voice
    text: str = field(repr=False)
    reason: str = ""
    keyboard: Keyboard = ()
    files: tuple[LocalFile, ...] = ()
    around: Around = NOTHING_AROUND

    def changes(self, row: Row) -> tuple[Change, ...]:
        """The changes that end *row* so."""
        outcome = AddOutgoing(
            row.room,
            self.voice,
            self.text,
            row=row.id,
            keyboard=self.keyboard,
            files=self.files,
            footer=self.around.footer,
            folded=self.around.folded,
        )
        return FinishRow(row.id, self.state, self.reason), outcome


def ending_of(
    outcome: TurnOutcome,
    row: Row,
    manner: Manner,
    *,
    missing: tuple[str, ...] = (),
    around: Around = NOTHING_AROUND,
) -> Ending:
    """The ending of *row* for *outcome*; what came of the answer is always kept.

    The lines in *missing* tell of files that the agent did not get; *around* stands around an
    answer, and around nothing else. The text is what the agent said; our own words are below it.
    """
    ending = _ending(outcome, row, manner)
    if isinstance(outcome, TurnFinished) and ending.state is RowState.ANSWERED:
        ending = evolve(ending, around=around)
    if missing:
        footer = "\n\n".join(line for line in (*missing, ending.around.footer) if line)
        ending = evolve(ending, around=evolve(ending.around, footer=footer))
    return _retryable(ending, row, manner)


def set_aside(row: Row, manner: Manner, *, attempts: int) -> Ending:
    """The ending for a row that crashed whoever handled it too often."""
    text = manner.say(Word.SET_ASIDE, attempts=attempts)
    reason = f"set aside after {attempts} attempts"
    return _retryable(Ending(RowState.SET_ASIDE, Voice.GATEWAY, text, reason), row, manner)


def stopped_before_start(row: Row, manner: Manner) -> Ending:
    """The ending for a row that was stopped while it waited."""
    text = manner.say(Word.STOPPED_BEFORE_START)
    ending = Ending(RowState.STOPPED, Voice.GATEWAY, text, "stopped before it began")
    return _retryable(ending, row, manner)


def stopped_by_force(row: Row, manner: Manner) -> Ending:
    """The ending for a row whose session did not answer when it was told to stop."""
    text = manner.say(Word.SESSION_SILENT)
    ending = Ending(RowState.STOPPED, Voice.GATEWAY, text, "stopped; its session did not answer")
    return _retryable(ending, row, manner)


def _retryable(ending: Ending, row: Row, manner: Manner) -> Ending:
    if ending.state not in RETRYABLE:
        return ending
    return evolve(ending, keyboard=retry_keyboard(row.id, manner))


def _ending(outcome: TurnOutcome, row: Row, manner: Manner) -> Ending:
    match outcome:
        case TurnFinished():
            return _finished(outcome, manner)
        case TurnAsks(choices=choices):
            keyboard = choice_keyboard(row.id, choices, manner)
            text = _question(outcome, manner, keyboard)
            return Ending(RowState.ANSWERED, Voice.AGENT, text, ASKED_BACK, keyboard)
        case TurnFailed(text, kind):
            return _failed(text, kind, manner)
        case TurnStopped(text):
            return _stopped(text, manner)
        case _:
            assert_never(outcome)


def _finished(answer: TurnFinished, manner: Manner) -> Ending:
    lines = [_attachment(one, manner) for one in answer.attachments]
    files = answer.files if manner.sends_files else ()
    if not manner.sends_files:
        lines += [_not_sent(file.name, manner) for file in answer.files]
    whole = "\n\n".join(part for part in (answer.text, *lines) if part.strip())
    if is_blank(whole) and not files:
        return _failed("", FailureKind.EMPTY, manner)
    text = "" if is_blank(whole) else whole
    return Ending(RowState.ANSWERED, Voice.AGENT, text, files=files)


def _attachment(attachment: Attachment, manner: Manner) -> str:
    if attachment.mode == "url":
        return f"[{_one_line(attachment.name)}](<{attachment.location}>)"
    return _not_sent(attachment.name, manner)


def _not_sent(name: str, manner: Manner) -> str:
    return manner.say(Word.FILE, name=_one_line(name))


def _one_line(name: str) -> str:
    return plain(" ".join(name.split()))


def _question(asks: TurnAsks, manner: Manner, keyboard: Keyboard) -> str:
    """What was said and asked, and how to answer where the buttons do not say it all."""
    parts = [part for part in (asks.text, asks.question) if part.strip()]
    buttons = sum(map(len, keyboard))
    if is_blank("".join(parts)) or not buttons or buttons < len(asks.choices):
        parts.append(_how_to_answer(asks.choices, manner))
    return "\n\n".join(parts)


def _how_to_answer(choices: tuple[str, ...], manner: Manner) -> str:
    if not choices:
        return manner.say(Word.ASK_FREE)
    words = " / ".join(f"**{plain(choice_word(choice, manner))}**" for choice in choices)
    return manner.say(Word.ASK_CHOICE, choices=words)


def _failed(text: str, kind: FailureKind, manner: Manner) -> Ending:
    words = manner.say(FAILURES[kind])
    reason = f"the agent failed: {kind}"
    if not text.strip():
        return Ending(RowState.FAILED, Voice.GATEWAY, words, reason)
    around = Around(footer=f"*{words}*")
    return Ending(RowState.FAILED, Voice.AGENT, text, reason, around=around)


def _stopped(text: str, manner: Manner) -> Ending:
    words, reason = manner.say(Word.STOPPED_MARK), "stopped by its person"
    if not text.strip():
        return Ending(RowState.STOPPED, Voice.GATEWAY, words, reason)
    return Ending(RowState.STOPPED, Voice.AGENT, text, reason, around=Around(footer=words))
