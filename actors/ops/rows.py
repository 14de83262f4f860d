"""The rows of the tree that show it to the operator, and let the platform in."""

from collections.abc import Iterator

from actors.kernel import ChildSpec, permanent
from actors.ops.alerts import Alerts
from actors.ops.server import OpsServer
from actors.ops.settings import OpsSettings
from actors.ops.systemd import SystemdNotifier
from protocols.chats import DirectoryMessage
from protocols.lifecycle import Control
from protocols.mail import Address
from protocols.store import StoreMessage


def ops_rows(
    control: Control,
    store: Address[StoreMessage],
    chats: Address[DirectoryMessage],
    s: OpsSettings,
) -> Iterator[ChildSpec]:
    """The debug socket, and what of the rest is set; systemd is told last that all is up."""
    yield permanent("ops", OpsServer, control, store, chats, s.socket_path)
    if s.web is not None:
        from actors.ops.web.server import WebServer  # noqa: PLC0415  # half a second of imports

        yield permanent("web", WebServer, control, store, chats, s.web)
    if s.alerts:
        yield permanent("alerts", Alerts, control, store, chats, s.alerts)
    if s.service is not None:
        yield permanent("systemd", SystemdNotifier, control, *s.service)
