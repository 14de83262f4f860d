"""A homeserver of one bot that answers /sync from memory, and the person who talks with it there.

    python -m tests.bench.matrix_stub

prints its address, then reads lines ``ROOM COUNT`` (``plain 50``, ``sealed 50``) and answers each
with a line of JSON: the seconds from each message to its answer, and the requests meanwhile.
One message after the other; the bot's words count as the answer if they hold those of the person.
"""

import json
import re
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import trio
from attrs import define, field

from tests.rigs.matrix_http import Answer, Asked, Line, as_json
from tests.rigs.matrix_olm import OlmDevice, Outbound, Peer

Json = dict[str, Any]

BOT, PERSON, DEVICE, TOKEN = "@bot:stub", "@person:stub", "BENCH", "token-of-the-bench"
ROOMS = {"plain": "!plain:stub", "sealed": "!sealed:stub"}
_LIMIT = 60.0
_TAIL = 0.05
"""Seconds in which the bot ends what an answer leaves to do."""

_SEND = re.compile(r"^/_matrix/client/v3/rooms/([^/]+)/send/([^/]+)/([^/]+)$")
_ENCRYPTION = re.compile(r"^/_matrix/client/v3/rooms/([^/]+)/state/m\.room\.encryption/?$")
_TO_DEVICE = re.compile(r"^/_matrix/client/v3/sendToDevice/([^/]+)/")
_MEMBERS = re.compile(r"^/_matrix/client/v3/rooms/[^/]+/(joined_members|members)$")


def _as_event(number: int, kind: str, sender: str, content: Json, **more: str) -> Json:
    return {
        "event_id": f"$event{number}",
        "type": kind,
        "sender": sender,
        "origin_server_ts": 1_700_000_000_000 + number,
        "content": content,
        **more,
    }


