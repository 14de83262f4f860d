"""Tells systemd that the program is up, and that it lives: sd_notify(3)."""

import socket

import structlog
import trio
from attrs import define

from actors.kernel import child
from protocols.lifecycle import ActorState, ActorView, Control

log = structlog.get_logger("ops.systemd")


@define
class SystemdNotifier:
    """The last in the tree, so that ``READY=1`` says that all others have started.

    The watchdog is fed as long as the census can be taken and shows no actor of the tree's first
    level stuck: a stuck one is never started a second time beside itself, so only a new process
    helps. A session that is stuck costs one chat, and the others would not be helped.

    Args:
        address: ``NOTIFY_SOCKET``: a path, or ``@`` and an abstract name.
        every: Seconds between two signs of life; half of what ``WATCHDOG_USEC`` allows.
    """

    control: Control
    address: str
    every: float = 10.0

    async def run(self) -> None:
        """Say that all is up, then feed the watchdog until stopped."""
        self._say("READY=1")
        child.ready()
        try:
            while True:
                views = await self.control.census_in_chunks()
                stuck = [view.path for view in views if _is_stuck(view)]
                if stuck:
                    log.error("watchdog.not_fed", stuck=stuck)
                    self._say(f"STATUS=stuck: {', '.join(stuck)}")
                else:
                    self._say(f"WATCHDOG=1\nSTATUS={len(views)} actors")
                await trio.sleep(self.every)
        finally:
            # Of a notifier that merely starts again systemd would take it as the program's end.
            if self.control.is_stopping:
                self._say("STOPPING=1")

    def _say(self, text: str) -> None:
        # A datagram to a local socket: it is taken at once or not at all.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as to:
            try:
                to.connect(f"\0{self.address[1:]}" if self.address[0] == "@" else self.address)
                to.send(text.encode())
            except OSError as error:
                log.warning("systemd.not_told", reason=error.strerror)


def _is_stuck(view: ActorView) -> bool:
    return view.state is ActorState.STUCK and "/" not in view.path
