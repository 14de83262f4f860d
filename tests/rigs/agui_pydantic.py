"""pydantic-ai's AG-UI server, with the agent of ``agui_pydantic_agent``; from PyPI, not ours.

Source:
    https://ai.pydantic.dev/ui/ag-ui, "Tool approval (interrupts)".
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx2
import pytest
from attrs import define

from tests.rigs.openai_foreign import NotInstalledError, install, made_once, serving

RELEASES = ("pydantic-ai-slim[ag-ui]==2.68.0", "ag-ui-protocol==1.0.0", "uvicorn==0.54.0")
AGENT = Path(__file__).with_name("agui_pydantic_agent.py")


@define
class PydanticAgent:
    """A running agent of pydantic-ai."""

    address: str

    @property
    def url(self) -> str:
        """For ``AGUI_URL``."""
        return f"{self.address}/agent"

    def given_up(self) -> str:
        """The next message whose answer it gives up, because whoever asked has gone; waits."""
        answer = httpx2.get(f"{self.address}/given-up", trust_env=False, timeout=10)
        return answer.raise_for_status().text


@contextmanager
def pydantic_agent_running(cache: Path, *, key: str = "") -> Iterator[PydanticAgent]:
    """A running agent, from an environment below *cache*; with a *key* it lets in nobody else.

    Raises:
        NotInstalledError: Its environment cannot be made here.
    """
    version = "".join(map(str, sys.version_info[:2]))
    folder = made_once(cache / f"{RELEASES[0]}-py{version}", partial(_make, python=sys.executable))
    command: list[str | Path] = [folder / "bin" / "python", AGENT]
    with serving([*command, "--key", key], "Uvicorn running on ") as address:
        yield PydanticAgent(address)


def pydantic_agent_or_skip(
    request: pytest.FixtureRequest, *, key: str = ""
) -> Iterator[PydanticAgent]:
    """What a fixture yields; where the agent cannot be installed its tests say so."""
    cache = request.config.cache
    assert cache is not None
    try:
        with pydantic_agent_running(cache.mkdir("pydantic-ai"), key=key) as agent:
            yield agent
    except NotInstalledError as error:
        pytest.skip(f"pydantic-ai cannot be installed here: {error}")


def _make(folder: Path, *, python: str) -> None:
    install([python, "-m", "venv", folder])
    install([folder / "bin" / "pip", "install", "--quiet", *RELEASES])
