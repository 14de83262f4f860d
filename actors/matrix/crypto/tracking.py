"""Which devices people have: asked for when they may have changed."""

from collections.abc import Iterable
from typing import Any

import structlog
import trio
from attrs import define, field

from actors.matrix.api.replies import Done
from actors.matrix.crypto.device import Device
from actors.matrix.crypto.machine import Machine
from actors.matrix.crypto.port import NotSealed
from actors.matrix.crypto.requests import KeyRequests, not_sealed
from actors.matrix.crypto.shapes import batches, text, texts
from actors.surfaces.shapes import table

Json = dict[str, Any]

log = structlog.get_logger("matrix.tracking")

_ASKED_AT_ONCE = 200
_READ_AT_ONCE = 5
_ASKED_AGAIN_AFTER = 60.0
"""Seconds until we ask again for a person whose server does not answer ours."""


@define
class Devices:
    """Everybody's devices. What is known from an earlier life is asked for again once."""

    requests: KeyRequests
    machine: Machine
    _fresh: set[str] = field(factory=set)
    _changes: dict[str, int] = field(factory=dict)
    _again_at: dict[str, float] = field(factory=dict)

    def take(self, page: Json) -> None:
        """Learn from an answer of ``/sync`` whose devices changed, or are no longer told to us."""
        lists = table(page.get("device_lists"))
        for user_id in (*texts(lists.get("changed")), *texts(lists.get("left"))):
            self._changes[user_id] = self._changes.get(user_id, 0) + 1
            self._fresh.discard(user_id)
            self._again_at.pop(user_id, None)

    def lose_track(self) -> None:
        """Anybody's devices may have changed, unseen."""
        for user_id in self._fresh:
            self._changes[user_id] = self._changes.get(user_id, 0) + 1
        self._fresh.clear()

    def stale(self, users: Iterable[str]) -> list[str]:
        """Those of *users* for whom we should ask."""
        now = trio.current_time()
        return sorted(
            user_id
            for user_id in users
            if user_id not in self._fresh and self._again_at.get(user_id, 0.0) <= now
        )

    def of(self, users: Iterable[str]) -> set[Device]:
        """The devices of *users*, but our own."""
        return {
            device
            for user_id in users
            for device in self.machine.devices(user_id)
            if (user_id, device.device_id) != (self.machine.user_id, self.machine.device_id)
        }

    async def refresh(self, users: Iterable[str]) -> NotSealed | None:
        """Ask for the devices of those of *users* that are stale.

        A person whose server does not answer ours keeps nobody waiting: what is known is used.
        """
        for some in batches(self.stale(users), _ASKED_AT_ONCE):
            changes = {user_id: self._changes.get(user_id, 0) for user_id in some}
            match await self.requests.query(some):
                case Done({"device_keys": dict(found)}):
                    await self._learn(found, changes)
                case reply:
                    return not_sealed(reply)
        return None

    async def _learn(self, found: Json, changes: dict[str, int]) -> None:
        """Take what the server said; *changes* is how often we had heard of each person."""
        for some in batches(changes, _READ_AT_ONCE):
            with self.machine.saving():
                for user_id in some:
                    self._learn_of(user_id, found.get(user_id), changes[user_id])
            await trio.lowlevel.checkpoint()

    def _learn_of(self, user_id: str, devices: Any, changes: int) -> None:
        if not isinstance(devices, dict):
            self._again_at[user_id] = trio.current_time() + _ASKED_AGAIN_AFTER
            return
        valid = [self._device(user_id, name, keys) for name, keys in devices.items()]
        self.machine.keep_devices(user_id, devices, [one for one in valid if one is not None])
        if changes == self._changes.get(user_id, 0):
            self._fresh.add(user_id)

    def _device(self, user_id: str, device_id: str, body: Any) -> Device | None:
        """The device, if it says itself who it is."""
        keys = table(table(body).get("keys"))
        curve25519 = text(keys.get(f"curve25519:{device_id}"))
        ed25519 = text(keys.get(f"ed25519:{device_id}"))
        is_its_own = (table(body).get("user_id"), table(body).get("device_id")) == (
            user_id,
            device_id,
        )
        if (
            is_its_own
            and curve25519
            and self.machine.is_signed(body, key=ed25519, user_id=user_id, device_id=device_id)
        ):
            return Device(user_id, device_id, curve25519, ed25519)
        log.warning("device.refused", user_id=user_id, device_id=device_id)
        return None
