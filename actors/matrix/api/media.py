"""What the homeserver says of media; the transfers themselves are the client's."""

from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.replies import Done, is_unknown_path

_PATHS = ("/_matrix/client/v1/media/config", "/_matrix/media/v3/config")


async def media_limit(server: Homeserver) -> int | None:
    """The largest file that may be brought to *server*, in bytes; None where it does not say."""
    for path in _PATHS:
        reply = await server.request("GET", path)
        if isinstance(reply, Done):
            size = reply.body.get("m.upload.size")
            return size if type(size) is int and size > 0 else None
        if not is_unknown_path(reply):
            break
    return None
