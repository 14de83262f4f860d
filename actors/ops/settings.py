"""What the view from outside is told by the settings."""

from pathlib import Path

from attrs import field, frozen

from protocols.file_links import FileLinks
from protocols.ids import PersonId


@frozen
class WebSettings:
    """Where the HTTP server listens, and what it may show to whom.

    Args:
        bind: ``host:port``; port 0 takes any.
        token: Opens the page where the server is not on loopback; empty for none.
        webhook_keys: Of Standard Webhooks; empty: there is no such endpoint.
        links: Signs the addresses of files below ``files``; None: none are served.
    """

    bind: str
    token: str = field(repr=False, default="")
    webhook_keys: tuple[bytes, ...] = field(repr=False, default=())
    files: Path = Path()
    links: FileLinks | None = field(repr=False, default=None)


@frozen
class OpsSettings:
    """How the program is seen from outside.

    Args:
        socket_path: Where ``debug`` finds it.
        web: None: there is no HTTP server.
        alerts: Who is told when something is wrong.
        service: systemd's socket and how often it is told that we live, in seconds; None where
            systemd did not start us.
    """

    socket_path: Path
    web: WebSettings | None = None
    alerts: tuple[PersonId, ...] = ()
    service: tuple[str, float] | None = None
