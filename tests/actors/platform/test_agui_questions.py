"""Interrupts as questions, and answers as resume entries."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.platform.agui_questions import MOST_CHOICES, continuation_of, question_of
from protocols.platform import FailureKind, PlatformFailedError, Resume
from tests.actors.platform.json_things import ANY_JSON, objects_with

APPROVED: Any = {"type": "object", "properties": {"approved": {"type": "boolean"}}}
NOTED: Any = {"properties": {"approved": {"type": "boolean"}, "why": {"type": "string"}}}
COLOURS: Any = {"type": "string", "enum": ["red", "green"]}
TITLED: Any = {"oneOf": [{"const": 1, "title": "One"}, {"const": None, "title": "None"}]}
INNER: Any = {"type": "object", "properties": {"colour": COLOURS}}
NAMED: Any = {"type": "object", "properties": {"name": {"type": "string"}, "age": {}}}


def interrupt(schema: Any = None, name: str = "i", **more: Any) -> Any:
    asked = {"id": name, "reason": "r", "message": f"{name}?", **more}
    return asked if schema is None else asked | {"responseSchema": schema}


def entries(interrupts: list[Any], choice: str | None, words: str) -> list[Any]:
    asks = question_of(interrupts)
    return continuation_of(Resume(asks.interrupt_id, choice), words).entries


def resolved(payload: Any, name: str = "i") -> Any:
    return {"interruptId": name, "status": "resolved", "payload": payload}


@pytest.mark.parametrize(
    ("schema", "choices"),
    [
        (APPROVED, ("approve", "reject")),
        (NOTED, ("approve", "reject")),
        (COLOURS, ("red", "green")),
        (TITLED, ("One", "None")),
        (INNER, ("red", "green")),
        ({"enum": [1, True, "x", "x", ""]}, ("1", "true", "x")),
        ({"enum": list(range(MOST_CHOICES + 1))}, ()),
        ({"type": "string"}, ()),
        (NAMED, ()),
        (None, ()),
    ],
)
def test_the_schema_says_what_may_be_answered(schema: Any, choices: tuple[str, ...]) -> None:
    assert question_of([interrupt(schema)]).choices == choices


@pytest.mark.parametrize(
    ("schema", "choice", "words", "payload"),
    [
        (APPROVED, "approve", "approve", {"approved": True}),
        (APPROVED, "reject", "reject", {"approved": False}),
        (APPROVED, None, "Approve", {"approved": True}),
        (NOTED, None, "not now", {"approved": False, "why": "not now"}),
        (COLOURS, "green", "green", "green"),
        (TITLED, "One", "One", 1),
        (TITLED, "None", "None", None),
        (INNER, "red", "red", {"colour": "red"}),
        ({"enum": list(range(30))}, None, "29", 29),
        ({"type": "string"}, None, "Ada", "Ada"),
        (NAMED, None, "Ada", {"name": "Ada"}),
        (None, None, "Ada", "Ada"),
    ],
)
def test_an_answer_has_the_form_that_the_schema_asks_for(
    schema: Any, choice: str | None, words: str, payload: Any
) -> None:
    assert entries([interrupt(schema)], choice, words) == [resolved(payload)]


@pytest.mark.parametrize(
    ("schema", "entry"),
    [
        (APPROVED, resolved({"approved": False})),
        (COLOURS, {"interruptId": "i", "status": "cancelled"}),
    ],
)
def test_other_words_are_no_consent_and_go_along_as_a_message(schema: Any, entry: Any) -> None:
    asks = question_of([interrupt(schema)])

    continuation = continuation_of(Resume(asks.interrupt_id, None), "what is that?")

    assert continuation.entries == [entry]
    assert continuation.words == "what is that?"


@pytest.mark.parametrize("schema", [APPROVED, COLOURS, None])
def test_a_question_that_nobody_answers_is_called_off(schema: Any) -> None:
    asks = question_of([interrupt(schema)])

    continuation = continuation_of(Resume(asks.interrupt_id, None), "")

    assert continuation.entries == [{"interruptId": "i", "status": "cancelled"}]
    assert continuation.words == ""


def test_words_that_are_the_answer_are_no_message_beside_it() -> None:
    asks = question_of([interrupt(None)])

    assert continuation_of(Resume(asks.interrupt_id, None), "Ada").words == ""


def test_several_interrupts_are_one_question_and_one_answer() -> None:
    both = [interrupt(APPROVED, "one"), interrupt(APPROVED, "two")]

    asks = question_of(both)

    assert (asks.question, asks.choices) == ("one?\n\ntwo?", ("approve", "reject"))
    assert entries(both, "approve", "approve") == [
        resolved({"approved": True}, "one"),
        resolved({"approved": True}, "two"),
    ]


def test_interrupts_that_differ_are_answered_in_words() -> None:
    assert question_of([interrupt(APPROVED), interrupt(COLOURS)]).choices == ()


def test_a_question_ends_when_its_first_interrupt_does() -> None:
    first = interrupt(expiresAt="1970-01-01T00:01:00Z")
    later = interrupt(expiresAt="1970-01-01T00:02:00Z")

    assert question_of([later, first, interrupt()]).expires_at == 60.0


@pytest.mark.parametrize(
    ("said", "question"),
    [({"message": "Now?"}, "Now?"), ({"message": " "}, "r"), ({"message": "", "reason": 3}, "?")],
)
def test_a_question_is_never_without_words(said: Any, question: str) -> None:
    assert question_of([interrupt() | said]).question == question


def test_the_messages_that_a_server_forgot_come_back() -> None:
    messages = [{"id": "m", "role": "assistant", "content": "wait", "toolCalls": []}]

    asks = question_of([interrupt(APPROVED)], messages)

    assert continuation_of(Resume(asks.interrupt_id, "approve"), "").messages == messages


def test_messages_that_are_too_long_are_left_out() -> None:
    asks = question_of([interrupt(APPROVED)], [{"role": "user", "content": "x" * 70_000}])

    assert len(asks.interrupt_id) < 1000


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [((60_000,), 60_000), ((10, 70_000), 4001), ((4000,) * 30, 401)],
)
def test_what_tools_gave_is_cut_before_anything_is_left_out(
    lengths: tuple[int, ...], kept: int
) -> None:
    mine = {"role": "user", "content": "read it, then ask me"}
    results = [{"role": "tool", "content": "x" * length} for length in lengths]

    asks = question_of([interrupt(APPROVED)], [mine, *results])

    first, *others = continuation_of(Resume(asks.interrupt_id, "approve"), "").messages
    assert first == mine
    assert [len(each["content"]) for each in others] == [min(each, kept) for each in lengths]
    assert len(asks.interrupt_id.encode()) <= 2**16


def test_words_in_any_script_take_no_more_than_their_bytes() -> None:
    mine = {"role": "user", "content": "ы" * 30_000}

    asks = question_of([interrupt(APPROVED)], [mine])

    assert continuation_of(Resume(asks.interrupt_id, "approve"), "").messages == [mine]


def test_half_a_character_is_nothing_that_a_store_must_take() -> None:
    half = chr(0xD83D)

    asks = question_of([interrupt({"enum": [half, "b"]})])

    asks.interrupt_id.encode()
    assert continuation_of(Resume(asks.interrupt_id, "b"), "b").entries == [resolved("b")]


@pytest.mark.parametrize(
    "interrupts",
    [None, [], [{}], ["x"], [{"id": ""}], [{"id": "x" * 70_000}], [{"id": "i"}] * 21],
)
def test_interrupts_that_nobody_can_answer_are_a_broken_answer(interrupts: object) -> None:
    with pytest.raises(PlatformFailedError) as caught:
        question_of(interrupts)

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.BROKEN, False)


@pytest.mark.parametrize("token", ["", "confirm-1", "[]", "{}", '{"i": [{}]}', "[" * 100_000])
def test_a_token_that_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(PlatformFailedError) as caught:
        continuation_of(Resume(token, "yes"), "yes")

    assert caught.value.kind is FailureKind.REJECTED


SCHEMAS = objects_with(
    enum=st.lists(ANY_JSON, max_size=4),
    oneOf=st.lists(objects_with("const", "title"), max_size=3),
    properties=st.sampled_from([APPROVED["properties"], NOTED["properties"], INNER["properties"]]),
)
INTERRUPTS = st.lists(
    objects_with(
        "message",
        "reason",
        id=st.text(min_size=1, max_size=4),
        responseSchema=SCHEMAS,
        expiresAt=st.just("2030-01-01T00:00:00Z"),
    ),
    max_size=3,
)


@given(INTERRUPTS | ANY_JSON, st.none() | st.text(max_size=5), st.text(max_size=5), st.data())
def test_whatever_is_asked_is_answered_or_a_failure(
    interrupts: object, choice: str | None, words: str, data: st.DataObject
) -> None:
    try:
        asks = question_of(interrupts)
    except PlatformFailedError:
        return
    if asks.choices:
        choice = data.draw(st.none() | st.sampled_from(asks.choices))

    continuation = continuation_of(Resume(asks.interrupt_id, choice), words)

    assert isinstance(interrupts, list)
    assert len(continuation.entries) == len(interrupts)
    assert all(e["status"] in {"resolved", "cancelled"} for e in continuation.entries)
    json.dumps(continuation.entries)
    if choice is not None and asks.choices:
        assert all(e["status"] == "resolved" for e in continuation.entries)


@given(ANY_JSON)
def test_whatever_a_token_says_is_an_answer_or_a_failure(token: object) -> None:
    resume = Resume(json.dumps({"i": [token], "m": token}), None)

    with suppress(PlatformFailedError):
        assert len(continuation_of(resume, "x").entries) == 1
