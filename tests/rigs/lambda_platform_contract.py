"""What ``docs/platform-api.yaml`` says, for the reference server to hold itself and others to."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from attrs import frozen
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator.readers import read_from_filename

Json = dict[str, Any]

DOCUMENT = Path(__file__).parents[2] / "docs" / "platform-api.yaml"
VERSION = "2026-11-01"
_MOST_FLAWS = 5


@frozen
class Flaw:
    """Where something is not as the document says, as a JSON pointer, and by which rule."""

    pointer: str
    rule: str


@cache
def document() -> Json:
    """The whole document."""
    read, _ = read_from_filename(str(DOCUMENT))
    return dict(read)


@cache
def _validator(schema: str) -> Any:
    parts = {"components": document()["components"]}
    whole = {"$ref": f"#/components/schemas/{schema}", **parts}
    return OAS31Validator(whole, format_checker=oas31_format_checker)


def flaws(schema: str, value: object) -> tuple[Flaw, ...]:
    """What is wrong with *value* by the schema of that name; the first few."""
    found: Iterable[Any] = _validator(schema).iter_errors(value)
    said = (Flaw(_pointer(one.absolute_path), str(one.validator)) for one in found)
    return tuple(flaw for flaw, _ in zip(said, range(_MOST_FLAWS), strict=False))


def _pointer(path: Iterable[object]) -> str:
    return "".join(f"/{part}" for part in path)
