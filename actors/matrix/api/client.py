"""The homeserver's HTTP, one request at a time; the only module that names nio and aiohttp.

Nothing here retries and nothing here raises for what a server or a network does: every request
ends in one of the values below.
"""

import json
import re
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import aiohttp
import nio  # type: ignore[import-untyped]  # it ships no types
import trio
from attrs import define, field, frozen

from actors.kernel.aio import from_asyncio
from actors.matrix.api.filters import history_filter, sync_filter
from actors.matrix.api.limits import UNSAID_WAIT

Json = dict[str, Any]

NO_JSON = "an answer that is no JSON"
BAD_CERTIFICATE = "its certificate is not to be trusted"

_ERRCODE = re.compile(r"[A-Z][A-Z0-9_.-]{0,63}", re.IGNORECASE | re.ASCII)


@frozen
class Done:
    """The server did it and said *body*."""

    body: Json = field(repr=False)


@frozen
class Limited:
    """Nothing was done: wait for *wait* seconds."""

    wait: float


@frozen
class Unreachable:
    """No answer, or none of the protocol: it may have been done or not."""

    reason: str


@frozen
class TokenRefused:
    """The access token is not valid (any more); ``errcode`` may say why."""

    errcode: str = field(default="", eq=False)


@frozen
class Refused:
    """The server will not do this; ``errcode`` is the specification's word for why.

    ``body`` is all that it said, such as what it wants to see first.
    """

    status: int
    errcode: str
    body: Json = field(factory=dict, repr=False, eq=False)


Reply = Done | Limited | Unreachable | TokenRefused | Refused


@frozen
class Session:
    """One login: an account on one of its devices."""

    user_id: str
    device_id: str
    access_token: str = field(repr=False)


class Homeserver(Protocol):
    """What we ask of a homeserver."""

    def use(self, session: Session) -> None:
        """Speak as *session* from now on."""

    async def versions(self) -> Reply:
        """What the server speaks: whether it is a Matrix server at all."""

    async def log_in(self, user_id: str, password: str, device_id: str, name: str) -> Reply:
        """A new session on *device_id*, or on a new device."""

    async def whoami(self, access_token: str) -> Reply:
        """Whose the token is."""

    async def sync(self, since: str, *, wait: float) -> Reply:
        """What is new since the token *since*, at once or within *wait* seconds."""

    async def messages(self, room: str, start: str, end: str) -> Reply:
        """Events before the token *start*, newest first, not beyond *end*."""

    async def encryption(self, room: str) -> Reply:
        """The room's encryption; refused as not found where it has none."""

    async def join(self, room: str) -> Reply:
        """Enter *room*."""

    async def leave(self, room: str, reason: str) -> Reply:
        """Leave *room* or decline it; its people see *reason*."""

    async def send(self, room: str, txn: str, content: Json) -> Reply:
        """Send a message; the same *txn* is the same event, however often it is sent."""

    async def typing(self, room: str, user_id: str, *, is_typing: bool) -> Reply:
        """Show that an answer is being written, or no more."""

    async def request(
        self, method: str, path: str, body: Json | None = None, *, within: float = 30.0
    ) -> Reply:
        """One request of the client-server API; *path* is one of ``path_to``."""

    async def close(self) -> None:
        """End all connections."""


