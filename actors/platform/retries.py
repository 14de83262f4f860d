"""When a failed request is tried again: full jitter, and what the platform asked for."""

FIRST_CEILING = 0.5
HIGHEST_CEILING = 20.0
_ENOUGH_DOUBLINGS = 16  # far past the highest ceiling, and still a small number


def delay_before_retry(attempt: int, *, roll: float, retry_after: float | None) -> float:
    """Seconds to wait before the next attempt.

    Args:
        attempt: The one that failed, counted from 1.
        roll: A random number from 0 up to 1; all of the delay is rolled that the platform does
            not ask for, so that many callers who failed together do not come back together.
        retry_after: The least that the platform asked for, if it did.
    """
    doublings = min(attempt - 1, _ENOUGH_DOUBLINGS)
    ceiling = min(HIGHEST_CEILING, FIRST_CEILING * 2.0**doublings)
    asked = retry_after if retry_after is not None and retry_after > 0 else 0.0
    return asked + roll * ceiling
