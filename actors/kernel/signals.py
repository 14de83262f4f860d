"""SIGINT and SIGTERM: the first stops in order, the second ends the process."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import trio
from attrs import define, field

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@define(eq=False)
class StopSignals:
    """Hears the two signals while the tree runs.

    The count is kept in the handler itself, not on the event loop: a second signal works also
    when the loop hangs.

    Args:
        stop: Stops in order, on the event loop; told the signal's name.
        alarm: Called at once, in the handler, when a stop is certain: the loop may hang.
        on_interrupt: Gets SIGINT first; True if it was meant for something smaller.
        end: Ends the process at once.
    """

    stop: Callable[[str], None]
    on_interrupt: Callable[[], bool] | None = None
    alarm: Callable[[], object] = field(default=lambda: None, kw_only=True)
    end: Callable[[int], object] = field(default=os._exit, kw_only=True)
    _pending: int = field(init=False, default=0)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Handle the signals inside the block, which runs in trio."""
        token = trio.lowlevel.current_trio_token()

        def handle(number: int, _frame: FrameType | None) -> None:
            self._pending += 1
            if self._pending > 1:
                self.end(128 + number)
            if number == signal.SIGTERM or self.on_interrupt is None:
                self.alarm()
            token.run_sync_soon(self._take, number)

        before = {number: signal.signal(number, handle) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take(self, number: int) -> None:
        if number == signal.SIGINT and self.on_interrupt is not None and self.on_interrupt():
            self._pending = 0
        else:
            self.stop(signal.Signals(number).name)
