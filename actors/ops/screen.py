"""Where the client prints: pages for a person, JSON for a script."""

import io
import json
import shutil
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from attrs import define, field

from actors.ops.page import Line, painted

_WIDTH = 80
_CLEAR, _HOME, _TO_LINE_END, _TO_SCREEN_END = "\x1b[2J", "\x1b[H", "\x1b[K", "\x1b[J"


@define
class Screen:
    """The client's two streams.

    Args:
        wants_colours: They are used only on a terminal.
        as_json: Answers are printed as they came, one line each.
    """

    _out: TextIO
    _err: TextIO
    _wants_colours: bool
    as_json: bool
    _has_frame: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        for stream in (self._out, self._err):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")

    @property
    def width(self) -> int:
        """How many columns a page may have."""
        if not self._out.isatty():
            return _WIDTH
        return max(40, shutil.get_terminal_size((_WIDTH, 24)).columns)

    def print_json(self, said: Mapping[str, Any]) -> None:
        """Print *said* as one line."""
        self._write(json.dumps(said) + "\n")

    def print_page(self, page: Sequence[Line]) -> None:
        """Print *page* where the cursor is."""
        self._write("".join(f"{text}\n" for text in self._painted(page)))

    def print_frame(self, page: Sequence[Line]) -> None:
        """Put *page* in the place of the page before; what does not fit is left out."""
        if not self._out.isatty():
            self.print_page([*page, Line("")])
            return
        height = shutil.get_terminal_size((_WIDTH, 24)).lines
        lines = [f"{text}{_TO_LINE_END}\n" for text in self._painted(page[: height - 1])]
        start = _HOME if self._has_frame else _CLEAR + _HOME
        self._has_frame = True
        self._write(start + "".join(lines) + _TO_SCREEN_END)

    def complain(self, problem: str) -> None:
        """Print *problem* to the error stream."""
        self._err.write(f"{problem}\n")
        self._err.flush()

    def _painted(self, page: Sequence[Line]) -> list[str]:
        return painted(page, colours=self._wants_colours and self._out.isatty())

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
