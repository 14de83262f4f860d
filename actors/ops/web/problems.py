"""Answers that say what is wrong, as RFC 9457 has them; they quote nothing that was sent."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from attrs import frozen
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


@frozen
class Fault:
    """What is wrong at one place of a request's body; *pointer* is a JSON pointer."""

    pointer: str
    detail: str


class Problem(JSONResponse):
    """``application/problem+json``."""

    media_type = "application/problem+json"


def problem(
    status: int,
    detail: str = "",
    *,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer with *status*; *detail* is ours, never a quotation."""
    said = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        said["detail"] = detail
    if faults:
        errors = [{"pointer": one.pointer, "detail": one.detail} for one in faults]
        return Problem(said | {"errors": errors}, status, headers)
    return Problem(said, status, headers)


async def of_exception(_request: Request, error: Exception) -> Response:
    """The answer for what the router refuses: no such path, no such method."""
    if not isinstance(error, HTTPException):
        raise error
    return problem(error.status_code, headers=error.headers)
