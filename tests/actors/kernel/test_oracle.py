"""Erlang's scenarios again, on the running supervisor, up to the first call of its interface."""

from itertools import takewhile
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, field

from actors.kernel.backoff import Backoff
from actors.kernel.child import ready
from actors.kernel.spec import permanent, temporary, transient
from actors.kernel.supervision import Supervisor
from protocols.lifecycle import ActorState
from tests.actors.kernel.test_decision import OPERATIONS, SCENARIOS, transcript

KINDS = {"permanent": permanent, "transient": transient, "temporary": temporary}
STATES = {
    ActorState.UP: "up",
    ActorState.ENDED: "none",
    ActorState.BACKOFF: "restarting",
}


@define
class Puppet:
    name: str
    world: "RealWorld"

    async def run(self) -> None:
        world = self.world
        if world.starts_that_fail.get(self.name):
            world.starts_that_fail[self.name] -= 1
            world.events.append(["start_failed", self.name])
            raise ValueError(self.name)
        world.events.append(["start", self.name])
        ready()
        reason = "shutdown"
        orders = world.orders[self.name] = trio.Event()
        try:
            await orders.wait()
            reason = world.reasons.pop(self.name)
        finally:
            del world.orders[self.name]
            world.events.append(["exit", self.name, reason])
        if reason == "crash":
            raise ValueError(self.name)


@define
class RealWorld:
    events: list[list[str]] = field(factory=list)
    orders: dict[str, trio.Event] = field(factory=dict)
    reasons: dict[str, str] = field(factory=dict)
    starts_that_fail: dict[str, int] = field(factory=dict)

    def step(self, op: str, name: str, arg: int) -> str:
        if name not in self.orders:
            return "not_running"
        if op == "failstart":
            self.starts_that_fail[name] = arg
        self.reasons[name] = "crash" if op == "failstart" else op
        self.orders[name].set()
        return "sent"

    def taken(self) -> list[list[str]]:
        events, self.events = self.events, []
        return events


def supervisor_of(scenario: dict[str, Any], world: RealWorld) -> Supervisor:
    at_once = Backoff(first=0.0, longest=0.0)
    specs = [
        KINDS[child["restart"]](child["id"], Puppet, child["id"], world).with_options(
            backoff=at_once
        )
        for child in scenario["children"]
    ]
    return Supervisor(specs, intensity=scenario["intensity"], period=scenario["period"])


async def replay(scenario: dict[str, Any]) -> list[object]:
    world = RealWorld()
    supervisor = supervisor_of(scenario, world)
    codes: list[int] = []

    async def run() -> None:
        codes.append(await supervisor.run())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await trio.testing.wait_all_tasks_blocked()
        told: list[object] = [world.taken()]
        for step in takewhile(lambda step: step["op"] not in OPERATIONS, scenario["steps"]):
            result = world.step(step["op"], step["id"], step["arg"])
            await trio.testing.wait_all_tasks_blocked()
            views = () if codes else supervisor.census()
            children = {view.path: STATES[view.state] for view in views}
            told.append((step["op"], result, world.taken(), not codes, children))
        supervisor.stop("the scenario is over")
    return told


@pytest.mark.parametrize("part", range(8))
async def test_the_supervisor_does_what_erlangs_does(part: int) -> None:
    for scenario in SCENARIOS[part::8]:
        told = await replay(scenario)
        assert told == list(transcript(scenario))[: len(told)], scenario["id"]


def test_most_scenarios_have_steps_that_the_running_supervisor_replays() -> None:
    assert sum(scenario["steps"][0]["op"] not in OPERATIONS for scenario in SCENARIOS) > 200
