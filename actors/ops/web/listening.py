"""Where the server listens, and in plain words why it cannot."""

import errno
from collections.abc import Sequence
from socket import gaierror

import trio

from actors.kernel.child import ParkedError

_BACKLOG = 512


async def open_listeners(bind: str) -> list[trio.SocketListener]:
    """Listeners at *bind*, ``host:port``: one for each address of the host.

    Raises:
        ParkedError: Nothing can listen there.
    """
    host, _, port = bind.rpartition(":")
    try:
        return await trio.open_tcp_listeners(int(port), host=host.strip("[]"), backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        raise ParkedError(f"OPS_BIND {bind}: {_reason(error)}") from error


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, gaierror | UnicodeError):
        return "this host is not known; set 127.0.0.1 and a port, for instance"
    match error.errno:
        case errno.EADDRINUSE:
            return "another program listens there; stop it, or set another port"
        case errno.EADDRNOTAVAIL:
            return "no address of this machine; set one that it has"
        case errno.EACCES:
            return "ports below 1024 are not for this user; set a higher one"
        case _:
            return f"{error.strerror}; set another address"


def addresses(listeners: Sequence[trio.SocketListener]) -> list[str]:
    """Where *listeners* are reached, as addresses of the web."""
    return [_address(listener.socket.getsockname()) for listener in listeners]


def _address(name: tuple[str, int, int, int] | tuple[str, int]) -> str:
    host, port = name[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
