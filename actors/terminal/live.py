"""The screen of a person: answers grow in place, Markdown drawn by rich."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from attrs import define, field
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.segment import SegmentLines
from rich.spinner import Spinner
from rich.text import Text

from actors.surfaces.folding import THOUGHT
from actors.terminal.clean import printable
from actors.terminal.render import drawn, tail_of
from protocols.journal import Voice

_ROWS_LEFT_FREE = 3
"""The spinner, the line below it, and one to see that there is more above."""
_DRAFT_CHARACTERS = 4_000
"""About a screen; drawing it takes 4 ms, 65 ms where all of it is code to be coloured."""
_DRAWN_CHARACTERS = 100_000
"""Drawn in 0.1 s, 1.4 s where all of it is code; a longer answer is shown as it was written."""
_OLD_CHARACTERS = 200


class PromptLine(Protocol):
    """What a screen must know of the prompt to write around it."""

    @property
    def words(self) -> str:
        """What stands in front of the line."""

    def typed(self) -> str | None:
        """What stands behind the prompt; None while there is no prompt."""


@define
class LiveScreen:
    """A terminal with a person in front of it.

    Args:
        agent: Who answers, as the greeting names them: ``the mock agent``.
    """

    _console: Console
    _prompt: PromptLine
    _agent: str
    _live: Live | None = None
    _lock: threading.RLock = field(factory=threading.RLock, repr=False)
    _has_greeted: bool = False

    def greet(self) -> None:
        """Say who answers and how to end."""
        if self._has_greeted:
            return
        self._has_greeted = True
        self._line(
            f"You are talking to {printable(self._agent)}. "
            "/help lists the commands, Ctrl-C stops an answer, Ctrl-D ends."
        )

    def recall(self, question: str) -> None:
        """Show a question of an earlier run whose answer comes now."""
        first, _, more = printable(question).strip().partition("\n")
        cut = first[:_OLD_CHARACTERS]
        self._line(f"Asked before, answered now: {cut}{' …' if more or cut != first else ''}")

    def draft(self, text: str, status: str) -> None:
        """Show the end of an answer that grows, and what the agent is doing."""
        with self._lock:
            if self._prompt.typed() is not None:
                return
            moving = Spinner("dots", Text(printable(status) or "thinking …", style="dim"))
            shown: RenderableType = Group(self._end_of(text), moving) if text else moving
            if self._live is None:
                self._live = Live(
                    shown,
                    console=self._console,
                    transient=True,
                    refresh_per_second=10,
                    redirect_stdout=False,
                    redirect_stderr=False,
                )
                self._live.start(refresh=True)
            else:
                self._live.update(shown, refresh=True)

    def answer(
        self, text: str, voice: Voice, *, is_old: bool, folded: str = "", footer: str = ""
    ) -> None:
        """Print the whole answer in the place of its draft; what stands around it is dim."""
        with self._lock, self._around_prompt():
            if is_old:
                self._console.print(Text("An answer from before:", style="dim"))
            if folded:
                self._console.print(Text(f"{THOUGHT} {printable(folded)}\n", style="dim"))
            style = "none" if voice is Voice.AGENT else "dim"
            if len(text) > _DRAWN_CHARACTERS:
                self._console.print(Text(printable(text)))
            else:
                self._console.print(drawn(text, style=style))
            if footer:
                self._console.print()
                self._console.print(drawn(footer, style="dim"))
            self._console.print()

    def hint(self, text: str) -> None:
        """Print a line of help."""
        self._line(text)

    def log(self, lines: str) -> None:
        """Print log lines, which end with a newline."""
        with self._lock, self._around_prompt():
            self._console.file.write(lines)
            self._console.file.flush()

    def rest(self) -> None:
        """Nothing is being answered."""
        with self._lock:
            if self._live is not None:
                live, self._live = self._live, None
                live.stop()

    def close(self) -> None:
        """Take the moving parts away."""
        self.rest()

    def _end_of(self, text: str) -> RenderableType:
        room = max(1, self._console.height - _ROWS_LEFT_FREE)
        markdown = drawn(tail_of(text, limit=_DRAFT_CHARACTERS))
        lines = self._console.render_lines(markdown, pad=False)
        return SegmentLines(lines[-room:], new_lines=True)

    def _line(self, text: str) -> None:
        with self._lock, self._around_prompt():
            self._console.print(Text(text, style="dim"))

    @contextmanager
    def _around_prompt(self) -> Iterator[None]:
        """Take away what moves; write above a prompt, and show the prompt again below."""
        self.rest()
        typed = self._prompt.typed()
        if typed is not None:
            self._console.file.write("\n" if typed else "\r\x1b[K")
        yield
        if typed is not None:
            self._console.file.write(self._prompt.words + typed)
            self._console.file.flush()


class LogLines(io.StringIO):  # which type checkers take for a text stream, unlike TextIOBase
    """The stream for log lines beside a chat: they stand above the prompt, below what was said."""

    def __init__(self, screen: LiveScreen) -> None:
        """Keep nothing: what is written is on *screen*."""
        super().__init__()
        self._screen = screen

    def write(self, lines: str, /) -> int:
        """Print *lines* at once."""
        self._screen.log(lines)
        return len(lines)

    def isatty(self) -> bool:
        """Colours are welcome."""
        return True
