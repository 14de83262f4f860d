"""A real headless Chromium, spoken to over its DevTools pipe.

Source:
    https://chromedevtools.github.io/devtools-protocol/; over the pipe each message is JSON and a
    zero byte, read from file descriptor 3 and written to 4.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

Json = dict[str, Any]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
"""Debian's; None where it is not installed."""
_START = """\
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1:3])
os.dup2(reads, 3)
os.dup2(writes, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Puts the pipe where Chromium looks for it."""
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-pipe",
    "about:blank",
)


@define
class Page:
    """One tab; only one task may use it at a time."""

    _requests: trio.abc.SendStream
    _answers: trio.abc.ReceiveStream
    _session: str = ""
    _ids: "count[int]" = field(factory=count)
    _rest: bytes = b""
    complaints: list[str] = field(factory=list)
    """What stands in the console: errors of scripts, and what a policy forbids."""

    async def call(self, method: str, **params: Any) -> Json:
        """The result of *method*; what the browser tells meanwhile is looked through."""
        id_ = next(self._ids)
        message: Json = {"id": id_, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        await self._requests.send_all(json.dumps(message).encode() + b"\0")
        while (said := await self._read()).get("id") != id_:
            self._note(said)
        assert "error" not in said, said
        result: Json = said["result"]
        return result

    async def attach(self) -> None:
        """Be in the first tab."""
        targets = await self.call("Target.getTargets")
        (page,) = (one for one in targets["targetInfos"] if one["type"] == "page")
        found = await self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable")

    async def open(self, url: str) -> None:
        """Go to *url*; it need not have come when this returns."""
        await self.call("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        """What the script *expression* comes to in the page."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until the script *expression* is true in the page."""
        while not await self.value(expression):  # noqa: ASYNC110  # nobody tells
            await trio.sleep(0.05)

    async def resize(self, width: int, height: int, *, is_dark: bool = False) -> None:
        """Look like a screen of that many CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def screenshot(self, file: Path) -> None:
        """Write the whole page, as it would be scrolled through, as a PNG to *file*."""
        shot = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        await trio.Path(file.parent).mkdir(parents=True, exist_ok=True)
        await trio.Path(file).write_bytes(base64.b64decode(shot["data"]))

    async def _read(self) -> Json:
        while b"\0" not in self._rest:
            piece = await self._answers.receive_some()
            assert piece, "Chromium has ended"
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\0")
        said: Json = json.loads(line)
        return said

    def _note(self, said: Json) -> None:
        if said.get("method") == "Log.entryAdded":
            self.complaints.append(said["params"]["entry"]["text"])
        if said.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(said["params"]["exceptionDetails"]["text"])


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Page]:
    """A tab of a browser of its own, whose profile is in *folder*."""
    assert CHROMIUM is not None
    ours_in, its_out = os.pipe()
    its_in, ours_out = os.pipe()
    command = [sys.executable, "-ISc", _START, f"{its_in}", f"{its_out}", CHROMIUM]
    process = await trio.lowlevel.open_process(
        [*command, f"--user-data-dir={folder}", *_OPTIONS],
        pass_fds=(its_in, its_out),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(its_in)
    os.close(its_out)
    try:
        async with (
            trio.lowlevel.FdStream(ours_out) as to,
            trio.lowlevel.FdStream(ours_in) as answers,
        ):
            page = Page(to, answers)
            await page.attach()
            yield page
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
