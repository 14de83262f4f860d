"""A device of the account and its keys on the server, and signatures checked in the
specification's words: nothing here comes from the code under test."""

import base64
import json
from functools import partial
from typing import Any
from urllib.parse import quote

import trio
from attrs import field, frozen
from Crypto.PublicKey import ECC
from Crypto.Random import get_random_bytes
from Crypto.Signature import eddsa

from tests.rigs.synapse import Account, MatrixRefusedError, Synapse

Json = dict[str, Any]


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def bytes_of(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


def canonical(value: Json) -> bytes:
    plain = {key: value[key] for key in value if key not in {"signatures", "unsigned"}}
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def verify(value: Json, user_id: str, key_id: str, public: str) -> None:
    """Raise unless *value* carries the signature *key_id* of *user_id* by the key *public*."""
    key = eddsa.import_public_key(bytes_of(public))
    signature = bytes_of(value["signatures"][user_id][key_id])
    eddsa.new(key, "rfc8032").verify(canonical(value), signature)


def published_form(user_id: str, usage: str, key: ECC.EccKey, signer: ECC.EccKey) -> Json:
    """A cross-signing key as it is published, signed by *signer*."""
    public = public_of(key)
    value = {"user_id": user_id, "usage": [usage], "keys": {f"ed25519:{public}": public}}
    return value | {"signatures": {user_id: {f"ed25519:{public_of(signer)}": sign(signer, value)}}}


def public_of(key: ECC.EccKey) -> str:
    return base64_of(key.public_key().export_key(format="raw"))


def sign(key: ECC.EccKey, value: Json) -> str:
    return base64_of(eddsa.new(key, "rfc8032").sign(canonical(value)))


@frozen
class OlmDevice:
    """One device; ``keys`` are what it uploads of itself."""

    account: Account
    _key: ECC.EccKey = field(factory=lambda: ECC.generate(curve="Ed25519"), repr=False)
    _curve: str = field(factory=lambda: base64_of(get_random_bytes(32)))

    @property
    def keys(self) -> Json:
        device_id, user_id = self.account.device_id, self.account.user_id
        value = {
            "user_id": user_id,
            "device_id": device_id,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "keys": {
                f"curve25519:{device_id}": self._curve,
                f"ed25519:{device_id}": public_of(self._key),
            },
        }
        return self.signed(value)

    def signed(self, value: Json) -> Json:
        """*value* with this device's signature."""
        key_id = f"ed25519:{self.account.device_id}"
        signatures = {self.account.user_id: {key_id: sign(self._key, value)}}
        return value | {"signatures": signatures}


@frozen
class KeyServer:
    """The key requests of one account, sent past the code under test."""

    synapse: Synapse
    account: Account

    async def request(self, method: str, path: str, body: Json | None = None) -> Json:
        ask = partial(
            self.synapse.request,
            method,
            f"/_matrix/client/v3{path}",
            body,
            token=self.account.token,
        )
        return await trio.to_thread.run_sync(ask)

    async def upload(self, device: OlmDevice) -> None:
        await self.request("POST", "/keys/upload", {"device_keys": device.keys})

    async def query(self, user_id: str = "") -> Json:
        """What the account sees of the keys of *user_id*, or of its own."""
        wanted: Json = {"device_keys": {user_id or self.account.user_id: []}}
        return await self.request("POST", "/keys/query", wanted)

    async def account_data(self, kind: str) -> Json:
        """What the account keeps under *kind*; empty for nothing."""
        try:
            return await self.request("GET", self._path(kind))
        except MatrixRefusedError:
            return {}

    async def set_account_data(self, kind: str, content: Json) -> None:
        await self.request("PUT", self._path(kind), content)

    def _path(self, kind: str) -> str:
        return f"/user/{quote(self.account.user_id)}/account_data/{quote(kind)}"

    async def check(self, device: OlmDevice) -> Json:
        """Walk from the account's master key to *device* and back; raise where a link is missing.

        Gives what the server shows.
        """
        return await self.check_keys(device.account.device_id, device.keys["keys"])

    async def check_keys(self, device_id: str, keys: dict[str, str]) -> Json:
        """The same for the device *device_id* whose public keys are *keys*."""
        shown, user_id = await self.query(), self.account.user_id
        walk(shown, user_id, device_id, keys)
        master = shown["master_keys"][user_id]
        ((key_id, public),) = master["keys"].items()
        verify(shown["user_signing_keys"][user_id], user_id, key_id, public)
        assert shown["user_signing_keys"][user_id]["usage"] == ["user_signing"]
        own = f"ed25519:{device_id}"
        verify(master, user_id, own, keys[own])
        return shown


def walk(shown: Json, user_id: str, device_id: str, keys: dict[str, str]) -> None:
    """Raise unless *shown* leads from the master key of *user_id* to the device's *keys*."""
    master = shown["master_keys"][user_id]
    ((key_id, public),) = master["keys"].items()
    assert master["usage"] == ["master"]
    assert key_id == f"ed25519:{public}"
    self_signing = shown["self_signing_keys"][user_id]
    assert self_signing["usage"] == ["self_signing"]
    assert self_signing["user_id"] == user_id
    verify(self_signing, user_id, key_id, public)
    ((key_id, public),) = self_signing["keys"].items()
    device = shown["device_keys"][user_id][device_id]
    assert device["keys"] == keys
    verify(device, user_id, key_id, public)
    own = f"ed25519:{device_id}"
    verify(device, user_id, own, keys[own])
