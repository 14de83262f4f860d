"""What we want to see of what happens on the homeserver; pure."""

import json
from typing import Any

Json = dict[str, Any]

_TIMELINE_TYPES = [
    "m.room.message",
    "m.room.encrypted",
    "m.sticker",
    "m.poll.start",
    "org.matrix.msc3381.poll.start",
    "m.reaction",
    "m.room.redaction",
    "m.room.encryption",
    "m.room.member",
    "m.room.tombstone",
]
_STATE_TYPES = ["m.room.encryption", "m.room.member", "m.room.tombstone"]
_ACCOUNT_TYPES = ["m.direct"]
_NOTHING: Json = {"types": []}


def history_filter() -> str:
    """What of a room's past is shown."""
    return json.dumps(
        {"types": _TIMELINE_TYPES, "lazy_load_members": True, "include_redundant_members": True}
    )


def sync_filter(limit: int) -> str:
    """What is shown of what is new, at most *limit* events of each room.

    What is said of keys and devices is no part of it and always shown.
    """
    return json.dumps(
        {
            "presence": _NOTHING,
            "account_data": {"types": _ACCOUNT_TYPES},
            "room": {
                "ephemeral": _NOTHING,
                "account_data": _NOTHING,
                "state": {
                    "types": _STATE_TYPES,
                    "lazy_load_members": True,
                    "include_redundant_members": True,
                },
                "timeline": {"types": _TIMELINE_TYPES, "limit": limit},
            },
        }
    )
