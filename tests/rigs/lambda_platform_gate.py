"""What stands before the endpoints: the log of requests, faults, the token, the version."""

from math import inf

import trio
from attrs import define, field
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.rigs.lambda_platform_api import Api
from tests.rigs.lambda_platform_contract import VERSION
from tests.rigs.lambda_platform_faults import Fault, FaultPlan, Late, OnStream, Page, Refused
from tests.rigs.lambda_platform_problems import Problem, ProblemError, problem
from tests.rigs.lambda_platform_requests import Received, check_headers
from tests.rigs.lambda_platform_run import Stats
from tests.rigs.lambda_platform_streams import send_page, while_there

_LONGEST_BODY = 32 << 20
_FILES = ("/v1/files", "/uploads/")
_WITHOUT_TOKEN = ("/uploads/", "/blobs/")


@define
class Gate:
    """The whole application.

    Args:
        token: The only bearer token that is let in; ``forbidden`` ones are known and not allowed.
        requests: All that came.
        errors: What broke in here, which is a fault of this rig.
    """

    api: Api
    stats: Stats
    token: str = field(repr=False)
    forbidden: set[str] = field(factory=set, repr=False)
    faults: FaultPlan = field(factory=FaultPlan)
    requests: list[Received] = field(factory=list, repr=False)
    errors: list[Exception] = field(factory=list)
    _changed: trio.Event = field(factory=trio.Event)
    _app: ASGIApp = field(init=False)

    def __attrs_post_init__(self) -> None:
        handlers = {ProblemError: _say_problem, HTTPException: _say_status, Exception: self._note}
        self._app = Starlette(routes=self.api.routes(), exception_handlers=handlers)

    async def request(self) -> None:
        """Wait until another request comes."""
        await self._changed.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            received, receive = await _received(scope, receive)
        except ProblemError as error:
            await error.problem.as_response()(scope, receive, send)
            return
        self.stats.requests += 1
        self.requests.append(received)
        self._changed.set()
        self._changed = trio.Event()
        fault = self.faults.next(f"{received.method} {received.path}")
        await self._answer(scope, receive, _with_version(send), received.headers, fault)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, headers: Headers, fault: Fault | None
    ) -> None:
        match fault:
            case Late(seconds):
                await while_there(receive, lambda: _sleep(seconds))
                if seconds == inf:
                    return
            case Page() | Refused() if fault.has_effect:
                await self._enter(scope, receive, _nowhere, headers)
            case OnStream():
                scope["rig.fault"] = fault
            case _:
                pass
        match fault:
            case Page():
                await send_page(fault, receive, send, self.stats)
            case Refused(what):
                await what.as_response()(scope, receive, send)
            case _:
                await self._enter(scope, receive, send, headers)

    async def _enter(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        try:
            self._check(scope["path"], headers)
        except ProblemError as error:
            await error.problem.as_response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, path: str, headers: Headers) -> None:
        said = headers.get("Authorization", "")
        if path.startswith(_WITHOUT_TOKEN):
            if said:
                self.stats.leaks += 1
                raise ProblemError(Problem(None, 400))
            return
        if not path.startswith("/v1/"):
            return
        kind, _, token = said.partition(" ")
        if token in self.forbidden:
            raise problem("forbidden")
        if kind.lower() != "bearer" or token != self.token:
            raise problem("unauthorized")
        check_headers(headers)

    async def _note(self, request: Request, error: Exception) -> Response:  # noqa: ARG002
        self.errors.append(error)
        return Problem(None, 500).as_response()


async def _say_problem(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, ProblemError)
    return error.problem.as_response()


async def _say_status(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, HTTPException)
    response = Problem(None, error.status_code).as_response()
    response.headers.update(error.headers or {})
    return response


async def _received(scope: Scope, receive: Receive) -> tuple[Received, Receive]:
    """The request, and what still comes of it."""
    headers, path = Headers(scope=scope), scope["path"]
    at = trio.current_time()
    if path.startswith(_FILES):
        return Received(scope["method"], path, headers, b"", at), receive
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _LONGEST_BODY:
            raise problem("file-too-large")
        if not message.get("more_body"):
            break
    return Received(scope["method"], path, headers, body, at), _again(body, receive)


def _again(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return messages.pop() if messages else await receive()

    return received


def _with_version(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Lambda-Version"] = VERSION
        await send(message)

    return sent


async def _nowhere(message: Message) -> None:
    pass


async def _sleep(seconds: float) -> None:
    await trio.sleep(seconds)
