"""The keys of one device of a person, by the Matrix specification over vodozemac.

Nothing here is nio's: what nio gets wrong must not go unseen because both sides do.
"""

import json
from typing import Any

import vodozemac
from attrs import define, field, frozen

from tests.rigs.matrix_signatures import canonical, from_unpadded, is_signed, unpadded

Json = dict[str, Any]

OLM = "m.olm.v1.curve25519-aes-sha2"
MEGOLM = "m.megolm.v1.aes-sha2"
ROTATION = 100
"""Messages under one key, as the specification recommends."""


@frozen
class Peer:
    """Somebody's device, as ``/keys/query`` shows it."""

    user_id: str
    device_id: str
    curve25519: str
    ed25519: str


@frozen
class RoomKey:
    """A room key that came, and from whom."""

    session: vodozemac.InboundGroupSession
    sender: str
    curve25519: str
    ed25519: str


@define
class Outbound:
    """The key under which this device writes in one room.

    Args:
        first_key: With which everything under this key can be read.
        holders: The Curve25519 keys of the devices that have it.
        refused: Those of the devices that were told that they will not get it.
    """

    session: vodozemac.GroupSession = field(factory=vodozemac.GroupSession)
    first_key: str = ""
    holders: set[str] = field(factory=set)
    refused: set[str] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.first_key = self.session.session_key.to_base64()


