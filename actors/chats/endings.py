"""How a turn ends: its state, and the one text that the person sees; pure."""

from typing import assert_never

from attrs import field, frozen

from actors.chats.commands import is_blank
from actors.chats.texts import FAILURES, Word, plain, say
from protocols.ids import PersonId
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


def ending_of(outcome: TurnOutcome, person: PersonId, prefix: str) -> Ending:
    """The ending for *outcome*; what came of the answer is always kept."""
    match outcome:
        case TurnFinished(text, attachments):
            return _finished(text, attachments, person, prefix=prefix)
        case TurnAsks():
            return Ending(RowState.ANSWERED, Voice.AGENT, _question(outcome, person), "asked back")
        case TurnFailed(text, kind):
            return _failed(text, kind, person, prefix=prefix)
        case TurnStopped(text):
            return _stopped(text, person, prefix)
        case _:
            assert_never(outcome)


def set_aside(row: Row, prefix: str, *, attempts: int) -> Ending:
    """The ending for a row that crashed whoever handled it too often."""
    text = say(Word.SET_ASIDE, row.sender, attempts=attempts, prefix=prefix)
    reason = f"set aside after {attempts} attempts"
    return Ending(RowState.SET_ASIDE, Voice.GATEWAY, text, reason)


def stopped_before_start(row: Row, prefix: str) -> Ending:
    """The ending for a row that was stopped while it waited."""
    text = say(Word.STOPPED_BEFORE_START, row.sender, prefix=prefix)
    return Ending(RowState.STOPPED, Voice.GATEWAY, text, "stopped before it began")


def stopped_by_force(row: Row, prefix: str) -> Ending:
    """The ending for a row whose session did not answer when it was told to stop."""
    text = say(Word.SESSION_SILENT, row.sender, prefix=prefix)
    return Ending(RowState.STOPPED, Voice.GATEWAY, text, "stopped; its session did not answer")


def _finished(
    text: str, attachments: tuple[Attachment, ...], person: PersonId, *, prefix: str
) -> Ending:
    files = tuple(_file(attachment, person) for attachment in attachments)
    whole = "\n\n".join(part for part in (text, *files) if part.strip())
    if is_blank(whole):
        return _failed("", FailureKind.EMPTY, person, prefix=prefix)
    return Ending(RowState.ANSWERED, Voice.AGENT, whole)


def _file(attachment: Attachment, person: PersonId) -> str:
    name = plain(" ".join(attachment.name.split()))
    if attachment.mode == "url":
        return f"[{name}](<{attachment.location}>)"
    return say(Word.FILE, person, name=name)


def _question(asks: TurnAsks, person: PersonId) -> str:
    choices = " / ".join(f"**{plain(choice)}**" for choice in asks.choices)
    hint = say(Word.ASK_CHOICE, person, choices=choices) if choices else say(Word.ASK_FREE, person)
    return "\n\n".join(part for part in (asks.text, asks.question, hint) if part.strip())


def _failed(text: str, kind: FailureKind, person: PersonId, *, prefix: str) -> Ending:
    words = say(FAILURES[kind], person, prefix=prefix)
    reason = f"the agent failed: {kind}"
    if not text.strip():
        return Ending(RowState.FAILED, Voice.GATEWAY, words, reason)
    return Ending(RowState.FAILED, Voice.AGENT, f"{_closed(text)}\n\n*{words}*", reason)


def _stopped(text: str, person: PersonId, prefix: str) -> Ending:
    words = say(Word.STOPPED_MARK, person, prefix=prefix)
    if not text.strip():
        return Ending(RowState.STOPPED, Voice.GATEWAY, words, "stopped by its person")
    whole = f"{_closed(text)}\n\n{words}"
    return Ending(RowState.STOPPED, Voice.AGENT, whole, "stopped by its person")


def _closed(text: str) -> str:
    """*text* with a code block that was cut in the middle closed, so that ours is not in it."""
    fences = sum(line.lstrip().startswith("```") for line in text.splitlines())
    return f"{text}\n```" if fences % 2 else text
