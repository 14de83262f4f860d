"""The bridge to the agent platform: one client for each life, one task for each turn."""

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import assert_never

import trio
from attrs import define, field

from actors.kernel.backoff import Backoff
from actors.kernel.mailbox import Mailbox
from actors.platform.access import refusal_of
from actors.platform.files import attach_for
from actors.platform.line import Line
from actors.platform.made import MadeFiles
from actors.platform.people import People
from actors.platform.personal import PersonalSettings
from actors.platform.settings import AgentSettings
from actors.platform.turn import Limits, TurnRunner
from actors.platform.turns import Turns
from protocols.mail import Address
from protocols.platform import PlatformClient
from protocols.store import StoreMessage
from protocols.turns import (
    CancelTurn,
    ChangeSettings,
    FetchSettings,
    PlatformMessage,
    RunTurn,
)

OpenClient = Callable[[], AbstractAsyncContextManager[PlatformClient]]
"""Opens the platform's client for one life of the bridge."""

BACKOFF = Backoff(first=1.0)
"""Slow enough that messages which crash the bridge, one after the other, leave the tree alone:
at most 8 restarts in a minute, and the tree bears 10."""

_MOCK = AgentSettings()


@define
class PlatformBridge:
    """The agent, as the sessions see it.

    What a client is expected to raise, ``PlatformFailedError``, becomes an outcome of its turn.
    Anything else is a bug and crashes the bridge: its turn has failed, and whoever else waits
    hears it at once and asks again, with the same run id, so that the agent does no work twice.

    Args:
        open_client: Opens the client of one life; it is closed when the life ends.
        store: Keeps whom the agent's ids stand for, and knows what was said before.
        files: The folder for files on their way; those that the agent made stand in ``made``.
        idle_limit: Longest silence of the agent, in seconds, also before its first part.
        max_turns: Turns that run at once; further ones wait in order and say so.
        agent: How it is reached: how files go there, and which setting holds its token.
        random: Where the waits between attempts come from.
    """

    inbox: Mailbox[PlatformMessage]
    open_client: OpenClient
    store: Address[StoreMessage]
    files: Path
    idle_limit: float = 60.0
    max_turns: int = 100
    agent: AgentSettings = _MOCK
    _random: random.Random = field(factory=random.Random)

    async def run(self) -> None:
        """Serve until the inbox is closed; then let the running turns end."""
        self._made.sweep()
        async with self.open_client() as client, trio.open_nursery() as nursery:
            people = People(client, self.store)
            turns = self._turns(client, people, nursery)
            personal = PersonalSettings(client, people, turns.check_access)
            turns.check_access()
            async for message in self.inbox:
                match message:
                    case RunTurn():
                        turns.take(message)
                    case CancelTurn(run_id):
                        turns.stop(run_id)
                    case FetchSettings() | ChangeSettings():
                        nursery.start_soon(personal.answer, message)
                    case _:
                        assert_never(message)
            turns.leave_waiting()

    @property
    def _made(self) -> MadeFiles:
        return MadeFiles(self.files / "made")

    def _turns(self, client: PlatformClient, people: People, nursery: trio.Nursery) -> Turns:
        runner = TurnRunner(
            client,
            people,
            self.store,
            attach_for(self.agent),
            self._made,
            Limits(idle=self.idle_limit),
            self._random,
        )
        return Turns(runner, nursery, Line(nursery, self.max_turns), refusal_of(self.agent.mode))
