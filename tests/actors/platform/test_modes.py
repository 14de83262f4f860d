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
