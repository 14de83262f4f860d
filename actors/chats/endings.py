"""How a turn ends: its state, and the one text that the person sees; pure."""

from typing import assert_never

from attrs import field, frozen

from actors.chats.commands import is_blank
from actors.chats.manner import Manner
from actors.words import FAILURES, Word, plain
from protocols.platform import (
    Attachment,
    FailureKind,
    TurnAsks,
    TurnFailed,
    TurnFinished,
    TurnOutcome,
    TurnStopped,
)
from protocols.store import AddOutgoing, Change, FinishRow, Row, RowState, Voice


@frozen
class Ending:
    """What becomes of a row whose turn is over."""

    state: RowState
    voice: Voice
    text: str = field(repr=False)
    reason: str = ""

    def changes(self, row: Row) -> tuple[Change, ...]:
        """The changes that end *row* so."""
        return (
            FinishRow(row.id, self.state, self.reason),
            AddOutgoing(row.room, self.voice, self.text, row=row.id),
        )


def ending_of(outcome: TurnOutcome, manner: Manner) -> Ending:
    """The ending for *outcome*; what came of the answer is always kept."""
    match outcome:
        case TurnFinished(text, attachments):
            return _finished(text, attachments, manner)
        case TurnAsks():
            return Ending(RowState.ANSWERED, Voice.AGENT, _question(outcome, manner), "asked back")
        case TurnFailed(text, kind):
            return _failed(text, kind, manner)
        case TurnStopped(text):
            return _stopped(text, manner)
        case _:
            assert_never(outcome)


def set_aside(manner: Manner, *, attempts: int) -> Ending:
    """The ending for a row that crashed whoever handled it too often."""
    text = manner.say(Word.SET_ASIDE, attempts=attempts)
    reason = f"set aside after {attempts} attempts"
    return Ending(RowState.SET_ASIDE, Voice.GATEWAY, text, reason)


def stopped_before_start(manner: Manner) -> Ending:
    """The ending for a row that was stopped while it waited."""
    text = manner.say(Word.STOPPED_BEFORE_START)
    return Ending(RowState.STOPPED, Voice.GATEWAY, text, "stopped before it began")


def stopped_by_force(manner: Manner) -> Ending:
    """The ending for a row whose session did not answer when it was told to stop."""
    text = manner.say(Word.SESSION_SILENT)
    return Ending(RowState.STOPPED, Voice.GATEWAY, text, "stopped; its session did not answer")


def _finished(text: str, attachments: tuple[Attachment, ...], manner: Manner) -> Ending:
    files = tuple(_file(attachment, manner) for attachment in attachments)
    whole = "\n\n".join(part for part in (text, *files) if part.strip())
    if is_blank(whole):
        return _failed("", FailureKind.EMPTY, manner)
    return Ending(RowState.ANSWERED, Voice.AGENT, whole)


def _file(attachment: Attachment, manner: Manner) -> str:
    name = plain(" ".join(attachment.name.split()))
    if attachment.mode == "url":
        return f"[{name}](<{attachment.location}>)"
    return manner.say(Word.FILE, name=name)


def _question(asks: TurnAsks, manner: Manner) -> str:
    choices = " / ".join(f"**{plain(choice)}**" for choice in asks.choices)
    hint = manner.say(Word.ASK_CHOICE, choices=choices) if choices else manner.say(Word.ASK_FREE)
    return "\n\n".join(part for part in (asks.text, asks.question, hint) if part.strip())


def _failed(text: str, kind: FailureKind, manner: Manner) -> Ending:
    words = manner.say(FAILURES[kind])
    reason = f"the agent failed: {kind}"
    if not text.strip():
        return Ending(RowState.FAILED, Voice.GATEWAY, words, reason)
    return Ending(RowState.FAILED, Voice.AGENT, f"{_closed(text)}\n\n*{words}*", reason)


def _stopped(text: str, manner: Manner) -> Ending:
    words = manner.say(Word.STOPPED_MARK)
    if not text.strip():
        return Ending(RowState.STOPPED, Voice.GATEWAY, words, "stopped by its person")
    whole = f"{_closed(text)}\n\n{words}"
    return Ending(RowState.STOPPED, Voice.AGENT, whole, "stopped by its person")


def _closed(text: str) -> str:
    """*text* with a code block that was cut in the middle closed, so that ours is not in it."""
    fences = sum(line.lstrip().startswith("```") for line in text.splitlines())
    return f"{text}\n```" if fences % 2 else text