@define(eq=False)
class Stub:
    """The bot's view of two rooms, and the person's device.

    Args:
        requests: How many the bot made.
    """

    requests: int = 0
    _device: OlmDevice = field(factory=lambda: OlmDevice(PERSON, "PERSONS"))
    _events: list[tuple[str, Json]] = field(factory=list)
    _to_device: list[Json] = field(factory=list)
    _sent: dict[str, str] = field(factory=dict)
    _keys: Json = field(factory=dict)
    _uploaded: Json = field(factory=dict)
    _one_time_keys: Json = field(factory=dict)
    _outbound: Outbound | None = None
    _changed: trio.Event = field(factory=trio.Event)
    _follows: trio.Event = field(factory=trio.Event)
    _heard: trio.MemorySendChannel[str] = field(init=False)
    said: trio.MemoryReceiveChannel[str] = field(init=False)
    _numbers: "count[int]" = field(factory=count)

    def __attrs_post_init__(self) -> None:
        self._heard, self.said = trio.open_memory_channel(1000)

    async def write(self, room: str, text: str) -> None:
        """The person writes *text*, once the bot follows what is new."""
        await self._follows.wait()
        content = {"msgtype": "m.text", "body": text}
        if room == ROOMS["plain"]:
            self._add(room, "m.room.message", PERSON, content)
            return
        if self._outbound is None:
            while not self._uploaded or not self._one_time_keys:
                await self._changed.wait()
            self._outbound = self._device.open_room(room)
            self._share(room, self._outbound)
        sealed = self._device.seal(room, self._outbound, "m.room.message", content)
        self._add(room, "m.room.encrypted", PERSON, sealed)

    async def answer(self, asked: Asked) -> Answer:
        """What a homeserver says; to what it does not know, that it does not know it."""
        self.requests += 1
        path = asked.path
        if path == "/_matrix/client/v3/sync":
            return Answer(as_json(200, await self._sync(asked.query)))
        if found := _SEND.match(path):
            room, kind, txn = found.groups()
            return Answer(as_json(200, self._take(room, kind, txn, json.loads(asked.body))))
        return Answer(self._say(asked.method, path, json.loads(asked.body or b"{}")))

    def _say(self, method: str, path: str, body: Json) -> Any:
        if found := _ENCRYPTION.match(path):
            if found[1] == ROOMS["sealed"]:
                return as_json(200, {"algorithm": "m.megolm.v1.aes-sha2"})
            return as_json(404, {"errcode": "M_NOT_FOUND"})
        if found := _TO_DEVICE.match(path):
            return as_json(200, self._deliver(found[1], body["messages"]))
        if found := _MEMBERS.match(path):
            return as_json(200, _members(found[1]))
        return self._say_of_keys(method, path.rpartition("/v3/")[2] or path, body)

    def _say_of_keys(self, method: str, name: str, body: Json) -> Any:
        session = {"user_id": BOT, "device_id": DEVICE, "access_token": TOKEN}
        known: dict[str, Callable[[], Json]] = {
            "/_matrix/client/versions": lambda: {"versions": ["v1.1", "v1.11"]},
            "login": lambda: session,
            "account/whoami": lambda: session,
            f"user/{BOT}/account_data/m.direct": lambda: {PERSON: list(ROOMS.values())},
            "keys/upload": lambda: self._upload(body),
            "keys/query": self._query,
            "keys/claim": lambda: {"one_time_keys": self._claimed(), "failures": {}},
            "keys/device_signing/upload": lambda: self._sign(body),
        }
        if name in known:
            return as_json(200, known[name]())
        if method == "GET":
            return as_json(404, {"errcode": "M_NOT_FOUND"})
        return as_json(200, {})

    async def _sync(self, query: dict[str, str]) -> Json:
        since = int(query.get("since", "s0")[1:])
        if query.get("since"):
            self._follows.set()
        with trio.move_on_after(int(query.get("timeout", "0")) / 1000):
            while query.get("since") and since >= len(self._events) and not self._to_device:
                await self._changed.wait()
        rooms: Json = {} if query.get("since") else {room: _begun(room) for room in ROOMS.values()}
        for room, event in self._events[since:]:
            rooms.setdefault(room, _begun(room, is_new=False))["timeline"]["events"].append(event)
        letters, self._to_device = self._to_device, []
        return {
            "next_batch": f"s{len(self._events)}",
            "rooms": {"join": rooms},
            "to_device": {"events": letters},
            "device_one_time_keys_count": {"signed_curve25519": len(self._one_time_keys)},
            "device_unused_fallback_key_types": ["signed_curve25519"],
        }

    def _take(self, room: str, kind: str, txn: str, content: Json) -> Json:
        """The bot sends an event; the same transaction is the same event."""
        if txn in self._sent:
            return {"event_id": self._sent[txn]}
        event = self._add(room, kind, BOT, content)
        self._sent[txn] = event["event_id"]
        inner = self._device.read(room, event) if kind == "m.room.encrypted" else event
        if inner is not None and inner["type"] == "m.room.message":
            self._heard.send_nowait(str(inner["content"].get("body")))
        return {"event_id": event["event_id"]}

    def _add(self, room: str, kind: str, sender: str, content: Json) -> Json:
        event = _as_event(next(self._numbers), kind, sender, content)
        self._events.append((room, event))
        self._wake()
        return event

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def _deliver(self, kind: str, messages: Json) -> Json:
        for content in messages.get(PERSON, {}).values():
            self._device.take({"type": kind, "sender": BOT, "content": content})
        return {}

    def _upload(self, body: Json) -> Json:
        self._uploaded |= body.get("device_keys") or {}
        self._one_time_keys |= body.get("one_time_keys") or {}
        self._wake()
        return {"one_time_key_counts": {"signed_curve25519": len(self._one_time_keys)}}

    def _sign(self, body: Json) -> Json:
        for name in ("master_key", "self_signing_key", "user_signing_key"):
            self._keys[f"{name}s"] = {BOT: body[name]}
        return {}

    def _query(self) -> Json:
        devices = {PERSON: {self._device.device_id: self._device.device_keys()}}
        if self._uploaded:
            devices[BOT] = {self._uploaded["device_id"]: self._uploaded}
        return {"device_keys": devices, "failures": {}, **self._keys}

    def _claimed(self) -> Json:
        """A one-time key of the person's device: nobody else's is ever claimed by the bot."""
        return {PERSON: {self._device.device_id: self._device.one_time_keys(1)}}

    def _share(self, room: str, outbound: Outbound) -> None:
        """The person gives the bot the key of *room*."""
        device_id, keys = self._uploaded["device_id"], self._uploaded["keys"]
        peer = Peer(BOT, device_id, keys[f"curve25519:{device_id}"], keys[f"ed25519:{device_id}"])
        if not self._device.knows(peer):
            _, one_time_key = self._one_time_keys.popitem()
            self._device.begin(peer, one_time_key)
        content = {
            "algorithm": "m.megolm.v1.aes-sha2",
            "room_id": room,
            "session_id": outbound.session.session_id,
            "session_key": outbound.first_key,
        }
        sealed = self._device.seal_for(peer, "m.room_key", content)
        self._to_device.append({"type": "m.room.encrypted", "sender": PERSON, "content": sealed})
        self._wake()