@define
class MatrixClient:
    """The homeserver at *url*, through nio's client; lives inside one asyncio loop.

    Args:
        window: How many of a room's events one answer shows; servers allow 100.
    """

    url: str
    window: int = 100
    _nio: nio.AsyncClient = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Have nio retry nothing and keep nothing."""
        config = nio.AsyncClientConfig(
            max_timeouts=0,
            max_limit_exceeded=0,
            store_sync_tokens=False,
            encryption_enabled=False,
        )
        self._nio = nio.AsyncClient(self.url.rstrip("/"), config=config)

    def use(self, session: Session) -> None:
        """Speak as *session* from now on."""
        self._nio.restore_login(session.user_id, session.device_id, session.access_token)

    async def versions(self) -> Reply:
        """What the server speaks: whether it is a Matrix server at all."""
        return await self.request("GET", "/_matrix/client/versions")

    async def log_in(self, user_id: str, password: str, device_id: str, name: str) -> Reply:
        """A new session on *device_id*, or on a new device."""
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user_id},
            "password": password,
            "initial_device_display_name": name,
        }
        return await self.request(
            "POST", path_to("login"), body | ({"device_id": device_id} if device_id else {})
        )

    async def whoami(self, access_token: str) -> Reply:
        """Whose the token is."""
        return await self.request("GET", path_to("account", "whoami"), token=access_token)

    async def sync(self, since: str, *, wait: float) -> Reply:
        """What is new since the token *since*, at once or within *wait* seconds."""
        query = {
            "filter": sync_filter(self.window if since else 1),
            "timeout": str(int(wait * 1000)),
        }
        if since:
            query["since"] = since
        # The server may take its time for a large answer, beyond the wait that we asked for.
        return await self.request("GET", path_to("sync", **query), within=wait + 60.0)

    async def messages(self, room: str, start: str, end: str) -> Reply:
        """Events before the token *start*, newest first, not beyond *end*."""
        query = {"dir": "b", "limit": str(self.window), "from": start}
        query["filter"] = history_filter()
        if end:
            query["to"] = end
        return await self.request("GET", path_to("rooms", room, "messages", **query), within=60.0)

    async def encryption(self, room: str) -> Reply:
        """The room's encryption; refused as not found where it has none."""
        return await self.request("GET", path_to("rooms", room, "state", "m.room.encryption", ""))

    async def join(self, room: str) -> Reply:
        """Enter *room*."""
        # Over federation a join takes as long as the other servers need.
        return await self.request("POST", path_to("join", room), {}, within=180.0)

    async def leave(self, room: str, reason: str) -> Reply:
        """Leave *room* or decline it; its people see *reason*."""
        return await self.request("POST", path_to("rooms", room, "leave"), {"reason": reason})

    async def send(self, room: str, txn: str, content: Json) -> Reply:
        """Send a message; the same *txn* is the same event, however often it is sent."""
        return await self.request(
            "PUT", path_to("rooms", room, "send", "m.room.message", txn), content
        )

    async def typing(self, room: str, user_id: str, *, is_typing: bool) -> Reply:
        """Show that an answer is being written, or no more."""
        body = {"typing": True, "timeout": 30_000} if is_typing else {"typing": False}
        return await self.request(
            "PUT", path_to("rooms", room, "typing", user_id), body, within=10.0
        )

    async def close(self) -> None:
        """End all connections."""
        await from_asyncio(self._nio.close)

    async def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        token: str = "",
        within: float = 30.0,
    ) -> Reply:
        """One request of the client-server API; *path* is one of ``path_to``.

        After *within* seconds there is no answer; *token* stands in for the session's.
        """
        token = token or self._nio.access_token
        try:
            with trio.fail_after(within):
                status, answer = await from_asyncio(self._exchange, method, path, body, token)
        except aiohttp.ClientConnectorCertificateError:
            return Unreachable(BAD_CERTIFICATE)
        except (aiohttp.ClientError, OSError, TimeoutError, trio.TooSlowError) as error:
            is_late = isinstance(error, TimeoutError | trio.TooSlowError)
            return Unreachable("no answer in time" if is_late else type(error).__name__)
        return reply_of(status, answer)

    async def _exchange(
        self, method: str, path: str, body: Json | None, token: str
    ) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        # Not ASCII only: the server counts an event's bytes in UTF-8.
        data = None if body is None else json.dumps(body, ensure_ascii=False)
        async with await self._nio.send(method, path, data, headers) as response:
            return response.status, await response.read()


def reply_of(status: int, answer: bytes) -> Reply:
    """What an HTTP answer means."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        found = None
    body: Json = found if isinstance(found, dict) else {}
    errcode = _errcode_of(body)
    if status == HTTPStatus.TOO_MANY_REQUESTS or errcode == "M_LIMIT_EXCEEDED":
        return Limited(_wait_of(body))
    # With "flows" it is not the token that is refused: more is wanted beside it.
    is_denied = status == HTTPStatus.UNAUTHORIZED and "flows" not in body
    if errcode == "M_UNKNOWN_TOKEN" or (is_denied and errcode):
        return TokenRefused(errcode)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or errcode == "M_RESOURCE_LIMIT_EXCEEDED":
        return Unreachable(f"{status} {errcode}".strip())
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return Refused(status, errcode, body)
    return Done(body) if isinstance(found, dict) else Unreachable(NO_JSON)


def _errcode_of(body: Json) -> str:
    """The specification's word for what is wrong; it stands in the tree, so nothing else does."""
    errcode = body.get("errcode")
    return errcode if isinstance(errcode, str) and _ERRCODE.fullmatch(errcode) else ""


def _wait_of(body: Json) -> float:
    wait_ms = body.get("retry_after_ms")
    if not isinstance(wait_ms, int | float) or not 0 < wait_ms < 1e9:  # noqa: PLR2004  # 11 days
        return UNSAID_WAIT
    return wait_ms / 1000


def path_to(*parts: str, **query: str) -> str:
    """The address of a request of the client-server API, its *parts* quoted."""
    path = "/_matrix/client/v3/" + "/".join(quote(part, safe="") for part in parts)
    return f"{path}?{urlencode(query)}" if query else path
