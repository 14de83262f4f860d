"""A homeserver's keeping of keys in memory, and the parties that meet there.

It does as it is told: the next answers of a request can be faults, and one can be done although
its answer is lost.
"""

from collections import defaultdict
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import trio
import trio.testing
from attrs import define, field

from actors.matrix.api.homeserver import Session
from actors.matrix.api.replies import Done, Refused, Reply, Unreachable
from actors.matrix.api.status import Status
from actors.matrix.crypto.port import NotSealed, Opened, Sealed
from actors.matrix.crypto.vault import OlmVault

Json = dict[str, Any]
Pair = tuple[str, str]

ROOM = "!room:fake"
LOST = "lost"
"""A fault: the server does it, and its answer gets lost."""

_events = count(1)


@define
class KeyServer:
    """Everybody's public keys, the mail between devices, and who is in which room."""

    devices: dict[str, dict[str, Json]] = field(factory=lambda: defaultdict(dict))
    one_time: dict[Pair, dict[str, Json]] = field(factory=lambda: defaultdict(dict))
    fallback: dict[Pair, dict[str, Json]] = field(factory=lambda: defaultdict(dict))
    unused_fallback: set[Pair] = field(factory=set)
    mail: dict[Pair, list[Json]] = field(factory=lambda: defaultdict(list))
    members: dict[str, dict[str, str]] = field(factory=lambda: defaultdict(dict))
    encryption: dict[str, Json] = field(factory=dict)
    silent: set[str] = field(factory=set)
    """People whose own server does not answer."""
    changes: list[str] = field(factory=list)

    def enter(self, user: str, room: str = ROOM, *, step: str = "join") -> Json:
        """*user* joins, or leaves; the event."""
        self.members[room][user] = step
        return {"type": "m.room.member", "state_key": user, "content": {"membership": step}}

    def delete_device(self, user: str, device: str) -> None:
        del self.devices[user][device]
        self.changes.append(user)

    def upload(self, user: str, device: str, body: Json) -> Reply:
        held = self.one_time[user, device]
        for name, key in body.get("one_time_keys", {}).items():
            if held.get(name, key) != key:
                return Refused(400, "M_UNKNOWN")
        if "device_keys" in body:
            self.devices[user][device] = body["device_keys"]
            self.changes.append(user)
        held.update(body.get("one_time_keys", {}))
        if "fallback_keys" in body:
            self.fallback[user, device] = body["fallback_keys"]
            self.unused_fallback.add((user, device))
        return Done({"one_time_key_counts": {"signed_curve25519": len(held)}})

    def query(self, body: Json) -> Reply:
        heard = [user for user in body["device_keys"] if user not in self.silent]
        return Done({"device_keys": {user: dict(self.devices[user]) for user in heard}})

    def claim(self, body: Json) -> Reply:
        found: Json = {}
        for user, devices in body["one_time_keys"].items():
            for device in devices:
                if key := self._claimed((user, device)):
                    found.setdefault(user, {})[device] = key
        return Done({"one_time_keys": found, "failures": {}})

    def send(self, sender: str, kind: str, body: Json) -> Reply:
        for user, devices in body["messages"].items():
            for device, content in devices.items():
                event = {"type": kind, "sender": sender, "content": content}
                self.mail[user, device].append(event)
        return Done({})

    def room_members(self, room: str) -> Reply:
        return Done(
            {
                "chunk": [
                    {"state_key": user, "content": {"membership": step}, "type": "m.room.member"}
                    for user, step in self.members[room].items()
                ]
            }
        )

    def _claimed(self, pair: Pair) -> Json:
        held = self.one_time[pair]
        if held:
            name = next(iter(held))
            return {name: held.pop(name)}
        self.unused_fallback.discard(pair)
        return dict(self.fallback[pair])


