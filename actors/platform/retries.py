"""When a failed request is tried again: full jitter, and what the platform asked for."""

FIRST_CEILING = 0.5
HIGHEST_CEILING = 20.0
_ENOUGH_DOUBLINGS = 16  # far past the highest ceiling, and still a small number


def delay_before_retry(attempt: int, *, roll: float, retry_after: float | None) -> float:
    """Seconds to wait before the next attempt.

    Args:
        attempt: The one that failed, counted from 1.
        roll: A random number from 0 up to 1; the whole delay is rolled, so that many
            callers who failed together do not come back together.
        retry_after: The least that the platform asked for, if it did.
    """
    doublings = min(attempt - 1, _ENOUGH_DOUBLINGS)
    ceiling = min(HIGHEST_CEILING, FIRST_CEILING * 2.0**doublings)
    return max(roll * ceiling, retry_after or 0.0)
