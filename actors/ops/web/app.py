"""What is served where, to whom, and with which headers."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import assert_never

from attrs import define, frozen
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actors.ops.web import auth
from actors.ops.web.figures import Figures
from actors.ops.web.files import SharedFiles
from actors.ops.web.health import Readiness, healthz
from actors.ops.web.hooks import Hooks
from actors.ops.web.live import Live
from actors.ops.web.problems import of_exception, problem

Endpoint = Callable[[Request], Awaitable[Response]]

_STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


@frozen
class Places:
    """Who answers; what is None has no place and is 404."""

    live: Live
    readiness: Readiness
    figures: Figures
    hooks: Hooks | None
    files: SharedFiles | None


def build_app(places: Places, token: str) -> Starlette:
    """The application; *token* opens the page from elsewhere, empty for nothing."""
    guarded = _Guard(token)
    routes = [
        Route("/healthz", healthz),
        Route("/readyz", places.readiness.readyz),
        Route("/metrics", places.figures.metrics),
        Route("/", guarded(places.live.page)),
        Route("/events", guarded(places.live.events)),
        Route("/static/{name}", guarded(_static(_read_static()))),
    ]
    if places.hooks is not None:
        routes.append(Route("/webhooks/agent", places.hooks.take, methods=["POST"]))
    if places.files is not None:
        routes.append(Route("/files/{name:path}", places.files.give))
    return Starlette(
        routes=routes,
        middleware=[Middleware(_SafeHeaders)],
        exception_handlers={HTTPException: of_exception},
    )


@frozen
class _Guard:
    """Lets only those see an endpoint who may."""

    token: str

    def __call__(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            peer = request.client.host if request.client is not None else ""
            match auth.access(peer, request.headers, self.token):
                case auth.Allowed():
                    return await endpoint(request)
                case auth.TokenNeeded():
                    return _who_are_you()
                case auth.NotFromHere():
                    detail = "the page opens on this machine only, or elsewhere with OPS_TOKEN"
                    return problem(403, detail)
                case outcome:
                    assert_never(outcome)

        return guarded


def _who_are_you() -> Response:
    answer = problem(401, "OPS_TOKEN is needed: as a bearer token, or as a password")
    for challenge in auth.CHALLENGES:
        answer.headers.append("WWW-Authenticate", challenge)
    return answer


def _read_static() -> Mapping[str, tuple[bytes, str]]:
    return {path.name: (path.read_bytes(), _TYPES[path.suffix]) for path in _STATIC.iterdir()}


def _static(contents: Mapping[str, tuple[bytes, str]]) -> Endpoint:
    async def give(request: Request) -> Response:
        if request.path_params["name"] not in contents:
            return problem(404)
        content, media_type = contents[request.path_params["name"]]
        return Response(content, media_type=media_type)

    return give


@define
class _SafeHeaders:
    """Adds what keeps a browser from doing more with an answer than to show it."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                named = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in _RAW_HEADERS if pair[0] not in named),
                ]
            await send(message)

        await self.app(scope, receive, send_safely)


_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