@define
class KeyClient:
    """One device's requests; *faults* are the next answers of a request by its name."""

    server: KeyServer
    user: str
    device: str
    faults: dict[str, list[Reply | str]] = field(factory=lambda: defaultdict(list))
    always: dict[str, Reply] = field(factory=dict)
    """What a request ends in for ever."""
    calls: list[tuple[str, Any]] = field(factory=list)
    before: Callable[[str], None] = lambda _name: None
    """What happens while a request is on its way."""
    _heard: int = 0
    _read: int = 0

    async def request(
        self, method: str, path: str, body: Json | None = None, *, within: float = 30.0
    ) -> Reply:
        assert within > 0
        assert method in {"GET", "POST", "PUT"}
        parts = [unquote(part) for part in path.partition("?")[0].split("/")[4:]]
        name = {"keys": "/".join(parts[:2]), "rooms": parts[-1] or parts[-2]}.get(
            parts[0], parts[0]
        )
        self.calls.append((name, body))
        await trio.lowlevel.checkpoint()
        self.before(name)
        fault = self.faults[name].pop(0) if self.faults[name] else self.always.get(name)
        if fault is not None and fault != LOST:
            assert not isinstance(fault, str)
            return fault
        reply = self._answer(name, parts, body or {})
        await trio.lowlevel.checkpoint()
        return Unreachable("reset") if fault == LOST else reply

    def _answer(self, name: str, parts: list[str], body: Json) -> Reply:
        match name:
            case "keys/upload":
                return self.server.upload(self.user, self.device, body)
            case "keys/query":
                return self.server.query(body)
            case "keys/claim":
                return self.server.claim(body)
            case "sendToDevice":
                return self.server.send(self.user, parts[1], body)
            case "members":
                return self.server.room_members(parts[1])
            case "m.room.encryption":
                return Done(self.server.encryption.get(parts[1], {}))
            case _:
                return Refused(404, "M_UNRECOGNIZED")

    def names(self) -> list[str]:
        """The requests that were made."""
        return [name for name, _ in self.calls]

    def page(self, *events: Json, room: str = ROOM, is_limited: bool = False) -> Json:
        """What is new; the mail comes again until ``confirm``."""
        pair = (self.user, self.device)
        changed, self._heard = self.server.changes[self._heard :], len(self.server.changes)
        self._read = len(self.server.mail[pair])
        unused = ["signed_curve25519"] if pair in self.server.unused_fallback else []
        timeline = {"events": list(events), "limited": is_limited}
        return {
            "next_batch": "s1",
            "to_device": {"events": list(self.server.mail[pair])},
            "device_lists": {"changed": changed},
            "device_one_time_keys_count": {"signed_curve25519": len(self.server.one_time[pair])},
            "device_unused_fallback_key_types": unused,
            "rooms": {"join": {room: {"timeline": timeline}}} if events or is_limited else {},
        }

    def confirm(self) -> None:
        """What the last page had of the mail will not come again."""
        del self.server.mail[self.user, self.device][: self._read]
        self._read = 0


@define
class Party:
    """Somebody on one device: our own vault, over a store of its own."""

    client: KeyClient
    vault: OlmVault

    @property
    def session(self) -> Session:
        return Session(self.client.user, self.client.device, "token")

    async def hear(self, *events: Json, room: str = ROOM, is_limited: bool = False) -> None:
        """Take what is new."""
        await self.vault.receive(self.client.page(*events, room=room, is_limited=is_limited))
        self.client.confirm()

    async def seal(self, text: str, room: str = ROOM) -> Sealed | NotSealed:
        return await self.vault.seal(room, "m.room.message", {"msgtype": "m.text", "body": text})

    async def say(self, text: str, room: str = ROOM) -> Json:
        """Seal *text*, as often as it takes; the event."""
        while True:
            match await self.seal(text, room):
                case Sealed(content):
                    return self.event(content)
                case NotSealed(_, wait):
                    await trio.sleep(max(wait, 1.0))

    def event(self, content: Json) -> Json:
        """*content* as everybody gets it."""
        number = next(_events)
        return {
            "type": "m.room.encrypted",
            "event_id": f"$e{number}",
            "sender": self.client.user,
            "origin_server_ts": 1_700_000_000_000 + number,
            "content": content,
        }

    def read(self, event: Json, room: str = ROOM) -> str:
        """The words of *event*, or what kept us from reading them."""
        match self.vault.unseal(room, event):
            case Opened({"content": {"body": str(body)}}):
                return body
            case other:
                return repr(other)


def party(server: KeyServer, folder: Path, user: str = "@bot:fake", device: str = "BOT") -> Party:
    """Somebody whose store is in *folder*."""
    client = KeyClient(server, user, device)
    return Party(client, OlmVault(client, Status(), folder))


async def opened(
    nursery: trio.Nursery,
    server: KeyServer,
    folder: Path,
    user: str = "@bot:fake",
    device: str = "BOT",
) -> Party:
    """Somebody in ``ROOM`` whose keys are on the server."""
    found = party(server, folder / f"{user}{device}", user, device)
    server.enter(user)
    assert await found.vault.open(found.session) is None
    nursery.start_soon(_live, found.vault)
    await trio.testing.wait_all_tasks_blocked()
    return found


async def _live(vault: OlmVault) -> None:
    try:
        await vault.run()
    finally:
        vault.close()
