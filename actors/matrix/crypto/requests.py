"""The requests that are about keys; each is made once, and says what it ended in."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Protocol, assert_never
from uuid import uuid4

import trio
from attrs import define, field

from actors.matrix.api.limits import Penalty
from actors.matrix.api.replies import (
    Done,
    Limited,
    Refused,
    Reply,
    TokenRefused,
    Unreachable,
    path_to,
)
from actors.matrix.crypto.port import NotSealed

Json = dict[str, Any]

SIGNED_KEY = "signed_curve25519"
_REMOTE_MS = 10_000
"""How long our server may wait for the servers of others."""


class Requester(Protocol):
    """What we need of a homeserver."""

    async def request(
        self, method: str, path: str, body: Json | None = None, *, within: float = 30.0
    ) -> Reply:
        """One request of the client-server API; *path* is one of ``path_to``."""


@define
class KeyRequests:
    """The homeserver as the keeper of everybody's public keys.

    Where it wanted silence after one of these requests, nobody makes another of that kind before
    that is over: whoever asks is told how long it lasts yet.
    """

    server: Requester
    _penalties: dict[str, Penalty] = field(factory=partial(defaultdict, Penalty))

    async def upload(self, body: Json) -> Reply:
        """Give the server public keys of ours; it says how many one-time keys it has then."""
        return await self._ask("POST", path_to("keys", "upload"), body, kind="upload")

    async def query(self, users: Iterable[str]) -> Reply:
        """The devices of *users* and their public keys."""
        body = {"device_keys": {user: [] for user in users}, "timeout": _REMOTE_MS}
        return await self._ask("POST", path_to("keys", "query"), body, kind="query")

    async def claim(self, devices: Iterable[tuple[str, str]]) -> Reply:
        """One one-time key of each of *devices* (user and device id)."""
        wanted: dict[str, dict[str, str]] = {}
        for user_id, device_id in devices:
            wanted.setdefault(user_id, {})[device_id] = SIGNED_KEY
        body = {"one_time_keys": wanted, "timeout": _REMOTE_MS}
        return await self._ask("POST", path_to("keys", "claim"), body, kind="claim")

    async def send_encrypted(self, contents: Mapping[tuple[str, str], Json]) -> Reply:
        """Send each device (user and device id) its ``m.room.encrypted`` content."""
        messages: dict[str, Json] = {}
        for (user_id, device_id), content in contents.items():
            messages.setdefault(user_id, {})[device_id] = content
        path = path_to("sendToDevice", "m.room.encrypted", uuid4().hex)
        return await self._ask("PUT", path, {"messages": messages}, kind="send")

    async def members(self, room: str) -> Reply:
        """Everybody who is in *room* or asked into it, and some who are neither."""
        path = path_to("rooms", room, "members", not_membership="leave")
        return await self.server.request("GET", path, within=60.0)

    async def encryption(self, room: str) -> Reply:
        """How *room* is encrypted."""
        return await self.server.request(
            "GET", path_to("rooms", room, "state", "m.room.encryption", "")
        )

    async def _ask(self, method: str, path: str, body: Json, *, kind: str) -> Reply:
        penalty = self._penalties[kind]
        left = penalty.left(trio.current_time())
        if left:
            return Limited(left)
        reply = await self.server.request(method, path, body)
        if isinstance(reply, Limited):
            penalty.extend(trio.current_time(), reply.wait)
        return reply


def not_sealed(reply: Reply) -> NotSealed:
    """Why *reply* keeps us from sealing."""
    match reply:
        case Limited(wait):
            return NotSealed("rate limited", wait)
        case Unreachable(reason):
            return NotSealed(reason)
        case TokenRefused():
            return NotSealed("the session has ended")
        case Refused(status, errcode):
            return NotSealed(f"the homeserver refused: {status} {errcode}".strip())
        case Done():
            return NotSealed("an answer that is not of the protocol")
        case _:
            assert_never(reply)
