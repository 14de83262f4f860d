"""Opens encrypted events: what others sealed, in the place where they sealed it."""

import json
from typing import Any

from attrs import define, field

from actors.matrix.crypto.group_keys import InboundKey
from actors.matrix.crypto.machine import Machine, index_of
from actors.matrix.crypto.port import Broken, KeyMissing, Opened
from actors.matrix.crypto.shapes import text
from actors.surfaces.shapes import table

Json = dict[str, Any]

_MOST_WITHHELD = 10_000


@define
class Unsealing:
    """Reads events with the keys that have come."""

    machine: Machine
    _withheld: dict[str, None] = field(factory=dict)

    def withhold(self, session_id: str) -> None:
        """Somebody said that we will not get the key of *session_id*."""
        self._withheld[session_id] = None
        if len(self._withheld) > _MOST_WITHHELD:
            del self._withheld[next(iter(self._withheld))]

    def open(self, room: str, event: Json) -> Opened | KeyMissing | Broken:
        """What was in *event*."""
        content = table(event.get("content"))
        session_id, ciphertext = text(content.get("session_id")), text(content.get("ciphertext"))
        if content.get("algorithm") != "m.megolm.v1.aes-sha2":
            return Broken("sealed in a way that we do not know")
        index = index_of(ciphertext)
        if not session_id or index is None:
            return Broken("not what the specification says")
        # Anybody in the room can pass a key on as theirs, also before it comes from its owner.
        able = [
            key
            for key in self.machine.inbound_keys(room, session_id)
            if self._is_of(key, text(event.get("sender"))) and key.first_index <= index
        ]
        if not able:
            return KeyMissing(session_id, is_withheld=session_id in self._withheld)
        return self._read(room, event, able[0], index)

    def _is_of(self, key: InboundKey, sender: str) -> bool:
        """Whether *key* is of a device of *sender*, or of one that we do not know."""
        owners = self.machine.owners(key.sender_key)
        return not owners or sender in owners

    def _read(
        self, room: str, event: Json, key: InboundKey, index: int
    ) -> Opened | KeyMissing | Broken:
        content = event["content"]
        words = key.read(content["ciphertext"])
        inner = _parsed(words) if words is not None else None
        if inner is None:
            return Broken("damaged, or not what the specification says")
        if inner["room_id"] != room:
            return Broken("sealed for another room")
        event_id = text(event.get("event_id"))
        if self.machine.is_replay(key, content["session_id"], index, event_id):
            return Broken("an earlier message, sent again by somebody")
        return Opened(event | {"type": inner["type"], "content": _content(inner, content)})


def _parsed(words: str) -> Json | None:
    """The event that was sealed, if it is one."""
    try:
        found = table(json.loads(words))
    except (ValueError, RecursionError):
        return None
    shapes = (found.get("type"), found.get("room_id"), found.get("content"))
    is_event = isinstance(shapes[0], str) and isinstance(shapes[1], str)
    return found if is_event and isinstance(shapes[2], dict) else None


def _content(inner: Json, outer: Json) -> Json:
    """What was said, and to what: the relation stands outside, where the server sees it."""
    content: Json = inner["content"]
    if "m.relates_to" in content or "m.relates_to" not in outer:
        return content
    return content | {"m.relates_to": outer["m.relates_to"]}
