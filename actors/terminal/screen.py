"""Where answers are shown: the port, and the plain twin for pipes and files."""

import os
import select
from typing import Protocol

from attrs import define

from actors.terminal.clean import printable
from protocols.journal import Voice


class Screen(Protocol):
    """Every method may block on a slow terminal: call it in a thread, one at a time.

    Raises:
        OSError: Nothing can be shown any more.
    """

    def greet(self) -> None:
        """Say who answers and how to end; once for the process."""

    def recall(self, question: str) -> None:
        """Show a question of an earlier run whose answer comes now."""

    def draft(self, text: str, status: str) -> None:
        """Show an answer as far as it has come; a newer draft replaces it."""

    def answer(
        self, text: str, voice: Voice, *, is_old: bool, folded: str = "", footer: str = ""
    ) -> None:
        """Show the whole answer in the place of its draft, for good.

        Plain text that a chat would fold away stands above it, its footer below.
        """

    def hint(self, text: str) -> None:
        """Show a line of help."""

    def rest(self) -> None:
        """Nothing is being answered."""

    def close(self) -> None:
        """Leave the terminal as it was; a later call shows things again."""


@define
class PlainScreen:
    """Answers as they are, one after the other, and nothing else.

    Bytes go to the descriptor itself: a buffer of Python's would fail once more at exit.
    """

    _descriptor: int

    def greet(self) -> None:
        """Nobody to greet."""

    def recall(self, question: str) -> None:
        """Only answers are printed."""

    def draft(self, text: str, status: str) -> None:
        """Only whole answers are printed."""

    def answer(
        self,
        text: str,
        voice: Voice,  # noqa: ARG002  # the port
        *,
        is_old: bool,  # noqa: ARG002  # the port
        folded: str = "",
        footer: str = "",
    ) -> None:
        """Write the answer and one newline; reasoning above it is a quotation."""
        quoted = "\n".join(f"> {line}" for line in printable(folded).splitlines())
        parts = [part for part in (printable(text).rstrip("\n"), printable(footer)) if part]
        self._write("\n\n".join([quoted, *parts] if quoted else parts).encode() + b"\n")

    def hint(self, text: str) -> None:
        """Nobody to help."""

    def rest(self) -> None:
        """Nothing moves."""

    def close(self) -> None:
        """Nothing to undo."""

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            select.select([], [self._descriptor], [])
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                continue
