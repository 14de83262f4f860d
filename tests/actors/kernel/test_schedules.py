"""What must hold whatever the scheduler does and wherever an actor is hit."""

import random
from itertools import count
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, field

from actors.kernel.decision import Budget
from actors.kernel.mailbox import Mailbox
from actors.kernel.pool import Pool
from actors.kernel.spec import permanent
from actors.kernel.supervision import Supervisor
from protocols.mail import NoAnswerError
from tests.actors.kernel.crew import Doubled, Said
from tests.actors.kernel.steps import AtStep, run_seeded

KEYS = ("a", "b", "c")
WORDS = 12


@define
class Careful:
    """Reads slowly, so that it can be hit between and within messages."""

    inbox: Mailbox[Any]
    heard: list[int]
    running: list[int]

    async def run(self) -> None:
        assert not self.running, "beside itself"
        self.running.append(1)
        try:
            async for message in self.inbox:
                await trio.lowlevel.checkpoint()
                if isinstance(message, Said):
                    self.heard.append(int(message.text))
                else:
                    message.reply_to.send(2 * message.number)
                await trio.lowlevel.checkpoint()
        finally:
            self.running.clear()


@define
class World:
    """A writer, a pool of writers, and people who write to them."""

    box: Mailbox[Any] = field(factory=lambda: Mailbox("writer", capacity=3))
    heard: dict[str, list[int]] = field(factory=dict)
    running: dict[str, list[int]] = field(factory=dict)
    answers: list[object] = field(factory=list)
    boxes: list[Mailbox[Any]] = field(factory=list)

    def actor(self, key: str, inbox: Mailbox[Any]) -> Careful:
        if inbox not in self.boxes:
            self.boxes.append(inbox)
        heard, now = self.heard.setdefault(key, []), self.running.setdefault(key, [])
        return Careful(inbox, heard, now)

    def supervisor(self) -> tuple[Supervisor, Pool[Any]]:
        def writer(inbox: Mailbox[Any]) -> Careful:
            return self.actor("writer", inbox)

        budget = Budget(10**6, 60.0, 10**6)
        pool: Pool[Any] = Pool("rooms", self.actor, capacity=3, idle=8.0, budget=budget)
        specs = [permanent("writer", writer, inbox=self.box), pool.spec()]
        return Supervisor(specs, intensity=10**6), pool

    async def people(self, pool: Pool[Any]) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.write, self.box.address)
            for key in KEYS:
                nursery.start_soon(self.write, pool.address(key))
            for _ in range(3):
                nursery.start_soon(self.ask)

    async def write(self, address: Any) -> None:
        for number in range(WORDS):
            await address.send(Said(str(number)))

    async def ask(self) -> None:
        try:
            answer: int = await self.box.address.ask(Doubled(21), within=5.0)
            self.answers.append(answer)
        except NoAnswerError as error:
            self.answers.append(type(error))

    def check(self) -> None:
        for box in self.boxes:
            assert box.accepted == box.handled + box.lost, box.reader
            assert (box.used, box.in_hand, box.in_line) == (0, 0, 0)
        for heard in self.heard.values():
            # A word that was in hand in a crash is heard again, but never out of order.
            assert heard == sorted(heard)
        assert len(self.answers) == 3
        assert not any(self.running.values())

    def check_all_heard(self, supervisor: Supervisor) -> None:
        heard = sum(len(set(words)) for words in self.heard.values())
        reasons = [letter.reason for letter in supervisor.undelivered() if letter.kind == "Said"]
        assert set(reasons) <= {"set aside after 3 crashes"}
        assert heard + len(reasons) == WORDS * (len(KEYS) + 1)


async def trouble(world: World, supervisor: Supervisor, pool: Pool[Any], seed: int) -> None:
    """Kill and restart at random while people write, then stop."""
    chance = random.Random(seed)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.run)
        await trio.testing.wait_all_tasks_blocked()
        async with trio.open_nursery() as writing:
            writing.start_soon(world.people, pool)
            for _ in range(chance.randrange(8)):
                for _ in range(chance.randrange(6)):
                    await trio.lowlevel.checkpoint()
                await trio.sleep(chance.choice([0.0, 0.1, 20.0]))
                path = chance.choice(["writer", "rooms", *(f"rooms/{key}" for key in KEYS)])
                hit = chance.choice([supervisor.kill, supervisor.restart])
                if supervisor.child_at(path) is not None:
                    hit(path)
        await trio.sleep(120)
        world.check_all_heard(supervisor)
        supervisor.stop("enough")
    world.check()


def play(seed: int) -> None:
    world = World()

    async def main() -> None:
        supervisor, pool = world.supervisor()
        await trouble(world, supervisor, pool, seed)

    run_seeded(seed, main)


@pytest.mark.parametrize("first", range(0, 100, 20))
def test_nothing_is_lost_in_any_order_of_events(first: int) -> None:
    for seed in range(first, first + 20):
        play(seed)


@pytest.mark.full
@pytest.mark.parametrize("first", range(0, 1000, 50))
def test_nothing_is_lost_in_a_thousand_orders_of_events(first: int) -> None:
    for seed in range(first, first + 50):
        play(seed)


def hit_at(step: int, victim: str, how: str) -> bool:
    """One conversation in which *victim* is hit at its step; False if it had fewer steps."""
    world = World()
    supervisor, pool = world.supervisor()
    blows: dict[str, Any] = {
        "kill": lambda: supervisor.kill(victim),
        "restart": lambda: supervisor.restart(victim),
        "stop": lambda: supervisor.stop("at this step"),
    }
    instrument = AtStep(victim, step, blows[how])

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(supervisor.run)
            await trio.testing.wait_all_tasks_blocked()
            await world.people(pool)
            await trio.sleep(30)
            if how != "stop":
                world.check_all_heard(supervisor)
            supervisor.stop("enough")

    run_seeded(0, main, instrument)
    world.check()
    return instrument.has_happened


@pytest.mark.parametrize("how", ["kill", "restart", "stop"])
@pytest.mark.parametrize("victim", ["writer", "rooms", "rooms/a"])
def test_an_actor_can_be_hit_at_every_step_without_a_loss(victim: str, how: str) -> None:
    steps = next(step for step in count(1) if not hit_at(step, victim, how))

    assert steps > 2
