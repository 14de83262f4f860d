"""The document of the HTTP server, and the server against it."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
import trio
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from openapi_spec_validator.readers import read_from_filename
from schemathesis import GenerationMode, checks
from structlog.typing import EventDict

from actors.ops.web.signatures import key_of
from protocols.file_links import FileLinks
from tests.actors.ops.rig import actor
from tests.actors.ops.web.web_rig import SECRET, PausingControl, serving, signed

DOCUMENT = Path("docs/ops-api.yaml")
READY = (actor("store"), actor("matrix", beat_age=1.0))
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
OPERATIONS = [
    ("/healthz", "GET"),
    ("/readyz", "GET"),
    ("/metrics", "GET"),
    ("/", "GET"),
    ("/webhooks/agent", "POST"),
    ("/files/{name}", "GET"),
]
"""All but ``/events``, whose answer has no end; test_live.py reads it."""

CASES = [(path, method, GenerationMode.POSITIVE) for path, method in OPERATIONS] + [
    # Nothing can be wrong about a request without parameters.
    (path, method, GenerationMode.NEGATIVE)
    for path, method in OPERATIONS[-2:]
]


def sign(request: Any) -> Any:
    """*request* of the library requests, with the headers that the platform would send."""
    body = request.body or b""
    request.headers.update(signed(body.encode() if isinstance(body, str) else body))
    return request


def test_the_document_is_openapi() -> None:
    document, _ = read_from_filename(str(DOCUMENT))
    validate(document)


def test_the_document_has_every_operation() -> None:
    document, _ = read_from_filename(str(DOCUMENT))

    assert set(document["paths"]) == {path for path, _ in OPERATIONS} | {"/events"}


def fuzz(port: int, path: str, method: str, mode: GenerationMode, **options: Any) -> set[int]:
    """Ask in many ways, good or bad as *mode* says; the statuses that came. Blocks."""
    checks.load_all_checks()
    chosen = [checks.CHECKS.get_one(name) for name in CHECKS]
    operation = schemathesis.openapi.from_path(str(DOCUMENT))[path][method]
    statuses: set[int] = set()

    @settings(max_examples=25, suppress_health_check=list(HealthCheck), database=None)
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call_and_validate(
            base_url=f"http://127.0.0.1:{port}", checks=chosen, timeout=20, **options
        )
        statuses.add(answer.status_code)

    ask()
    return statuses


@pytest.mark.parametrize(("path", "method", "mode"), CASES)
async def test_whatever_is_asked_the_answer_is_as_documented(
    path: str, method: str, mode: GenerationMode, tmp_path: Path, logs: list[EventDict]
) -> None:
    ready, links = PausingControl(READY), FileLinks("", b"key")
    async with serving(
        control=ready, webhook_keys=(key_of(SECRET),), files=tmp_path, links=links
    ) as web:
        statuses = await trio.to_thread.run_sync(fuzz, web.port, path, method, mode)
        assert (await web.get("/healthz")).status_code == 200

    assert statuses <= ({200} if "{" not in path and method == "GET" else {401, 404})
    assert not [line for line in logs if line["log_level"] == "error"]


async def test_genuine_pushes_of_every_documented_shape_are_taken_and_no_others() -> None:
    async with serving(webhook_keys=(key_of(SECRET),)) as web:

        def push(mode: GenerationMode) -> set[int]:
            return fuzz(web.port, "/webhooks/agent", "POST", mode, auth=sign)

        good = await trio.to_thread.run_sync(push, GenerationMode.POSITIVE)
        bad = await trio.to_thread.run_sync(push, GenerationMode.NEGATIVE)

    assert good == {204}
    assert 400 in bad
    # What is wrong about a header is put right by the signer.
    assert bad <= {204, 400}
