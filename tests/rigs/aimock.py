"""aimock, a server of fixtures and chaos; from npm, not ours.

Source:
    https://aimock.copilotkit.dev, "Fixtures" and "Chaos testing".
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from attrs import define

from tests.rigs.openai_foreign import NotInstalledError, install, made_once, serving

RELEASE = "1.43.0"
_PACKAGE = "@copilotkit/aimock"

Json = dict[str, Any]


@define
class Aimock:
    """A running aimock."""

    address: str
    _http: httpx2.Client

    @property
    def openai(self) -> str:
        """Where it speaks Chat Completions."""
        return f"{self.address}/v1"

    def begin(self, **chaos: float) -> None:
        """Forget what was asked, and fail from now on at the rates in *chaos*, from 0 to 1."""
        self._ask("POST", "reset/journal")
        self._ask("POST", "chaos", chaos)

    def asked(self) -> list[Json]:
        """The requests since the beginning, in order."""
        found = self._ask("GET", "journal").json()
        entries: list[Json] = found["entries"] if isinstance(found, dict) else found
        return entries

    def _ask(self, method: str, what: str, body: Any = None) -> httpx2.Response:
        answer = self._http.request(method, f"{self.address}/__aimock/{what}", json=body)
        return answer.raise_for_status()


@contextmanager
def aimock_running(cache: Path, fixtures: list[Json], *, key: str) -> Iterator[Aimock]:
    """A running aimock, from a folder below *cache*, that answers by *fixtures* and wants *key*.

    Raises:
        NotInstalledError: There is no Node here, or its folder cannot be made.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotInstalledError("there is no node or no npm here")
    folder = made_once(cache / f"aimock-{RELEASE}", partial(_make, npm=npm))
    file = cache / f"aimock-fixtures-{os.getpid()}.json"
    file.write_text(json.dumps({"fixtures": fixtures}))
    program = folder / "node_modules" / ".bin" / "llmock"
    command: list[str | Path] = [node, program, "-p", "0", "-h", "127.0.0.1", "-f", file]
    environment = {**os.environ, "AIMOCK_API_KEYS": key}
    headers = {"Authorization": f"Bearer {key}"}
    with (
        serving(command, "listening on ", environment=environment) as address,
        httpx2.Client(headers=headers, timeout=30, trust_env=False) as http,
    ):
        yield Aimock(address, http)


def _make(folder: Path, *, npm: str) -> None:
    folder.mkdir()
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts"]
    install([npm, "install", *quiet, "--prefix", folder, f"{_PACKAGE}@{RELEASE}"])
