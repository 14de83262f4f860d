"""How long to wait before the next life."""

from attrs import frozen


@frozen
class Backoff:
    """Exponential delays with jitter; all times in seconds.

    Args:
        first: The delay before the second try; the first comes at once.
        factor: Each further delay is so many times longer.
        longest: No delay is longer, jitter apart.
        jitter: The share by which a delay may be longer, so that many do not return together.
        stable_after: After a life of this length the delays start over.
    """

    first: float = 0.1
    factor: float = 2.0
    longest: float = 30.0
    jitter: float = 0.2
    stable_after: float = 60.0

    def delay_before(self, streak: int, *, draw: float) -> float:
        """The delay after *streak* failures in a row, counted from 1; *draw* is even in 0 … 1."""
        if streak <= 1:
            return 0.0
        # Past 64 doublings the cap has long been reached, and the power would overflow.
        plain = min(self.longest, self.first * self.factor ** min(streak - 2, 64))
        return plain * (1.0 + self.jitter * draw)
