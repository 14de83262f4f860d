"""What needs an answer from a session, the platform or a surface: nobody waits for it here."""

from collections.abc import Awaitable, Callable
from typing import assert_never

import trio
from attrs import define, field

from actors.chats.answers import Answers
from actors.chats.asking import ask_through_restarts
from actors.chats.decisions import (
    DescribeTurn,
    Errand,
    OpenChat,
    ShowSettings,
    StopRow,
    StopTurnHere,
    SwitchSetting,
)
from actors.chats.stops import Stops
from actors.chats.switches import Switches
from protocols.ids import RoomId
from protocols.journal import Row
from protocols.mail import NoAnswerError
from protocols.surfaces import OpenRoom

Opened = Callable[[Row, RoomId | None], Awaitable[None]]
"""Told which room was opened for a ``/new``; None where none could be."""

_Key = tuple[RoomId, type[Errand]]


@define
class Errands:
    """Runs errands: per room and kind one at a time, in order.

    The answer of a session serves all rows that wait for the same. The rows stay received until
    they are answered, so an errand that is lost in a crash is read and run again.
    """

    answers: Answers
    stops: Stops
    switches: Switches
    nursery: trio.Nursery
    opened: Opened
    _waiting: dict[_Key, list[tuple[Errand, Row]]] = field(factory=dict)

    def begin(self, errand: Errand, row: Row) -> None:
        """Run *errand* for *row*."""
        key = (row.room, type(errand))
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.append((errand, row))
            return
        self._waiting[key] = [(errand, row)]
        self.nursery.start_soon(self._serve, key)

    async def _serve(self, key: _Key) -> None:
        while errands := self._waiting[key]:
            self._waiting[key] = []
            for errand, rows in _batches(errands):
                await self._run(errand, rows)
            self.answers.hints.deliver(key[0])
        del self._waiting[key]

    async def _run(self, errand: Errand, rows: list[Row]) -> None:
        row = rows[0]
        match errand:
            case StopTurnHere():
                await self.stops.stop(row.room, rows)
            case DescribeTurn():
                await self.stops.describe(row.room, rows)
            case StopRow(id_):
                await self.stops.stop_row(row, id_)
            case ShowSettings(words):
                await self.switches.show(row, words)
            case SwitchSetting():
                await self.switches.switch(row, errand)
            case OpenChat(name):
                await self.opened(row, await self._open(row, name))
            case _:
                assert_never(errand)

    async def _open(self, row: Row, name: str) -> RoomId | None:
        """The room that the surface opened; None also where it does not say in time."""
        address = self.answers.surface(row).address
        try:
            return await ask_through_restarts(address, OpenRoom(row.room, row.id, name))
        except NoAnswerError:
            return None


def _batches(errands: list[tuple[Errand, Row]]) -> list[tuple[Errand, list[Row]]]:
    """What is run together: of a session one answer serves all that ask for the same."""
    first, _ = errands[0]
    if isinstance(first, StopTurnHere | DescribeTurn):
        return [(first, [row for _, row in errands])]
    return [(errand, [row]) for errand, row in errands]
