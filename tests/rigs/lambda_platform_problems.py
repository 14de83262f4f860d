"""Problems as RFC 9457 says them, by the names of the contract."""

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen
from starlette.responses import JSONResponse, Response

from tests.rigs.lambda_platform_contract import Flaw, Json

STATUS: Mapping[str, int] = MappingProxyType(
    {
        "unauthorized": 401,
        "forbidden": 403,
        "user-not-found": 404,
        "run-not-found": 404,
        "thread-busy": 409,
        "interrupt-expired": 409,
        "run-expired": 410,
        "settings-changed": 412,
        "file-too-large": 413,
        "unsupported-media": 415,
        "idempotency-key-reuse": 422,
        "validation": 422,
        "rate-limited": 429,
        "upstream": 502,
        "overloaded": 503,
        "timeout": 504,
    }
)
_RETRYABLE = frozenset({429, 502, 503, 504})


@frozen
class Problem:
    """One problem; *name* is None where the status says it all.

    Args:
        retry_after: Seconds, for ``Retry-After``.
    """

    name: str | None
    status: int
    retry_after: int | None = None
    flaws: tuple[Flaw, ...] = ()

    def as_json(self) -> Json:
        """The body."""
        said: Json = {
            "type": "about:blank" if self.name is None else f"/problems/{self.name}",
            "title": (self.name or f"status {self.status}").replace("-", " "),
            "status": self.status,
            "detail": "These are the platform's own words, and no chat should show them.",
            "retryable": self.status in _RETRYABLE,
        }
        if self.flaws:
            said["errors"] = [{"pointer": one.pointer, "detail": one.rule} for one in self.flaws]
        return said

    def as_response(self) -> Response:
        """The answer."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.status == STATUS["unauthorized"]:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(
            self.as_json(), self.status, headers, media_type="application/problem+json"
        )


class ProblemError(Exception):
    """What is asked is not done; the answer is *problem*."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.name or str(problem.status))
        self.problem = problem


def problem(
    name: str, *, retry_after: int | None = None, flaws: tuple[Flaw, ...] = ()
) -> ProblemError:
    """The problem of that name, to be raised."""
    return ProblemError(Problem(name, STATUS[name], retry_after, flaws))


def invalid(pointer: str, rule: str) -> ProblemError:
    """422 because of what stands at *pointer*."""
    return problem("validation", flaws=(Flaw(pointer, rule),))