@define
class OlmDevice:
    """One device's account, its sessions with other devices, and the room keys it has.

    Args:
        complaints: What others did against the specification.
        withheld: Room and session id → the code with which a key was refused to us.
    """

    user_id: str
    device_id: str
    account: vodozemac.Account = field(factory=vodozemac.Account)
    complaints: list[str] = field(factory=list)
    withheld: dict[tuple[str, str], str] = field(factory=dict)
    _sessions: dict[str, list[vodozemac.Session]] = field(factory=dict)
    _room_keys: dict[tuple[str, str], RoomKey] = field(factory=dict)
    _seen: dict[tuple[str, int], str] = field(factory=dict)
    _taken: set[str] = field(factory=set)

    @property
    def curve25519(self) -> str:
        return self.account.curve25519_key.to_base64()

    @property
    def ed25519(self) -> str:
        return self.account.ed25519_key.to_base64()

    def device_keys(self) -> Json:
        """The ``device_keys`` of ``/keys/upload``."""
        return self._signed(
            {
                "user_id": self.user_id,
                "device_id": self.device_id,
                "algorithms": [OLM, MEGOLM],
                "keys": {
                    f"curve25519:{self.device_id}": self.curve25519,
                    f"ed25519:{self.device_id}": self.ed25519,
                },
            }
        )

    def one_time_keys(self, number: int) -> Json:
        """So many fresh ``one_time_keys`` of ``/keys/upload``; they count as published."""
        self.account.generate_one_time_keys(number)
        fresh = {
            f"signed_curve25519:{name}": self._signed({"key": key.to_base64()})
            for name, key in self.account.one_time_keys.items()
        }
        self.account.mark_keys_as_published()
        return fresh

    def knows(self, peer: Peer) -> bool:
        """Whether there is a session with *peer*."""
        return bool(self._sessions.get(peer.curve25519))

    def begin(self, peer: Peer, one_time_key: Json) -> None:
        """Begin a session with *peer* by the key that was claimed for it."""
        assert is_signed(one_time_key, by=peer.user_id, key_id=peer.device_id, key=peer.ed25519), (
            f"a one-time key of {peer.user_id} is not signed by its device"
        )
        session = self.account.create_outbound_session(
            vodozemac.Curve25519PublicKey.from_base64(peer.curve25519),
            vodozemac.Curve25519PublicKey.from_base64(one_time_key["key"]),
        )
        self._sessions.setdefault(peer.curve25519, []).append(session)

    def seal_for(self, peer: Peer, kind: str, content: Json) -> Json:
        """An ``m.room.encrypted`` to-device content that only *peer* can read."""
        whole = {
            "type": kind,
            "content": content,
            "sender": self.user_id,
            "sender_device": self.device_id,
            "keys": {"ed25519": self.ed25519},
            "recipient": peer.user_id,
            "recipient_keys": {"ed25519": peer.ed25519},
        }
        message = self._sessions[peer.curve25519][-1].encrypt(json.dumps(whole).encode())
        number, ciphertext = message.to_parts()
        body = {"type": number, "body": unpadded(ciphertext)}
        return {
            "algorithm": OLM,
            "sender_key": self.curve25519,
            "ciphertext": {peer.curve25519: body},
        }

    def open_room(self, room: str) -> Outbound:
        """A fresh key for what this device writes in *room*."""
        fresh = Outbound()
        self._keep(room, fresh.first_key, self.user_id, (self.curve25519, self.ed25519))
        return fresh

    def seal(self, room: str, outbound: Outbound, kind: str, content: Json) -> Json:
        """An ``m.room.encrypted`` content for *room*; its relation stays readable for all."""
        inner = {name: part for name, part in content.items() if name != "m.relates_to"}
        outer = {name: part for name, part in content.items() if name == "m.relates_to"}
        whole = json.dumps({"type": kind, "content": inner, "room_id": room})
        return {
            "algorithm": MEGOLM,
            "sender_key": self.curve25519,
            "device_id": self.device_id,
            "session_id": outbound.session.session_id,
            "ciphertext": outbound.session.encrypt(whole.encode()).to_base64(),
            **outer,
        }

    def take(self, event: Json) -> None:
        """Take a to-device event: a room key, or the word that there will be none."""
        content = event.get("content", {})
        if event["type"] == "m.room_key.withheld":
            self.withheld[content.get("room_id", ""), content.get("session_id", "")] = content[
                "code"
            ]
        elif event["type"] == "m.room.encrypted" and (whole := self._opened(event)) is not None:
            self._take_opened(event["sender"], content["sender_key"], whole)
        elif event["type"] == "m.room_key":
            self.complaints.append(f"{event['sender']} sent a room key in the open")

    def room_key(self, room: str, content: Json) -> RoomKey | None:
        """The key of an ``m.room.encrypted`` *content*, where it is here."""
        return self._room_keys.get((room, content.get("session_id", "")))

    def read(self, room: str, event: Json) -> Json | None:
        """What is in an encrypted *event* of *room*; None where it cannot be read."""
        key = self.room_key(room, event["content"])
        if key is None:
            return None
        try:
            message = vodozemac.MegolmMessage.from_base64(event["content"]["ciphertext"])
            found = key.session.decrypt(message)
        except (vodozemac.DecodeException, vodozemac.MegolmDecryptionException):
            return None
        inner: Json = json.loads(found.plaintext)
        first = self._seen.setdefault(
            (key.session.session_id, found.message_index), event["event_id"]
        )
        if (inner["room_id"], key.sender, first) != (room, event["sender"], event["event_id"]):
            self.complaints.append(f"{event['event_id']} is replayed or of somebody else")
            return None
        return inner

    def _opened(self, event: Json) -> Json | None:
        """What is in an Olm *event* for this device, where its sender is who they say."""
        content = event["content"]
        ours = content.get("ciphertext", {}).get(self.curve25519)
        if ours is None or ours["body"] in self._taken:
            return None
        self._taken.add(ours["body"])
        plain = self._decrypted(content["sender_key"], ours)
        if plain is None:
            self.complaints.append(f"{event['sender']} sent what this device cannot open")
            return None
        whole: Json = json.loads(plain)
        said = (whole["sender"], whole["recipient"], whole["recipient_keys"]["ed25519"])
        if said != (event["sender"], self.user_id, self.ed25519):
            self.complaints.append(f"{event['sender']} sent what is of others: {said}")
            return None
        return whole

    def _decrypted(self, sender_key: str, ours: Json) -> bytes | None:
        message = vodozemac.AnyOlmMessage.from_parts(ours["type"], from_unpadded(ours["body"]))
        known = self._sessions.setdefault(sender_key, [])
        for session in reversed(known):
            try:
                return session.decrypt(message)
            except vodozemac.OlmDecryptionException:
                continue
        if ours["type"] != 0:
            return None
        try:
            session, plain = self.account.create_inbound_session(
                vodozemac.Curve25519PublicKey.from_base64(sender_key),
                vodozemac.PreKeyMessage.from_base64(ours["body"]),
            )
        except vodozemac.SessionCreationException:
            return None
        known.append(session)
        return plain

    def _take_opened(self, sender: str, sender_key: str, whole: Json) -> None:
        content = whole["content"]
        if whole["type"] == "m.room_key" and content.get("algorithm") == MEGOLM:
            keys = (sender_key, whole["keys"]["ed25519"])
            self._keep(content["room_id"], content["session_key"], sender, keys)

    def _keep(self, room: str, key: str, sender: str, keys: tuple[str, str]) -> None:
        session = vodozemac.InboundGroupSession(vodozemac.SessionKey(key))
        place = (room, session.session_id)
        known = self._room_keys.get(place)
        if known is None or session.first_known_index < known.session.first_known_index:
            self._room_keys[place] = RoomKey(session, sender, *keys)

    def _signed(self, value: Json) -> Json:
        signature = self.account.sign(canonical(value)).to_base64()
        return {**value, "signatures": {self.user_id: {f"ed25519:{self.device_id}": signature}}}
