"""Keeps the server supplied with public keys of ours, so that others can begin to speak to us."""

from http import HTTPStatus
from typing import Any, assert_never

import structlog
from attrs import define

from actors.matrix.api.patience import insist, pause
from actors.matrix.api.replies import Done, Refused, TokenRefused
from actors.matrix.api.status import Status
from actors.matrix.crypto.machine import Machine
from actors.matrix.crypto.requests import SIGNED_KEY, KeyRequests
from actors.matrix.crypto.shapes import tables, texts
from actors.surfaces.shapes import table

Json = dict[str, Any]

log = structlog.get_logger("matrix.supply")


@define
class Supply:
    """Our device's keys, one-time keys and fallback key, on the server.

    Keys are saved before they go up. An upload that may have failed is made again with the same
    keys, which the server takes for the same.

    Args:
        count: One-time keys that the server has; None where it has to be asked.
        has_fallback: Whether it has a fallback key that nobody has used.
    """

    requests: KeyRequests
    machine: Machine
    status: Status
    count: int | None = None
    has_fallback: bool = True

    def take(self, page: Json) -> None:
        """Learn from an answer of ``/sync`` what the server still has."""
        counts = page.get("device_one_time_keys_count")
        if isinstance(counts, dict):
            # A kind of key that is not named has none left.
            self.count = _number(counts.get(SIGNED_KEY))
        elif tables(table(page.get("to_device")).get("events")):
            self.count = None
        fallback = page.get("device_unused_fallback_key_types")
        if isinstance(fallback, list):
            self.has_fallback = SIGNED_KEY in texts(fallback)

    @property
    def is_short(self) -> bool:
        """Whether something has to go up, or to be asked."""
        return (
            not self.machine.is_shared
            or self.count is None
            or self.count <= self.machine.most_one_time_keys // 2
            or not self.has_fallback
        )

    def device_keys(self) -> Json:
        """Who our device is, signed by itself."""
        device_id, identity = self.machine.device_id, self.machine.identity
        return self.machine.signed(
            {
                "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
                "device_id": device_id,
                "user_id": self.machine.user_id,
                "keys": {f"{kind}:{device_id}": key for kind, key in identity.items()},
            }
        )

    async def fill(self) -> None:
        """Upload until nothing is short, however long it takes, or until our session has ended."""
        streak = 0
        while self.is_short:
            body = self._body()
            match await insist(self.status, lambda body=body: self.requests.upload(body)):  # type: ignore[misc]  # mypy infers no defaults
                case Done(answer):
                    self._note_done(body, answer)
                    streak = 0
                case Refused(status, errcode):
                    log.warning("keys.refused", status=status, errcode=errcode)
                    if status == HTTPStatus.BAD_REQUEST and errcode:
                        # Keys under ids that the server has from another life of this account's:
                        # the next ones get other ids. Not for any other refusal: each set of
                        # new keys pushes out old ones, which somebody may have claimed.
                        self.machine.note_published()
                    self.count, streak = None, streak + 1
                    await pause(self.status, f"{status} {errcode}", streak)
                case TokenRefused():
                    return
                case never:
                    assert_never(never)

    def _body(self) -> Json:
        """What goes up: nothing where the server only has to be asked what it has."""
        self._make()
        one_time, fallback = self.machine.unpublished()
        body: Json = {}
        if not self.machine.is_shared:
            body["device_keys"] = self.device_keys()
        if one_time:
            signed = {
                _id(name): self.machine.signed({"key": key}) for name, key in one_time.items()
            }
            body["one_time_keys"] = signed
        if fallback:
            body["fallback_keys"] = {
                _id(name): self.machine.signed({"key": key, "fallback": True})
                for name, key in fallback.items()
            }
        return body

    def _make(self) -> None:
        one_time, fallback = self.machine.unpublished()
        count = self.count if self.machine.is_shared else 0
        if count is not None and not one_time and count < self.machine.most_one_time_keys:
            self.machine.make_one_time_keys(self.machine.most_one_time_keys - count)
        if not fallback and not (self.has_fallback and self.machine.is_shared):
            self.machine.make_fallback_key()

    def _note_done(self, body: Json, answer: Json) -> None:
        self.machine.note_published()
        self.machine.note_shared(is_shared=True)
        counts = table(answer.get("one_time_key_counts"))
        # What we have just uploaded is there, whatever is said: or we would go on for ever.
        uploaded = len(body.get("one_time_keys", {}))
        self.count = max(_number(counts.get(SIGNED_KEY)), uploaded)
        self.has_fallback = self.has_fallback or "fallback_keys" in body
        log.info("keys.uploaded", one_time=uploaded, on_server=self.count)


def _number(found: Any) -> int:
    return found if isinstance(found, int) and found > 0 else 0


def _id(name: str) -> str:
    return f"{SIGNED_KEY}:{name}"
