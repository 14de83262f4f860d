"""The prompt: line editing and history by readline, and the terminal left as it was found."""

import atexit
import os
import readline
import sys
import termios
from pathlib import Path
from typing import Any

import structlog
from attrs import define, field

log = structlog.get_logger("terminal.prompt")

PROMPT = "> "
_HISTORY_LINES = 1000
_ECHO_FIELD = 3  # of what tcgetattr gives: the local modes
_PASTE_ON, _PASTE_OFF = "set enable-bracketed-paste on", b"\x1b[?2004l"


@define
class Prompt:
    """The line source at a terminal; while no line is asked for, typing is not shown.

    Args:
        history: Where the lines are kept for the next time; None for nowhere.
    """

    _history: Path | None
    _found: list[Any] = field(init=False, repr=False)
    """The terminal's settings as we found them."""
    _is_open: bool = False
    _has_history: bool = False

    def __attrs_post_init__(self) -> None:
        """Typing is not shown from now on: an answer of an earlier run may come before any line."""
        self._found = termios.tcgetattr(sys.stdin)
        atexit.register(self.restore)
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]  # typeshed: TextIO
        readline.parse_and_bind(_PASTE_ON)
        self._show_typing(shown=False)

    def __call__(self) -> list[str] | None:
        """The next line; None at Ctrl-D, and where the terminal is gone."""
        self._open_history()
        self._show_typing(shown=True)
        self._is_open = True
        try:
            line = input(PROMPT)
        except EOFError:
            sys.stdout.write("\n")
            sys.stdout.flush()
            return None
        except OSError:
            return None
        finally:
            self._is_open = False
        self._show_typing(shown=False)
        self._save_history()
        return [line]

    @property
    def words(self) -> str:
        """What stands in front of the line."""
        return PROMPT

    def typed(self) -> str | None:
        """What stands behind the prompt; None while there is no prompt."""
        return readline.get_line_buffer() if self._is_open else None

    def restore(self) -> None:
        """Leave the terminal as we found it, also in the middle of a line."""
        end_of_line, self._is_open = b"\n" * self._is_open, False
        try:
            termios.tcsetattr(sys.stdin, termios.TCSANOW, self._found)
            os.write(sys.stdout.fileno(), _PASTE_OFF + end_of_line)
        except (OSError, ValueError, termios.error):
            return

    def _show_typing(self, *, shown: bool) -> None:
        settings = list(self._found)
        if not shown:
            settings[_ECHO_FIELD] &= ~termios.ECHO
        try:
            termios.tcsetattr(sys.stdin, termios.TCSANOW, settings)
        except termios.error:
            return

    def _open_history(self) -> None:
        """Read it once, before the first line: by then it is known where logs go."""
        if self._history is None or self._has_history:
            return
        self._has_history = True
        try:
            self._history.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._history, os.O_RDWR | os.O_CREAT, 0o600))
            self._history.chmod(0o600)
            readline.read_history_file(self._history)
        except OSError as error:
            log.warning("history.skipped", reason=os.strerror(error.errno or 0))
            self._history = None
        readline.set_history_length(_HISTORY_LINES)

    def _save_history(self) -> None:
        if self._history is None:
            return
        try:
            readline.write_history_file(self._history)
        except OSError as error:
            log.warning("history.skipped", reason=os.strerror(error.errno or 0))
            self._history = None
