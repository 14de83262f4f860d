"""Takes what an answer of ``/sync`` says of keys, in pieces that hold nobody up."""

from typing import Any, assert_never

import structlog
import trio
from attrs import define, field

from actors.matrix.crypto.device import NewKey, Unread
from actors.matrix.crypto.machine import Machine
from actors.matrix.crypto.shapes import batches, tables, text
from actors.matrix.crypto.taken import Taken
from actors.matrix.crypto.unsealing import Unsealing
from actors.matrix.crypto.wedged import Wedged
from actors.surfaces.shapes import table

Json = dict[str, Any]

log = structlog.get_logger("matrix.receiving")

_AT_ONCE = 2  # each takes some 6 ms, and the disk some more


@define
class Receiving:
    """Events that other devices sent to this one."""

    machine: Machine
    taken: Taken
    unsealing: Unsealing
    wedged: Wedged
    _new_keys: set[str] = field(factory=set)

    async def take(self, page: Json) -> None:
        """Take the page's to-device events. Those that we took before are not opened twice."""
        events = tables(table(page.get("to_device")).get("events"))
        for some in batches(events, _AT_ONCE):
            with self.machine.saving():
                for event in some:
                    self._take(event)
            await trio.lowlevel.checkpoint()
        if events:
            self.taken.trim()

    def take_new_keys(self) -> frozenset[str]:
        """The sessions whose keys came since the last call, or whose keys will not come."""
        found, self._new_keys = frozenset(self._new_keys), set()
        return found

    def _take(self, event: Json) -> None:
        match text(event.get("type")):
            case "m.room.encrypted":
                self._open(event)
            case "m.room_key.withheld" | "org.matrix.room_key.withheld":
                self._hear_of_withheld(event)
            case _:
                pass

    def _open(self, event: Json) -> None:
        ours = table(table(event.get("content")).get("ciphertext")).get(self._own_key)
        ciphertext = text(table(ours).get("body"))
        if not ciphertext:
            return
        session_id = self.taken.session_of(ciphertext)
        if session_id is None:
            session_id = self._read(event)
            self.taken.note(ciphertext, session_id)
        if session_id:
            self._new_keys.add(session_id)

    @property
    def _own_key(self) -> str:
        return self.machine.identity["curve25519"]

    def _read(self, event: Json) -> str:
        """The session whose key *event* brought; empty for none."""
        found = self.machine.take(event)
        match found:
            case NewKey(session_id):
                return session_id
            case Unread():
                log.warning("device.unread", user_id=found.user_id)
                self.wedged.note(found)
                return ""
            case None:
                return ""
            case _:
                assert_never(found)

    def _hear_of_withheld(self, event: Json) -> None:
        content = table(event.get("content"))
        session_id, code = text(content.get("session_id")), text(content.get("code"))
        log.info("key.withheld", user_id=text(event.get("sender")), code=code[:40])
        if session_id:
            self.unsealing.withhold(session_id)
            self._new_keys.add(session_id)
        elif code == "m.no_olm":
            self.wedged.note(Unread(text(event.get("sender")), text(content.get("sender_key"))))
