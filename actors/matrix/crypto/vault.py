"""The keys of one session: the ``Vault`` over nio's Olm machine and our own requests."""

import json
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import trio
from attrs import define, field

from actors.matrix.api.homeserver import Session
from actors.matrix.api.login import LoginRefused
from actors.matrix.api.patience import insist, pause
from actors.matrix.api.replies import Done, TokenRefused
from actors.matrix.api.status import Status
from actors.matrix.crypto.folder import KeyFolder
from actors.matrix.crypto.machine import Machine, StoreUnreadableError
from actors.matrix.crypto.members import Members
from actors.matrix.crypto.port import Broken, KeyMissing, NotSealed, Opened, Sealed
from actors.matrix.crypto.receiving import Receiving
from actors.matrix.crypto.requests import KeyRequests, Requester, not_sealed
from actors.matrix.crypto.shapes import events_of, joined
from actors.matrix.crypto.sharing import Sharing
from actors.matrix.crypto.supply import Supply
from actors.matrix.crypto.taken import Taken
from actors.matrix.crypto.tracking import Devices
from actors.matrix.crypto.unsealing import Unsealing
from actors.matrix.crypto.wedged import Wedged
from actors.surfaces.shapes import table

Json = dict[str, Any]
Announce = Callable[[Json], Awaitable[None]]

log = structlog.get_logger("matrix.vault")

_MEND = "run `python supervisor.py debug matrix-login`"
_NOT_OURS = f"the keys in MATRIX_STORE_PATH are not those of this device: {_MEND}"
_UNREADABLE = f"the keys in MATRIX_STORE_PATH are damaged: {_MEND}"


class VaultClosedError(Exception):
    """Somebody asks for keys before they are open, or after."""


async def announce_nothing(_device_keys: Json) -> None:
    """Nobody wants to know."""
    await trio.lowlevel.checkpoint()


