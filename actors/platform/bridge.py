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
from actors.platform.files import ATTACH
from actors.platform.made import MadeFiles
from actors.platform.people import People
from actors.platform.turn import Limits, TurnRunner
from actors.platform.turns import Turns
from protocols.platform import FailureKind, PlatformClient, PlatformFailedError, UserSettings
from protocols.turns import (
    CancelTurn,
    ChangeSettings,
    FetchSettings,
    PlatformMessage,
    RunTurn,
    TurnFailed,
)

OpenClient = Callable[[], AbstractAsyncContextManager[PlatformClient]]
"""Opens the platform's client for one life of the bridge."""

BACKOFF = Backoff(first=1.0)
"""Slow enough that messages which crash the bridge, one after the other, leave the tree alone:
at most 8 restarts in a minute, and the tree bears 10."""

SETTINGS_LIMIT = 8.0  # below the 10 s that a question waits by default


@define
class PlatformBridge:
    """The agent, as the sessions see it.

    What a client is expected to raise, ``PlatformFailedError``, becomes an outcome of its turn.
    Anything else is a bug and crashes the bridge: its turn has failed, and whoever else waits
    hears it at once and asks again, with the same run id, so that the agent does no work twice.

    Args:
        open_client: Opens the client of one life; it is closed when the life ends.
        files: The folder for files on their way; those that the agent made stand in ``made``.
        idle_limit: Longest silence of the agent, in seconds, also before its first part.
        max_turns: Turns that run at once; further ones wait in order and say so.
        mode: What ``PLATFORM_MODE`` says: how files go to the agent.
        random: Where the waits between attempts come from.
    """

    inbox: Mailbox[PlatformMessage]
    open_client: OpenClient
    files: Path
    idle_limit: float = 60.0
    max_turns: int = 100
    mode: str = "mock"
    _random: random.Random = field(factory=random.Random)

    async def run(self) -> None:
        """Serve until the inbox is closed; then let the running turns end."""
        made = MadeFiles(self.files / "made")
        made.sweep()
        async with self.open_client() as client, trio.open_nursery() as nursery:
            people = People(client)
            limits, attach = Limits(idle=self.idle_limit), ATTACH[self.mode]
            runner = TurnRunner(client, people, attach, made, limits, self._random)
            turns = Turns(runner, nursery, trio.Semaphore(self.max_turns))
            async for message in self.inbox:
                match message:
                    case RunTurn():
                        turns.take(message)
                    case CancelTurn(run_id):
                        turns.stop(run_id)
                    case FetchSettings() | ChangeSettings():
                        nursery.start_soon(_answer_settings, message, client, people)
                    case _:
                        assert_never(message)
            turns.leave_waiting()


async def _answer_settings(
    question: FetchSettings | ChangeSettings, client: PlatformClient, people: People
) -> None:
    answer: UserSettings | TurnFailed = TurnFailed("", FailureKind.TIMEOUT)
    with trio.move_on_after(SETTINGS_LIMIT):
        try:
            answer = await _settings(question, client, people)
        except PlatformFailedError as error:
            answer = TurnFailed("", error.kind)
    question.reply_to.send(answer)


async def _settings(
    question: FetchSettings | ChangeSettings, client: PlatformClient, people: People
) -> UserSettings:
    user_id = await people.user_id_of(question.surface, question.sender)
    match question:
        case FetchSettings():
            return await client.get_settings(user_id)
        case ChangeSettings(action=action):
            # Once only: a toggle that is tried again may have been done already.
            return await client.update_settings(user_id, action)
        case _:
            assert_never(question)
