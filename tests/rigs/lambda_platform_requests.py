"""Requests to the reference server, as they came, and what their headers say."""

import json
import re
from typing import Any

from attrs import field, frozen
from starlette.datastructures import Headers

from tests.rigs.lambda_platform_contract import Json, document, flaws
from tests.rigs.lambda_platform_problems import invalid, problem


@frozen
class Received:
    """One request.

    Args:
        body: Empty where it was a file.
        at: On trio's clock.
    """

    method: str
    path: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    at: float

    def json(self) -> Any:
        """The body read."""
        return json.loads(self.body)


def check_headers(headers: Headers) -> None:
    """Hold the headers that the contract knows to what it says of them."""
    for name, rule in _rules().items():
        value = headers.get(name)
        if value is None:
            continue
        if "enum" in rule and value not in rule["enum"]:
            raise invalid(f"/headers/{name}", "enum")
        if "pattern" in rule and not re.search(rule["pattern"], value):
            raise invalid(f"/headers/{name}", "pattern")


def _rules() -> dict[str, Json]:
    parameters = document()["components"]["parameters"].values()
    return {one["name"]: one["schema"] for one in parameters if one["in"] == "header"}


def idempotency_key(headers: Headers) -> str | None:
    """The key without its quotes."""
    said = headers.get("Idempotency-Key")
    return None if said is None else said[1:-1]


def last_event_id(headers: Headers) -> int:
    """The last event that the caller has; 0 for none."""
    return int(headers.get("Last-Event-ID", "0"))


def body_of(content: bytes, schema: str, headers: Headers) -> Json:
    """The JSON *content*, which is what *schema* says."""
    if not headers.get("Content-Type", "").startswith("application/json"):
        raise problem("unsupported-media")
    try:
        body = json.loads(content)
    except ValueError:
        raise invalid("", "json") from None
    found = flaws(schema, body)
    if found:
        raise problem("validation", flaws=found)
    return dict(body)