@define
class OlmVault:
    """The keys in *folder*, spoken of with *server*.

    Args:
        announce: Awaited in each life, once the server has the device's keys, with these keys as
            they were uploaded.
    """

    server: Requester
    status: Status
    folder: Path
    announce: Announce = announce_nothing
    _encrypted: set[str] = field(factory=set)
    _parts: "_Parts | None" = None
    _woken: trio.Event = field(factory=trio.Event)
    _announced: trio.Event = field(factory=trio.Event)

    async def open(self, session: Session) -> LoginRefused | None:
        """Open the store of *session*'s device; open it again for a new session on it."""
        parts = self._parts
        if parts is None or not parts.is_of(session):
            self.close()
            opened = self._opened(session)
            if isinstance(opened, LoginRefused):
                return opened
            parts = self._parts = opened
        refused = await self._check(parts)
        if refused is not None:
            self.close()
        self._wake()
        return refused

    def close(self) -> None:
        """Let go of the store."""
        if self._parts is not None:
            self._parts.machine.close()
            self._parts.folder.release()
            self._parts = None

    def signed(self, body: Json) -> Json:
        """*body* with our device's signature, and no other."""
        unsigned = {"signatures", "unsigned"}
        plain = {name: found for name, found in body.items() if name not in unsigned}
        return self._open_parts.machine.signed(plain)

    async def announced(self) -> None:
        """Wait until the server has our device's keys, and they are announced."""
        await self._announced.wait()

    def lose_track(self) -> None:
        """The next page does not go on from the last one: ask again for people and devices."""
        if self._parts is not None:
            self._parts.members.lose_track()
            self._parts.devices.lose_track()

    async def receive(self, page: Json) -> None:
        """Take what an answer of ``/sync`` says of keys, devices and members."""
        parts = self._open_parts
        for room, body in joined(page):
            if any(event.get("type") == "m.room.encryption" for event in events_of(body)):
                self.saw_encryption(room)
        parts.members.take(page)
        parts.devices.take(page)
        parts.sharing.take(page)
        await parts.receiving.take(page)
        parts.supply.take(page)
        if parts.supply.is_short or parts.wedged.is_owing:
            self._wake()

    def unseal(self, room: str, event: Json) -> Opened | KeyMissing | Broken:
        """Read the ``m.room.encrypted`` *event*."""
        return self._open_parts.unsealing.open(room, event)

    def take_new_keys(self) -> frozenset[str]:
        """The sessions of which there is news since the last call."""
        return self._open_parts.receiving.take_new_keys()

    def saw_encryption(self, room: str) -> None:
        """*room* is encrypted, and stays so for ever."""
        if room not in self._encrypted:
            self._encrypted.add(room)
            if self._parts is not None:
                self._parts.machine.keep_encrypted([room])

    def is_encrypted(self, room: str) -> bool:
        """Whether it was ever seen to be."""
        return room in self._encrypted

    async def seal(self, room: str, kind: str, content: Json) -> Sealed | NotSealed:
        """Encrypt an event of type *kind* for everybody who is in *room* now."""
        if self._parts is None:
            return NotSealed("the keys are not open")
        parts = self._parts
        async with parts.lock_of(room):
            key = await parts.sharing.ready(room)
            if isinstance(key, NotSealed):
                log.info("event.not_sealed", room=room, reason=key.reason)
                return key
            sealed: Json = {
                "algorithm": "m.megolm.v1.aes-sha2",
                "sender_key": parts.machine.identity["curve25519"],
                "device_id": parts.machine.device_id,
                "session_id": key.session_id,
                "ciphertext": key.seal(_words(room, kind, content)),
            }
        # In the open, because the server has to know what belongs together.
        relation = {name: content[name] for name in ("m.relates_to",) if name in content}
        return Sealed(sealed | relation)

    async def run(self) -> None:
        """Keep the keys on the server in order; ends only by being cancelled."""
        announced: Json | None = None
        async with trio.open_nursery() as nursery:
            # Beside the rest: a device whose server does not answer keeps nobody else waiting.
            nursery.start_soon(self._mend)
            while True:
                woken = self._woken
                if (parts := self._parts) is not None and parts.is_checked:
                    await parts.supply.fill()
                    if parts.machine.is_shared and announced != parts.machine.identity:
                        announced = parts.machine.identity
                        nursery.start_soon(self._announce, parts.supply.device_keys())
                await woken.wait()

    async def _announce(self, device_keys: Json) -> None:
        await self.announce(device_keys)
        self._announced.set()

    async def _mend(self) -> None:
        while True:
            woken = self._woken
            if (parts := self._parts) is not None and parts.is_checked:
                await parts.wedged.mend()
            await woken.wait()

    def _opened(self, session: Session) -> "_Parts | LoginRefused":
        folder = KeyFolder.claimed(self.folder)
        if isinstance(folder, LoginRefused):
            return folder
        try:
            with ExitStack() as undoing:
                undoing.callback(folder.release)
                machine = Machine.opened(folder.path, session.user_id, session.device_id)
                undoing.callback(machine.close)
                machine.keep_encrypted(self._encrypted)
                self._encrypted |= machine.encrypted_rooms()
                parts = _Parts.over(folder, machine, KeyRequests(self.server), self.status)
                undoing.pop_all()
        except StoreUnreadableError:
            return LoginRefused(_UNREADABLE)
        return parts

    async def _check(self, parts: "_Parts") -> LoginRefused | None:
        """Refuse keys that are not those which the server has for our device."""
        machine = parts.machine
        devices = await self._own_devices(parts)
        if devices is None:
            # Nothing goes up before we know; the session is renewed, or its end is said elsewhere.
            log.warning("keys.unchecked")
            return None
        found = table(table(devices.get(machine.device_id)).get("keys"))
        own = {f"{kind}:{machine.device_id}": key for kind, key in machine.identity.items()}
        if found and found != own:
            return LoginRefused(_NOT_OURS)
        machine.note_shared(is_shared=bool(found))
        parts.is_checked = True
        return None

    async def _own_devices(self, parts: "_Parts") -> Json | None:
        """What the server has of our account's devices; None if our session has ended."""
        ask, streak = partial(parts.requests.query, [parts.machine.user_id]), 0
        while True:
            reply = await insist(self.status, ask)
            if isinstance(reply, TokenRefused):
                return None
            if isinstance(reply, Done) and isinstance(reply.body.get("device_keys"), dict):
                return table(reply.body["device_keys"].get(parts.machine.user_id))
            streak += 1
            await pause(self.status, not_sealed(reply).reason, streak)

    @property
    def _open_parts(self) -> "_Parts":
        if self._parts is None:
            raise VaultClosedError
        return self._parts

    def _wake(self) -> None:
        woken, self._woken = self._woken, trio.Event()
        woken.set()


@define
class _Parts:
    """What there is while the store is open."""

    folder: KeyFolder
    machine: Machine
    requests: KeyRequests
    members: Members
    devices: Devices
    sharing: Sharing
    supply: Supply
    wedged: Wedged
    unsealing: Unsealing
    receiving: Receiving
    is_checked: bool = False
    _locks: dict[str, trio.Lock] = field(factory=dict)

    @classmethod
    def over(
        cls, folder: KeyFolder, machine: Machine, requests: KeyRequests, status: Status
    ) -> "_Parts":
        members, devices = Members(requests), Devices(requests, machine)
        wedged = Wedged(requests, machine, devices, status)
        unsealing = Unsealing(machine)
        return cls(
            folder=folder,
            machine=machine,
            requests=requests,
            members=members,
            devices=devices,
            sharing=Sharing(requests, machine, members, devices),
            supply=Supply(requests, machine, status),
            wedged=wedged,
            unsealing=unsealing,
            receiving=Receiving(machine, Taken.of(machine), unsealing, wedged),
        )

    def is_of(self, session: Session) -> bool:
        """Whether these are the keys of *session*'s device."""
        own = (self.machine.user_id, self.machine.device_id)
        return own == (session.user_id, session.device_id)

    def lock_of(self, room: str) -> trio.Lock:
        """What lets one event of *room* be sealed at a time."""
        return self._locks.setdefault(room, trio.Lock())


def _words(room: str, kind: str, content: Json) -> str:
    inner = {"room_id": room, "type": kind, "content": content}
    # Not ASCII only: it would make most languages longer than an event may be.
    words = json.dumps(inner, ensure_ascii=False, separators=(",", ":"))
    # Half surrogates, which JSON can hold and UTF-8 cannot, are replaced.
    return words.encode(errors="replace").decode()
