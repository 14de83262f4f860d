"""The homeserver's limits as numbers, and what to do about them; reads no clock."""

from attrs import define

EVENT_BYTES = 45_000
"""Largest content of one event as JSON.

A whole event may have 65,536 bytes; encryption adds a third and the server adds its own fields.
"""

SEALED_BYTES = 63_000
"""Largest content of an encrypted event as JSON; the rest is for the server's own fields."""

FILE_LIMIT_BYTES = 50 * 2**20
"""Largest file that is sent, however much the server takes."""

PIECE_BYTES = 10_000
"""Longest text of one message: an edit carries it twice, and its HTML twice."""

LONGEST_FOLDED = 2_000
"""Characters folded above an answer: with a whole piece of it they fit one event, mostly."""

LEAST_PIECE_BYTES = 128
"""A text that does not fit in this is not too long: the server refuses it for another reason."""

MOST_OFFERS = 10
"""So many of a message's buttons are put below it as reactions: each counts as a message.

The others are named in its text, and whoever adds their emoji presses them too.
"""

PENALTY_KEY = "matrix_penalty"
"""The key under which a penalty is remembered."""

UNSAID_WAIT = 5.0
"""Seconds to wait after a 429 that does not say how long."""

MOST_STRANGE = 12
"""So often, for some seven minutes, a refusal without an ``errcode`` is tried again.

A proxy gives it while the homeserver behind it restarts, but also for words that it never lets by.
"""

LONGEST_DELAY = 60.0


def delay_before(streak: int, *, spread: float) -> float:
    """Seconds to wait before the next try after *streak* failures in a row.

    *spread* is a random number from 0 to 1: it spreads clients that lost the same server.
    """
    delay = min(LONGEST_DELAY, 2.0 ** min(streak - 1, 16))
    return delay * (0.75 + spread / 4)


@define
class Penalty:
    """The time in which the server wants nothing sent, for the whole account."""

    until: float = float("-inf")
    _length: float = 0.0

    def extend(self, now: float, wait: float) -> None:
        """The server said at *now* to wait for *wait* seconds."""
        self._length = wait
        self.until = max(self.until, now + wait)

    def left(self, now: float) -> float:
        """Seconds until something may be sent."""
        return max(0.0, self.until - now)

    def is_recent(self, now: float) -> bool:
        """Whether sends should go one by one, so that they do not run into it again at once."""
        return now < self.until + 60.0

    @property
    def drafts_from(self) -> float:
        """When drafts may be sent again: later than answers, which they must not crowd out."""
        return self.until + 2 * self._length
