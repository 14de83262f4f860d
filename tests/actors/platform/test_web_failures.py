"""What a status means, and when to come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.platform.web_failures import LONGEST_WAIT, StatusError, retry_after_of
from protocols.platform import FailureKind


@pytest.mark.parametrize(
    ("status", "kind", "is_retryable"),
    [
        (302, FailureKind.REJECTED, False),
        (400, FailureKind.REJECTED, False),
        (401, FailureKind.UNAUTHORIZED, False),
        (403, FailureKind.UNAUTHORIZED, False),
        (404, FailureKind.REJECTED, False),
        (408, FailureKind.TIMEOUT, True),
        (409, FailureKind.REJECTED, False),
        (413, FailureKind.FILE_REFUSED, False),
        (415, FailureKind.FILE_REFUSED, False),
        (425, FailureKind.TIMEOUT, True),
        (429, FailureKind.OVERLOADED, True),
        (500, FailureKind.OVERLOADED, True),
        (501, FailureKind.BROKEN, True),
        (502, FailureKind.OVERLOADED, True),
        (503, FailureKind.OVERLOADED, True),
        (504, FailureKind.TIMEOUT, True),
        (505, FailureKind.BROKEN, True),
        (599, FailureKind.OVERLOADED, True),
        (999, FailureKind.OVERLOADED, True),
    ],
)
def test_a_status_means_one_kind_of_failure(
    status: int, kind: FailureKind, *, is_retryable: bool
) -> None:
    error = StatusError(status)

    assert (error.kind, error.is_retryable) == (kind, is_retryable)


def test_no_word_of_the_body_stands_in_the_error() -> None:
    assert "secret" not in repr(StatusError(500, {"detail": "secret"}))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("9" * 5000, LONGEST_WAIT),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", LONGEST_WAIT),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        (None, None),
    ],
)
def test_a_wait_is_seconds_or_a_date(said: str | None, expected: float | None) -> None:
    assert retry_after_of(said, now=10.0) == expected


@given(st.text())
def test_whatever_is_said_the_wait_is_bounded(said: str) -> None:
    wait = retry_after_of(said, now=0.0)

    assert wait is None or 0.0 <= wait <= LONGEST_WAIT
