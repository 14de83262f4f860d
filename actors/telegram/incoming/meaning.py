"""What an update of Telegram may mean to us, and what must be known to read one."""

import json
from typing import Any

from attrs import field, frozen

from actors.telegram.api.outcomes import Me
from actors.telegram.incoming.aliases import Aliases
from actors.telegram.incoming.origin import Album
from actors.telegram.settings import GroupMode
from protocols.ids import Language, RoomId
from protocols.journal import Arrival


@frozen
class Reader:
    """What must be known to read an update.

    Args:
        backlog_before: Seconds since the epoch: what was sent earlier was waiting for us.
        now: The time of reading, for what Telegram gives no time: seconds since the epoch.
    """

    me: Me
    group_mode: GroupMode
    backlog_before: float = 0.0
    now: float = 0.0
    aliases: Aliases = field(factory=Aliases)


@frozen
class Unreadable:
    """An update that is not what the Bot API says; *body* is the update itself."""

    reason: str
    body: str = field(repr=False)


@frozen
class Part:
    """One picture or file of an album, which is one message when all of it is there.

    Args:
        is_for_us: Of the whole album, if it is so of any part.
        is_to_another: Its caption is a command for another bot.
        has_words: Its caption is the album's.
    """

    album: Album
    arrival: Arrival
    is_for_us: bool
    is_to_another: bool
    has_words: bool


@frozen
class ChatLost:
    """We were thrown out, or the person blocked us."""

    room: RoomId
    reason: str


@frozen
class ChatMoved:
    """A group has become a supergroup, and has a new id."""

    old_id: int
    new_id: int


@frozen
class StrangePress:
    """Somebody pressed a button that is none of ours, and their app waits for an answer.

    Args:
        room: Where they are told; their private chat where the button has no place.
    """

    room: RoomId
    press_id: str
    language: Language


@frozen
class Ignored:
    """Nothing to us; *why* is for the log."""

    why: str


Decoded = Arrival | Part | Unreadable | ChatLost | ChatMoved | StrangePress | Ignored


def unreadable(reason: str, update: Any) -> Unreadable:
    """*update* set aside; *reason* quotes nothing of it."""
    try:
        body = json.dumps(update)
    except (TypeError, ValueError, RecursionError):
        body = ""
    return Unreadable(reason, body)
