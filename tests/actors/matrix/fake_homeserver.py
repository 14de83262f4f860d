"""A homeserver in memory that does as it is told: for faults and for time that jumps."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio
from attrs import define, field, frozen
from trio.testing import MockClock

from actors.matrix.api.homeserver import Session
from actors.matrix.api.replies import Done, Refused, Reply, Take, TokenRefused
from actors.matrix.settings import MatrixSettings, Pace
from tests.actors.matrix.fake_requests import answered
from tests.actors.matrix.fake_vault import FakeVault
from tests.actors.matrix.gateway import Answer, Gateway, echo
from tests.fakes import at_once

Json = dict[str, Any]

BOT = "@bot:fake"
ALICE = "@alice:fake"
ROOM = "!room:fake"


@frozen
class Call:
    """One request, when it came, and what was said."""

    at: float
    name: str
    words: tuple[Any, ...]


@define
class FakeHomeserver:
    """One bot's view of a homeserver; *faults* are the next replies of a request by name."""

    clock: MockClock
    tokens: set[str] = field(factory=lambda: {"token1"})
    window: int = 10
    page: int = 5
    stream: list[tuple[str, Json]] = field(factory=list)
    joined: set[str] = field(factory=lambda: {ROOM})
    invited: dict[str, Json] = field(factory=dict)
    encrypted: set[str] = field(factory=set)
    faults: dict[str, list[Reply]] = field(factory=lambda: defaultdict(list))
    calls: list[Call] = field(factory=list)
    sent: dict[tuple[str, str], str] = field(factory=dict)
    session: Session | None = None
    largest: int = 60_000
    is_closed: bool = False
    handlers: dict[str, Callable[[str, str, Json | None], Reply]] = field(factory=dict)
    """What ``request`` answers, by a part of the path."""
    groups: set[str] = field(factory=set)
    """The rooms that are no direct chats."""
    account: dict[str, Json] = field(factory=dict)
    """The bot's account data."""
    called: str = ""
    """The bot's display name."""
    creations: dict[str, Json] = field(factory=dict)
    """The contents of rooms' first events."""
    open_rooms: set[str] = field(factory=set)
    """Where the bot may enter uninvited."""
    readable: set[str] = field(factory=set)
    """Where it may look in from outside."""
    read: dict[str, str] = field(factory=dict)
    """The bot's read receipts."""
    media: dict[str, bytes] = field(factory=dict)
    """The content repository, by ``mxc://…``."""
    _left: dict[str, int] = field(factory=dict)
    _changed: trio.Event = field(factory=trio.Event)
    _logins: int = 1

    # What a test does.

    def add(self, content: Json, *, room: str = ROOM, sender: str = ALICE, **more: Any) -> str:
        """An event in *room*; its id."""
        event_id = f"$e{len(self.stream)}"
        event = {
            "event_id": event_id,
            "type": "m.room.message",
            "sender": sender,
            "origin_server_ts": 1_700_000_000_000 + len(self.stream),
            "content": content,
            **more,
        }
        self.stream.append((room, event))
        self._wake()
        return event_id

    def write(self, text: str, *, room: str = ROOM, sender: str = ALICE) -> str:
        """Somebody writes *text*."""
        return self.add({"msgtype": "m.text", "body": text}, room=room, sender=sender)

    def invite(self, room: str, *, is_encrypted: bool = False, is_direct: bool = True) -> None:
        """Alice asks us into *room*."""
        member = self.member("invite", room=room, sender=ALICE)
        if is_direct:
            member["content"]["is_direct"] = True
        else:
            self.groups.add(room)
        state = [member, *([{"type": "m.room.encryption"}] if is_encrypted else [])]
        self.invited[room] = {"invite_state": {"events": state}}
        if is_encrypted:
            self.encrypted.add(room)
        self._wake()

    def member(self, step: str, *, room: str = ROOM, sender: str = BOT) -> Json:
        """Our membership in *room* becomes *step*; the event."""
        self.add(
            {"membership": step}, room=room, sender=sender, type="m.room.member", state_key=BOT
        )
        return self.stream[-1][1]

    def encrypt(self, room: str = ROOM) -> None:
        """Somebody switches encryption on."""
        self.encrypted.add(room)
        self.add({"algorithm": "x"}, room=room, type="m.room.encryption", state_key="")

    def enter(self, room: str) -> None:
        """We come into *room*."""
        self.invited.pop(room, None)
        self.joined.add(room)
        self.member("join", room=room)

    def receive(self, room: str, kind: str, txn: str, content: Json) -> Reply:
        """We send an event; the same *txn* is the same one."""
        if room not in self.joined:
            return Refused(403, "M_FORBIDDEN")
        if len(str(content)) > self.largest:
            return Refused(413, "M_TOO_LARGE")
        if (room, txn) not in self.sent:
            unsigned = {"transaction_id": txn}
            self.sent[room, txn] = self.add(
                content, room=room, sender=BOT, type=kind, unsigned=unsigned
            )
        return Done({"event_id": self.sent[room, txn]})

    def put_out(self, room: str = ROOM) -> None:
        """We are put out of *room*."""
        self.joined.discard(room)
        self._left[room] = len(self.stream)
        self.add({"membership": "leave"}, room=room, type="m.room.member", state_key=BOT)

    def said(self, room: str = ROOM) -> list[str]:
        """The bodies of what we sent, edits as they came."""
        return [content["body"] for content in self.contents(room)]

    def contents(self, room: str = ROOM) -> list[Json]:
        """What we sent."""
        return [
            event["content"]
            for where, event in self.stream
            if where == room and event["sender"] == BOT and event["type"] == "m.room.message"
        ]

    def times(self, name: str) -> list[float]:
        """When the requests called *name* came."""
        return [call.at for call in self.calls if call.name == name]

    async def until(self, is_there: Callable[[], bool]) -> None:
        """Wait until *is_there*."""
        with trio.fail_after(3600):
            while not is_there():
                await self._changed.wait()

    # What the surface asks.

    def use(self, session: Session) -> None:
        self.session = session

    async def versions(self) -> Reply:
        return await self._reply("versions", lambda: Done({"versions": ["v1.11"]}))

    async def log_in(self, user_id: str, password: str, device_id: str, name: str) -> Reply:
        def answer() -> Reply:
            if password != "right":
                return Refused(403, "M_FORBIDDEN")
            self._logins += 1
            token = f"token{self._logins}"
            self.tokens.add(token)
            device = device_id or f"DEVICE{self._logins}"
            return Done({"user_id": user_id, "device_id": device, "access_token": token})

        return await self._reply("log_in", answer, user_id, device_id, name)

    async def whoami(self, access_token: str) -> Reply:
        def answer() -> Reply:
            if access_token not in self.tokens:
                return TokenRefused()
            return Done({"user_id": BOT, "device_id": "DEVICE1"})

        return await self._reply("whoami", answer)

    async def sync(self, since: str, *, wait: float) -> Reply:
        start = int(since[1:]) if since else 0
        if since and start == len(self.stream):
            with trio.move_on_after(wait):
                await self._changed.wait()
        return await self._reply("sync", lambda: Done(self._news(start, since)), since)

    async def messages(self, room: str, start: str, end: str) -> Reply:
        def answer() -> Reply:
            first = int(end[1:]) if end else 0
            there = [
                (number, event)
                for number, (where, event) in enumerate(self.stream)
                if where == room and first <= number < int(start[1:])
            ]
            chunk = there[-self.page :]
            more = {"end": f"s{chunk[0][0]}"} if chunk else {}
            return Done({"chunk": [event for _, event in reversed(chunk)], **more})

        return await self._reply("messages", answer, room, start, end)

    async def encryption(self, room: str) -> Reply:
        def answer() -> Reply:
            if room not in self.joined:
                return Refused(403, "M_FORBIDDEN")
            return Done({}) if room in self.encrypted else Refused(404, "M_NOT_FOUND")

        return await self._reply("encryption", answer, room)

    async def join(self, room: str) -> Reply:
        def answer() -> Reply:
            if self.invited.pop(room, None) is not None:
                self.joined.add(room)
                self.member("join", room=room)
            return Done({"room_id": room})

        return await self._reply("join", answer, room)

    async def leave(self, room: str, reason: str) -> Reply:
        def answer() -> Reply:
            self.invited.pop(room, None)
            self.put_out(room)
            return Done({})

        return await self._reply("leave", answer, room, reason)

    async def send(self, room: str, txn: str, content: Json) -> Reply:
        return await self._reply(
            "send", lambda: self.receive(room, "m.room.message", txn, content), room, txn, content
        )

    async def typing(self, room: str, user_id: str, *, is_typing: bool) -> Reply:
        return await self._reply("typing", lambda: Done({}), room, user_id, is_typing)

    async def request(
        self, method: str, path: str, body: Json | None = None, *, within: float = 30.0
    ) -> Reply:
        assert within > 0

        def answer() -> Reply:
            for part, handler in self.handlers.items():
                if part in path:
                    return handler(method, path, body)
            return answered(self, method, path, body)

        return await self._reply("request", answer, method, path, body)

    async def upload(self, data: bytes, mime_type: str, name: str, *, within: float) -> Reply:
        assert within > 0

        def answer() -> Reply:
            mxc = f"mxc://fake/{len(self.media)}"
            self.media[mxc] = data
            return Done({"content_uri": mxc})

        return await self._reply("upload", answer, mime_type, name, len(data))

    async def download(self, mxc: str, take: Take, *, within: float) -> Reply:
        def answer() -> Reply:
            return Done({}) if mxc in self.media else Refused(404, "M_NOT_FOUND")

        reply = await self._reply("download", answer, mxc)
        if isinstance(reply, Done):
            data = self.media[mxc]
            with trio.fail_after(within):
                for start in range(0, len(data), 2**20):
                    if not await take(data[start : start + 2**20]):
                        break
        return reply

    async def close(self) -> None:
        await trio.lowlevel.cancel_shielded_checkpoint()
        self.is_closed = True

    async def _reply(self, name: str, answer: Callable[[], Reply], *words: Any) -> Reply:
        await trio.lowlevel.checkpoint()
        self.calls.append(Call(self.clock.current_time(), name, words))
        self._wake()
        if self.faults[name]:
            return self.faults[name].pop(0)
        if name not in {"versions", "log_in", "whoami"} and (
            self.session is None or self.session.access_token not in self.tokens
        ):
            return TokenRefused()
        return answer()

    def _news(self, start: int, since: str) -> Json:
        window = self.window if since else 1
        rooms: Json = {
            "join": {room: self._room(room, start, window) for room in self.joined if room},
            "invite": dict(self.invited),
            "leave": {room: {} for room, at in self._left.items() if since and at >= start},
        }
        return {"next_batch": f"s{len(self.stream)}", "rooms": rooms}

    def _room(self, room: str, start: int, window: int) -> Json:
        there = [
            (number, event)
            for number, (where, event) in enumerate(self.stream)
            if where == room and number >= start
        ]
        if any(event["content"].get("membership") == "join" for _, event in there):
            # A room that is new to us is shown as if we had been there before.
            there = [(n, event) for n, (where, event) in enumerate(self.stream) if where == room]
        shown = there[-window:]
        state = [event for _, event in there[:-window] if "state_key" in event]
        return {
            "state": {"events": state},
            "timeline": {
                "events": [event for _, event in shown],
                "limited": len(there) > len(shown),
                "prev_batch": f"s{shown[0][0]}" if shown else f"s{start}",
            },
        }

    def _wake(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()


def gateway_over(
    server: FakeHomeserver,
    folder: Path,
    answer: Answer = echo,
    *,
    password: str = "right",
    token: str = "",
    pace: Pace | None = None,
    vault: FakeVault | None = None,
    **more: Any,
) -> Gateway:
    """A gateway on *server*."""
    settings = MatrixSettings(
        homeserver="http://fake",
        user_id=BOT,
        password=password,
        access_token=token,
        store_path=folder / "matrix",
        files_path=folder / "files",
        pace=pace or Pace(),
        **more,
    )
    keys = vault or FakeVault()
    return Gateway(
        settings,
        answer=answer,
        connect=lambda _url: server,
        vault_for=lambda *_parts: keys,
        in_thread=at_once,
    )


async def started(server: FakeHomeserver, gateway: Gateway) -> None:
    """Wait until the first sync is over."""
    await server.until(lambda: f"matrix:{BOT}" in gateway.journal.cursors)
