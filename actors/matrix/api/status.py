"""What the Matrix surface says of itself in the live tree."""

import time

import structlog
from attrs import define

from actors.kernel.child import note

log = structlog.get_logger("matrix.status")


@define
class Status:
    """One line of the tree: the last sync, what is wrong, what is waited for and what to do."""

    _synced_at: str = ""
    _trouble: str = ""
    _limited_until: float = 0.0
    _remark: str = ""
    _sealed: int = 0

    def synced(self) -> None:
        """A sync is complete: this is what alive means."""
        if self._trouble:
            log.info("server.reached")
        self._synced_at, self._trouble = _clock(time.time()), ""
        self._tell()

    def unreachable(self, reason: str, delay: float) -> None:
        """The next try comes in *delay* seconds."""
        if not self._trouble:
            log.warning("server.lost", reason=reason)
        self._trouble = f"server unreachable: {reason}, next try in {delay:.0f} s"
        self._tell()

    def limited(self, wait: float) -> None:
        """The server wants *wait* seconds of silence."""
        log.warning("server.limited", wait=wait)
        self._limited_until = max(self._limited_until, time.time() + wait)
        self._tell()

    def remark(self, text: str) -> None:
        """Show *text*, what a person has to see to, until another one stands there; "" is none."""
        self._remark = text
        self._tell()

    def sealed(self, number: int) -> None:
        """So many messages wait for the keys to read them."""
        if number != self._sealed:
            self._sealed = number
            self._tell()

    def _tell(self) -> None:
        parts = [f"last sync {self._synced_at}"] if self._synced_at else []
        if self._trouble:
            parts.append(self._trouble)
        if self._limited_until > time.time():
            parts.append(f"waits until {_clock(self._limited_until)}: rate limited")
        if self._remark:
            parts.append(self._remark)
        if self._sealed == 1:
            parts.append("1 message waits for its key")
        elif self._sealed:
            parts.append(f"{self._sealed} messages wait for their keys")
        note("; ".join(parts))


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
