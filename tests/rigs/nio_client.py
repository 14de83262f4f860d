"""Somebody's client that is made with nio, as a process of its own.

    python -m tests.rigs.nio_client HOMESERVER USER PASSWORD

It keeps its keys in the working directory. Each line of standard input is an event to send, as
JSON with ``room``, ``type`` and ``content``; each line of standard output is something that
happened: ``{"ready": true}``, ``{"sent": EVENT_ID}``, or a message with ``room``, ``sender``,
``body`` and ``is_encrypted``; the ``body`` of one that it cannot decrypt is null.
"""

import asyncio
import json
import sys
from typing import Any

from nio import (  # type: ignore[import-untyped]  # it ships no types
    AsyncClient,
    MatrixRoom,
    MegolmEvent,
    RoomMessage,
)


async def main(homeserver: str, user_id: str, password: str) -> None:
    """Follow the rooms and send what is asked for, until standard input ends."""
    client = AsyncClient(homeserver, user_id, store_path=".")

    async def tell(room: MatrixRoom, event: Any) -> None:
        body = None if isinstance(event, MegolmEvent) else event.source["content"].get("body")
        is_encrypted = isinstance(event, MegolmEvent) or event.decrypted
        said = {"room": room.room_id, "sender": event.sender, "body": body}
        _print(said | {"is_encrypted": is_encrypted})

    client.add_event_callback(tell, (RoomMessage, MegolmEvent))
    await client.login(password)
    await client.sync(full_state=True)
    _print({"ready": True})
    following = asyncio.create_task(client.sync_forever(timeout=2_000))
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        while asked["room"] not in client.rooms:
            await client.synced.wait()
        sent = await client.room_send(
            asked["room"], asked["type"], asked["content"], ignore_unverified_devices=True
        )
        _print({"sent": sent.event_id})
    following.cancel()
    await client.close()


def _print(what: object) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