def _begun(room: str, *, is_new: bool = True) -> Json:
    """*room* in an answer of /sync, with its state where it is new."""
    state = [
        _as_event(0, "m.room.create", PERSON, {"creator": PERSON}, state_key=""),
        _as_event(1, "m.room.member", PERSON, {"membership": "join"}, state_key=PERSON),
        _as_event(
            2, "m.room.member", BOT, {"membership": "join", "is_direct": True}, state_key=BOT
        ),
    ]
    if room == ROOMS["sealed"]:
        content = {"algorithm": "m.megolm.v1.aes-sha2"}
        state.append(_as_event(3, "m.room.encryption", PERSON, content, state_key=""))
    for number, event in enumerate(state):
        event["event_id"] = f"$state{number}"
    timeline: Json = {"events": [], "limited": False, "prev_batch": "s0"}
    return {
        "state": {"events": state if is_new else []},
        "timeline": timeline,
        "ephemeral": {"events": []},
        "account_data": {"events": []},
        "summary": {},
        "unread_notifications": {},
    }


def _members(how: str) -> Json:
    if how == "joined_members":
        return {"joined": {user_id: {} for user_id in (BOT, PERSON)}}
    state = _begun(ROOMS["plain"])["state"]["events"]
    return {"chunk": [event for event in state if event["type"] == "m.room.member"]}


async def _round(stub: Stub, room: str, number: int) -> Json:
    """Have *number* messages answered in *room*."""
    waits, before = [], stub.requests
    for one in range(number):
        text = f"Message {stub.requests}-{one}: what will the weather be like on the coast?"
        began = trio.current_time()
        await stub.write(room, text)
        with trio.fail_after(_LIMIT):
            while text not in await stub.said.receive():
                pass
        waits.append(trio.current_time() - began)
        await trio.sleep(_TAIL)
    return {"waits": waits, "requests": (stub.requests - before) / number}


async def _main() -> None:
    stub = Stub()

    async def serve(stream: trio.SocketStream) -> None:
        await Line(stream, stub.answer).serve()

    async with trio.open_nursery() as nursery:
        start = partial(trio.serve_tcp, serve, 0, host="127.0.0.1")
        (listener,) = await nursery.start(start)
        _print(f"http://127.0.0.1:{listener.socket.getsockname()[1]}")
        while line := await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
            room, number = line.split()
            _print(json.dumps(await _round(stub, ROOMS[room], int(number))))
        nursery.cancel_scope.cancel()


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    trio.run(_main)
