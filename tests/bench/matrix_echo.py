"""The bare bot that the program is measured against: nio's AsyncClient on asyncio, an echo.

As nio's own first example has it, with encryption, but for the log, which costs it nothing here.
"""

import asyncio
import os

from nio import (  # type: ignore[import-untyped]  # it ships no types
    AsyncClient,
    AsyncClientConfig,
    MatrixRoom,
    RoomMessageText,
)


async def main() -> None:
    """Sync until somebody kills us."""
    config = AsyncClientConfig(store_sync_tokens=True)
    client = AsyncClient(
        os.environ["MATRIX_HOMESERVER"],
        os.environ["MATRIX_USER_ID"],
        store_path=".",
        config=config,
    )

    async def echo(room: MatrixRoom, event: RoomMessageText) -> None:
        if event.sender == client.user_id:
            return
        await client.room_send(
            room.room_id,
            "m.room.message",
            {"msgtype": "m.text", "body": event.body},
            ignore_unverified_devices=True,
        )

    client.add_event_callback(echo, RoomMessageText)
    await client.login(os.environ["MATRIX_PASSWORD"])
    await client.sync_forever(timeout=30_000, full_state=True)


if __name__ == "__main__":
    asyncio.run(main())
