"""The store in its tree: what its askers see when it crashes, is killed, or cannot start."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from math import nan
from pathlib import Path

import pytest
import trio
from attrs import evolve
from structlog.typing import EventDict

from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import permanent
from actors.kernel.supervision import Supervisor
from actors.store.actor import StoreActor
from actors.store.database import open_database
from protocols.mail import CalleeDiedError
from protocols.store import Journal, RecentRows, StoreMessage
from tests.actors.store.asking import MATRIX, Asking, arrival


class Tree:
    """A store under supervision."""

    def __init__(self, path: Path) -> None:
        self.inbox: Mailbox[StoreMessage] = Mailbox("store")
        self.supervisor = Supervisor([permanent("store", StoreActor, inbox=self.inbox, path=path)])
        self.store = Asking(self.inbox.address)
        self.code: int | None = None

    async def run(self) -> None:
        self.code = await self.supervisor.run()

    def life(self) -> int:
        return next(view.life for view in self.supervisor.census() if view.path == "store")


@asynccontextmanager
async def growing(path: Path) -> AsyncIterator[Tree]:
    tree = Tree(path)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tree.run)
        yield tree
        tree.supervisor.stop("the test is over")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


async def test_a_message_that_crashes_the_store_is_not_tried_again(path: Path) -> None:
    bad = Journal(MATRIX, (evolve(arrival("$bad"), sent_at=nan),))

    async with growing(path) as tree:
        await tree.store.arrive("$1")
        with pytest.raises(CalleeDiedError):
            await tree.store.ask(bad)
        await tree.store.arrive("$2")
        rows = await tree.store.ask(RecentRows())
        life = tree.life()

    assert [row.event_id for row in rows] == ["$2", "$1"]
    assert life == 2
    assert tree.code == 0


async def test_a_crash_is_reported_without_anybodys_words(
    path: Path, logs: list[EventDict]
) -> None:
    bad = Journal(MATRIX, (evolve(arrival("$bad", text="a secret"), sent_at=nan),))

    async with growing(path) as tree:
        with pytest.raises(CalleeDiedError):
            await tree.store.ask(bad)

    assert "IntegrityError" in str(logs)
    assert "a secret" not in str(logs)


async def test_killed_again_and_again_the_store_keeps_what_it_answered(path: Path) -> None:
    acknowledged = set()

    async with growing(path) as tree:
        for number in range(30):
            if number % 10 == 5:
                tree.supervisor.kill("store")
            try:
                await tree.store.arrive(f"${number}")
            except CalleeDiedError:
                continue
            acknowledged.add(f"${number}")
        rows = await tree.store.ask(RecentRows(limit=100))
        life = tree.life()

    assert len(acknowledged) >= 27
    assert acknowledged <= {row.event_id for row in rows}
    assert life == 4


async def test_a_store_that_cannot_open_its_file_fails_the_start(
    path: Path, logs: list[EventDict]
) -> None:
    with closing(open_database(path)) as db:
        db.execute("PRAGMA user_version = 99")

    tree = Tree(path)
    await tree.run()

    assert tree.code == 1
    assert "newer version of this program" in str(logs)
