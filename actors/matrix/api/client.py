"""The homeserver's HTTP, one request at a time; the only module that names nio and aiohttp.

Nothing here retries and nothing here raises for what a server or a network does: every request
ends in one of the values below.
"""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from io import BytesIO

import aiohttp
import nio  # type: ignore[import-untyped]  # it ships no types
import trio
from attrs import define, field

from actors.kernel.aio import from_asyncio
from actors.matrix.api.filters import history_filter, sync_filter
from actors.matrix.api.homeserver import Session
from actors.matrix.api.mxc import (
    content_type,
    download_paths,
    is_same_server,
    onward,
    upload_path,
)
from actors.matrix.api.replies import (
    BadCertificate,
    Done,
    Json,
    Refused,
    Reply,
    Take,
    Unreachable,
    is_unknown_path,
    path_to,
    reply_of,
)

_MOST_BYTES = 16 * 2**20
_MOST_SYNC_BYTES = 256 * 2**20  # an account in many busy rooms: less, and it would stand still
_CHUNK_BYTES = 2**16
_MOST_HOPS = 5
_HOPS = frozenset({301, 302, 303, 307, 308})


@define
class MatrixClient:
    """The homeserver at *url*, through nio's client; lives inside one asyncio loop.

    Args:
        window: How many of a room's events one answer shows; servers allow 100.
    """

    url: str
    window: int = 100
    _nio: nio.AsyncClient = field(init=False)
    _media: aiohttp.ClientSession | None = field(init=False, default=None)

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
        return await self.request(
            "GET", path_to("sync", **query), within=wait + 60.0, most_bytes=_MOST_SYNC_BYTES
        )

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
        if self._media is not None:
            await from_asyncio(self._media.close)
        await from_asyncio(self._nio.close)

    async def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        token: str = "",
        within: float = 30.0,
        most_bytes: int = _MOST_BYTES,
    ) -> Reply:
        """One request of the client-server API; *path* is one of ``path_to``.

        After *within* seconds there is no answer; *token* stands in for the session's.
        """
        token = token or self._nio.access_token

        async def ask() -> Reply:
            headers = _headers("application/json", token)
            data = None if body is None else _json_of(body)
            async with await self._nio.send(method, path, data, headers, None, within) as response:
                return reply_of(response.status, await _whole(response, most_bytes))

        return await _in_time(partial(from_asyncio, ask), within)

    async def upload(self, data: bytes, mime_type: str, name: str, *, within: float) -> Reply:
        """Bring *data* to the server, which says its ``content_uri``; *name* may be empty."""
        url = self._url(upload_path(name))
        headers = _headers(content_type(mime_type), self._nio.access_token)

        async def ask() -> Reply:
            # In pieces: bytes would be copied at once, and hold up the loop.
            async with self._session().post(
                url, data=BytesIO(data), headers=headers, allow_redirects=False
            ) as response:
                return reply_of(response.status, await _whole(response, _MOST_BYTES))

        return await _in_time(partial(from_asyncio, ask), within)

    async def download(self, mxc: str, take: Take, *, within: float) -> Reply:
        """Hand the media *mxc* piece by piece to *take*, until it is whole or *take* has enough."""

        async def fetch() -> Reply:
            reply: Reply = Refused(HTTPStatus.BAD_REQUEST, "M_INVALID_PARAM")
            for path in download_paths(mxc):
                reply = await self._fetch(self._url(path), take)
                if not is_unknown_path(reply):
                    break
            return reply

        return await _in_time(fetch, within)

    async def _fetch(self, url: str, take: Take) -> Reply:
        """Follow where *url* leads; our token stays with our server."""
        home = url
        for _ in range(_MOST_HOPS):
            token = self._nio.access_token if is_same_server(home, url) else ""
            response = await from_asyncio(self._get, url, token)
            try:
                place = response.headers.get("Location") if response.status in _HOPS else None
                if place is None:
                    return await _taken(response, take)
            finally:
                response.close()
            if (following := onward(url, place)) is None:
                return Unreachable("an answer that leads elsewhere")
            url = following
        return Unreachable("an answer that leads in circles")

    async def _get(self, url: str, token: str) -> aiohttp.ClientResponse:
        return await self._session().get(url, headers=_headers("", token), allow_redirects=False)

    def _session(self) -> aiohttp.ClientSession:
        """The connections for media, which go elsewhere too; only on the asyncio side."""
        if self._media is None:
            self._media = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=None)
            )
        return self._media

    def _url(self, path: str) -> str:
        return str(self._nio.homeserver) + path


def _json_of(body: Json) -> bytes:
    # Not ASCII only: the server counts an event's bytes in UTF-8, which has no half surrogates.
    return json.dumps(body, ensure_ascii=False).encode(errors="replace")


def _headers(kind: str, token: str) -> dict[str, str]:
    headers = {"Content-Type": kind} if kind else {}
    return headers | ({"Authorization": f"Bearer {token}"} if token else {})


async def _in_time(ask: Callable[[], Awaitable[Reply]], within: float) -> Reply:
    """What *ask* ends in, also where the network or time ends it."""
    try:
        with trio.fail_after(within):
            return await ask()
    except aiohttp.ClientConnectorCertificateError:
        return BadCertificate()
    except (aiohttp.ClientError, OSError, TimeoutError, trio.TooSlowError) as error:
        is_late = isinstance(error, TimeoutError | trio.TooSlowError)
        return Unreachable("no answer in time" if is_late else type(error).__name__)


async def _whole(response: aiohttp.ClientResponse, most_bytes: int) -> bytes | None:
    """All that the server says; None if that is too much, whatever it said of the length."""
    found = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        found += chunk
        if len(found) > most_bytes:
            response.close()
            return None
    return bytes(found)


async def _taken(response: aiohttp.ClientResponse, take: Take) -> Reply:
    if response.status != HTTPStatus.OK:
        return reply_of(response.status, await from_asyncio(_whole, response, _MOST_BYTES))
    while chunk := await from_asyncio(response.content.read, _CHUNK_BYTES):
        if not await take(chunk):
            break
    return Done({})
