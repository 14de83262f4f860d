"""Chat Completions' JSON as the platform's words, and back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.platform.openai_wire import (
    FILE_ONLY,
    AnswerReader,
    Prompt,
    failure_in,
    models_listed,
    newest_that_fit,
    refuses_usage,
    request_body,
)
from actors.platform.web import StatusError
from protocols.journal import Exchange
from protocols.platform import (
    Attachment,
    FailureKind,
    PlatformFailedError,
    ReasoningDelta,
    StreamPart,
    TextDelta,
    Usage,
)

PICTURE = Attachment("cat.png", "image/png", 3, data=b"PNG")
NOTES = Attachment("notes.txt", "text/plain", 2, data=b"hi")


def chunk(delta: Any = None, finish_reason: Any = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish_reason}
    return {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **more}


def read(*events: Any, reader: AnswerReader | None = None) -> list[StreamPart]:
    reader = reader or AnswerReader()
    said = (event if isinstance(event, str) else json.dumps(event) for event in events)
    return [part for data in said for part in reader.read(data)]


# The request.


def test_a_model_is_told_the_system_prompt_what_was_said_and_what_is_asked() -> None:
    history = (Exchange("hi", "hello"), Exchange("more", "less"))

    body = request_body(Prompt("m", "Be kind.", history, "now"), wants_usage=True)

    assert body == {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "hello"},
            {"role": "user", "content": "more"},
            {"role": "assistant", "content": "less"},
            {"role": "user", "content": "now"},
        ],
    }


def test_a_request_without_usage_does_not_name_it_and_without_a_system_prompt_has_none() -> None:
    body = request_body(Prompt("m", "", (), "now"), wants_usage=False)

    assert body == {"model": "m", "stream": True, "messages": [{"role": "user", "content": "now"}]}


def test_the_roles_take_turns_also_where_somebody_only_sent_a_file() -> None:
    history = (Exchange(" ", "a cat"), Exchange("draw", "\n"))

    body = request_body(Prompt("m", "", history, "now"), wants_usage=False)

    said = [(message["role"], message["content"]) for message in body["messages"]]
    assert said == [
        ("user", FILE_ONLY),
        ("assistant", "a cat"),
        ("user", "draw"),
        ("assistant", FILE_ONLY),
        ("user", "now"),
    ]


def test_texts_stand_below_the_words_and_pictures_beside_them() -> None:
    prompt = Prompt("m", "", (), "look", (PICTURE, NOTES), has_vision=True)

    [message] = request_body(prompt, wants_usage=False)["messages"]

    words, picture = message["content"]
    assert words == {"type": "text", "text": "look\n\nnotes.txt:\n```\nhi\n```"}
    assert picture["type"] == "image_url"


def test_a_picture_may_come_without_words() -> None:
    prompt = Prompt("m", "", (), "", (PICTURE,), has_vision=True)

    [message] = request_body(prompt, wants_usage=False)["messages"]

    assert [part["type"] for part in message["content"]] == ["image_url"]


def test_a_text_file_alone_is_plain_words() -> None:
    prompt = Prompt("m", "", (), " ", (NOTES,))

    [message] = request_body(prompt, wants_usage=False)["messages"]

    assert message["content"] == "notes.txt:\n```\nhi\n```"


def test_one_file_that_is_refused_refuses_the_message() -> None:
    with pytest.raises(PlatformFailedError) as caught:
        request_body(Prompt("m", "", (), "look", (NOTES, PICTURE)), wants_usage=False)

    assert caught.value.kind is FailureKind.FILE_REFUSED


def test_a_prompt_shows_nobodys_words() -> None:
    shown = repr(Prompt("m", "secret", (Exchange("private", "private"),), "private"))

    assert "secret" not in shown
    assert "private" not in shown


@given(
    st.lists(st.builds(Exchange, st.text(max_size=5), st.text(max_size=5)), max_size=6).map(tuple),
    st.integers(-1, 40),
)
def test_the_newest_that_fit_are_kept_and_one_more_would_not_fit(
    history: tuple[Exchange, ...], most_chars: int
) -> None:
    kept = newest_that_fit(history, most_chars)

    assert kept == history[len(history) - len(kept) :]
    assert not kept or _length(kept) <= most_chars
    if len(kept) < len(history):
        assert _length(history[len(history) - len(kept) - 1 :]) > most_chars


def _length(history: tuple[Exchange, ...]) -> int:
    return sum(len(one.asked) + len(one.answered) for one in history)


# The answer.


def test_an_answer_is_read_to_its_usage() -> None:
    reader = AnswerReader()

    parts = read(
        chunk({"role": "assistant", "content": None}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk({}, "stop"),
        {"choices": [], "model": "m-1", "usage": {"prompt_tokens": 7, "completion_tokens": 2}},
        "[DONE]",
        reader=reader,
    )

    assert parts == [TextDelta("Hel"), TextDelta("lo")]
    assert (reader.finish_reason, reader.is_over) == ("stop", True)
    assert reader.usage == Usage("m-1", 7, 2)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_what_the_model_thinks_is_apart_from_what_it_says(name: str) -> None:
    parts = read(chunk({name: "hm", "content": ""}), chunk({"content": "yes", name: None}))

    assert parts == [ReasoningDelta("hm"), TextDelta("yes")]


def test_a_thought_that_is_told_under_both_names_is_told_once() -> None:
    assert read(chunk({"reasoning": "hm", "reasoning_content": "hm"})) == [ReasoningDelta("hm")]


def test_a_content_in_parts_is_read_as_its_words_and_thoughts() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    content = [thinking, {"type": "text", "text": "yes"}, {"type": "image_url"}, 7]

    assert read(chunk({"content": content})) == [ReasoningDelta("hm"), TextDelta("yes")]


def test_a_refusal_is_what_the_model_says() -> None:
    assert read(chunk({"content": None, "refusal": "No."})) == [TextDelta("No.")]


def test_calls_of_tools_that_nobody_offered_break_nothing() -> None:
    first = {"index": 0, "id": "call_1", "function": {"name": "rm", "arguments": ""}}
    rest = {"index": 0, "function": {"arguments": '{"path": "not JSON'}}
    reader = AnswerReader()

    parts = read(
        chunk({"content": "Well. "}),
        chunk({"role": "assistant", "content": None, "tool_calls": [first]}),
        chunk({"tool_calls": [rest]}),
        chunk({"tool_calls": None}, "tool_calls"),
        reader=reader,
    )

    assert parts == [TextDelta("Well. ")]
    reader.check_ended()


def test_only_the_first_of_several_choices_is_the_answer() -> None:
    other = {"index": 1, "delta": {"content": "other"}, "finish_reason": "stop"}
    ours = {"index": 0, "delta": {"content": "ours"}, "finish_reason": None}
    reader = AnswerReader()

    assert read({"choices": [other]}, {"choices": [other, ours]}, reader=reader) == [
        TextDelta("ours")
    ]
    assert reader.finish_reason == ""


def test_a_server_that_counts_numbers_from_nowhere_is_read_all_the_same() -> None:
    assert read({"choices": [{"delta": {"content": "hi"}}]}) == [TextDelta("hi")]


@pytest.mark.parametrize(
    "event",
    [
        "",
        " ",
        {},
        {"choices": None},
        {"choices": []},
        {"choices": ["x", None]},
        {"choices": [], "prompt_filter_results": [{}]},
        chunk(),
        chunk({"content": ""}),
        chunk({"content": 7, "reasoning": {"text": "x"}}),
        {"choices": [{"index": 0, "delta": None, "finish_reason": ""}]},
        {"choices": [{"index": 0, "delta": ["x"], "finish_reason": 7}], "usage": [], "error": None},
    ],
)
def test_what_says_nothing_is_no_part_and_no_end(event: Any) -> None:
    reader = AnswerReader()

    assert read(event, reader=reader) == []
    assert (reader.finish_reason, reader.is_over, reader.usage) == ("", False, None)


@pytest.mark.parametrize(
    "event",
    [
        "{",
        "<html>",
        "null",
        '"text"',
        "[]",
        "[" * 100_000,
        '{"choices": {"0": 1}}',
        '{"choices": "x"}',
    ],
    ids=lambda event: event[:12],
)
def test_what_is_not_the_protocol_is_broken(event: str) -> None:
    with pytest.raises(PlatformFailedError) as caught:
        read(event)

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.BROKEN, True)


@pytest.mark.parametrize("ending", [(), ("[DONE]",)])
def test_an_answer_without_a_finish_reason_is_cut(ending: tuple[str, ...]) -> None:
    reader = AnswerReader()
    read(chunk({"content": "half an ans"}), *ending, reader=reader)

    with pytest.raises(PlatformFailedError) as caught:
        reader.check_ended()

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.CUT, True)


@pytest.mark.parametrize(
    ("usage", "read_as"),
    [
        ({"prompt_tokens": 7}, Usage("m", 7, None)),
        ({"prompt_tokens": True, "completion_tokens": "2"}, Usage("m")),
        ({"prompt_tokens": -1, "completion_tokens": 2.0}, Usage("m", None, 2)),
        ({"prompt_tokens": float("nan"), "completion_tokens": 1e300}, Usage("m")),
        (None, None),
        ({}, None),
        ([7], None),
    ],
)
def test_a_usage_is_as_much_of_it_as_is_numbers(usage: Any, read_as: Usage | None) -> None:
    reader = AnswerReader()

    read(chunk(usage=usage), reader=reader)

    assert reader.usage == read_as


def test_of_usages_that_grow_the_last_one_counts() -> None:
    reader = AnswerReader()

    for number in (1, 2):
        counts = {"prompt_tokens": 7, "completion_tokens": number}
        read(chunk({"content": "x"}, usage=counts), reader=reader)
    read(chunk({}, "stop", usage=None), reader=reader)

    assert reader.usage == Usage("m", 7, 2)


# Failures.


@pytest.mark.parametrize(
    ("error", "kind", "is_retryable"),
    [
        ({"code": 401}, FailureKind.UNAUTHORIZED, False),
        ({"code": 429}, FailureKind.OVERLOADED, True),
        ({"code": 400}, FailureKind.REJECTED, False),
        ({"status": 504}, FailureKind.TIMEOUT, True),
        ({"code": "context_length_exceeded", "type": "invalid_request_error"}, "rejected", False),
        ({"code": 1234}, FailureKind.OVERLOADED, True),
        ({"code": -7}, FailureKind.OVERLOADED, True),
        ({"code": "server_error"}, FailureKind.OVERLOADED, True),
        ("something happened", FailureKind.OVERLOADED, True),
        (None, FailureKind.OVERLOADED, True),
    ],
)
def test_a_failure_is_told_by_its_code(error: Any, kind: str, *, is_retryable: bool) -> None:
    failure = failure_in(error)

    assert (failure.kind, failure.is_retryable) == (kind, is_retryable)


def test_an_error_in_the_stream_ends_it_and_its_words_are_nowhere() -> None:
    with pytest.raises(PlatformFailedError) as caught:
        read(chunk({"content": "Hel"}), {"error": {"message": "secret words", "code": 503}})

    assert caught.value.kind is FailureKind.OVERLOADED
    assert "secret" not in f"{caught.value} {caught.value!r} {caught.value.__dict__}"


def test_a_choice_that_ends_with_an_error_is_one() -> None:
    failed = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}

    with pytest.raises(PlatformFailedError) as caught:
        read({"choices": [{**failed, "error": {"code": 429}}]})

    assert caught.value.kind is FailureKind.OVERLOADED


# How an answer that ends early is marked.


@pytest.mark.parametrize(
    ("said", "marked"),
    [
        ("", "*end*"),
        ("words", "\n\n*end*"),
        ("```py\nx = 1", "\n```\n\n*end*"),
        ("```py\nx = 1\n```\nso", "\n\n*end*"),
    ],
)
def test_a_mark_stands_below_the_text_and_in_no_code(said: str, marked: str) -> None:
    reader = AnswerReader()
    read(*(chunk({"content": letter}) for letter in said), reader=reader)

    assert reader.after_text("*end*") == marked


# What servers say beside answers.


@pytest.mark.parametrize(
    ("status", "body", "refuses"),
    [
        (400, {"error": {"message": "Unknown parameter: 'stream_options'."}}, True),
        (400, {"error": {"param": "stream_options.include_usage"}}, True),
        (422, {"detail": [{"loc": ["body", "stream_options"]}]}, True),
        (400, {"error": {"message": "no such model"}}, False),
        (400, None, False),
        (500, {"error": "stream_options"}, False),
        (401, {"error": "stream_options"}, False),
    ],
)
def test_only_a_refusal_that_names_the_usage_is_one_of_it(
    status: int, body: Any, *, refuses: bool
) -> None:
    assert refuses_usage(StatusError(status, body)) is refuses


def test_a_list_of_models_is_read_as_their_ids() -> None:
    body = {"object": "list", "data": [{"id": "a"}, {"id": "b"}, {"id": "a"}, {"id": 7}, "x", {}]}

    assert models_listed(body) == ("a", "b")


@pytest.mark.parametrize("body", [None, [], {}, {"data": None}, {"data": {"id": "a"}}, "a"])
def test_what_is_no_list_of_models_is_broken(body: Any) -> None:
    with pytest.raises(PlatformFailedError) as caught:
        models_listed(body)

    assert caught.value.kind is FailureKind.BROKEN
