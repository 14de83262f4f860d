"""One person and the real program in one room of a real homeserver."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import define

from tests.rigs.journal import Journal, read_journal
from tests.rigs.matrix_shown import Shown
from tests.rigs.program import LIMIT, Program, program
from tests.rigs.synapse import Account, Person, Synapse

_DATABASE = "surfaces.db"


@define
class MatrixChat:
    """What the person writes and what they hear."""

    it: Program
    person: Person
    room: str
    bot: Account

    async def say(self, *texts: str) -> None:
        """Write each of *texts*, one after the other."""
        await self.person.send_many(self.room, texts)

    async def hears(self, words: str, *, times: int = 1) -> list[str]:
        """All that the bot said, as soon as *words* stand in so many messages of it."""

        def is_there(shown: list[Shown]) -> bool:
            return (
                sum(words in one.text for one in shown if one.sender == self.bot.user_id) >= times
            )

        with trio.fail_after(LIMIT):
            shown = await self.person.watch(self.room, is_there)
        return [one.text for one in shown if one.sender == self.bot.user_id]

    async def heard(self) -> list[str]:
        """All that the bot has said."""
        with trio.fail_after(LIMIT):
            return await self.person.answers(self.room, self.bot.user_id)

    async def end(self) -> Journal:
        """Stop the program in order; what it left."""
        assert await self.it.end() == 0
        return read_journal(self.it.folder / _DATABASE)


@asynccontextmanager
async def matrix_chat(
    folder: Path, synapse: Synapse, **environment: str
) -> AsyncIterator[MatrixChat]:
    """A person's room that the bot is invited to; the program is not started yet."""
    bot = await trio.to_thread.run_sync(synapse.register, "bot")
    person = await trio.to_thread.run_sync(synapse.person)
    room = await person.create_room([bot.user_id])
    settings = {
        "MATRIX_HOMESERVER": synapse.url,
        "MATRIX_USER_ID": bot.user_id,
        "MATRIX_PASSWORD": bot.password,
        "ACCESS_MODE": "open",
        "MOCK_LATENCY": "off",
        **environment,
    }
    async with program(folder, **settings) as it:
        yield MatrixChat(it, person, room, bot)
