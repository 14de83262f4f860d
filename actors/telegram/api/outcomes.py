"""What a request to Telegram ends in. No request raises: every end is one of these values."""

import re
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from attrs import field, frozen

UNSAID_WAIT = 5.0
"""Seconds to wait where Telegram says "too many requests" and not how long."""

_LONGEST_REASON = 200
_LONGEST_WAIT = 1e7  # 4 months; more is no answer of Telegram's


# Success.


@frozen
class Me:
    """Who the bot is.

    Args:
        username: Without ``@``.
        reads_all: Whether Telegram hands over everything that is said in a group.
        has_topics: Whether its private chats may have topics.
    """

    id: int
    username: str
    reads_all: bool = False
    has_topics: bool = False


@frozen
class Updates:
    """What is new, as Telegram wrote it: usually objects, but nothing is checked."""

    items: tuple[Any, ...] = field(repr=False)


@frozen
class Sent:
    """The message stands in the chat."""

    message_id: int


@frozen
class Opened:
    """The topic is open."""

    thread_id: int


@frozen
class NotModified:
    """The message already says this: for an edit, success."""


@frozen
class Done:
    """Telegram did it, and there is nothing more to know."""


# Failure.


class Refusal(StrEnum):
    """Why Telegram will not do it, as far as it makes a difference to us."""

    ENTITIES = "entities"
    """The formatting; the plain text may go."""
    THREAD_GONE = "thread gone"
    """There is no such topic; the chat itself may do."""
    MESSAGE_GONE = "message gone"
    """The message that was to be edited is deleted, or no longer may be."""
    CHAT_GONE = "chat gone"
    EMPTY = "empty"
    """Nothing would be seen."""
    TOO_LONG = "too long"
    CALLBACK_OLD = "callback old"
    """The press of a button waited too long for its answer."""
    FILE_TOO_LARGE = "file too large"
    FILE_GONE = "file gone"
    """It is not where it should be: on Telegram's side or on ours."""
    OTHER = "other"


@frozen
class RateLimited:
    """Nothing was done: send nothing for *retry_after* seconds."""

    retry_after: float


@frozen
class Unauthorized:
    """The token is wrong or revoked."""


@frozen
class Conflict:
    """Another program polls with this token, or a webhook is set."""

    reason: str


@frozen
class Forbidden:
    """The person blocked the bot, or the group threw it out."""

    reason: str


@frozen
class Migrated:
    """Nothing was done: the group is a supergroup now, with another id."""

    chat_id: int


@frozen
class Refused:
    """Nothing was done, and trying again would not help; *reason* is Telegram's own."""

    status: int
    reason: str
    why: Refusal = Refusal.OTHER


@frozen
class Unreachable:
    """Nothing was done: there was no connection. Safe to try again."""

    reason: str


@frozen
class Ambiguous:
    """It may have been done or not: a time-out, a reset, an error of the server, no JSON."""

    reason: str


Failure = (
    RateLimited | Unauthorized | Conflict | Forbidden | Migrated | Refused | Unreachable | Ambiguous
)

_REFUSALS = (
    ("thread not found", Refusal.THREAD_GONE),
    ("topic_deleted", Refusal.THREAD_GONE),
    ("topic_closed", Refusal.THREAD_GONE),
    ("topic_id_invalid", Refusal.THREAD_GONE),
    ("message to edit not found", Refusal.MESSAGE_GONE),
    ("message can't be edited", Refusal.MESSAGE_GONE),
    ("message to delete not found", Refusal.MESSAGE_GONE),
    ("message_id_invalid", Refusal.MESSAGE_GONE),
    ("message identifier is not specified", Refusal.MESSAGE_GONE),
    ("chat not found", Refusal.CHAT_GONE),
    ("peer_id_invalid", Refusal.CHAT_GONE),
    ("too long", Refusal.TOO_LONG),
    ("message_too_long", Refusal.TOO_LONG),
    ("text must be non-empty", Refusal.EMPTY),
    ("text is empty", Refusal.EMPTY),
    ("file is too big", Refusal.FILE_TOO_LARGE),
    ("request entity too large", Refusal.FILE_TOO_LARGE),
    ("query is too old", Refusal.CALLBACK_OLD),
    ("query id is invalid", Refusal.CALLBACK_OLD),
    ("entit", Refusal.ENTITIES),
    ("wrong http url", Refusal.ENTITIES),
    ("url host is empty", Refusal.ENTITIES),
    ("url_invalid", Refusal.ENTITIES),
)


def failure_of(status: int, body: Any) -> Failure | NotModified:
    """What an answer means that is no success: its HTTP *status* and its parsed *body*."""
    if not isinstance(body, dict) or body.get("ok") is not False:
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:  # the words of the server in front of it
            return Refused(status, "the request is too large", Refusal.FILE_TOO_LARGE)
        return Ambiguous(f"HTTP {status} without an answer of the Bot API")
    code = body.get("error_code")
    if not isinstance(code, int) or isinstance(code, bool):
        code = status
    said = body.get("description")
    reason = _printable(said) if isinstance(said, str) else ""
    parameters = body.get("parameters")
    return _failure(code, reason, parameters if isinstance(parameters, dict) else {})


def _failure(code: int, reason: str, parameters: dict[str, Any]) -> Failure | NotModified:
    wait, moved_to = _wait_in(parameters), parameters.get("migrate_to_chat_id")
    if wait is not None or code == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(_wait_said(reason) if wait is None else wait)
    if isinstance(moved_to, int) and not isinstance(moved_to, bool):
        return Migrated(moved_to)
    return _failure_by_code(code, reason)


def _failure_by_code(code: int, reason: str) -> Failure | NotModified:
    # An unknown token is "401 Unauthorized"; one that is no token at all, "404 Not Found".
    if code == HTTPStatus.UNAUTHORIZED or (code, reason) == (HTTPStatus.NOT_FOUND, "Not Found"):
        return Unauthorized()
    if code == HTTPStatus.CONFLICT:
        return Conflict(reason)
    if code == HTTPStatus.FORBIDDEN:
        return Forbidden(reason)
    if not HTTPStatus.BAD_REQUEST <= code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Ambiguous(f"{code} {reason}".strip())
    if "message is not modified" in reason:
        return NotModified()
    return Refused(code, reason, _refusal_in(reason.lower()))


def _refusal_in(reason: str) -> Refusal:
    return next((why for words, why in _REFUSALS if words in reason), Refusal.OTHER)


def _wait_said(reason: str) -> float:
    """The wait where only the words say it, as sometimes they do."""
    said = re.search(r"retry after (\d{1,6})\b", reason)
    return float(said[1]) if said and int(said[1]) else UNSAID_WAIT


def _wait_in(parameters: dict[str, Any]) -> float | None:
    wait = parameters.get("retry_after")
    if isinstance(wait, bool) or not isinstance(wait, int | float):
        return None
    return float(wait) if 0 < wait < _LONGEST_WAIT else None


def _printable(text: str) -> str:
    """*text* on one line, without what no terminal or database takes."""
    plain = "".join(char if char.isprintable() else " " for char in text[:_LONGEST_REASON])
    return plain.encode(errors="replace").decode().strip()
