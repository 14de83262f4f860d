"""The last resort: a thread that ends the process when the stop does not end."""

import os
import sys
import threading
from collections.abc import Callable
from typing import TextIO

from attrs import define, field

EXIT_CODE = 70


@define(eq=False)
class Watchdog:
    """Ends the process *limit* seconds after ``arm``, unless it is called off.

    A thread, because what it guards against may hold the event loop itself.
    """

    limit: float
    who_hangs: Callable[[], str]
    end: Callable[[int], object] = os._exit
    stream: TextIO = field(factory=lambda: sys.stderr)
    _called_off: threading.Event = field(init=False, factory=threading.Event)
    _thread: threading.Thread | None = field(init=False, default=None)

    def arm(self) -> None:
        """Start to count, unless it counts already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()

    def call_off(self) -> None:
        """The stop ended in time."""
        self._called_off.set()

    def _watch(self) -> None:
        if not self._called_off.wait(self.limit):
            try:
                text = f"watchdog: not stopped after {self.limit:g} s, ends now; "
                self.stream.write(f"{text}{self.who_hangs()}\n")
                self.stream.flush()
            finally:  # also where nobody reads the stream any more
                self.end(EXIT_CODE)
