"""What we ask of a homeserver, whoever answers; every request ends in a ``Reply``."""

from typing import Protocol

from attrs import field, frozen

from actors.matrix.api.replies import Json, Reply, Take


@frozen
class Session:
    """One login: an account on one of its devices."""

    user_id: str
    device_id: str
    access_token: str = field(repr=False)


class Homeserver(Protocol):
    """What we ask of a homeserver."""

    def use(self, session: Session) -> None:
        """Speak as *session* from now on."""

    async def versions(self) -> Reply:
        """What the server speaks: whether it is a Matrix server at all."""

    async def log_in(self, user_id: str, password: str, device_id: str, name: str) -> Reply:
        """A new session on *device_id*, or on a new device."""

    async def whoami(self, access_token: str) -> Reply:
        """Whose the token is."""

    async def sync(self, since: str, *, wait: float) -> Reply:
        """What is new since the token *since*, at once or within *wait* seconds."""

    async def messages(self, room: str, start: str, end: str) -> Reply:
        """Events before the token *start*, newest first, not beyond *end*."""

    async def encryption(self, room: str) -> Reply:
        """The room's encryption; refused as not found where it has none."""

    async def join(self, room: str) -> Reply:
        """Enter *room*."""

    async def leave(self, room: str, reason: str) -> Reply:
        """Leave *room* or decline it; its people see *reason*."""

    async def send(self, room: str, txn: str, content: Json) -> Reply:
        """Send a message; the same *txn* is the same event, however often it is sent."""

    async def typing(self, room: str, user_id: str, *, is_typing: bool) -> Reply:
        """Show that an answer is being written, or no more."""

    async def request(
        self, method: str, path: str, body: Json | None = None, *, within: float = 30.0
    ) -> Reply:
        """One request of the client-server API; *path* is one of ``path_to``."""

    async def upload(self, data: bytes, mime_type: str, name: str, *, within: float) -> Reply:
        """Bring *data* to the server, which says its ``content_uri``; *name* may be empty."""

    async def download(self, mxc: str, take: Take, *, within: float) -> Reply:
        """Hand the media *mxc* piece by piece to *take*, until it is whole or *take* has enough.

        No piece is of an answer that is an error. Done says nothing.
        """

    async def close(self) -> None:
        """End all connections."""
