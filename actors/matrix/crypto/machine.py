"""nio's Olm machine and its store: keys and ratchets, no requests; only here are they named.

What changes a ratchet or a key is on the disk when the call returns, so that it may go out.
Nothing is raised for what others sent.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import peewee  # type: ignore[import-untyped]  # nio's store stands on it
import vodozemac
from attrs import define, field
from nio.crypto import Olm, OlmDevice  # type: ignore[import-untyped]  # it ships no types
from nio.events import OlmEvent, RoomKeyEvent  # type: ignore[import-untyped]
from nio.exceptions import EncryptionError  # type: ignore[import-untyped]
from nio.store import SqliteStore  # type: ignore[import-untyped]

from actors.matrix.crypto.device import Device, NewKey, Unread
from actors.matrix.crypto.folder import DATABASE
from actors.matrix.crypto.group_keys import GroupKey, InboundKey
from actors.matrix.crypto.shapes import text
from actors.surfaces.shapes import table

Json = dict[str, Any]

_HOSTILE = (EncryptionError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What nio and vodozemac raise for what they cannot read."""


class StoreUnreadableError(Exception):
    """The store is damaged, or is none."""


class _Store(SqliteStore):  # type: ignore[misc]  # it ships no types
    """nio's store, which here writes each change once."""

    def _create_database(self) -> Any:
        how = {"journal_mode": "wal", "synchronous": "full", "secure_delete": 1, "foreign_keys": 1}
        return peewee.SqliteDatabase(self.database_path, pragmas=how)


class _Olm(Olm):  # type: ignore[misc]  # it ships no types
    """nio's machine, which here tells what it could not read, and does not forget a better key."""

    def __init__(self, user_id: str, device_id: str, store: SqliteStore) -> None:
        self.is_unread = self.is_key_used = False
        super().__init__(user_id, device_id, store)

    def _mark_device_for_unwedging(self, sender: str, sender_key: str) -> None:  # noqa: ARG002  # nio calls it
        self.is_unread = True

    def _create_inbound_session(self, sender: str, sender_key: str, message: Any) -> Any:
        self.is_key_used = True
        return super()._create_inbound_session(sender, sender_key, message)

    def create_group_session(
        self, sender_key: str, sender_fp_key: str, room_id: str, session_id: str, session_key: str
    ) -> None:
        """Take a room's key, unless the one that we have opens more."""
        known = self.inbound_group_store.get(room_id, sender_key, session_id)
        super().create_group_session(sender_key, sender_fp_key, room_id, session_id, session_key)
        came = self.inbound_group_store.get(room_id, sender_key, session_id)
        if known is not None and known.first_known_index <= came.first_known_index:
            self.inbound_group_store.add(known)
            self.save_inbound_group_session(known)

    def seal_for(self, session: Any, device: Device, kind: str, content: Json) -> Json:
        """An event for one device; the session is saved."""
        sealed: Json = self._olm_encrypt(session, device, kind, content)
        return sealed


