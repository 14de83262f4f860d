"""What the Matrix surface is configured with."""

from pathlib import Path

from attrs import field, frozen


@frozen
class Pace:
    """How often the surface may speak. All in seconds but ``most_edits``.

    Args:
        draft_after: Nothing is shown of an answer that is complete within this time.
        draft_every: Least time between two edits; it grows with their number.
        most_edits: Of one answer, the final one not counted: each edit is an event for ever.
        typing_renewed: The server forgets a typing notice after 30 s.
        drain: How long a stop may take to deliver what is pending.
    """

    draft_after: float = 2.0
    draft_every: float = 2.0
    most_edits: int = 20
    typing_renewed: float = 20.0
    typing_lasts: float = 60.0
    drain: float = 5.0


@frozen
class MatrixSettings:
    """One account on one homeserver.

    Args:
        user_id: The whole id, ``@bot:example.org``; with a token it may be empty.
        access_token: Wins over the password; the password is used once and its session kept.
        device_id: Empty: the one of the kept session, else a new one.
        store_path: A folder of our own for the session, later for keys.
    """

    homeserver: str
    user_id: str
    store_path: Path
    password: str = field(repr=False, default="")
    access_token: str = field(repr=False, default="")
    device_id: str = ""
    device_name: str = "agent-surfaces"
    pace: Pace = field(factory=Pace)
