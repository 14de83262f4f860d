"""What the Matrix surface is configured with."""

from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from attrs import field, frozen

_ROOM_LINK = "https://matrix.to/#/{room}?via="
"""Where a person finds a room, on whatever client."""


class GroupMode(StrEnum):
    """What the bot answers in rooms that are no direct chats."""

    MENTION = "mention"
    """What mentions it or replies to it."""
    ALL = "all"


class Threads(StrEnum):
    """What a thread is to the agent."""

    ROOM = "room"
    """A part of its room's chat; the answer stays in the thread."""
    SESSION = "session"
    """A chat of its own."""


@frozen
class Pace:
    """How often the surface may speak. All in seconds but ``most_edits``.

    Args:
        draft_after: Nothing is shown of an answer that is complete within this time.
        draft_every: Least time between two edits; it grows with their number.
        most_edits: Of one answer, the final one not counted: each edit is an event for ever.
        typing_renewed: The server forgets a typing notice after 30 s.
        drain: How long a stop may take to deliver what is pending.
        key_within: A key that comes later than its message by more is told of as missing.
    """

    draft_after: float = 2.0
    draft_every: float = 2.0
    most_edits: int = 20
    typing_renewed: float = 20.0
    typing_lasts: float = 60.0
    drain: float = 5.0
    key_within: float = 20.0


@frozen
class MatrixSettings:
    """One account on one homeserver.

    Args:
        user_id: The whole id, ``@bot:example.org``; with a token it may be empty.
        access_token: Wins over the password; the password is used once and its session kept.
        device_id: Empty: the one of the kept session, else a new one.
        store_path: A folder of our own for the session and the keys.
        has_reactions: A reaction shows that a message was taken, and where it came to nothing.
        files_path: Where files on their way lie.
        recovery_key_file: Holds the account's recovery key, with which a new device signs itself.
    """

    homeserver: str
    user_id: str
    store_path: Path
    password: str = field(repr=False, default="")
    access_token: str = field(repr=False, default="")
    device_id: str = ""
    group_mode: GroupMode = field(default=GroupMode.MENTION, converter=GroupMode)
    threads: Threads = field(default=Threads.ROOM, converter=Threads)
    has_reactions: bool = True
    files_path: Path = Path("surfaces.files")
    recovery_key_file: Path | None = None
    device_name: str = "agent-surfaces"
    pace: Pace = field(factory=Pace)

    @property
    def room_link(self) -> str:
        """Where people find a room: by its id, and by our server, which knows the way there."""
        return _ROOM_LINK + quote(self.user_id.partition(":")[2], safe=":")
