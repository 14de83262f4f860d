"""A person with an ordinary encrypted client on the tests' Synapse.

The keys are this rig's own, by the specification (``matrix_olm.py``); it rotates them, shares
them with every device of everybody in the room, and asks no server more than a client does.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

import trio
from attrs import define, field

from tests.rigs.matrix_attachments import opened_file, sealed_file
from tests.rigs.matrix_olm import MEGOLM, ROTATION, OlmDevice, Outbound, Peer
from tests.rigs.matrix_shown import Shown, opened
from tests.rigs.matrix_signatures import Signer, is_cross_signed, is_genuine
from tests.rigs.synapse import Account, MatrixRefusedError, Person, Synapse, file_content

Json = dict[str, Any]

_ONE_TIME_KEYS = 50
_MOST_TO_DEVICE = 100
"""As many to-device events stand in one answer of Synapse; there may be more."""


@define
class Human(Person):
    """Somebody whose client encrypts wherever the room does; plain rooms stay plain.

    Args:
        is_strict: Exclude insecure devices: neither give keys to a device that its owner has
            not signed, nor show what such a device wrote.
        keeps_keys: Give no room key to anybody, until ``hand_over_keys``.
        rotation: Messages under one key.
    """

    device: OlmDevice = field(init=False)
    is_strict: bool = False
    keeps_keys: bool = False
    rotation: int = ROTATION
    _encrypted: dict[str, bool] = field(factory=dict)
    _outbound: dict[str, Outbound] = field(factory=dict)
    _used: dict[str, list[Outbound]] = field(factory=dict)
    _signed: set[str] = field(factory=set)
    _read: dict[str, Json] = field(factory=dict)
    _sharing: trio.Lock = field(factory=trio.Lock)

    def __attrs_post_init__(self) -> None:
        self.device = OlmDevice(self.account.user_id, self.account.device_id)

    async def publish_keys(self) -> None:
        """Show others the device and its one-time keys."""
        await self.request(
            "POST",
            "/keys/upload",
            {
                "device_keys": self.device.device_keys(),
                "one_time_keys": self.device.one_time_keys(_ONE_TIME_KEYS),
            },
        )

    async def sign_device(self) -> None:
        """Make the keys of cross-signing, and vouch for the device with them."""
        master, signing, others = Signer(), Signer(), Signer()
        password = {"type": "m.login.password", "password": self.account.password}
        await self.request(
            "POST",
            "/keys/device_signing/upload",
            {
                "master_key": master.published(self.user_id, "master"),
                "self_signing_key": master.signed(
                    signing.published(self.user_id, "self_signing"), self.user_id
                ),
                "user_signing_key": master.signed(
                    others.published(self.user_id, "user_signing"), self.user_id
                ),
                "auth": {**password, "identifier": {"type": "m.id.user", "user": self.user_id}},
            },
        )
        signed = signing.signed(self.device.device_keys(), self.user_id)
        done = await self.request(
            "POST", "/keys/signatures/upload", {self.user_id: {self.device.device_id: signed}}
        )
        assert not done.get("failures"), done

    async def on_another_device(self) -> "Human":
        """The same person on a device that was not there before."""
        found = await self.request(
            "POST",
            "/login",
            {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": self.user_id},
                "password": self.account.password,
            },
        )
        account = Account(
            self.user_id, self.account.password, found["access_token"], found["device_id"]
        )
        other = Human(self.server, account, is_strict=self.is_strict)
        await other.publish_keys()
        return other

    async def is_encrypted(self, room: str) -> bool:
        """Whether *room* is; once it is, it stays so."""
        if not self._encrypted.get(room, False):
            path = f"/rooms/{quote(room)}/state/m.room.encryption/"
            try:
                state = await self.request("GET", path)
            except MatrixRefusedError:
                return False
            self._encrypted[room] = state.get("algorithm") == MEGOLM
        return self._encrypted[room]

    async def send_content(self, room: str, content: Json, kind: str = "m.room.message") -> str:
        """Send any event, encrypted where *room* is; reactions never are, as in other clients."""
        if kind == "m.reaction" or not await self.is_encrypted(room):
            return await super().send_content(room, content, kind)
        return await self._send_sealed(room, await self.share_keys(room), kind, content)

    async def send_many(self, room: str, texts: Iterable[str]) -> None:
        """Write each of *texts*; who is in *room* and with which devices is looked up once."""
        if not await self.is_encrypted(room):
            await super().send_many(room, texts)
            return
        outbound = await self.share_keys(room)
        for text in texts:
            if outbound.session.message_index >= self.rotation:
                outbound = await self.share_keys(room)
            content = {"msgtype": "m.text", "body": text}
            await self._send_sealed(room, outbound, "m.room.message", content)

    async def send_in_the_open(self, room: str, content: Json, kind: str = "m.room.message") -> str:
        """Send an event as it is, also into an encrypted room."""
        return await super().send_content(room, content, kind)

    async def send_file(
        self,
        room: str,
        data: bytes,
        *,
        name: str,
        kind: str = "m.file",
        mime_type: str = "application/octet-stream",
        more: Json | None = None,
    ) -> str:
        """Upload *data*, encrypted where *room* is, and show it; the event's id."""
        if not await self.is_encrypted(room):
            return await super().send_file(
                room, data, name=name, kind=kind, mime_type=mime_type, more=more
            )
        sealed, file = sealed_file(data)
        file["url"] = await self.upload(sealed, name="", mime_type="application/octet-stream")
        content = file_content({"file": file}, data, name=name, kind=kind, mime_type=mime_type)
        return await self.send_content(room, content | (more or {}))

    async def download(self, shown: Shown) -> bytes:
        """The file that a message shows, decrypted."""
        file = shown.content.get("file")
        if file is None:
            return await super().download(shown)
        return opened_file(await self.fetch(file["url"]), file)

    async def share_keys(self, room: str) -> Outbound:
        """The key for *room*, once every device that may read there has it."""
        async with self._sharing:
            peers, answer = await self._peers(room)
            outbound = self._current(room, {peer.curve25519 for peer in peers})
            new = [peer for peer in peers if peer.curve25519 not in outbound.holders]
            refused = [peer for peer in new if not self._may_read(peer, answer)]
            await self._withhold(room, outbound, refused)
            if not self.keeps_keys:
                given = [peer for peer in new if peer not in refused]
                key = outbound.session.session_key.to_base64()
                await self._give(room, outbound, given, key)
            return outbound

    async def hand_over_keys(self, room: str) -> None:
        """Give everybody in *room* every key that was kept back."""
        self.keeps_keys = False
        async with self._sharing:
            peers, _ = await self._peers(room)
            for outbound in self._used.get(room, []):
                await self._give(room, outbound, peers, outbound.first_key)

    async def readable(self, room: str) -> list[Json]:
        """The events of *room* decrypted, as far as the keys are here."""
        events = await self.events(room)
        if any(self._lacks_key(room, event) for event in events):
            await self._sync({"timeout": 0})
            events = await self.events(room)
        await self._look_at_devices(room, events)
        return [self._opened(room, event) for event in events]

    async def next_change(self) -> Json:
        """Whatever is new since the last call, waiting for it."""
        return await self._sync({"timeout": 30_000})

    async def _sync(self, how: Json) -> Json:
        since = {"since": self._since, **how} if self._since else {}
        changes = await self.request("GET", f"/sync?{urlencode(since)}")
        news = changes.get("to_device", {}).get("events", [])
        for event in news:
            self.device.take(event)
        self._since = str(changes["next_batch"])
        self.note(changes)
        left = changes.get("device_one_time_keys_count", {}).get("signed_curve25519", 0)
        if left < _ONE_TIME_KEYS // 2:
            keys = self.device.one_time_keys(_ONE_TIME_KEYS - left)
            await self.request("POST", "/keys/upload", {"one_time_keys": keys})
        if len(news) >= _MOST_TO_DEVICE:
            await self._sync({"timeout": 0})
        return changes

    def _lacks_key(self, room: str, event: Json) -> bool:
        content = event["content"]
        return content.get("algorithm") == MEGOLM and not self.device.room_key(room, content)

    def _opened(self, room: str, event: Json) -> Json:
        if event["type"] != "m.room.encrypted" or "ciphertext" not in event["content"]:
            return event
        key = self.device.room_key(room, event["content"])
        is_trusted = key is not None and key.curve25519 in self._signed
        if self.is_strict and not is_trusted and event["sender"] != self.user_id:
            return opened(event, None, is_trusted=False)
        inner = self._read.get(event["event_id"]) or self.device.read(room, event)
        if inner is not None:
            self._read[event["event_id"]] = inner
        return opened(event, inner, is_trusted=is_trusted)

    async def _look_at_devices(self, room: str, events: list[Json]) -> None:
        """Find out which devices that sent *events* their owners have signed."""
        keys = [self.device.room_key(room, event["content"]) for event in events]
        unknown = {
            key.sender
            for key in keys
            if key and key.curve25519 not in self._signed and key.sender != self.user_id
        }
        if not unknown:
            return
        answer = await self._query(sorted(unknown))
        for user_id, devices in answer["device_keys"].items():
            for device_id, device in devices.items():
                if is_cross_signed(answer, user_id, device_id):
                    self._signed.add(device["keys"][f"curve25519:{device_id}"])

    async def _query(self, people: list[str]) -> Json:
        asked: Json = {"device_keys": {user_id: [] for user_id in people}}
        return await self.request("POST", "/keys/query", asked)

    async def _peers(self, room: str) -> tuple[list[Peer], Json]:
        """Every other device of who is in *room* or invited, and what was said of it."""
        members = (await self.members(room)).items()
        people = [name for name, it in members if it["membership"] in {"join", "invite"}]
        answer = await self._query(people)
        peers = [
            Peer(
                user_id,
                device_id,
                device["keys"][f"curve25519:{device_id}"],
                device["keys"][f"ed25519:{device_id}"],
            )
            for user_id, devices in answer["device_keys"].items()
            for device_id, device in devices.items()
            if is_genuine(device, user_id, device_id)
        ]
        return [peer for peer in peers if peer.curve25519 != self.device.curve25519], answer

    def _may_read(self, peer: Peer, answer: Json) -> bool:
        is_own = peer.user_id == self.user_id
        return not self.is_strict or is_own or is_cross_signed(answer, peer.user_id, peer.device_id)

    def _current(self, room: str, present: set[str]) -> Outbound:
        """The key in use; a fresh one where it is worn, or somebody who has it is gone."""
        known = self._outbound.get(room)
        if (
            known is None
            or known.session.message_index >= self.rotation
            or not known.holders <= present
        ):
            known = self._outbound[room] = self.device.open_room(room)
            self._used.setdefault(room, []).append(known)
        return known

    async def _give(self, room: str, outbound: Outbound, peers: list[Peer], key: str) -> None:
        content = {
            "algorithm": MEGOLM,
            "room_id": room,
            "session_id": outbound.session.session_id,
            "session_key": key,
        }
        await self._begin([peer for peer in peers if not self.device.knows(peer)])
        able = [peer for peer in peers if self.device.knows(peer)]
        sealed = {peer: self.device.seal_for(peer, "m.room_key", content) for peer in able}
        await self._to_devices("m.room.encrypted", sealed)
        outbound.holders.update(peer.curve25519 for peer in able)

    async def _withhold(self, room: str, outbound: Outbound, peers: list[Peer]) -> None:
        """Tell the owners' devices that they get no key because nobody vouches for them."""
        content = {
            "algorithm": MEGOLM,
            "room_id": room,
            "session_id": outbound.session.session_id,
            "sender_key": self.device.curve25519,
            "code": "m.unverified",
            "reason": "The sender has disabled encrypting to unverified devices.",
        }
        new = [peer for peer in peers if peer.curve25519 not in outbound.refused]
        await self._to_devices("m.room_key.withheld", dict.fromkeys(new, content))
        outbound.refused.update(peer.curve25519 for peer in new)

    async def _begin(self, peers: list[Peer]) -> None:
        """Begin sessions with *peers*; one without one-time keys is passed over."""
        if not peers:
            return
        wanted: dict[str, dict[str, str]] = {}
        for peer in peers:
            wanted.setdefault(peer.user_id, {})[peer.device_id] = "signed_curve25519"
        found = await self.request("POST", "/keys/claim", {"one_time_keys": wanted})
        for peer in peers:
            keys = found["one_time_keys"].get(peer.user_id, {}).get(peer.device_id, {})
            for key in list(keys.values())[:1]:
                self.device.begin(peer, key)

    async def _to_devices(self, kind: str, contents: dict[Peer, Json]) -> None:
        if not contents:
            return
        messages: dict[str, dict[str, Json]] = {}
        for peer, content in contents.items():
            messages.setdefault(peer.user_id, {})[peer.device_id] = content
        path = f"/sendToDevice/{kind}/d{next(self._sent)}"
        await self.request("PUT", path, {"messages": messages})

    async def _send_sealed(self, room: str, outbound: Outbound, kind: str, content: Json) -> str:
        sealed = self.device.seal(room, outbound, kind, content)
        return await super().send_content(room, sealed, "m.room.encrypted")


async def human(server: Synapse, name: str = "person", *, is_strict: bool = False) -> Human:
    """Somebody with a fresh account whose client is ready to encrypt."""
    account = await trio.to_thread.run_sync(server.register, name)
    found = Human(server, account, is_strict=is_strict)
    await found.publish_keys()
    return found
