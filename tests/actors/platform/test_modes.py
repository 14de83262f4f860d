import pytest

from actors.platform.mock import MockPlatformClient
from actors.platform.modes import MODES, UnknownModeError, platform_opener
from actors.platform.settings import AgentSettings
from tests.fakes import MemoryStoreAddress


async def test_every_life_gets_the_same_mock_platform() -> None:
    open_client = platform_opener(AgentSettings(mock_latency=False), MemoryStoreAddress())

    async with open_client() as first:
        pass
    async with open_client() as second:
        pass

    assert first is second
    assert isinstance(first, MockPlatformClient)
    assert not first.latency


def test_an_unknown_mode_is_refused_by_naming_the_known_ones() -> None:
    with pytest.raises(UnknownModeError, match=", ".join(MODES)):
        platform_opener(AgentSettings("carrier-pigeon"), MemoryStoreAddress())


@pytest.mark.parametrize("mode", ["production", "openai", "agui"])
async def test_every_life_of_an_agent_elsewhere_gets_a_client_of_its_own(mode: str) -> None:
    agent = AgentSettings(mode, url="http://127.0.0.1:1/v1", secret="token")
    open_client = platform_opener(agent, MemoryStoreAddress())

    async with open_client() as first, open_client() as second:
        assert first is not second
        assert (first.history_chars > 0) is (mode != "production")
