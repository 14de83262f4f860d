"""What the Bot API's answers mean."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.api.outcomes import (
    UNSAID_WAIT,
    Ambiguous,
    Conflict,
    Failure,
    Forbidden,
    Migrated,
    NotModified,
    RateLimited,
    Refusal,
    Refused,
    Unauthorized,
    failure_of,
)
from tests.actors.telegram.json_values import JSON


def body(code: int, said: str, **parameters: Any) -> dict[str, Any]:
    return {"ok": False, "error_code": code, "description": said, "parameters": parameters}


@pytest.mark.parametrize(
    ("code", "said", "parameters", "meant"),
    [
        (429, "Too Many Requests: retry after 17", {"retry_after": 17}, RateLimited(17)),
        (429, "Too Many Requests", {}, RateLimited(UNSAID_WAIT)),
        (429, "Too Many Requests: retry after 17", {}, RateLimited(17)),
        (429, "Too Many Requests: retry after 0", {}, RateLimited(UNSAID_WAIT)),
        (429, "Too Many Requests", {"retry_after": -3}, RateLimited(UNSAID_WAIT)),
        (429, "Too Many Requests", {"retry_after": True}, RateLimited(UNSAID_WAIT)),
        (500, "Internal Server Error: restart", {"retry_after": 5}, RateLimited(5)),
        (500, "Internal Server Error", {}, Ambiguous("500 Internal Server Error")),
        (401, "Unauthorized", {}, Unauthorized()),
        (404, "Not Found", {}, Unauthorized()),
        (409, "Conflict: terminated", {}, Conflict("Conflict: terminated")),
        (403, "Forbidden: bot was blocked", {}, Forbidden("Forbidden: bot was blocked")),
        (400, "group was upgraded", {"migrate_to_chat_id": -1001}, Migrated(-1001)),
        (400, "Bad Request: message is not modified: …", {}, NotModified()),
    ],
)
def test_every_code_has_its_outcome(
    code: int, said: str, parameters: dict[str, Any], meant: Failure | NotModified
) -> None:
    assert failure_of(code, body(code, said, **parameters)) == meant


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Bad Request: can't parse entities: nested", Refusal.ENTITIES),
        ("Bad Request: ENTITY_BOUNDS_INVALID", Refusal.ENTITIES),
        ("Bad Request: file is too big", Refusal.FILE_TOO_LARGE),
        ("Request Entity Too Large", Refusal.FILE_TOO_LARGE),
        ("Bad Request: message to delete not found", Refusal.MESSAGE_GONE),
        ("Bad Request: message thread not found", Refusal.THREAD_GONE),
        ("Bad Request: message to edit not found", Refusal.MESSAGE_GONE),
        ("Bad Request: message can't be edited", Refusal.MESSAGE_GONE),
        ("Bad Request: chat not found", Refusal.CHAT_GONE),
        ("Bad Request: message is too long", Refusal.TOO_LONG),
        ("Bad Request: message text is empty", Refusal.EMPTY),
        ("Bad Request: query is too old", Refusal.CALLBACK_OLD),
        ("Bad Request: something new", Refusal.OTHER),
    ],
)
def test_a_refusal_says_whether_another_way_is_left(said: str, why: Refusal) -> None:
    assert failure_of(400, body(400, said)) == Refused(400, said, why)


@pytest.mark.parametrize("found", [None, [], "x", {}, {"ok": True}, {"ok": 0}])
def test_what_is_no_answer_of_the_bot_api_may_have_been_done_or_not(found: Any) -> None:
    assert isinstance(failure_of(401, found), Ambiguous)


def test_a_server_that_finds_an_upload_too_large_need_not_speak_the_bot_api() -> None:
    found = failure_of(413, None)

    assert found == Refused(413, "the request is too large", Refusal.FILE_TOO_LARGE)


def test_a_reason_is_one_short_line() -> None:
    found = failure_of(403, body(403, f"line\nline\0\ud800{'x' * 5000}"))

    assert isinstance(found, Forbidden)
    assert found.reason.startswith("line line")
    assert len(found.reason) <= 200
    assert found.reason.isprintable()


@given(st.integers(100, 599), JSON)
def test_any_answer_has_an_outcome(status: int, found: Any) -> None:
    assert isinstance(failure_of(status, found), Failure | NotModified)


@given(st.dictionaries(st.sampled_from(["ok", "error_code", "description", "parameters"]), JSON))
def test_any_answer_that_looks_like_one_has_an_outcome(found: dict[str, Any]) -> None:
    assert isinstance(failure_of(400, found | {"ok": False}), Failure | NotModified)
