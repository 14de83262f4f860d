"""The account's cross-signing keys, ours and those that the server shows; pure.

Source: Matrix specification, "Cross-signing".
"""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from actors.matrix.crypto.signing import SEED_BYTES, SigningKey, decoded, is_signed, unpadded

Json = dict[str, Any]

USAGES = ("master", "self_signing", "user_signing")
"""What each of the three keys is for; the master key signs the other two."""


def secret_name(usage: str) -> str:
    """The name of the key's seed in the account's secret storage."""
    return f"m.cross_signing.{usage}"


@frozen
class Identity:
    """The account's three private keys.

    Args:
        storage_key_id: Of the secret storage key that was made with them; empty for none.
    """

    user_id: str
    master: SigningKey
    self_signing: SigningKey
    user_signing: SigningKey
    storage_key_id: str = ""

    @classmethod
    def of_secrets(cls, user_id: str, secrets: Mapping[str, object]) -> "Identity | None":
        """The identity whose seeds are *secrets*, by usage; None where they are none."""
        keys = [_key_of(secrets.get(usage)) for usage in USAGES]
        match keys:
            case [
                SigningKey() as master,
                SigningKey() as self_signing,
                SigningKey() as user_signing,
            ]:
                return cls(user_id, master, self_signing, user_signing)
            case _:
                return None

    def secrets(self) -> dict[str, str]:
        """The seeds by usage, as they are kept in secret storage."""
        return {usage: unpadded(self.key(usage).seed) for usage in USAGES}

    def key(self, usage: str) -> SigningKey:
        """The key for *usage*."""
        return {
            "master": self.master,
            "self_signing": self.self_signing,
            "user_signing": self.user_signing,
        }[usage]

    def published_form(self, usage: str) -> Json:
        """The public key for *usage* as it stands on the server."""
        key = self.key(usage)
        plain = {"user_id": self.user_id, "usage": [usage], "keys": {key.key_id: key.public}}
        return plain if usage == "master" else self.master.signed(plain, self.user_id)


@frozen
class Published:
    """What the server shows of an account: its public keys by usage, and one device's keys."""

    keys: dict[str, Json] = field(factory=dict)
    device: Json = field(factory=dict)

    @classmethod
    def of(cls, answer: Json, user_id: str, device_id: str) -> "Published":
        """What an answer of ``/keys/query`` shows; what makes no sense counts as not there."""
        keys = {usage: _part(answer, f"{usage}_keys", user_id) for usage in USAGES}
        return cls(
            {usage: key for usage, key in keys.items() if key},
            _part(answer, "device_keys", user_id, device_id),
        )

    @property
    def has_any(self) -> bool:
        """Whether the account has cross-signing keys, of whomever."""
        return bool(self.keys)

    def is_of(self, identity: Identity) -> bool:
        """Whether every key that is there is one of *identity*'s."""
        return all(_public(key) == identity.key(usage).public for usage, key in self.keys.items())

    def missing(self, identity: Identity) -> list[str]:
        """The usages for which *identity*'s keys are not there, or not signed by its master key."""
        return [usage for usage in USAGES if not self._is_whole(identity, usage)]

    def _is_whole(self, identity: Identity, usage: str) -> bool:
        key = self.keys.get(usage)
        if key is None or usage == "master":
            return key is not None
        return is_signed(key, user_id=identity.user_id, public=identity.master.public)


def _key_of(text: object) -> SigningKey | None:
    seed = decoded(text)
    return SigningKey(seed) if seed is not None and len(seed) == SEED_BYTES else None


def _part(found: object, *path: str) -> Json:
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _public(key: Json) -> str:
    """The one public key in a cross-signing key's object; empty where there is not one."""
    keys = _part(key, "keys")
    names = list(keys.values())
    return names[0] if len(names) == 1 and isinstance(names[0], str) else ""
