"""The agents that the suites over all modes run against."""

from collections.abc import AsyncIterator, Iterator

import pytest

from actors.platform.modes import MODES
from tests.actors.platform.all_modes import Agent, agent_of
from tests.rigs.agui_pydantic import PydanticAgent, pydantic_agent_or_skip


@pytest.fixture(scope="module")
def pydantic_agent(request: pytest.FixtureRequest) -> Iterator[PydanticAgent]:
    yield from pydantic_agent_or_skip(request)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> tuple[str, PydanticAgent | None]:
    """A mode, with the one agent that takes long to start."""
    name = str(request.param)
    return name, request.getfixturevalue("pydantic_agent") if name == "agui" else None


@pytest.fixture
async def agent(mode: tuple[str, PydanticAgent | None]) -> AsyncIterator[Agent]:
    async with agent_of(*mode) as running:
        yield running
