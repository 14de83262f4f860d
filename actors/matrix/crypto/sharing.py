"""Gives the key of a room to everybody in it, before anything is sealed under it.

Nothing is marked before the server has said that it is done, so a try that failed or was
cancelled at any point is made again by the next one. A device is waited for by nobody.
"""

from typing import Any

import structlog
import trio
from attrs import define, field, frozen

from actors.matrix.api.replies import Done, Refused
from actors.matrix.crypto.device import Device
from actors.matrix.crypto.group_keys import GroupKey
from actors.matrix.crypto.machine import Machine
from actors.matrix.crypto.members import Members
from actors.matrix.crypto.port import NotSealed
from actors.matrix.crypto.requests import KeyRequests, not_sealed
from actors.matrix.crypto.shapes import batches, events_of, joined, tables
from actors.matrix.crypto.tracking import Devices
from actors.surfaces.shapes import table

Json = dict[str, Any]

log = structlog.get_logger("matrix.sharing")

_ROUNDS = 5
"""How often people and devices may change while we share; then what is known now is used."""

_AT_ONCE = 20
"""Devices in one request: more make requests larger than some servers take."""

_TRIED_AGAIN_AFTER = 60.0
"""Seconds until a device that had no one-time key is asked for one again."""


@frozen
class Rotation:
    """How long one key is used in a room."""

    messages: int = 100
    seconds: float = 7 * 86400.0


@define
class _RoomKey:
    key: GroupKey
    has_it: set[Device] = field(factory=set)


@define
class Sharing:
    """The keys that we seal with, one for each room, and who has them."""

    requests: KeyRequests
    machine: Machine
    members: Members
    devices: Devices
    _keys: dict[str, _RoomKey] = field(factory=dict)
    _rotations: dict[str, Rotation] = field(factory=dict)
    _barren_until: dict[Device, float] = field(factory=dict)
    _claiming: trio.Lock = field(factory=trio.Lock)

    def take(self, page: Json) -> None:
        """Learn from an answer of ``/sync`` how long rooms want their keys used."""
        for room, body in joined(page):
            for event in events_of(body):
                # Without its state key anybody may have sent it.
                if event.get("type") == "m.room.encryption" and event.get("state_key") == "":
                    self._rotations[room] = _rotation(table(event.get("content")))

    async def ready(self, room: str) -> GroupKey | NotSealed:
        """The key of *room*, which everybody there has; one caller for each room at a time."""
        rounds = 0
        while True:
            people = await self._people(room)
            if isinstance(people, NotSealed):
                return people
            held = await self._key_for(room, self.devices.of(people))
            lacking = self.devices.of(people) - held.has_it
            trouble = await self._claim(lacking) or await self._give(room, held, lacking)
            if trouble is not None:
                return trouble
            rounds += 1
            if rounds == _ROUNDS or self._is_settled(room, people, held):
                return held.key

    def _is_settled(self, room: str, people: frozenset[str], held: _RoomKey) -> bool:
        """Whether nobody has come, gone or changed devices while we shared."""
        if not people:
            return True
        is_same = self.members.now(room) == people and not self.devices.stale(people)
        return is_same and held.has_it <= self.devices.of(people)

    async def _people(self, room: str) -> frozenset[str] | NotSealed:
        people = await self.members.of(room)
        if isinstance(people, NotSealed):
            return people
        return await self.devices.refresh(people) or people

    async def _key_for(self, room: str, devices: set[Device]) -> _RoomKey:
        """The present key, or a new one where it is used up or somebody has it who may not."""
        held = self._keys.get(room)
        if held is not None and not held.key.is_used_up and held.has_it <= devices:
            return held
        rotation = await self._rotation_of(room)
        key = self.machine.new_group_key(room, messages=rotation.messages, seconds=rotation.seconds)
        held = self._keys[room] = _RoomKey(key)
        log.debug("key.made", room=room, devices=len(devices))
        return held

    async def _rotation_of(self, room: str) -> Rotation:
        """What the room wants, or the usual where the server does not say it now."""
        if room not in self._rotations:
            match await self.requests.encryption(room):
                case Done(body):
                    self._rotations[room] = _rotation(body)
                case Refused():
                    self._rotations[room] = Rotation()
                case _:
                    return Rotation()
        return self._rotations[room]

    async def _claim(self, devices: set[Device]) -> NotSealed | None:
        """Begin to speak to those of *devices* that we cannot speak to yet."""
        # Of two rooms with the same people the second finds what the first has claimed.
        async with self._claiming:
            for some in batches(self._strangers(devices), 5 * _AT_ONCE):
                reply = await self.requests.claim((one.user_id, one.device_id) for one in some)
                if not isinstance(reply, Done):
                    return not_sealed(reply)
                for few in batches(some, 5):
                    self._begin(few, table(reply.body.get("one_time_keys")))
                    await trio.lowlevel.checkpoint()
        return None

    def _strangers(self, devices: set[Device]) -> list[Device]:
        now = trio.current_time()
        return [
            one
            for one in devices
            if not self.machine.has_session(one) and self._barren_until.get(one, now) <= now
        ]

    def _begin(self, devices: list[Device], found: Json) -> None:
        with self.machine.saving():
            for one in devices:
                keys = table(table(found.get(one.user_id)).get(one.device_id))
                if any(self.machine.start_session(one, key) for key in tables([*keys.values()])):
                    self._barren_until.pop(one, None)
                else:
                    log.warning("device.without_key", user_id=one.user_id, device=one.device_id)
                    self._barren_until[one] = trio.current_time() + _TRIED_AGAIN_AFTER

    async def _give(self, room: str, held: _RoomKey, devices: set[Device]) -> NotSealed | None:
        """Send *held* to those of *devices* that we can speak to."""
        able = [one for one in devices if self.machine.has_session(one)]
        for some in batches(able, _AT_ONCE):
            sealed = self.machine.seal_for(some, "m.room_key", held.key.content(room))
            reply = await self.requests.send_encrypted(
                {(one.user_id, one.device_id): content for one, content in sealed.items()}
            )
            if not isinstance(reply, Done):
                return not_sealed(reply)
            held.has_it.update(some)
        return None


def _rotation(content: Json) -> Rotation:
    """What ``m.room.encryption`` wants, within reason: at least an hour, and a message."""
    messages, wait_ms = content.get("rotation_period_msgs"), content.get("rotation_period_ms")
    usual = Rotation()
    return Rotation(
        messages=min(max(messages, 1), 10_000) if isinstance(messages, int) else usual.messages,
        seconds=min(max(wait_ms / 1000, 3600.0), 3.2e7)
        if isinstance(wait_ms, int)
        else usual.seconds,
    )
