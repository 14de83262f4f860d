"""llmock, a server that breaks on demand and judges its clients; from PyPI, not ours.

Source:
    https://github.com/JulienRabault/LLMock, "The faults" and "The verdict".
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from attrs import define, frozen

from tests.rigs.openai_foreign import install, made_once, serving

RELEASE = "llmock==0.2.2"

Behaviour = dict[str, Any]


@frozen
class Verdict:
    """What llmock thinks of its client.

    Args:
        findings: ``(severity, code)`` of each, the severe ones first.
        text: All of it, to be read.
    """

    attempts: int
    faults: int
    findings: tuple[tuple[str, str], ...]
    text: str

    @property
    def errors(self) -> tuple[str, ...]:
        """The codes of what is plainly wrong."""
        return tuple(code for severity, code in self.findings if severity == "error")


@define
class Llmock:
    """A running llmock."""

    address: str
    _http: httpx2.Client

    @property
    def openai(self) -> str:
        """Where it speaks Chat Completions."""
        return f"{self.address}/v1"

    def begin(self, *behaviours: Behaviour) -> None:
        """Forget all, and do to the next requests what *behaviours* say."""
        self._ask("POST", "reset")
        if behaviours:
            self._ask("POST", "scenario", {"behaviors": behaviours})

    def statuses(self) -> list[int]:
        """The status of each answer since the beginning, in order."""
        return [one["status"] for one in self._ask("GET", "requests").json()["requests"]]

    def waiting(self) -> int:
        """Behaviours that no request has met yet."""
        return len(self._ask("GET", "scenario").json()["pending"])

    def verdict(self) -> Verdict:
        """What it thinks of the requests since the beginning; it waits for those that still run."""
        found = self._ask("GET", "verdict").json()
        findings = tuple((one["severity"], one["code"]) for one in found["findings"])
        text = self._ask("GET", "verdict?format=text").text
        return Verdict(found["attempts"], found["faults_injected"], findings, text)

    def _ask(self, method: str, what: str, body: Any = None) -> httpx2.Response:
        answer = self._http.request(method, f"{self.address}/_llmock/{what}", json=body)
        return answer.raise_for_status()


@contextmanager
def llmock_running(cache: Path, *options: str) -> Iterator[Llmock]:
    """A running llmock, from an environment below *cache*, started with *options*.

    Raises:
        NotInstalledError: Its environment cannot be made here.
    """
    version = "".join(map(str, sys.version_info[:2]))
    folder = made_once(cache / f"{RELEASE}-py{version}", partial(_make, python=sys.executable))
    command: list[str | Path] = [folder / "bin" / "llmock", "serve", "--port", "0", *options]
    with (
        serving(command, "Uvicorn running on ") as address,
        httpx2.Client(timeout=30, trust_env=False) as http,
    ):
        yield Llmock(address, http)


def _make(folder: Path, *, python: str) -> None:
    install([python, "-m", "venv", folder])
    install([folder / "bin" / "pip", "install", "--quiet", RELEASE])
