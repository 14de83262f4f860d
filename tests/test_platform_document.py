"""``docs/platform-api.yaml`` is a good document, our code keeps to it, and so does the rig."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import trio
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.rigs.lambda_platform import TOKEN
from tests.rigs.lambda_platform_caller import Caller, calling, run_input
from tests.rigs.lambda_platform_contract import DOCUMENT, Json, document
from tests.rigs.lambda_platform_problems import STATUS

_ROOT = DOCUMENT.parents[1]
_EXAMPLES = 12
_OPERATIONS = (
    "getCapabilities",
    "getOrCreateUser",
    "getSettings",
    "updateSettings",
    "startRun",
    "getRun",
    "resumeRun",
    "cancelRun",
    "createFile",
)
_UNFAIR = {
    # A file may be too large; and a part of a form has no type that could be wrong.
    "createFile": [positive_data_acceptance, negative_data_rejection],
    # An id may be another request's, a file in a message not what the message says of it.
    "startRun": [positive_data_acceptance],
    # Skills and models are known by name, and an ETag may be an old one.
    "updateSettings": [positive_data_acceptance],
}


def test_it_is_openapi() -> None:
    OpenAPIV31SpecValidator(document()).validate()


def _operations() -> Iterator[Json]:
    for path in [*document()["paths"].values(), *document()["webhooks"].values()]:
        for method in ("get", "put", "post"):
            if method in path:
                yield path[method]


def test_it_has_the_operations_that_are_tried_here() -> None:
    assert {one["operationId"] for one in _operations()} == {*_OPERATIONS, "onAgentEvent"}


def test_every_operation_may_answer_with_a_problem() -> None:
    for operation in _operations():
        if operation["operationId"] != "onAgentEvent":
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}


def test_the_problem_types_are_those_of_the_reference_server() -> None:
    listed = document()["components"]["schemas"]["ProblemType"]
    named = {one.removeprefix("/problems/") for one in listed["enum"]} - {"about:blank"}

    assert named == set(STATUS)
    said = " ".join(listed["description"].split())
    for status in set(STATUS.values()):
        names = [name for name in STATUS if STATUS[name] == status]
        assert f"{' and '.join(names)} {status}" in said


def test_every_event_has_a_shape() -> None:
    schemas = document()["components"]["schemas"]
    shaped: Counter[str] = Counter()
    for branch in schemas["RunEvent"]["oneOf"]:
        rule = branch["properties"]["type"]
        shaped.update(rule.get("enum", [rule.get("const")]))

    assert shaped == Counter(schemas["RunEventType"]["enum"])


def _words_of(*files: Path) -> set[str]:
    """All strings in the code of *files*, but for docstrings."""
    found: set[str] = set()
    for file in files:
        tree = ast.parse(file.read_text())
        said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        found |= {one for one in said if isinstance(one, str)}
    return found


_EVENT = re.compile(
    r"(RUN|STEP|TEXT_MESSAGE|REASONING|TOOL_CALL|MESSAGES|STATE|ACTIVITY|SUBAGENT)_[A-Z_]+|CUSTOM|RAW"
)
_PROBLEM = re.compile(r"/problems/[a-z-]+")


def test_our_code_uses_no_event_and_no_problem_that_is_not_in_it() -> None:
    schemas = document()["components"]["schemas"]
    words = _words_of(*sorted((_ROOT / "actors" / "platform").glob("*.py")))
    events = {word for word in words if _EVENT.fullmatch(word)}

    assert events >= {"RUN_FINISHED", "RUN_ERROR", "TEXT_MESSAGE_CONTENT"}
    assert events <= set(schemas["RunEventType"]["enum"])
    assert {word for word in words if _PROBLEM.fullmatch(word)} <= set(
        schemas["ProblemType"]["enum"]
    )


@define
class _Known:
    """What there is on the server: a user and a run."""

    caller: Caller
    run: Json
    said: Counter[int] = field(factory=Counter)

    def put_into(self, case: Any, *, wants_events: bool) -> None:
        """Let *case* be about what there is."""
        user_id = self.caller.user_id
        if "user_id" in case.path_parameters:
            case.path_parameters["user_id"] = user_id
            if isinstance(case.body, dict):
                case.body["type"] = "reset"
                case.headers.pop("If-Match", None)
        if "run_id" in case.path_parameters:
            case.path_parameters["run_id"] = self.run["runId"]
        if isinstance(case.body, dict) and "threadId" in case.body:
            case.body["threadId"] = f"{user_id}:C1"
            case.body.get("forwardedProps", {}).pop("user_id", None)
            case.headers["Accept"] = "text/event-stream" if wants_events else "application/json"
            case.headers["Idempotency-Key"] = f'"{case.body["runId"]}"'


def _try(known: _Known, name: str, mode: GenerationMode) -> None:
    """Hold the answers to some requests, made up but the same every time, to the document."""
    operation = schemathesis.openapi.from_path(str(DOCUMENT)).find_operation_by_id(name)
    unfair = _UNFAIR.get(name, [])

    @settings(
        max_examples=_EXAMPLES,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=mode),
        is_known=st.booleans(),
        wants_events=st.booleans(),
    )
    def hold(case: Any, is_known: bool, wants_events: bool) -> None:  # noqa: FBT001
        if is_known and mode is GenerationMode.POSITIVE:
            known.put_into(case, wants_events=wants_events)
        token = {"Authorization": f"Bearer {TOKEN}"}
        answer = case.call(base_url=known.caller.platform.url, headers=token)
        known.said[answer.status_code] += 1
        case.validate_response(answer, excluded_checks=unfair)

    hold()


@pytest.mark.parametrize("name", _OPERATIONS)
async def test_the_reference_server_answers_as_it_says(name: str) -> None:
    async with calling() as caller:
        known = _Known(caller, run_input(caller.user_id, "hello"))
        await caller.start(known.run)
        await trio.to_thread.run_sync(_try, known, name, GenerationMode.POSITIVE)

    assert any(status < 300 for status in known.said)
    assert not known.said.keys() - {200, 201, 202, 404, 409, 412, 413, 415, 422}


@pytest.mark.parametrize("name", _OPERATIONS)
async def test_the_reference_server_refuses_what_it_does_not_allow(name: str) -> None:
    async with calling() as caller:
        known = _Known(caller, run_input(caller.user_id, "hello"))
        await trio.to_thread.run_sync(_try, known, name, GenerationMode.NEGATIVE)

    assert any(400 <= status < 500 for status in known.said)
    assert not any(status >= 500 for status in known.said)
