import json

from hypothesis import given
from hypothesis import strategies as st

from protocols.platform import Attachment
from protocols.pushes import (
    AgentEvent,
    AgentEventKind,
    agent_user_key,
    event_text,
    push_room,
    push_sender,
    read_event,
)

FILES = st.builds(
    Attachment,
    name=st.text(),
    mime_type=st.text(),
    size_bytes=st.integers(min_value=0),
    mode=st.just("url"),
    data=st.just(b""),
    location=st.text(),
)
EVENTS = st.builds(
    AgentEvent,
    kind=st.sampled_from(AgentEventKind),
    task_id=st.text(),
    user_id=st.text(),
    chat_id=st.none() | st.text(),
    text=st.text(),
    seq=st.none() | st.integers(),
    fraction=st.none() | st.floats(0, 1),
    attachments=st.lists(FILES, max_size=3).map(tuple),
)


@given(EVENTS)
def test_an_event_comes_back_from_the_journal_as_it_went_in(event: AgentEvent) -> None:
    assert read_event(event_text(event)) == event


def test_an_event_of_another_version_is_read_as_far_as_it_is_known() -> None:
    earlier = {"kind": "task_done", "task_id": "t", "user_id": "u", "chat_id": None, "mood": "good"}

    assert read_event(json.dumps(earlier)) == AgentEvent(AgentEventKind.TASK_DONE, "t", "u", None)


def test_what_a_file_holds_is_not_kept_in_the_journal() -> None:
    file = Attachment("a", "text/plain", 2, mode="url", location="https://x", data=b"hi")
    event = AgentEvent(AgentEventKind.TASK_DONE, "t", "u", None, attachments=(file,))

    assert read_event(event_text(event)).attachments[0].data == b""


def test_a_push_has_a_room_and_a_sender_of_its_user() -> None:
    assert push_room("u_42") == "platform/u_42"
    assert push_sender("u_42") == "platform:u_42"
    assert agent_user_key("u_42") == "agent_user:u_42"
