"""The account's keys in its secret storage on the server, which only a recovery key opens."""

import os
from typing import Any

import structlog

from actors.matrix.crypto.identity import USAGES, Identity, Published, secret_name
from actors.matrix.crypto.own_keys import OwnKeys
from actors.matrix.crypto.recovery import IV_BYTES, StorageKey

Json = dict[str, Any]

log = structlog.get_logger("matrix.identity")

_DEFAULT = "m.secret_storage.default_key"
_MOST_KEYS = 16
"""Storage keys that are tried: nobody has more, whatever the account's data says."""


async def store_identity(own: OwnKeys, identity: Identity, key: StorageKey) -> None:
    """Put *identity* where *key* opens it; what others keep there stays.

    The key becomes the account's default one if there is none.
    """
    await own.set_account_data(_description_of(key.id), key.description(os.urandom(IV_BYTES)))
    for usage, secret in identity.secrets().items():
        name = secret_name(usage)
        others = _encrypted(await own.account_data(name))
        sealed = key.sealed(name, secret, os.urandom(IV_BYTES))
        await own.set_account_data(name, {"encrypted": {**others, key.id: sealed}})
    default = (await own.account_data(_DEFAULT)).get("key")
    if not default:
        # Last: apps take a default key for one that opens everything.
        await own.set_account_data(_DEFAULT, {"key": key.id})
    elif default != key.id:
        log.info("default_key.left", key_id=key.id)


async def restored_identity(own: OwnKeys, key: bytes, published: Published) -> Identity | None:
    """The identity that *published* shows; None if *key* does not open it in secret storage."""
    sealed = {usage: _encrypted(await own.account_data(secret_name(usage))) for usage in USAGES}
    for key_id in list(sealed["master"])[:_MOST_KEYS]:
        storage_key = StorageKey(key_id, key)
        if not storage_key.fits(await own.account_data(_description_of(key_id))):
            continue
        secrets = {
            usage: storage_key.opened(secret_name(usage), sealed[usage].get(key_id))
            for usage in USAGES
        }
        identity = Identity.of_secrets(own.user_id, secrets)
        if identity is not None and published.is_of(identity):
            return identity
    return None


def _description_of(key_id: str) -> str:
    return f"m.secret_storage.key.{key_id}"


def _encrypted(content: Json) -> Json:
    found = content.get("encrypted")
    return found if isinstance(found, dict) else {}