@define
class Machine:
    """The keys of one device of ours."""

    user_id: str
    device_id: str
    _olm: _Olm = field(repr=False)
    _store: SqliteStore = field(repr=False)

    @classmethod
    def opened(cls, folder: Path, user_id: str, device_id: str) -> "Machine":
        """The keys in *folder*, made where there are none.

        Raises:
            StoreUnreadableError: What is there cannot be read.
        """
        try:
            store = _Store(user_id, device_id, str(folder), database_name=DATABASE)
            return cls(user_id, device_id, _Olm(user_id, device_id, store), store)
        except (peewee.PeeweeException, *_HOSTILE) as error:
            raise StoreUnreadableError from error

    def close(self) -> None:
        """Close the database, which nio leaves open."""
        self._store.database.close()

    def run(self, sql: str, *words: str) -> list[tuple[Any, ...]]:
        """Run *sql* in the database of the keys; it raises ``StoreUnreadableError``."""
        try:
            return list(self._store.database.execute_sql(sql, words).fetchall())
        except peewee.DatabaseError as error:
            raise StoreUnreadableError from error

    @contextmanager
    def saving(self) -> Iterator[None]:
        """All of it on the disk together, or nothing; nothing may be awaited inside."""
        with self._store.database.atomic():
            yield

    # Our own public keys.

    @property
    def identity(self) -> dict[str, str]:
        """Our two public keys, by algorithm."""
        return dict(self._olm.account.identity_keys)

    @property
    def is_shared(self) -> bool:
        """Whether the server has them."""
        return bool(self._olm.account.shared)

    def note_shared(self, *, is_shared: bool) -> None:
        """Remember whether the server has them."""
        if is_shared != self.is_shared:
            self._olm.account.shared = is_shared
            self._olm.save_account()

    def signed(self, body: Json) -> Json:
        """*body* with our device's signature."""
        by_key = {f"ed25519:{self.device_id}": str(self._olm.sign_json(body))}
        return {**body, "signatures": {self.user_id: by_key}}

    @property
    def most_one_time_keys(self) -> int:
        """How many one-time keys the server should have."""
        return int(self._olm.account.max_one_time_keys)

    def unpublished(self) -> tuple[dict[str, str], dict[str, str]]:
        """One-time keys, and fallback keys, that the server is not known to have, by their ids."""
        account = self._account
        one_time = {name: key.to_base64() for name, key in account.one_time_keys.items()}
        return one_time, {name: key.to_base64() for name, key in account.fallback_key.items()}

    def make_one_time_keys(self, number: int) -> None:
        """Make *number* new ones, unpublished."""
        self._olm.account.generate_one_time_keys(number)
        self._olm.save_account()

    def make_fallback_key(self) -> None:
        """Make a key for when all one-time keys are taken; the one before it still opens."""
        self._account.generate_fallback_key()
        self._olm.save_account()

    def note_published(self) -> None:
        """The server has all that were unpublished, or will never have them."""
        self._olm.account.mark_keys_as_published()
        self._olm.save_account()

    @property
    def _account(self) -> Any:
        return self._olm.account._account  # noqa: SLF001  # nio passes no fallback keys on

    # Devices and the sessions with them.

    def is_signed(self, body: Json, *, key: str, user_id: str, device_id: str) -> bool:
        """Whether *key*, of that device, has signed *body*."""
        try:
            return bool(self._olm.verify_json(dict(body), key, user_id, device_id))
        except _HOSTILE:
            return False

    def devices(self, user_id: str) -> list[Device]:
        """The devices that *user_id* has."""
        found = self._olm.device_store.active_user_devices(user_id)
        return [Device(one.user_id, one.id, one.curve25519, one.ed25519) for one in found]

    def owners(self, curve25519: str) -> set[str]:
        """Whose device has, or had, this key; more than one where somebody lies."""
        if curve25519 == self.identity["curve25519"]:
            return {self.user_id}
        return {one.user_id for one in self._olm.device_store if one.curve25519 == curve25519}

    def keep_devices(self, user_id: str, named: Iterable[str], found: Iterable[Device]) -> None:
        """*user_id* has the devices *named*, and *found* are those whose keys are in order.

        A device never changes the key that it signs with; one that was deleted may come again.
        """
        known, changed = self._olm.device_store[user_id], {}
        for one in found:
            old = known.get(one.device_id)
            if old is not None and not old.deleted and _stays(old, one):
                continue
            keys = {"ed25519": one.ed25519, "curve25519": one.curve25519}
            changed[one.device_id] = OlmDevice(user_id, one.device_id, keys)
        for gone in set(known) - set(named):
            if not known[gone].deleted:
                known[gone].deleted = True
                changed[gone] = known[gone]
        known.update(changed)
        self._store.save_device_keys({user_id: changed})

    def has_session(self, device: Device) -> bool:
        """Whether we can speak to *device*."""
        return self._olm.session_store.get(device.curve25519) is not None

    def start_session(self, device: Device, one_time_key: Json) -> bool:
        """Begin to speak to *device*; False if the key is not one that it has signed."""
        if not self.is_signed(
            one_time_key, key=device.ed25519, user_id=device.user_id, device_id=device.device_id
        ):
            return False
        try:
            self._olm.create_session(one_time_key["key"], device.curve25519)
        except _HOSTILE:
            return False
        return True

    def seal_for(
        self, devices: Iterable[Device], kind: str, content: Json
    ) -> Mapping[Device, Json]:
        """An event for each of *devices*, all of which we can speak to."""
        with self.saving():
            return {
                one: self._olm.seal_for(
                    self._olm.session_store.get(one.curve25519), one, kind, content
                )
                for one in devices
            }

    def take(self, event: Json) -> NewKey | Unread | None:
        """Read an ``m.room.encrypted`` event that a device sent to us."""
        self._olm.is_unread = self._olm.is_key_used = False
        try:
            found = OlmEvent.from_dict(event)
            inner = self._olm.decrypt_event(found) if isinstance(found, OlmEvent) else None
        except _HOSTILE:
            self._olm.is_unread, inner = True, None
        if self._olm.is_key_used:
            # nio saves before it opens the message, which is when the one-time key goes.
            self._olm.save_account()
        if isinstance(inner, RoomKeyEvent):
            return NewKey(inner.session_id)
        if not self._olm.is_unread:
            return None
        return Unread(
            text(event.get("sender")), text(table(event.get("content")).get("sender_key"))
        )

    # Keys of rooms.

    def new_group_key(self, room: str, *, messages: int, seconds: float) -> GroupKey:
        """A new key to seal with in *room*, for so many *messages* and *seconds*."""
        with self.saving():
            self._olm.create_outbound_group_session(room)
        session = self._olm.outbound_group_sessions[room]
        session.max_messages, session.max_age = messages, timedelta(seconds=seconds)
        # Who has it is known elsewhere: to nio a session is shared with all or with nobody.
        session.mark_as_shared()
        return GroupKey(session)

    def inbound_keys(self, room: str, session_id: str) -> list[InboundKey]:
        """The keys of that session; more than one where somebody passed another's key on."""
        by_sender = self._olm.inbound_group_store[room]
        return [
            InboundKey(sender_key, found[session_id])
            for sender_key, found in by_sender.items()
            if session_id in found
        ]

    def is_replay(self, key: InboundKey, session_id: str, index: int, event_id: str) -> bool:
        """Whether another event was that message of the session before."""
        seen = self._olm.message_index_store
        return bool(seen.setdefault((key.sender_key, session_id, index), event_id) != event_id)

    def encrypted_rooms(self) -> set[str]:
        """The rooms that were ever seen to be encrypted, by any device of ours."""
        return {room for (room,) in self.run("SELECT DISTINCT room_id FROM encryptedrooms")}

    def keep_encrypted(self, rooms: Iterable[str]) -> None:
        """*rooms* are encrypted, for ever."""
        self._store.save_encrypted_rooms(set(rooms))


def index_of(ciphertext: str) -> int | None:
    """Which of its session's messages *ciphertext* is; None if it is none."""
    try:
        return int(vodozemac.MegolmMessage.from_base64(ciphertext).message_index())
    except _HOSTILE:
        return None


def _stays(old: Any, new: Device) -> bool:
    return bool(old.ed25519 != new.ed25519 or old.curve25519 == new.curve25519)
