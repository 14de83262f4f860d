"""A process that writes to a store until it is killed: ``python -m tests.actors.store.writer``.

Prints ``ready`` once the store answers, then each event's id once it is acknowledged.
"""

import os
import resource
import sys
from pathlib import Path

import trio

from actors.kernel.mailbox import Mailbox
from actors.store.actor import StoreActor
from actors.store.errors import StoreFileError
from protocols.changes import AddOutgoing
from protocols.journal import Cursor, Voice
from protocols.mail import Address
from protocols.store import Commit, Journal, ReadCursor, StoreMessage
from tests.actors.store.asking import MATRIX, ROOM, arrival

_CLIENTS = 20


def main(path: Path, name: str, largest_file_bytes: int) -> None:
    """Write until killed, or until the disk's limit is met."""
    if largest_file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file_bytes, largest_file_bytes))
    trio.run(_run, path, name)


async def _run(path: Path, name: str) -> None:
    inbox: Mailbox[StoreMessage] = Mailbox("store")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_serve, StoreActor(inbox, path))
        await inbox.address.ask(ReadCursor("matrix"))
        _say("ready")
        for client in range(_CLIENTS):
            nursery.start_soon(_write, inbox.address, f"{name}.{client}")


async def _serve(actor: StoreActor) -> None:
    try:
        await actor.run()
    except StoreFileError as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201  # the line under test
        os._exit(1)


async def _write(store: Address[StoreMessage], name: str) -> None:
    number = 0
    while True:
        number += 1
        event = f"${name}.{number}"
        await store.ask(Journal(MATRIX, (arrival(event),), Cursor(name, event)))
        await store.ask(Commit((AddOutgoing(ROOM, Voice.AGENT, event),)))
        _say(event)


def _say(line: str) -> None:
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
