"""Begins anew with devices whose messages we cannot read, so that their keys reach us again."""

from functools import partial
from typing import Any

import structlog
import trio
from attrs import define, field

from actors.matrix.api.patience import insist
from actors.matrix.api.replies import Done
from actors.matrix.api.status import Status
from actors.matrix.crypto.device import Device, Unread
from actors.matrix.crypto.machine import Machine
from actors.matrix.crypto.requests import KeyRequests
from actors.matrix.crypto.shapes import tables
from actors.matrix.crypto.tracking import Devices
from actors.surfaces.shapes import table

Json = dict[str, Any]

log = structlog.get_logger("matrix.wedged")

_EVERY = 3600.0
"""Seconds between two new sessions with one device. Source: specification, "Recovering from
undecryptable messages"."""

_MOST_OWED = 1000


@define
class Wedged:
    """The devices that we owe a new Olm session."""

    requests: KeyRequests
    machine: Machine
    devices: Devices
    status: Status
    _owed: dict[Unread, None] = field(factory=dict)
    _begun_at: dict[Unread, float] = field(factory=dict)

    def note(self, unread: Unread) -> None:
        """A message of that device could not be read."""
        now = trio.current_time()
        if now < self._begun_at.get(unread, -_EVERY) + _EVERY or len(self._owed) >= _MOST_OWED:
            return
        self._owed[unread] = None

    @property
    def is_owing(self) -> bool:
        """Whether there is something to mend."""
        return bool(self._owed)

    async def mend(self) -> None:
        """Begin a session with each, and say so in it; the other device answers in it then."""
        while self._owed:
            unread = next(iter(self._owed))
            device = await self._known(unread)
            if device is not None:
                await self._mend(device)
                self._begun_at[unread] = trio.current_time()
            self._owed.pop(unread, None)

    async def _known(self, unread: Unread) -> Device | None:
        """The device; asked for where we have not heard of it, once until its person's change."""
        device = self._find(unread)
        if device is None:
            await self.devices.refresh([unread.user_id])
            device = self._find(unread)
        return device

    async def _mend(self, device: Device) -> None:
        pair = (device.user_id, device.device_id)
        reply = await insist(self.status, partial(self.requests.claim, [pair]))
        if not isinstance(reply, Done) or not self._begin(device, reply.body):
            log.warning("device.without_key", user_id=device.user_id, device=device.device_id)
            return
        sealed = self.machine.seal_for([device], "m.dummy", {})
        await insist(
            self.status, partial(self.requests.send_encrypted, {pair: dict(sealed[device])})
        )
        log.info("device.begun_anew", user_id=device.user_id, device=device.device_id)

    def _find(self, unread: Unread) -> Device | None:
        known = self.machine.devices(unread.user_id)
        return next((one for one in known if one.curve25519 == unread.curve25519), None)

    def _begin(self, device: Device, body: Json) -> bool:
        found = table(table(body.get("one_time_keys")).get(device.user_id))
        keys = tables([*table(found.get(device.device_id)).values()])
        return any(self.machine.start_session(device, key) for key in keys)
