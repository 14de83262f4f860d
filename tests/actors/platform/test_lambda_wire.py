"""The contract's nouns, both ways, and whatever else a server may say."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from actors.platform.agui_parts import part_of
from actors.platform.lambda_runs import Asked, answer_of, headers_of, input_of, rest_of
from actors.platform.lambda_wire import (
    MOST_INLINE_BYTES,
    Capabilities,
    FileTicket,
    RunResult,
    RunStatus,
    Upload,
    action_json,
    capabilities_of,
    key_header,
    presign_json,
    problem_of,
    result_of,
    run_path,
    settings_of,
    settings_path,
    ticket_of,
    traceparent_of,
    upsert_json,
    user_of,
    user_path,
)
from protocols.ids import RunId, TraceId
from protocols.platform import (
    NO_DETAILS,
    Attachment,
    FailureKind,
    PlatformFailedError,
    Resume,
    SettingsAction,
    StreamFinished,
    StreamStopped,
    TextDelta,
    Usage,
    User,
    UserSettings,
    WholeText,
)
from tests.actors.platform.json_things import ANY_JSON, objects_with

WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
COUNTS = st.none() | st.integers(0, 2**53 - 1)
RUN = RunId("6f1c3c9e-0d5a-5d57-9b0e-3f5c2a1d7e44")
TRACE = TraceId("0af7651916cd43dd8448eb211c80319c")


def wire(body: Any) -> Any:
    """*body* as it is behind the wire."""
    return json.loads(json.dumps(body))


@given(st.builds(User, NAMES, WORDS, WORDS, WORDS))
def test_a_user_is_the_same_on_both_ends(user: User) -> None:
    assert user_of(wire(asdict(user))) == user


@given(st.builds(UserSettings, st.dictionaries(WORDS, st.booleans(), max_size=5), WORDS))
def test_settings_are_the_same_on_both_ends(settings: UserSettings) -> None:
    assert settings_of(wire(asdict(settings))) == settings


@given(st.builds(SettingsAction, NAMES, st.dictionaries(WORDS, WORDS | st.booleans(), max_size=3)))
def test_a_change_is_the_same_on_both_ends(action: SettingsAction) -> None:
    assert SettingsAction(**wire(action_json(action))) == action


@given(st.builds(Capabilities, st.integers(0, 2**40), COUNTS))
def test_capabilities_are_the_same_on_both_ends(capabilities: Capabilities) -> None:
    assert capabilities_of(wire(asdict(capabilities))) == capabilities


@given(
    st.dictionaries(NAMES, WORDS, min_size=1, max_size=3),
    st.none() | st.builds(Upload, st.just("https://s3/x"), st.dictionaries(NAMES, WORDS)),
)
def test_a_ticket_is_the_same_on_both_ends(more: dict[str, str], upload: Upload | None) -> None:
    ticket = FileTicket({**more, "type": "file", "value": "file_1"}, upload)
    body = {"source": ticket.source}
    if upload is not None:
        body["upload"] = {"method": "PUT", "url": upload.url, "headers": upload.headers}

    assert ticket_of(wire(body)) == ticket


@st.composite
def results(draw: st.DrawFn) -> RunResult:
    data = draw(st.binary(max_size=9))
    file = Attachment("a.txt", "text/plain", len(data), data=data, sha256=sha256(data).hexdigest())
    model, read, written = draw(NAMES), draw(COUNTS), draw(COUNTS)
    return RunResult(
        draw(st.sampled_from(RunStatus)),
        draw(WORDS),
        draw(st.sampled_from([(), (file,)])),
        draw(st.lists(objects_with("id", "message"), max_size=2)),
        draw(st.sampled_from([None, Usage(model, read, written)])),
        draw(st.sampled_from(["", "overloaded", "timeout"])),
    )


def result_json(result: RunResult) -> Any:
    said: Any = {
        "run_id": RUN,
        "thread_id": "u:C1",
        "status": result.status,
        "text": result.text,
        "attachments": [part_of(file) for file in result.attachments],
        "interrupts": result.interrupts,
    }
    if result.usage is not None:
        counts = {
            "inputTokens": result.usage.input_tokens,
            "outputTokens": result.usage.output_tokens,
        }
        known = {name: count for name, count in counts.items() if count is not None}
        said["usage"] = [{"model": result.usage.model, **known}]
    if result.problem:
        said["error"] = {"type": f"/problems/{result.problem}", "title": "x", "status": 503}
    return said


@given(results())
def test_a_result_is_the_same_on_both_ends(result: RunResult) -> None:
    got = result_of(wire(result_json(result)))

    assert asdict(got) == asdict(result) or any("nan" in str(each) for each in result.interrupts)


READERS: list[Callable[[object], object]] = [
    user_of,
    settings_of,
    capabilities_of,
    ticket_of,
    result_of,
    problem_of,
]
LOOKALIKES = objects_with(
    "user_id",
    "external_id",
    "skills",
    "model",
    "max_inline_bytes",
    "max_file_bytes",
    "status",
    "text",
    "attachments",
    "interrupts",
    "usage",
    "error",
    "type",
    source=objects_with("type", "value"),
    upload=objects_with("url", "headers", "method"),
)


@given(LOOKALIKES | ANY_JSON, st.sampled_from(READERS))
def test_whatever_a_server_says_is_read_or_broken(
    body: object, read: Callable[[object], object]
) -> None:
    try:
        read(body)
    except PlatformFailedError as error:
        kind = error.kind
    else:
        return

    assert kind is FailureKind.BROKEN


@pytest.mark.parametrize("read", [user_of, settings_of, capabilities_of, ticket_of, result_of])
@pytest.mark.parametrize("body", [None, [], "x"])
def test_what_is_not_there_is_broken(read: Callable[[object], object], body: object) -> None:
    with pytest.raises(PlatformFailedError):
        read(body)


def test_capabilities_that_say_nothing_are_the_contracts() -> None:
    assert capabilities_of({"max_inline_bytes": "many"}) == Capabilities(MOST_INLINE_BYTES, None)


@pytest.mark.parametrize(
    "upload", [{"url": "file:///etc/passwd"}, {"url": "https://s3/x", "method": "POST"}]
)
def test_a_file_is_only_put_and_only_over_http(upload: object) -> None:
    with pytest.raises(PlatformFailedError):
        ticket_of({"source": {"type": "file", "value": "f"}, "upload": upload})


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("/problems/thread-busy", "thread-busy"),
        ("problems/thread-busy", "thread-busy"),
        ("https://lambda.example/problems/timeout", "timeout"),
        ("about:blank", ""),
        (7, ""),
    ],
)
def test_a_problem_has_a_name_or_none(said: object, name: str) -> None:
    assert problem_of({"type": said}) == name


def test_a_path_has_nothing_in_it_that_leads_elsewhere() -> None:
    assert user_path("matrix", "@a/b:c?d#e") == "/v1/users/matrix/%40a%2Fb%3Ac%3Fd%23e"
    assert settings_path("../x") == "/v1/users/..%2Fx/settings"
    assert run_path(RUN, "/cancel") == f"/v1/runs/{RUN}/cancel"


def test_a_key_stands_in_quotes() -> None:
    assert key_header("abc") == '"abc"'


def test_a_person_without_a_name_keeps_the_one_that_is_known() -> None:
    assert (upsert_json(""), upsert_json("Me")) == ({}, {"display_name": "Me"})


def test_the_same_run_is_the_same_span() -> None:
    first = traceparent_of(TRACE, RUN)

    assert first == traceparent_of(TRACE, RUN) != traceparent_of(TRACE, RunId("other"))
    assert first is not None
    assert [len(part) for part in first.split("-")] == [2, 32, 16, 2]


@pytest.mark.parametrize("trace", ["", "0" * 32, "x" * 32, "0AF7651916CD43DD8448EB211C80319C", "a"])
def test_what_is_no_trace_is_not_sent(trace: str) -> None:
    assert traceparent_of(TraceId(trace), RUN) is None
    headers = headers_of(Asked(RUN, "u", "C1", "hi", NO_DETAILS))
    assert headers == {"Lambda-Version": "2026-11-01", "Idempotency-Key": f'"{RUN}"'}


def test_a_file_that_will_be_uploaded_is_described() -> None:
    file = Attachment("a.txt", "text/plain", 2, data=b"hi")

    assert presign_json(file) == {
        "mode": "presigned",
        "filename": "a.txt",
        "mimeType": "text/plain",
        "size": 2,
    }


def test_a_message_that_only_answers_is_not_said_again() -> None:
    token = json.dumps({"i": [{"id": "i", "k": "approve"}]})
    asked = Asked(RUN, "u", "C1", "approve", NO_DETAILS)

    answered = input_of(asked, [], Resume(token, "approve"))

    assert answered["messages"] == []
    assert answered["resume"] == [
        {"interruptId": "i", "status": "resolved", "payload": {"approved": True}}
    ]


def test_a_file_goes_along_with_an_answer() -> None:
    token = json.dumps({"i": [{"id": "i", "k": "approve"}]})
    asked = Asked(RUN, "u", "C1", "approve", NO_DETAILS)

    answered = input_of(asked, [{"type": "image"}], Resume(token, "approve"))

    assert [each["content"] for each in answered["messages"]] == [[{"type": "image"}]]


@pytest.mark.parametrize(
    ("text", "shown", "rest"),
    [
        ("Hello", "Hel", [TextDelta("lo")]),
        ("Hello", "", [TextDelta("Hello")]),
        ("Hello", "Hello", []),
        ("Hello", "Hullo", [WholeText("Hello")]),
        ("", "Hello", []),
        ("Hel", "Hello", []),
    ],
)
def test_only_what_is_missing_is_shown(text: str, shown: str, rest: list[object]) -> None:
    result = RunResult(RunStatus.SUCCEEDED, text)

    assert list(rest_of(result, shown)) == [*rest, StreamFinished()]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (RunStatus.FAILED, FailureKind.OVERLOADED),
        (RunStatus.RUNNING, FailureKind.CUT),
        (RunStatus.QUEUED, FailureKind.CUT),
        (RunStatus.INTERRUPTED, FailureKind.BROKEN),
    ],
)
def test_a_run_that_is_no_success_has_no_last_part(status: RunStatus, kind: FailureKind) -> None:
    with pytest.raises(PlatformFailedError) as caught:
        RunResult(status, problem="overloaded").last_part()

    assert caught.value.kind is kind


def test_a_run_that_somebody_stopped_has_no_answer() -> None:
    stopped = RunResult(RunStatus.CANCELLED, "half")

    assert stopped.last_part() == StreamStopped()
    with pytest.raises(PlatformFailedError):
        answer_of(stopped)
