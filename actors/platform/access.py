"""Whether the agent lets this program in at all."""

from collections.abc import Mapping
from types import MappingProxyType

import structlog
import trio

from protocols.platform import FailureKind, PlatformClient, PlatformFailedError

log = structlog.get_logger("platform.access")

ACCESS_LIMIT = 10.0

_TOKENS: Mapping[str, str] = MappingProxyType(
    {
        "mock": "PLATFORM_MODE",
        "production": "LAMBDA_SERVICE_TOKEN",
        "openai": "OPENAI_API_KEY",
        "agui": "AGUI_TOKEN",
    }
)
"""The setting that holds the agent's token, by the name that ``PLATFORM_MODE`` gives."""


def refusal_of(mode: str) -> str:
    """What the tree says where the agent of *mode* lets nobody in; never the token itself."""
    return (
        f"the agent refuses our token: check {_TOKENS[mode]}, then `debug restart platform`, "
        "or restart the program if the setting has changed"
    )


async def is_refused(client: PlatformClient) -> bool:
    """Whether the agent says now that nobody is let in; False where it says nothing."""
    with trio.move_on_after(ACCESS_LIMIT):
        try:
            await client.check_access()
        except PlatformFailedError as error:
            log.warning("access.not_granted", kind=error.kind)
            return error.kind is FailureKind.UNAUTHORIZED
    return False
