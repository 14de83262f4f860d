"""Whatever happens while keys are shared, all can be read, and nobody waits for ever."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, field

from actors.matrix.api.replies import Limited, Reply, Unreachable
from actors.matrix.crypto.port import NotSealed, Sealed
from tests.actors.matrix.crypto.key_server import LOST, ROOM, KeyServer, Party, opened

Json = dict[str, Any]

ANN, BOB, BOT = "@ann:fake", "@bob:fake", "@bot:fake"
REQUESTS = ("keys/upload", "keys/query", "keys/claim", "sendToDevice", "members")
FAULTS: dict[str, Reply | str] = {
    "5xx": Unreachable("502"),
    "429": Limited(2.0),
    "reset": Unreachable("ServerDisconnectedError"),
    "lost": LOST,
}


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", REQUESTS)
async def test_a_fault_of_any_request_costs_time_and_no_message(
    server: KeyServer,
    nursery: trio.Nursery,
    tmp_path: Path,
    autojump_clock: trio.testing.MockClock,
    name: str,
    fault: str,
) -> None:
    ann = await opened(nursery, server, tmp_path, ANN, "PHONE")
    bot = await opened(nursery, server, tmp_path)
    bot.client.faults[name] = [FAULTS[fault]] * 3
    server.one_time[BOT, "BOT"].clear()
    await bot.hear()

    with trio.fail_after(60):
        asked = await ann.say("asked")
        await bot.hear()
        answers = [await bot.say(text) for text in ("one", "two")]
        await trio.sleep(30)

    await ann.hear()
    assert bot.read(asked) == "asked"
    assert [ann.read(event) for event in answers] == ["one", "two"]
    assert len(server.one_time[BOT, "BOT"]) >= 49
    assert autojump_clock.current_time() < 100


@pytest.mark.parametrize("name", ["keys/query", "keys/claim", "sendToDevice"])
async def test_one_room_keeps_the_silence_that_the_server_wants_of_another(
    server: KeyServer,
    nursery: trio.Nursery,
    tmp_path: Path,
    autojump_clock: trio.testing.MockClock,
    name: str,
) -> None:
    ann = await opened(nursery, server, tmp_path, ANN, "PHONE")
    bot = await opened(nursery, server, tmp_path)
    for user in (ANN, BOT):
        server.enter(user, "!new:fake")
    bot.client.faults[name] = [Limited(2.0)]
    since = autojump_clock.current_time()

    refused = await bot.seal("later")
    asked = bot.client.names().count(name)
    await trio.sleep(0.5)
    kept = await bot.seal("too early", "!new:fake")

    assert refused == NotSealed("rate limited", 2.0)
    assert kept == NotSealed("rate limited", 1.5)
    assert bot.client.names().count(name) == asked
    event = await bot.say("in time", "!new:fake")
    await ann.hear()
    assert ann.read(event, "!new:fake") == "in time"
    assert autojump_clock.current_time() - since == 2.0


@pytest.mark.parametrize("when", range(1, 7))
async def test_a_send_that_is_cancelled_at_any_request_leaves_no_trace(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, when: int
) -> None:
    ann = await opened(nursery, server, tmp_path, ANN, "PHONE")
    bot = await opened(nursery, server, tmp_path)
    scope = trio.CancelScope()
    bot.client.before = _at_number(when, scope.cancel)
    with scope:
        await bot.seal("cancelled")

    with trio.fail_after(5):
        event = await bot.say("said")

    await ann.hear()
    assert scope.cancelled_caught == (when <= 5)
    assert ann.read(event) == "said"


async def test_a_server_that_never_answers_holds_up_neither_other_rooms_nor_later_words(
    server: KeyServer,
    nursery: trio.Nursery,
    tmp_path: Path,
    autojump_clock: trio.testing.MockClock,
) -> None:
    ann = await opened(nursery, server, tmp_path, ANN, "PHONE")
    bot = await opened(nursery, server, tmp_path)
    await bot.say("one")
    for user in (ANN, BOT):
        server.enter(user, "!new:fake")
    bot.client.always["members"] = Unreachable("no answer in time")

    refused = await bot.seal("later", "!new:fake")
    event = await bot.say("two")
    bot.client.always.clear()
    later = await bot.say("later", "!new:fake")

    await ann.hear()
    assert not isinstance(refused, Sealed)
    assert [ann.read(event), ann.read(later, "!new:fake")] == ["two", "later"]
    assert autojump_clock.current_time() == 0


async def test_many_seal_at_once_in_the_order_in_which_they_asked(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    ann = await opened(nursery, server, tmp_path, ANN, "PHONE")
    bot = await opened(nursery, server, tmp_path)
    events: list[Json] = []

    async def say(text: str) -> None:
        events.append(await bot.say(text))

    async with trio.open_nursery() as many:
        for number in range(20):
            many.start_soon(say, str(number))

    await ann.hear()
    assert {ann.read(event) for event in events} == {str(number) for number in range(20)}
    assert bot.client.names().count("sendToDevice") == 1


@define
class Story:
    """A room in which anything may happen, and who must be able to read what."""

    server: KeyServer
    nursery: trio.Nursery
    folder: Path
    rng: random.Random
    bot: Party
    others: list[Party]
    said: list[tuple[Json, str, list[Party]]] = field(factory=list)
    names: Iterator[int] = field(factory=lambda: iter(range(1000)))

    async def step(self) -> None:
        steps = (self.say, self.say, self.ask, self.move, self.add_device, self.restart, self.stop)
        await self.rng.choice(steps)()

    def readers(self) -> list[Party]:
        inside = self.server.members[ROOM]
        return [one for one in self.others if inside[one.client.user] == "join"]

    def harm(self) -> None:
        for name in REQUESTS:
            for _ in range(self.rng.choice((0, 0, 1, 2))):
                self.bot.client.faults[name].append(self.rng.choice([*FAULTS.values()]))

    async def say(self) -> None:
        self.harm()
        readers, text = self.readers(), f"words {next(self.names)}"
        self.said.append((await self.bot.say(text), text, readers))

    async def ask(self) -> None:
        if readers := self.readers():
            text = f"words {next(self.names)}"
            event = await self.rng.choice(readers).say(text)
            await self.bot.hear()
            self.said.append((event, text, [self.bot]))

    async def move(self) -> None:
        is_in = self.server.members[ROOM][BOB] == "join"
        event = self.server.enter(BOB, step="leave" if is_in else "join")
        for one in (self.bot, *self.others):
            await one.hear(event)

    async def add_device(self) -> None:
        name = f"D{next(self.names)}"
        self.others.append(await opened(self.nursery, self.server, self.folder, ANN, name))
        await self.bot.hear()

    async def restart(self) -> None:
        page = self.bot.client.page()
        await self.bot.vault.receive(page)
        self.bot.vault.close()
        self.bot = await opened(self.nursery, self.server, self.folder)
        await self.bot.vault.receive(page)

    async def stop(self) -> None:
        self.harm()
        scope = trio.CancelScope()
        self.bot.client.before = _at_number(self.rng.randint(1, 6), scope.cancel)
        with scope:
            await self.bot.say("cancelled")
        self.bot.client.before = lambda _name: None


@pytest.mark.parametrize("seed", range(8))
async def test_all_that_was_sealed_in_any_story_is_readable(
    server: KeyServer,
    nursery: trio.Nursery,
    tmp_path: Path,
    autojump_clock: trio.testing.MockClock,
    seed: int,
) -> None:
    others = [
        await opened(nursery, server, tmp_path, ANN, "PHONE"),
        await opened(nursery, server, tmp_path, BOB, "B"),
    ]
    bot = await opened(nursery, server, tmp_path)
    story = Story(server, nursery, tmp_path, random.Random(seed), bot, others)

    for _ in range(12):
        with trio.fail_after(600):
            await story.step()
    for one in story.others:
        await one.hear()

    assert story.said
    for event, text, readers in story.said:
        for one in readers:
            # The bot of an earlier life is the bot.
            reader = story.bot if one.client.user == BOT else one
            assert reader.read(event) == text
    assert autojump_clock.current_time() < 7200


def _at_number(number: int, happen: Callable[[], None]) -> Callable[[str], None]:
    made = 0

    def count(name: str) -> None:
        nonlocal made
        made += name != "keys/upload"
        if made == number:
            happen()

    return count
