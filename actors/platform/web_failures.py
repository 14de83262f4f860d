"""What an agent's HTTP answer means where it is not what was asked for; pure."""

from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from protocols.platform import FailureKind, PlatformFailedError

LONGEST_WAIT = 3600.0
"""Seconds; who asks for more is taken to have asked for this."""

_KINDS = {
    HTTPStatus.UNAUTHORIZED: FailureKind.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN: FailureKind.UNAUTHORIZED,
    HTTPStatus.REQUEST_TIMEOUT: FailureKind.TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: FailureKind.FILE_REFUSED,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: FailureKind.FILE_REFUSED,
    HTTPStatus.TOO_EARLY: FailureKind.TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS: FailureKind.OVERLOADED,
    HTTPStatus.NOT_IMPLEMENTED: FailureKind.BROKEN,
    HTTPStatus.GATEWAY_TIMEOUT: FailureKind.TIMEOUT,
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: FailureKind.BROKEN,
}
_RETRYABLE = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}


class StatusError(PlatformFailedError):
    """The agent answered with a status that is not a success.

    Args:
        status: As HTTP has it.
        body: The answer's JSON where it is one, to be looked at and never to be shown; else None.
    """

    def __init__(self, status: int, body: Any = None, *, retry_after: float | None = None) -> None:
        """Tell by the status alone what it means."""
        is_retryable = status in _RETRYABLE or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        super().__init__(kind_of(status), is_retryable=is_retryable, retry_after=retry_after)
        self.status = status
        self.body = body


def kind_of(status: int) -> FailureKind:
    """Why a request failed that was answered with *status*."""
    known = _KINDS.get(status)  # type: ignore[call-overload]  # an HTTPStatus is an int
    if known is not None:
        return FailureKind(known)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return FailureKind.OVERLOADED
    return FailureKind.REJECTED


def retry_after_of(said: str | None, *, now: float) -> float | None:
    """Seconds to wait by the header ``Retry-After``: seconds or a date; None where it says neither.

    Args:
        said: The header, if there is one.
        now: Seconds since the epoch.
    """
    words = (said or "").strip()
    if words.isascii() and words.isdigit():
        return min(float(words[:9]), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(words).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return min(max(at - now, 0.0), LONGEST_WAIT)
