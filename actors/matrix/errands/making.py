"""Makes rooms, each one once, whatever breaks off on the way."""

import json
import secrets
from functools import partial
from http import HTTPStatus

import structlog
import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.replies import Done, Json, Refused, path_to
from actors.matrix.errands.creation import Step, alias_name, alias_of, steps
from actors.matrix.errands.lines import Line, pause
from protocols.changes import PutKey
from protocols.mail import Address
from protocols.store import Commit, GetKey, StoreMessage

log = structlog.get_logger("matrix.rooms")

SECRET_KEY = "matrix_alias_secret"  # noqa: S105  # the key, not the secret
"""The key of what makes our aliases nobody else's guess."""

_CREATED_WITHIN = 60.0
_MOST_LOOKS = 5


@define
class Maker:
    """Knows each room by an alias, so that making it again finds it."""

    server: Homeserver
    store: Address[StoreMessage]
    line: Line
    _secret: str = ""
    _lock: trio.Lock = field(factory=trio.Lock)

    async def alias(self, *facts: str) -> str:
        """The local name of the room that *facts* tell: always the same."""
        async with self._lock:
            self._secret = self._secret or await self._kept_secret()
        return alias_name(self._secret, self.line.account.me, *facts)

    async def make(self, body: Json) -> str | Refused | None:
        """The room of *body*, made now or before; None for trouble that does not pass."""
        create = partial(
            self.server.request, "POST", path_to("createRoom"), body, within=_CREATED_WITHIN
        )
        match await self.line.insist(create):
            case Done({"room_id": str(room)}):
                return room
            # Where two come at once, Synapse refuses the alias in other words than M_ROOM_IN_USE.
            case Refused() as refused:
                return await self._find(body, refused)
            case _:
                return None

    async def _find(self, body: Json, refused: Refused) -> str | Refused | None:
        """The room that was made before; *refused* if there is none."""
        alias = alias_of(body, self.line.account.me)
        look = partial(self.server.request, "GET", path_to("directory", "room", alias))
        match await self.line.insist(look):
            case Done({"room_id": str(room)}):
                return await self._whole(room, body)
            case Refused():
                log.warning("room.refused", status=refused.status, errcode=refused.errcode)
                return refused
            case _:
                return None

    async def _whole(self, room: str, body: Json) -> str | Refused | None:
        """*room* when nothing of it is missing; the server may still be about it."""
        found: Done | Refused | None = None
        for streak in range(1, _MOST_LOOKS + 1):
            await pause(streak)
            found = await self._complete(room, body)
            if isinstance(found, Done):
                return room
        log.warning("room.incomplete", room=room)
        return found if isinstance(found, Refused) else None

    async def _complete(self, room: str, body: Json) -> Done | Refused | None:
        """Add what is missing where a server broke off; done where nothing is missing."""
        for step in steps(room, body):
            found = await self._take(step)
            if not isinstance(found, Done):
                return found
        return Done({})

    async def _take(self, step: Step) -> Done | Refused | None:
        found = await self.line.insist(partial(self.server.request, "GET", step.path))
        if isinstance(found, Refused) and found.status == HTTPStatus.NOT_FOUND:
            add = partial(self.server.request, step.method, step.onto, step.body)
            return await self.line.insist(add)
        return found

    async def _kept_secret(self) -> str:
        kept = await ask_until_answered(self.store, GetKey(SECRET_KEY))
        if kept is None:
            kept = json.dumps(secrets.token_hex(16))
            await ask_until_answered(self.store, Commit((PutKey(SECRET_KEY, kept),)))
        return str(json.loads(kept))
