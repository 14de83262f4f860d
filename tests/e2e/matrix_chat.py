"""One person and the real program in rooms of a real homeserver."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from attrs import define

from tests.rigs.journal import Journal, read_journal
from tests.rigs.matrix_human import Human, human
from tests.rigs.matrix_shown import Shown
from tests.rigs.matrix_signatures import is_cross_signed
from tests.rigs.program import LIMIT, Program, program
from tests.rigs.synapse import Account, Json, Synapse

_DATABASE = "surfaces.db"

BOTH = pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "encrypted"])
"""The same story in a plain and in an encrypted room."""

EITHER = pytest.mark.parametrize(
    "is_encrypted",
    [pytest.param(False, marks=pytest.mark.full, id="plain"), pytest.param(True, id="encrypted")],
)
"""The same, but where the encrypted room tells it all, the plain one takes its time."""

_READABLE_FOR_ALL = frozenset({"m.room.encrypted", "m.reaction", "m.room.redaction"})
"""What may be sent into an encrypted room: the latter two hold no words."""


@define
class MatrixChat:
    """What the person does and what they see; waiting has a limit."""

    it: Program
    person: Human
    room: str
    bot: Account

    async def start(self) -> None:
        """Start the program and wait until the bot is in the room."""
        await self.it.start()
        await self.joined(self.room)

    async def joined(self, room: str, *, by: Human | None = None) -> None:
        """Wait until the bot is in *room*, as the person or *by* sees it."""
        with trio.fail_after(LIMIT):
            await (by or self.person).watch_member(room, self.bot.user_id, "join")

    async def open_room(
        self, *others: Human, is_encrypted: bool = False, is_direct: bool = True
    ) -> str:
        """Another room of the person, with the bot and *others* in it."""
        invited = [self.bot.user_id, *(other.user_id for other in others)]
        room = await self.person.create_room(
            invited, is_encrypted=is_encrypted, is_direct=is_direct
        )
        for other in others:
            await other.join(room)
        await self.joined(room)
        return room

    async def say(self, *texts: str, room: str = "") -> None:
        """Write each of *texts*, one after the other."""
        await self.person.send_many(room or self.room, texts)

    async def hears(self, words: str, *, times: int = 1, room: str = "") -> list[str]:
        """All that the bot said, as soon as *words* stand in so many messages of it."""

        def is_there(said: list[Shown]) -> bool:
            return sum(words in one.text for one in said) >= times

        return [one.text for one in await self.sees(is_there, room=room)]

    async def heard(self, room: str = "") -> list[str]:
        """All that the bot has said."""
        return [one.text for one in await self.sees(lambda _: True, room=room)]

    async def finds(self, words: str, *, room: str = "", by: Human | None = None) -> Shown:
        """The first message of the bot that has *words*, waiting for it."""

        def is_there(said: list[Shown]) -> bool:
            return any(words in one.text for one in said)

        said = await self.sees(is_there, room=room, by=by)
        return next(one for one in said if words in one.text)

    async def sees(
        self, is_there: Callable[[list[Shown]], bool], *, room: str = "", by: Human | None = None
    ) -> list[Shown]:
        """The bot's messages as the person, or *by*, sees them, once they are as wanted."""

        def bots(shown: list[Shown]) -> list[Shown]:
            return [one for one in shown if one.sender == self.bot.user_id]

        with trio.fail_after(LIMIT):
            found = await (by or self.person).watch(
                room or self.room, lambda shown: is_there(bots(shown))
            )
        return bots(found)

    async def offers(self, message: Shown, number: int = 1) -> set[str]:
        """The emoji that the bot has put below *message*, once there are so many."""
        return await self.sees_below(message.event_id, lambda found: len(found) >= number)

    async def sees_below(self, event_id: str, is_there: Callable[[set[str]], bool]) -> set[str]:
        """The emoji that the bot has put below a message, once they are as wanted."""
        with trio.fail_after(LIMIT):
            while True:
                below = (await self.person.reactions(self.room)).get(event_id, {})
                found = {emoji for emoji, senders in below.items() if self.bot.user_id in senders}
                if is_there(found):
                    return found
                await self.person.next_change()

    async def has_signed_devices(self, number: int) -> None:
        """Wait until the bot's account vouches for so many devices."""
        bot = self.bot.user_id
        asked: Json = {"device_keys": {bot: []}}
        with trio.fail_after(LIMIT):
            while True:
                answer = await self.person.request("POST", "/keys/query", asked)
                devices = answer["device_keys"][bot]
                if sum(is_cross_signed(answer, bot, device) for device in devices) >= number:
                    return
                await trio.sleep(0.1)  # to others a signature is no change that a sync waits for

    async def in_the_open(self) -> list[str]:
        """The types of what the bot sent unencrypted into encrypted rooms of the person."""
        found = []
        for room in (await self.person.request("GET", "/joined_rooms"))["joined_rooms"]:
            events = await self.person.events(room)
            kinds = [event["type"] for event in events]
            if "m.room.encryption" not in kinds:
                continue
            found += [
                event["type"]
                for event in events[kinds.index("m.room.encryption") :]
                if event["sender"] == self.bot.user_id and "state_key" not in event
            ]
        return [kind for kind in found if kind not in _READABLE_FOR_ALL]

    async def end(self) -> Journal:
        """Stop the program in order; what it left is whole, and nothing went out in the open."""
        assert await self.it.end() == 0
        journal = self.left()
        assert journal.faults == []
        assert await self.in_the_open() == []
        assert self.person.device.complaints == []
        return journal

    def left(self) -> Journal:
        """What a program that has ended left."""
        return read_journal(self.it.folder / _DATABASE)


def settings_for(bot: Account, url: str, **more: str) -> dict[str, str]:
    """The settings of a program that is *bot* on the homeserver at *url*; everybody may write."""
    return {
        "MATRIX_HOMESERVER": url,
        "MATRIX_USER_ID": bot.user_id,
        "MATRIX_PASSWORD": bot.password,
        "ACCESS_MODE": "open",
        "MOCK_LATENCY": "off",
    } | more


@asynccontextmanager
async def matrix_chat(
    folder: Path, synapse: Synapse, *, is_encrypted: bool = False, **environment: str
) -> AsyncIterator[MatrixChat]:
    """A person's room that the bot is invited to; the program is not started yet."""
    bot = await trio.to_thread.run_sync(synapse.register, "bot")
    person = await human(synapse)
    room = await person.create_room([bot.user_id], is_encrypted=is_encrypted)
    async with program(folder, **settings_for(bot, synapse.url, **environment)) as it:
        yield MatrixChat(it, person, room, bot)
