"""What one process has of its terminal, whichever life of the surface uses it."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from attrs import Factory, field, frozen

from actors.terminal.interrupts import InterruptSwitch
from actors.terminal.lines import LineReader, LineSource, PipedLines, no_lines
from actors.terminal.screen import PlainScreen, Screen

LINES_AHEAD = 1000
"""How many piped lines may wait for their answers; what is beyond them waits in the pipe."""


@frozen
class Terminal:
    """The terminal of a process: made once, handed to every life of ``TerminalSurface``.

    Args:
        interrupts: Its ``pressed`` is what the supervisor asks at every SIGINT.
        lines_ahead: How many lines may wait for their answers; 1 where a person types.
        log_lines: Takes log lines where they would stand amid the chat.
        leave: Leaves the terminal as it was found; called when the chat is over.
        opened_at: What is older was asked in an earlier run; seconds since the epoch.
    """

    reader: LineReader
    screen: Screen
    interrupts: InterruptSwitch
    lines_ahead: int = 1
    log_lines: TextIO | None = field(default=None, repr=False)
    leave: Callable[[], None] = field(default=lambda: None, repr=False)
    opened_at: float = Factory(time.time)

    @property
    def is_interactive(self) -> bool:
        """A person types here."""
        return self.interrupts.is_interactive


def log_place(terminal: Terminal | None, level: str) -> tuple[str, TextIO]:
    """What is logged at *level* and where to: amid a chat only errors, out of the way of it."""
    if terminal is None or terminal.log_lines is None:
        return level, sys.stderr
    return "error", terminal.log_lines


def open_terminal(history: Path | None, agent: str) -> Terminal:
    """The terminal of this process: with a person, or lines in and answers out.

    A person is there where standard input and output both are a terminal.

    Args:
        history: Where a person's lines are kept for the next time (mode 0600).
        agent: Who answers, as the greeting names them: ``the mock agent``.
    """
    if _is_terminal(sys.stdin) and _is_terminal(sys.stdout):
        return _with_person(history, agent)
    source: LineSource = no_lines if sys.stdin is None else PipedLines(sys.stdin.fileno())
    output = os.open(os.devnull, os.O_WRONLY) if sys.stdout is None else sys.stdout.fileno()
    return Terminal(
        reader=LineReader(source),
        screen=PlainScreen(output),
        interrupts=InterruptSwitch(is_interactive=False),
        lines_ahead=LINES_AHEAD,
    )


def _with_person(history: Path | None, agent: str) -> Terminal:
    # readline writes an escape sequence on import under some TERMs, and rich takes 0.1 s.
    from rich.console import Console  # noqa: PLC0415  # see above

    from actors.terminal.live import LiveScreen, LogLines  # noqa: PLC0415  # see above
    from actors.terminal.prompt import Prompt  # noqa: PLC0415  # see above

    prompt = Prompt(history)
    screen = LiveScreen(Console(), prompt, agent)
    return Terminal(
        reader=LineReader(prompt),
        screen=screen,
        interrupts=InterruptSwitch(leave=prompt.restore),
        log_lines=LogLines(screen) if _is_terminal(sys.stderr) else None,
        leave=prompt.restore,
    )


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
