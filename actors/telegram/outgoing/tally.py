"""What the sending half says of itself in the live tree."""

import time
from collections import Counter
from collections.abc import Callable

import structlog
from attrs import define, field

from actors.kernel.child import note
from actors.metrics import PENALTIES
from protocols.ids import TELEGRAM

log = structlog.get_logger("telegram.sender")


@define
class Tally:
    """One line of the tree: what was sent, what is waited for, and what is wrong.

    Args:
        clock: Seconds since the epoch.
    """

    clock: Callable[[], float] = time.time
    _counts: Counter[str] = field(factory=Counter)
    _limited_until: float = 0.0
    _trouble: str = ""
    _said: str = ""

    def count(self, what: str) -> None:
        """One more of *what*."""
        self._counts[what] += 1
        self._tell()

    def answered(self) -> None:
        """Telegram can be reached."""
        if self._trouble:
            log.info("server.reached")
            self._trouble = ""
            self._tell()

    def unreachable(self, reason: str, delay: float) -> None:
        """A request has no good answer; the next try comes in *delay* seconds."""
        if not self._trouble:
            log.warning("server.lost", reason=reason)
        self._trouble = f"no answer from Telegram: {reason}, next try in {delay:.0f} s"
        self._tell()

    def limited(self, wait: float) -> None:
        """Telegram wants *wait* seconds of silence."""
        log.warning("server.limited", wait=wait)
        self._counts["penalties"] += 1
        PENALTIES.labels(TELEGRAM).inc()
        self._limited_until = max(self._limited_until, self.clock() + wait)
        self._tell()

    def _tell(self) -> None:
        parts = [f"{number} {what}" for what, number in sorted(self._counts.items())]
        if self._limited_until > self.clock():
            until = time.strftime("%H:%M:%S", time.localtime(self._limited_until))
            parts.append(f"waits until {until}: rate limited")
        if self._trouble:
            parts.append(self._trouble)
        if (said := ", ".join(parts)) != self._said:
            self._said = said
            note(said)
