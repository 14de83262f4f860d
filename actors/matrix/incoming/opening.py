"""Takes events out of their encryption; what cannot be read now is kept for its key."""

from typing import assert_never

from actors.matrix.crypto.port import Broken, KeyMissing, Opened, Vault
from actors.matrix.incoming.batch import KIND, SOURCE, Batch, Room, SealedEvent
from actors.matrix.incoming.decode import SEALABLE
from actors.matrix.incoming.meaning import Unreadable
from actors.matrix.incoming.shapes import is_name, is_redacted, is_time_ms, written
from actors.surfaces.shapes import Json, table, text_in
from protocols.changes import AddDeadLetter


def is_sealed(event: Json, me: str) -> bool:
    """Whether *event* is somebody else's encrypted one."""
    sender = event.get("sender")
    return (
        event.get("type") == "m.room.encrypted"
        and isinstance(event.get("content"), dict)
        and "state_key" not in event
        and not is_redacted(event)
        and is_name(event.get("event_id"), "$")
        and is_name(sender, "@")
        and is_time_ms(event.get("origin_server_ts"))
        and sender != me
    )


def opened(vault: Vault, event: Json, room: Room, batch: Batch) -> Json | None:
    """The sealed *event* as if it had been sent in the open.

    None where it cannot be read: *batch* then says why.
    """
    name = room.names.get(event["sender"], "")
    session_id = text_in(table(event.get("content")).get("session_id"))
    match vault.unseal(room.native, event):
        case Opened(inner):
            return unwrapped(event, inner)
        case KeyMissing() if not written(event):
            batch.add(Unreadable("an encrypted event that is too deep to be kept", ""))
        case KeyMissing(key, is_withheld):
            batch.sealed.append(SealedEvent(room.native, event, key, name, is_withheld))
        case Broken(reason):
            batch.extra.append(AddDeadLetter(SOURCE, KIND, reason))
            batch.sealed.append(SealedEvent(room.native, event, session_id, name, is_broken=True))
        case never:
            assert_never(never)
    return None


def unwrapped(event: Json, inner: Json) -> Json | None:
    """What was in *event*, under its own id, sender and time; None for what may not be in one.

    Those who can write in the room may put anything inside, such as a state event.
    """
    kind = inner.get("type")
    if not isinstance(kind, str) or kind not in SEALABLE:
        return None
    outer = {key: event.get(key) for key in ("event_id", "sender", "origin_server_ts", "unsigned")}
    return {"type": kind, "content": table(inner.get("content")), **outer}
