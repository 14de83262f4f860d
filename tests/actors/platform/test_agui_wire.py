"""AG-UI's events as the parts of a stream."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.platform.agui_input import history_messages, run_input, user_message
from actors.platform.agui_said import Said
from actors.platform.agui_wire import RunDecoder, failure_of
from protocols.ids import RunId
from protocols.journal import Exchange
from protocols.platform import (
    Attachment,
    FailureKind,
    PlatformFailedError,
    ReasoningDelta,
    StatusLine,
    StreamAsks,
    StreamFinished,
    StreamPart,
    StreamStopped,
    TextDelta,
    ToolCall,
    Usage,
)
from tests.actors.platform.json_things import ANY_JSON, objects_with


def event(kind: str, **fields: Any) -> Any:
    return {"type": kind, **fields}


def said(message: str, delta: str) -> Any:
    return event("TEXT_MESSAGE_CONTENT", messageId=message, delta=delta)


def parts(*events: Any, decoder: RunDecoder | None = None) -> list[StreamPart]:
    decoder = decoder or RunDecoder()
    return [part for each in events for part in decoder.read(json.dumps(each))]


def text(*events: Any) -> str:
    return "".join(part.text for part in parts(*events) if isinstance(part, TextDelta))


def test_text_comes_as_it_is_said() -> None:
    assert parts(
        event("RUN_STARTED", threadId="t", runId="r"),
        event("TEXT_MESSAGE_START", messageId="m", role="assistant"),
        said("m", "Hel"),
        said("m", "lo"),
        event("TEXT_MESSAGE_END", messageId="m"),
    ) == [TextDelta("Hel"), TextDelta("lo")]


def test_a_second_message_begins_behind_a_blank_line() -> None:
    assert text(said("a", "one"), said("b", "two")) == "one\n\ntwo"


@pytest.mark.parametrize(("first", "whole"), [("one\n", "one\n\ntwo"), ("one\n\n", "one\n\ntwo")])
def test_a_blank_line_is_not_doubled(first: str, whole: str) -> None:
    assert text(said("a", first), said("b", "two")) == whole
    assert text(*(said("a", char) for char in first), said("b", "two")) == whole


def test_an_empty_message_is_nothing() -> None:
    assert text(said("a", "one"), said("b", ""), said("a", " more")) == "one more"


def test_chunks_without_an_id_belong_to_the_message_before() -> None:
    assert (
        text(
            event("TEXT_MESSAGE_CHUNK", messageId="m", role="assistant", delta="a"),
            event("TEXT_MESSAGE_CHUNK", delta="b"),
        )
        == "ab"
    )


def test_what_others_than_the_assistant_say_is_no_answer() -> None:
    assert (
        text(
            event("TEXT_MESSAGE_START", messageId="u", role="user"),
            said("u", "my own words"),
            event("TEXT_MESSAGE_CHUNK", messageId="s", role="system", delta="rules"),
            said("a", "yes"),
        )
        == "yes"
    )


@pytest.mark.parametrize("prefix", ["REASONING_MESSAGE", "THINKING_TEXT_MESSAGE"])
def test_thoughts_are_apart_from_the_answer(prefix: str) -> None:
    assert parts(
        event(f"{prefix}_START"),
        event(f"{prefix}_CONTENT", delta="hm"),
        event(f"{prefix}_START"),
        event(f"{prefix}_CONTENT", delta="ah"),
    ) == [ReasoningDelta("hm"), ReasoningDelta("\n\nah")]


@pytest.mark.parametrize(
    ("happened", "part"),
    [
        (event("TOOL_CALL_START", toolCallId="t", toolCallName="search"), ToolCall("search")),
        (event("TOOL_CALL_CHUNK", toolCallId="t", toolCallName="search"), ToolCall("search")),
        (event("STEP_STARTED", stepName="search"), StatusLine("search")),
        (event("SUBAGENT_STARTED", name="scout"), StatusLine("scout")),
        (
            event("ACTIVITY_SNAPSHOT", activityType="plan", content={"message": "2 left"}),
            StatusLine("2 left"),
        ),
        (event("ACTIVITY_SNAPSHOT", activityType="plan", content=None), StatusLine("plan")),
        (
            event("ACTIVITY_DELTA", patch=[{"op": "replace", "path": "/title", "value": "now"}]),
            StatusLine("now"),
        ),
        (
            event("CUSTOM", name="task_progress", value={"message": "2/5", "fraction": 0.4}),
            StatusLine("40% 2/5"),
        ),
        (event("CUSTOM", name="task_progress", value={"fraction": 1}), StatusLine("100%")),
        (event("CUSTOM", name="task_progress", value="half"), StatusLine("half")),
    ],
)
def test_what_the_agent_does_is_one_line(happened: Any, part: StreamPart) -> None:
    assert parts(happened) == [part]


@pytest.mark.parametrize(
    "happened",
    [
        event("CUSTOM", name="confetti", value={"message": "no"}),
        event("CUSTOM", name="task_progress", value=None),
        event("STATE_SNAPSHOT", snapshot={}),
        event("TOOL_CALL_CHUNK", delta="{"),
        event("MOOD_CHANGED"),
        event("STEP_STARTED", stepName=[]),
        {"type": 7},
        {},
    ],
)
def test_what_nobody_knows_is_nothing(happened: Any) -> None:
    assert parts(happened) == []


@pytest.mark.parametrize(
    ("finish", "part"),
    [
        ({}, StreamFinished()),
        ({"outcome": None}, StreamFinished()),
        ({"outcome": {"type": "success"}}, StreamFinished()),
        ({"outcome": {"type": "cancelled"}}, StreamStopped()),
        (
            {"usage": [{"model": "m", "inputTokens": 1, "outputTokens": 2}]},
            StreamFinished(usage=Usage("m", 1, 2)),
        ),
        ({"result": {"usage": {"inputTokens": 1}}}, StreamFinished(usage=Usage("", 1))),
        (
            {
                "result": {
                    "attachments": [
                        {
                            "source": {"type": "data", "value": "aGk=", "mimeType": "text/plain"},
                            "metadata": {"filename": "a.txt"},
                        }
                    ]
                }
            },
            StreamFinished((Attachment("a.txt", "text/plain", 2, data=b"hi"),)),
        ),
    ],
)
def test_a_run_ends_as_its_outcome_says(finish: Any, part: StreamPart) -> None:
    assert parts(event("RUN_FINISHED", **finish)) == [part]


@pytest.mark.parametrize("outcome", ["success", 7, {}, {"type": "lost"}, {"type": "interrupt"}])
def test_an_outcome_that_nobody_knows_is_broken(outcome: Any) -> None:
    with pytest.raises(PlatformFailedError) as caught:
        parts(event("RUN_FINISHED", outcome=outcome))

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.BROKEN, False)


def test_an_interrupt_is_a_question() -> None:
    outcome = {"type": "interrupt", "interrupts": [{"id": "i", "message": "Now?"}]}

    (asks,) = parts(event("RUN_FINISHED", outcome=outcome))

    assert isinstance(asks, StreamAsks)
    assert (asks.question, asks.choices) == ("Now?", ())


@pytest.mark.parametrize(
    ("code", "kind", "is_retryable"),
    [
        ("overloaded", FailureKind.OVERLOADED, True),
        ("rate_limited", FailureKind.OVERLOADED, True),
        ("rate-limited", FailureKind.OVERLOADED, True),
        ("timeout", FailureKind.TIMEOUT, True),
        ("upstream", FailureKind.OVERLOADED, False),
        ("unauthorized", FailureKind.UNAUTHORIZED, False),
        ("validation", FailureKind.REJECTED, False),
        ("file-too-large", FailureKind.FILE_REFUSED, False),
        ("tool_failed", FailureKind.BROKEN, False),
        (None, FailureKind.BROKEN, False),
        ([], FailureKind.BROKEN, False),
    ],
)
def test_a_failed_run_says_by_its_code_why(
    code: object, kind: FailureKind, *, is_retryable: bool
) -> None:
    with pytest.raises(PlatformFailedError) as caught:
        parts(event("RUN_ERROR", message="private", code=code))

    assert (caught.value.kind, caught.value.is_retryable) == (kind, is_retryable)
    assert "private" not in str(caught.value)
    assert failure_of(code).kind is kind


@pytest.mark.parametrize("data", ["", "{", "[]", "null", '"x"', "[" * 100_000, "1" * 5000])
def test_what_is_no_event_is_broken(data: str) -> None:
    with pytest.raises(PlatformFailedError) as caught:
        RunDecoder().read(data)

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.BROKEN, True)


TYPES = st.sampled_from(
    [
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_CONTENT",
        "TEXT_MESSAGE_CHUNK",
        "REASONING_MESSAGE_CONTENT",
        "REASONING_MESSAGE_START",
        "TOOL_CALL_START",
        "TOOL_CALL_ARGS",
        "TOOL_CALL_RESULT",
        "STEP_STARTED",
        "SUBAGENT_STARTED",
        "ACTIVITY_SNAPSHOT",
        "ACTIVITY_DELTA",
        "CUSTOM",
        "RUN_FINISHED",
        "RUN_ERROR",
    ]
)
EVENTS = objects_with(
    "delta",
    "role",
    "messageId",
    "toolCallId",
    "toolCallName",
    "parentMessageId",
    "stepName",
    "content",
    "patch",
    "value",
    "result",
    "usage",
    "code",
    type=TYPES,
    name=st.just("task_progress"),
    outcome=objects_with(
        type=st.sampled_from(["success", "interrupt", "cancelled"]),
        interrupts=st.lists(objects_with("responseSchema", id=st.just("i")), max_size=2),
    ),
)


@given(st.lists(EVENTS | ANY_JSON, max_size=8))
def test_whatever_comes_is_parts_or_a_failure(events: list[Any]) -> None:
    decoder = RunDecoder(Said())
    for each in events:
        try:
            given_parts = decoder.read(json.dumps(each))
        except PlatformFailedError:
            continue
        for part in given_parts:
            if isinstance(part, TextDelta | ReasoningDelta | StatusLine):
                part.text.encode()
                assert part.text


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=4)), max_size=12))
def test_all_that_was_said_is_in_the_answer_in_its_order(spoken: list[tuple[str, str]]) -> None:
    got = text(*(said(message, delta) for message, delta in spoken))

    words = "".join(delta for _, delta in spoken)
    assert got.replace("\n", "") == words.replace("\n", "")
    assert got.count("\n") >= words.count("\n")


def test_a_question_brings_what_a_forgetful_server_must_see_again() -> None:
    mine = user_message(RunId("r"), "delete it")
    decoder = RunDecoder(Said((mine,)))

    (*_, asks) = parts(
        event("TEXT_MESSAGE_START", messageId="m", role="assistant"),
        said("m", "Wa"),
        said("m", "it."),
        event("TOOL_CALL_START", toolCallId="t0", toolCallName="look", parentMessageId="m"),
        event("TOOL_CALL_RESULT", toolCallId="t0", messageId="x", content="found", role="tool"),
        event("TOOL_CALL_START", toolCallId="t", toolCallName="delete", parentMessageId="n"),
        event("TOOL_CALL_ARGS", toolCallId="t", delta='{"a"'),
        event("TOOL_CALL_ARGS", toolCallId="t", delta=":1}"),
        event("RUN_FINISHED", outcome={"type": "interrupt", "interrupts": [{"id": "i"}]}),
        decoder=decoder,
    )

    def call(name: str, function: str, arguments: str) -> Any:
        function_call = {"name": function, "arguments": arguments}
        return {"id": name, "type": "function", "function": function_call}

    assert isinstance(asks, StreamAsks)
    assert json.loads(asks.interrupt_id)["m"] == [
        mine,
        {
            "id": "m",
            "role": "assistant",
            "content": "Wait.",
            "toolCalls": [call("t0", "look", "")],
        },
        {"id": "x", "role": "tool", "content": "found", "toolCallId": "t0"},
        {
            "id": "n",
            "role": "assistant",
            "content": "",
            "toolCalls": [call("t", "delete", '{"a":1}')],
        },
    ]


def sealed(subtype: str, about: str) -> Any:
    return event(
        "REASONING_ENCRYPTED_VALUE", subtype=subtype, entityId=about, encryptedValue=f"of {about}"
    )


def test_what_an_agent_has_sealed_comes_back_with_its_question() -> None:
    said_and_done = Said()
    for happened in (
        event("REASONING_MESSAGE_CONTENT", messageId="r", delta="Let me see."),
        sealed("message", "r"),
        sealed("message", "without words"),
        said("m", "Wait."),
        event("TOOL_CALL_START", toolCallId="t", toolCallName="look", parentMessageId="m"),
        sealed("tool-call", "t"),
        sealed("tool-call", "unknown"),
        event("TOOL_CALL_RESULT", toolCallId="t", messageId="x", content="no"),
        sealed("message", "x"),
    ):
        said_and_done.take(happened)

    thought, wordless, mine, result = said_and_done.messages()

    assert thought == {
        "id": "r",
        "role": "reasoning",
        "content": "Let me see.",
        "encryptedValue": "of r",
    }
    assert (wordless["role"], wordless["content"]) == ("reasoning", "")
    assert mine["toolCalls"][0]["encryptedValue"] == "of t"
    assert (result["role"], result["encryptedValue"]) == ("tool", "of x")


def test_thoughts_that_are_not_sealed_stay_where_they_are() -> None:
    said_and_done = Said()
    said_and_done.take(event("REASONING_MESSAGE_CHUNK", messageId="r", delta="Let me see."))

    assert said_and_done.messages() == []


def test_a_run_that_says_too_much_is_not_kept_for_its_question() -> None:
    kept = Said()
    for _ in range(200):
        kept.take(event("TOOL_CALL_ARGS", toolCallId="t", delta="x" * 10_000))

    assert kept.messages() == []


def test_the_input_of_a_run_is_the_same_for_the_same_words() -> None:
    file = {"type": "image", "source": {"type": "url", "value": "https://x"}}

    def asked() -> Any:
        return run_input(
            thread_id="u:C1",
            run_id=RunId("r"),
            messages=[user_message(RunId("r"), "hi", [file])],
            props={"user_id": "u"},
            context={"language": "en", "nothing": ""},
        )

    assert asked() == asked()
    assert asked() == {
        "threadId": "u:C1",
        "runId": "r",
        "protocolVersion": "1.0",
        "state": {},
        "messages": [
            {"id": "r", "role": "user", "content": [{"type": "text", "text": "hi"}, file]}
        ],
        "tools": [],
        "context": [{"description": "language", "value": "en"}],
        "forwardedProps": {"user_id": "u"},
    }


def test_a_file_without_words_is_a_message_without_words() -> None:
    assert user_message(RunId("r"), "", [{"type": "image"}])["content"] == [{"type": "image"}]


def test_what_was_said_before_is_told_in_its_order() -> None:
    history = (Exchange("hi", "hello"), Exchange("and?", ""))

    assert [(each["role"], each["content"]) for each in history_messages(history)] == [
        ("user", "hi"),
        ("assistant", "hello"),
        ("user", "and?"),
    ]


def test_answers_to_a_question_go_along_as_they_are() -> None:
    entry = {"interruptId": "i", "status": "cancelled"}

    asked = run_input(thread_id="t", run_id=RunId("r"), messages=[], resume=[entry])

    assert asked["resume"] == [entry]
