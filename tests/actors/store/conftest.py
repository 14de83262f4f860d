"""A store to ask: the memory twin and the real one, in turn."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trio

from actors.kernel.mailbox import Mailbox
from actors.store.actor import StoreActor
from protocols.store import StoreMessage
from tests.actors.store.asking import NOW, Asking
from tests.fakes import MemoryJournal, MemoryStore


@pytest.fixture(params=["memory", "sqlite"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, nursery: trio.Nursery
) -> AsyncIterator[Asking]:
    inbox: Mailbox[StoreMessage] = Mailbox("store")
    makers: dict[str, Callable[[], MemoryStore | StoreActor]] = {
        "memory": lambda: MemoryStore(inbox, MemoryJournal(clock=lambda: NOW)),
        "sqlite": lambda: StoreActor(inbox, tmp_path / "s.db", clock=lambda: NOW),
    }
    nursery.start_soon(makers[request.param]().run)
    yield Asking(inbox.address)
    inbox.close()
