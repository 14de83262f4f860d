"""The page in a real browser, on a real tree."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from actors.kernel import ChildSpec, Mailbox, Pool, Supervisor, permanent
from actors.kernel.child import ParkedError, beat, note, ready
from actors.ops.settings import WebSettings
from actors.ops.web.server import WebServer
from protocols.lifecycle import Control
from tests.actors.kernel.crew import Doing, Log, Said, Writer, hang
from tests.actors.ops.web.web_rig import Hints
from tests.fakes import MemoryStoreAddress
from tests.rigs.chromium import CHROMIUM, browsing

ARTEFACTS = Path("artefacts")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

ROW_OF_MATRIX = (
    "[...document.querySelectorAll('tbody tr')].find(r => r.innerText.includes('matrix'))"
)
FIRST = "document.querySelector('main').innerText.split('Actors')[0]"
RESTARTS = f"{ROW_OF_MATRIX}.querySelector('[data-label=Restarts]').innerText"


async def poll() -> None:
    """A surface that is well."""
    ready()
    beat()
    note("last sync 12:00:03")
    await trio.sleep_forever()


def refused_later() -> Callable[[], Awaitable[None]]:
    """A surface whose second life finds its token refused."""
    lives: list[int] = []

    async def live() -> None:
        lives.append(1)
        if len(lives) > 1:
            raise ParkedError("Telegram refused the token: set TELEGRAM_BOT_TOKEN")
        await poll()

    return live


def tree(control: Control) -> list[ChildSpec]:
    store = Mailbox[Said]("store")
    sessions = Pool[Said]("sessions", lambda _room, inbox: Writer(inbox, Log()))
    for room in ("telegram/42", "matrix/!OGEhHVWSdvArJzumhm:matrix.example.org"):
        sessions.try_send(room, Said("hello"))
    given = (control, MemoryStoreAddress(), Hints(), WebSettings("127.0.0.1:0"))
    return [
        permanent("store", Writer, store, Log()),
        permanent("platform", Doing, hang),
        permanent("telegram.in", Doing, refused_later()),
        permanent("matrix", Doing, poll),
        sessions.spec(),
        permanent("web", WebServer, *given),
    ]


def _note_of(root: Supervisor) -> str:
    return next((view.note for view in root.census() if view.path == "web"), "")


@asynccontextmanager
async def program() -> AsyncIterator[tuple[Supervisor, str]]:
    """A running tree, and the address of its page."""
    root = Supervisor(tree)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(root.run)
        while not (said := _note_of(root)):  # noqa: ASYNC110  # nobody tells
            await trio.sleep(0.01)
        yield root, said.removeprefix("listens at ")
        root.stop("the test is over")


async def test_an_actor_is_killed_while_the_page_is_open_and_its_restart_is_seen(
    tmp_path: Path,
) -> None:
    with trio.fail_after(60):
        async with program() as (root, url), browsing(tmp_path) as page:
            await page.resize(1280, 800)
            await page.open(url)
            await page.until(f"document.title.startsWith('✓') && {RESTARTS} === '0'")
            await page.value("window.isTheSamePage = true")

            root.kill("matrix")

            await page.until(f"{RESTARTS} === '1'")
            assert "killed by the operator" in await page.value(f"{ROW_OF_MATRIX}.innerText")
            assert await page.value("window.isTheSamePage")
            await page.screenshot(ARTEFACTS / "page-desktop.png")
            assert page.complaints == []


async def test_the_page_fits_the_narrowest_phone_and_says_when_it_is_old(tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with browsing(tmp_path) as page:
            async with program() as (root, url):
                await page.resize(320, 640)
                await page.open(url)
                await page.until(f"document.title.startsWith('✓') && {RESTARTS} === '0'")
                root.kill("matrix")
                root.kill("telegram.in")
                await page.until("document.title.startsWith('!')")
                assert "set TELEGRAM_BOT_TOKEN" in await page.value(FIRST)

                wide = await page.value("document.documentElement.scrollWidth")
                await page.screenshot(ARTEFACTS / "page-phone.png")
                await page.resize(390, 844, is_dark=True)
                await page.screenshot(ARTEFACTS / "page-phone-dark.png")
                assert page.complaints == []

            await page.until("!document.getElementById('connection').hidden")

    assert wide == 320


async def test_the_page_is_walked_through_by_keyboard(tmp_path: Path) -> None:
    focused = "document.activeElement.className || document.activeElement.id"
    seen = []
    with trio.fail_after(60):
        async with program() as (_, url), browsing(tmp_path) as page:
            await page.resize(1280, 800)
            await page.open(url)
            await page.until("document.title.startsWith('✓')")
            for _ in range(2):
                await page.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab")
                outline = "getComputedStyle(document.activeElement).outlineStyle"
                seen.append((await page.value(focused), await page.value(outline)))

    assert seen == [("skip", "solid"), ("scroll", "solid")]
