"""People and the real program on a Bot API server."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import define

from tests.rigs.journal import Journal, read_journal
from tests.rigs.program import LIMIT, Program, program
from tests.rigs.telegram_api import TelegramApi, telegram_api
from tests.rigs.telegram_messages import Chat, Message
from tests.rigs.telegram_people import Person

ANN, BEN = 4211, 4212
GROUP = -1001

Where = Chat | Person | int


@define
class TelegramChat:
    """What people do on Telegram and what they see there; waiting has a limit."""

    api: TelegramApi
    it: Program

    async def hears(self, where: Where, *words: str, thread: int | None = None) -> list[str]:
        """All that the bot says there, as soon as each of *words* stands in a message of it."""

        def is_there(said: list[str]) -> bool:
            return all(any(word in text for text in said) for word in words)

        with trio.fail_after(LIMIT):
            return await self.api.answered(where, is_there, thread=thread)

    async def sees_button(
        self, where: Where, label: str, *, but: Message | None = None, thread: int | None = None
    ) -> Message:
        """The newest message there with a button called *label*, as soon as there is one."""

        def found(messages: list[Message]) -> list[Message]:
            others = [one for one in messages if but is None or one.message_id != but.message_id]
            return [one for one in others if any(label in b["text"] for b in one.buttons)]

        with trio.fail_after(LIMIT):
            return found(await self.api.shown(where, lambda now: bool(found(now)), thread=thread))[
                -1
            ]

    async def sees_message(self, where: Where, words: str) -> Message:
        """The newest message there that has *words*, as soon as there is one."""

        def found(messages: list[Message]) -> list[Message]:
            return [one for one in messages if words in one.text]

        with trio.fail_after(LIMIT):
            return found(await self.api.shown(where, lambda now: bool(found(now))))[-1]

    async def sees(self, is_so: Callable[[], bool]) -> None:
        """Wait until *is_so*."""
        with trio.fail_after(LIMIT):
            await self.api.until(is_so)

    async def end(self) -> Journal:
        """Stop the program in order; what it left is whole, and no limit was broken."""
        assert await self.it.end() == 0
        journal = read_journal(self.it.folder / "surfaces.db")
        assert journal.faults == []
        assert not self.api.violations
        assert not self.api.calls_in_penalty
        return journal


def telegram_settings(api: TelegramApi, **more: str) -> dict[str, str]:
    """The settings of a program that talks to *api*."""
    return {
        "TELEGRAM_BOT_TOKEN": api.token,
        "TELEGRAM_API_BASE": api.url,
        "ACCESS_MODE": "open",
        "MOCK_LATENCY": "off",
    } | more


@asynccontextmanager
async def telegram_chat(
    folder: Path, *, has_topics: bool = False, **environment: str
) -> AsyncIterator[TelegramChat]:
    """A server and a program that has been started."""
    async with (
        telegram_api(has_topics=has_topics) as api,
        program(folder, **telegram_settings(api, **environment)) as it,
    ):
        await it.start()
        yield TelegramChat(api, it)
