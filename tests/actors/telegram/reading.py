"""One update, read."""

from typing import Any

from attrs import evolve

from actors.telegram.api.outcomes import Me
from actors.telegram.incoming.decode import decode
from actors.telegram.incoming.meaning import Decoded, Reader
from actors.telegram.settings import GroupMode
from protocols.journal import Arrival
from tests.actors.telegram.fake_bot_api import GROUP, message

READER = Reader(Me(4242, "agent_bot"), GroupMode.MENTION, now=1_005.0)
ALL = evolve(READER, group_mode=GroupMode.ALL)


def read(body: Any, reader: Reader = READER, kind: str = "message") -> Decoded:
    """What an update with *body* means."""
    return decode({"update_id": 5, kind: body}, reader)


def arrival(body: Any, reader: Reader = READER, kind: str = "message") -> Arrival:
    """The same, where it must be an arrival."""
    found = read(body, reader, kind)
    assert isinstance(found, Arrival), found
    return found


def in_group(text: str, *entities: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A message in a group."""
    return message(text, chat=GROUP, entities=list(entities), **fields)
