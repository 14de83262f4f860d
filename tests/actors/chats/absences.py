"""A bot that was away, and what people wrote meanwhile."""

from typing import Any

import trio
from attrs import evolve
from trio.testing import MockClock

from protocols.ids import RoomId, RowId
from protocols.journal import Arrival, RowState
from tests.actors.chats.world import ROOM, World

HOUR = 3600.0
AWAY = 6 * HOUR
ASKED = "While I was away, {} messages of yours came in here."


def a_world(clock: MockClock, **facts: Any) -> World:
    return World(clock, catch_up_after=AWAY, **facts)


def waiting(world: World, *texts: str, ago: float = 8 * HOUR, **facts: Any) -> list[Arrival]:
    """What a person wrote while we were away, a second apart, the first *ago* seconds."""
    since = trio.current_time() - ago
    arrivals = (world.arrival(text, is_backlog=True, **facts) for text in texts)
    return [evolve(it, sent_at=since + number) for number, it in enumerate(arrivals)]


async def come_back(world: World, *arrivals: Arrival) -> tuple[RowId, ...]:
    rows = await world.arrive(*arrivals)
    await trio.sleep(10)
    return rows


def said_in(world: World, room: RoomId = ROOM) -> list[str]:
    return [out.text for out in world.sent if out.room == room]


def states(world: World, rows: tuple[RowId, ...]) -> list[RowState]:
    return [world.journal.rows[id_].state for id_ in rows]


FIVE = ("one", "two", "three", "four", "five")
RECEIVED, IGNORED, ANSWERED = RowState.RECEIVED, RowState.IGNORED, RowState.ANSWERED
