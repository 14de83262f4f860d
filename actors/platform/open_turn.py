"""A turn in hand: who waits for it, how far it has come, and what is shown of it."""

from typing import assert_never

import trio
from attrs import define, field

from actors.words import Word, say
from protocols.platform import (
    FailureKind,
    ReasoningDelta,
    StatusLine,
    StreamAsks,
    StreamBroke,
    StreamFinished,
    StreamPart,
    StreamStopped,
    TextDelta,
    ToolCall,
    WholeText,
)
from protocols.turns import (
    RunTurn,
    Turn,
    TurnAsks,
    TurnFailed,
    TurnFinished,
    TurnOutcome,
    TurnProgress,
    TurnStopped,
)

LONGEST_STATUS = 200
LONGEST_TOOL_NAME = 60
MOST_REASONING = 50_000


@define(eq=False)
class OpenTurn:
    """A turn that somebody waits for, and how far it has come."""

    turn: Turn
    _question: RunTurn | None
    asked_at: float
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    status: str = field(default="", repr=False)
    has_place: bool = False
    """It runs; before, it waits for others to end."""
    has_begun: bool = False
    """Something of the answer was shown, so another attempt would show it twice."""
    has_words: bool = False
    """There is text of the answer."""
    broken_by: FailureKind | None = None
    """Why its stream broke, if nothing came of it since."""
    size_chars: int = 0
    _joined: str = field(default="", init=False, repr=False)
    _pieces: list[str] = field(init=False, factory=list, repr=False)
    _ahead: int | None = field(default=None, init=False)
    _thoughts: list[str] = field(init=False, factory=list, repr=False)
    _thought_chars: int = field(default=0, init=False)

    @classmethod
    def asked_by(cls, question: RunTurn, *, at: float) -> "OpenTurn":
        """The turn of *question*, from its beginning, on trio's clock."""
        return cls(question.turn, question, at)

    def hand_over(self, newest: RunTurn) -> None:
        """Answer *newest* from here on: whoever asked before has crashed and asks again."""
        self.answer(TurnFailed(self.text, FailureKind.GONE))
        self._question = newest
        if self.text or self.status:
            self._show()

    def answer(self, outcome: TurnOutcome) -> None:
        """Answer whoever waits, once; later outcomes have nobody to go to."""
        question, self._question = self._question, None
        if question is not None:
            question.reply_to.send(outcome)

    def wait_behind(self, ahead: int) -> None:
        """Show that *ahead* others get a place before it."""
        if ahead == self._ahead:
            return
        self._ahead = ahead
        if ahead:
            self.tell(Word.DRAFT_WAITS_BEHIND, waiting=ahead)
        else:
            self.tell(Word.DRAFT_WAITS)

    def begin(self) -> None:
        """The turn has a place and runs; it no longer says that it waits."""
        self.has_place = True
        if self.status:
            self.say("")

    def say(self, status: str) -> None:
        """Show *status* as what is happening now."""
        self.status = _line(status, LONGEST_STATUS)
        self._show()

    def tell(self, word: Word, **facts: object) -> None:
        """Show *word* as what is happening now, in the person's language."""
        self.say(say(word, self.turn.language, **facts))

    def start_anew(self) -> None:
        """Forget what came of an attempt that showed nothing."""
        self._put("")
        self.broken_by = None
        self._thoughts.clear()
        self._thought_chars = 0

    def take(self, part: StreamPart) -> TurnOutcome | None:
        """Take in *part*; the outcome if it was the last one."""
        self.broken_by = part.kind if isinstance(part, StreamBroke) else None
        match part:
            case StreamBroke():
                pass
            case TextDelta(text):
                self._grow(text)
            case WholeText(text):
                self._replace(text)
            case ReasoningDelta(text):
                self._think(text)
            case StatusLine(text):
                self.has_begun = True
                self.say(text)
            case ToolCall(name):
                self.has_begun = True
                self.tell(Word.DRAFT_TOOL, tool=_line(name, LONGEST_TOOL_NAME))
            case StreamFinished() | StreamAsks() | StreamStopped():
                return self._ended(part)
            case _:
                assert_never(part)
        return None

    def _ended(self, part: StreamFinished | StreamAsks | StreamStopped) -> TurnOutcome:
        match part:
            case StreamFinished(attachments, usage):
                if self.text.strip() or attachments:
                    return TurnFinished(
                        self.text, attachments, reasoning="".join(self._thoughts), usage=usage
                    )
                return TurnFailed("", FailureKind.EMPTY)
            case StreamAsks(interrupt_id, question, choices, expires_at):
                return TurnAsks(self.text, interrupt_id, question, choices, expires_at)
            case StreamStopped():
                return TurnStopped(self.text)
            case _:
                assert_never(part)

    @property
    def text(self) -> str:
        """The answer as far as it has come."""
        if self._pieces:
            self._joined = "".join((self._joined, *self._pieces))
            self._pieces.clear()
        return self._joined

    def _grow(self, text: str) -> None:
        self._note_first_word(text)
        self._pieces.append(text)
        self.size_chars += len(text)
        # Showing copies the whole text. Done once for each 256th that it has grown, all copies
        # together stay in proportion to its length; what is held back is too little to miss.
        if text and (self.size_chars - len(self._joined)) * 256 >= self.size_chars:
            self.status = ""
            self._show()

    def _replace(self, text: str) -> None:
        self._note_first_word(text)
        self._put(text)
        if text:
            self.status = ""
        self._show()

    def _put(self, text: str) -> None:
        self._joined, self.size_chars = text, len(text)
        self._pieces.clear()

    def _think(self, text: str) -> None:
        fits = text[: MOST_REASONING - self._thought_chars]
        if fits:
            self._thoughts.append(fits)
            self._thought_chars += len(fits)
        if not self.status and not self.has_begun:
            self.tell(Word.DRAFT_THINKS)

    def _note_first_word(self, text: str) -> None:
        if not self.has_words and text.strip():
            self.has_words = self.has_begun = True

    def _show(self) -> None:
        if self._question is not None:
            progress = TurnProgress(row=self.turn.row, text=self.text, status=self.status)
            self._question.progress.put(progress)


def _line(text: str, longest: int) -> str:
    """*text* as one line of at most *longest* printable characters."""
    start = text[: 2 * longest]
    if not start.isprintable():
        start = "".join(char if char.isprintable() else " " for char in start)
    return " ".join(start.split())[:longest]
