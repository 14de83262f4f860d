"""From the body of a push to the event in it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.ops.web.bodies import read_push
from actors.ops.web.problems import Fault
from protocols.ids import native_id, surface_of
from protocols.platform import Attachment
from protocols.pushes import AgentEvent, AgentEventKind, event_text, push_room, read_event
from tests.actors.ops.web.web_rig import as_json, pushed


def read(said: Any) -> AgentEvent:
    event = read_push(as_json(said))
    assert isinstance(event, AgentEvent), event
    return event


def faults(said: Any) -> list[str]:
    """Where something is wrong."""
    found = read_push(said if isinstance(said, bytes) else as_json(said))
    assert isinstance(found, tuple), found
    return [fault.pointer for fault in found]


def test_a_result_is_read_with_the_files_that_it_names() -> None:
    part = {
        "type": "document",
        "source": {"type": "url", "value": "https://x.example/a", "mimeType": "text/plain"},
        "metadata": {"filename": "a.txt", "size": 3, "sha256": "0" * 64},
    }
    carried = {
        "type": "image",
        "source": {"type": "data", "value": "AAAA", "mimeType": "image/png"},
    }

    event = read(
        pushed(result={"text": "done", "attachments": [part, carried, {"type": "text"}, 7]})
    )

    attachment = Attachment("a.txt", "text/plain", 3, "url", b"", "https://x.example/a", "0" * 64)
    assert event == AgentEvent(
        AgentEventKind.TASK_DONE, "t1", "u_42", "C1", "done", attachments=(attachment,)
    )


def test_progress_is_read_with_its_place_among_others() -> None:
    said = pushed("task_progress", seq=7, progress={"fraction": 0.5, "message": "half"})

    event = read(said)

    assert (event.text, event.seq, event.fraction) == ("half", 7, 0.5)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ({"title": "Timeout", "detail": "too slow"}, "too slow"),
        ({"title": "Oops"}, "Oops"),
        ({}, ""),
    ],
)
def test_a_failure_is_told_by_its_detail_or_its_title(error: Any, text: str) -> None:
    assert read(pushed("task_error", error=error)).text == text


def test_a_whole_number_may_be_written_with_a_fraction_of_nothing() -> None:
    assert read(pushed(seq=2.0)).seq == 2


def test_what_is_not_said_is_not_missed() -> None:
    event = read({"type": "task_done", "timestamp": "", "data": {"task_id": "t", "user_id": "u"}})

    assert event == AgentEvent(AgentEventKind.TASK_DONE, "t", "u", None)


def test_unknown_fields_are_passed_over() -> None:
    said = pushed(run_id="r", more=[1]) | {"version": 2}

    assert read(said) == read(pushed())


def test_texts_are_mended_rather_than_lost() -> None:
    body = as_json(pushed(result={"text": "TEXT"}))
    body = body.replace(b"TEXT", rb"a\ud800b\u0000c \ud83d\ude00")

    event = read_push(body)

    assert isinstance(event, AgentEvent)
    assert event.text == "a\ufffdb\ufffdc \U0001f600"


@pytest.mark.parametrize(
    "user_id",
    [
        "",
        "a/b",
        "a b",
        "a\nb",
        "a\0b",
        "\ud800",
        "ü",
        "a" * 129,
        7,
        None,
        True,
        [],
        {},
        "../x",
        "*",
    ],
)
def test_a_user_whose_id_could_be_no_key_is_refused(user_id: Any) -> None:
    assert faults(pushed(user_id=user_id)) == ["/data/user_id"]


@pytest.mark.parametrize(
    "user_id", ["u_42", "a@b.example", "~", "0b9e-4", "A:B", "x=y+z", "a" * 128]
)
def test_a_users_room_is_of_the_platform_and_named_by_the_id(user_id: str) -> None:
    room = push_room(read(pushed(user_id=user_id)).user_id)

    assert (surface_of(room), native_id(room)) == ("platform", user_id)


@pytest.mark.parametrize(
    ("differences", "pointer"),
    [
        ({"task_id": ""}, "/data/task_id"),
        ({"task_id": 1}, "/data/task_id"),
        ({"chat_id": "C 1"}, "/data/chat_id"),
        ({"chat_id": 1}, "/data/chat_id"),
        ({"seq": -1}, "/data/seq"),
        ({"seq": 2**63}, "/data/seq"),
        ({"seq": 10**400}, "/data/seq"),
        ({"seq": 1.5}, "/data/seq"),
        ({"seq": 1e300}, "/data/seq"),
        ({"seq": True}, "/data/seq"),
        ({"progress": {"fraction": 1.01}}, "/data/progress/fraction"),
        ({"progress": {"fraction": 10**400}}, "/data/progress/fraction"),
        ({"progress": {"fraction": "0.5"}}, "/data/progress/fraction"),
        ({"progress": []}, "/data/progress"),
        ({"result": "text"}, "/data/result"),
        ({"result": {"text": 7}}, "/data/result/text"),
        ({"result": {"attachments": {}}}, "/data/result/attachments"),
        ({"result": {"attachments": [1] * 21}}, "/data/result/attachments"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_by_its_place(
    differences: dict[str, Any], pointer: str
) -> None:
    assert faults(pushed(**differences)) == [pointer]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert faults({"type": "task_gone"}) == [
        "/type", "/timestamp", "/data", "/data/task_id", "/data/user_id",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"\xff\xfe", b"[]", b"null", b"7", b'"x"', b"NaN", b"[" * 100_000,
        b'{"a":' * 100_000, b'{"data": Infinity}', b"1" * 5000, b"\xef\xbb\xbf{}",
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    assert faults(body)


def test_nothing_of_what_was_sent_is_quoted() -> None:
    found = read_push(
        as_json(pushed(user_id="apricot jam", seq="quince", result={"text": ["plum"]}))
    )

    assert not any(word in str(found) for word in ("apricot", "quince", "plum"))
    assert isinstance(found, tuple)
    assert all(isinstance(fault, Fault) for fault in found)


@pytest.mark.parametrize(
    "source",
    [
        {"type": "url", "value": "file:///etc/passwd"},
        {"type": "url", "value": "javascript:alert(1)"},
        {"type": "url", "value": "https://"},
        {"type": "url", "value": "https://[bad"},
        {"type": "url", "value": "https://x.example/a b"},
        {"type": "url", "value": "https://x.example/" + "a" * 2048},
        {"type": "url", "value": 7},
        {"type": "url"},
        {"type": "file", "value": "f_1"},
        "https://x.example",
    ],
)
def test_a_file_without_a_usable_address_is_left_out(source: Any) -> None:
    event = read(pushed(result={"text": "t", "attachments": [{"type": "image", "source": source}]}))

    assert event.attachments == ()


def test_a_file_whose_facts_are_nonsense_is_kept_by_its_address() -> None:
    source = {"type": "url", "value": "http://x.example/a", "mimeType": "TEXT\n"}
    part = {"source": source, "metadata": {"filename": 7, "size": -1, "sha256": "x"}}

    event = read(pushed(result={"attachments": [part]}))

    expected = Attachment("file", "application/octet-stream", 0, "url", b"", "http://x.example/a")
    assert event.attachments == (expected,)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["task_id", "user_id", "chat_id", "seq", "progress", "result", "error"]
DATA = st.dictionaries(st.sampled_from(FIELDS), JSON)


@given(st.sampled_from(["task_progress", "task_done", "task_error"]) | JSON, DATA | JSON)
def test_whatever_json_comes_is_an_event_that_the_journal_keeps_or_a_list_of_faults(
    kind: Any, data: Any
) -> None:
    found = read_push(json.dumps({"type": kind, "timestamp": "t", "data": data}).encode())

    if isinstance(found, AgentEvent):
        text = event_text(found)
        text.encode()
        assert "\0" not in text
        assert read_event(text) == found
    else:
        assert found


@given(st.binary(max_size=300))
def test_whatever_bytes_come_are_read_without_a_crash(body: bytes) -> None:
    assert isinstance(read_push(body), tuple)
