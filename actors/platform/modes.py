"""The ways to reach an agent, by the name that ``PLATFORM_MODE`` gives."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from actors.platform.bridge import OpenClient
from actors.platform.settings import AgentSettings
from protocols.mail import Address
from protocols.platform import PlatformClient
from protocols.pushes import WebhookReceiver
from protocols.store import StoreMessage

MODES = ("mock", "production", "openai", "agui")


class UnknownModeError(ValueError):
    """There is no such mode; the text names those that there are."""


def platform_opener(
    agent: AgentSettings,
    store: Address[StoreMessage],
    *,
    receiver: WebhookReceiver | None = None,
) -> OpenClient:
    """What opens the client of the agent's mode, once for each life of the bridge.

    Each mode's libraries are imported only where it is used.

    Args:
        agent: How it is reached.
        store: Keeps people and their settings where the agent itself keeps none.
        receiver: Whom the mock tells of the events that it is asked to simulate.
    """
    match agent.mode:
        case "mock":
            from actors.platform.mock import MockPlatformClient  # noqa: PLC0415

            return always(MockPlatformClient(latency=agent.mock_latency, receiver=receiver))
        case "production":
            from actors.platform.production import open_production  # noqa: PLC0415

            return partial(open_production, agent)
        case "openai":
            from actors.platform.openai import open_openai  # noqa: PLC0415

            return partial(open_openai, agent, store)
        case "agui":
            from actors.platform.agui import open_agui  # noqa: PLC0415

            return partial(open_agui, agent, store)
        case _:
            raise UnknownModeError(f"PLATFORM_MODE is one of: {', '.join(MODES)}")


def always(client: PlatformClient) -> OpenClient:
    """Every life gets the same *client*: the mock must remember its runs as a platform does."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[PlatformClient]:
        yield client

    def open_client() -> AbstractAsyncContextManager[PlatformClient]:
        return opened()

    return open_client
