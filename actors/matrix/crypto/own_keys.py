"""Requests about the keys of our own account; each waits until the server has an answer."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Protocol, assert_never

from attrs import define

from actors.matrix.api.patience import Settled, insist, pause
from actors.matrix.api.replies import Done, Refused, Reply, TokenRefused, path_to
from actors.matrix.api.status import Status
from actors.matrix.crypto.identity import Identity, Published

Json = dict[str, Any]

_BY_PASSWORD = "m.login.password"  # noqa: S105  # the name of a stage
_NOT_SHOWN = "the homeserver does not show this device's keys"
_MOST_LOOKS = 4


class StepRefusedError(Exception):
    """The server does not do a step, and without it there is no next one; the text says more.

    The text stands in logs and in the tree.
    """


class Requests(Protocol):
    """Sends requests to the homeserver as its session."""

    async def request(self, method: str, path: str, body: Json | None = None) -> Reply:
        """One request of the client-server API; *path* is one of ``path_to``."""


@define
class OwnKeys:
    """What the server holds of the keys of *user_id* on *device_id*, who we are.

    Every method raises ``StepRefusedError`` where the server will not do it.
    """

    server: Requests
    status: Status
    user_id: str
    device_id: str

    async def published(self) -> Published:
        """The account's public keys, and those of our device, which are there already.

        An answer without our device is none: from one that shows nothing it would follow that
        the account has no identity.
        """
        for streak in range(1, _MOST_LOOKS + 1):
            answer = await self._done(
                "POST", path_to("keys", "query"), {"device_keys": {self.user_id: []}}
            )
            found = Published.of(answer, self.user_id, self.device_id)
            if found.device:
                return found
            await pause(self.status, _NOT_SHOWN, streak)
        raise StepRefusedError(_NOT_SHOWN)

    async def publish(self, identity: Identity, usages: list[str], password: str) -> None:
        """Make *identity*'s keys for *usages* the account's.

        The *password* is shown where the server wants to see it.
        """
        path = path_to("keys", "device_signing", "upload")
        keys = {f"{usage}_key": identity.published_form(usage) for usage in usages}
        reply = await self._settled("POST", path, keys)
        if isinstance(reply, Refused) and reply.status == HTTPStatus.UNAUTHORIZED:
            auth = self._auth(password, reply.body)
            # With the password it would replace whatever another app has published meanwhile.
            if not (await self.published()).is_of(identity):
                raise StepRefusedError("another app has just made keys for the account")
            reply = await self._settled("POST", path, keys | {"auth": auth})
            if isinstance(reply, Refused) and reply.status == HTTPStatus.UNAUTHORIZED:
                raise StepRefusedError("the homeserver refused the password: set MATRIX_PASSWORD")
        _body_of(reply, "the account's keys")

    async def add_signatures(self, signed: dict[str, Json]) -> None:
        """Add the signatures in *signed*: the id of a device or of the master key → its object."""
        path = path_to("keys", "signatures", "upload")
        answer = await self._done("POST", path, {self.user_id: signed})
        if answer.get("failures"):
            raise StepRefusedError("the homeserver did not take the signature of this device")

    async def account_data(self, kind: str) -> Json:
        """What the account keeps under *kind*; empty for nothing."""
        reply = await self._settled("GET", self._account_data(kind))
        if isinstance(reply, Refused) and reply.status == HTTPStatus.NOT_FOUND:
            return {}
        return _body_of(reply, "the account's data")

    async def set_account_data(self, kind: str, content: Json) -> None:
        """Keep *content* under *kind*, in place of what was there."""
        await self._done("PUT", self._account_data(kind), content)

    def _account_data(self, kind: str) -> str:
        return path_to("user", self.user_id, "account_data", kind)

    def _auth(self, password: str, wanted: Json) -> Json:
        """What shows that a person who may do it does it, if the password is enough for that."""
        if not _is_password_enough(wanted):
            raise StepRefusedError(
                "the homeserver wants a person's approval before it takes the account's keys: "
                "give it in the account's settings there, then debug restart matrix"
            )
        if not password:
            raise StepRefusedError(
                "the homeserver wants the password before it takes the account's keys: "
                "set MATRIX_PASSWORD"
            )
        return {
            "type": _BY_PASSWORD,
            "identifier": {"type": "m.id.user", "user": self.user_id},
            "password": password,
            "session": wanted.get("session"),
        }

    async def _done(self, method: str, path: str, body: Json) -> Json:
        return _body_of(await self._settled(method, path, body), "the account's keys")

    async def _settled(self, method: str, path: str, body: Json | None = None) -> Settled:
        return await insist(self.status, lambda: self.server.request(method, path, body))


def _body_of(reply: Settled, what: str) -> Json:
    match reply:
        case Done(body):
            return body
        case TokenRefused():
            raise StepRefusedError("the homeserver ended the session")
        case Refused(status, errcode):
            raise StepRefusedError(f"the homeserver refused {what} ({status} {errcode})")
        case _:
            assert_never(reply)


def _is_password_enough(wanted: Json) -> bool:
    """Whether one of the ways in that are offered is the password alone."""
    flows = wanted.get("flows")
    if not isinstance(flows, list):
        return False
    return any(_stages(flow) == [_BY_PASSWORD] for flow in flows)


def _stages(flow: object) -> list[object]:
    stages = flow.get("stages") if isinstance(flow, dict) else None
    return list(stages) if isinstance(stages, Iterable) else []
