"""The ways to reach an agent, by the name that ``PLATFORM_MODE`` gives."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from actors.platform.bridge import OpenClient
from actors.platform.mock import MockPlatformClient
from protocols.platform import PlatformClient, WebhookReceiver

MODES = ("mock",)


class UnknownModeError(ValueError):
    """There is no such mode; the text names those that there are."""


def platform_opener(
    mode: str, *, mock_latency: bool = True, receiver: WebhookReceiver | None = None
) -> OpenClient:
    """What opens the client of *mode*, once for each life of the bridge.

    Args:
        mode: What ``PLATFORM_MODE`` says; one of ``MODES``.
        mock_latency: The mock takes as long as a real platform would.
        receiver: Whom the mock tells of the events that it is asked to simulate.
    """
    if mode != "mock":
        raise UnknownModeError(f"PLATFORM_MODE is one of: {', '.join(MODES)}")
    return always(MockPlatformClient(latency=mock_latency, receiver=receiver))


def always(client: PlatformClient) -> OpenClient:
    """Every life gets the same *client*: the mock must remember its runs as a platform does."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[PlatformClient]:
        yield client

    def open_client() -> AbstractAsyncContextManager[PlatformClient]:
        return opened()

    return open_client
