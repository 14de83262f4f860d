import json
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.decision import Budget, Ending, Next, Restart, Verdict, decide

ORACLE = Path(__file__).with_name("otp_one_for_one.jsonl")
SCENARIOS = [json.loads(line) for line in ORACLE.read_text().splitlines()]
ENDINGS = {"crash": Ending.CRASH, "normal": Ending.NORMAL, "shutdown": Ending.SHUTDOWN}


OPERATIONS = {"terminate_child", "restart_child", "delete_child"}


class Standing(Enum):
    UP = "running"
    NONE = "none"
    RESTARTING = "restarting"


@define
class Row:
    restart: Restart
    standing: Standing = Standing.UP
    starts_that_fail: int = 0


@define
class PureWorld:
    """Obeys the decisions without running anything."""

    scenario: dict[str, Any]
    rows: dict[str, Row] = field(factory=dict)
    events: list[list[str]] = field(factory=list)
    recent: tuple[float, ...] = ()
    is_alive: bool = True

    def start(self) -> None:
        for child in self.scenario["children"]:
            self.rows[child["id"]] = Row(Restart(child["restart"]))
            self.events.append(["start", child["id"]])

    def step(self, op: str, name: str, arg: int) -> str:
        row = self.rows.get(name)
        if op in OPERATIONS:
            return self.ask(op, name)
        if row is None or row.standing is not Standing.UP:
            return "not_running"
        if op == "failstart":
            row.starts_that_fail = arg
        self.end(name, "crash" if op == "failstart" else op)
        return "sent"

    def ask(self, op: str, name: str) -> str:
        row = self.rows.get(name)
        if row is None:
            return "not_found"
        if op != "terminate_child" and row.standing is not Standing.NONE:
            return str(row.standing.value)
        if op == "restart_child":
            row.standing = Standing.UP
            self.events.append(["start", name])
        elif op == "delete_child":
            del self.rows[name]
        elif row.standing is Standing.UP:
            row.standing = Standing.NONE
            self.events.append(["exit", name, "shutdown"])
            if row.restart is Restart.TEMPORARY:
                del self.rows[name]
        return "ok"

    def end(self, name: str, reason: str) -> None:
        self.rows[name].standing = Standing.RESTARTING
        self.events.append(["exit", name, reason])
        verdict = self.decide(name, ENDINGS[reason])
        while verdict.next is Next.RESTART and self.rows[name].starts_that_fail:
            self.rows[name].starts_that_fail -= 1
            self.events.append(["start_failed", name])
            verdict = self.decide(name, Ending.CRASH)
        self.obey(name, verdict)

    def decide(self, name: str, ending: Ending) -> Verdict:
        verdict = decide(
            self.rows[name].restart,
            ending,
            budget=Budget(self.scenario["intensity"], self.scenario["period"]),
            recent=self.recent,
            streak=1,
            now=0.0,
        )
        self.recent = verdict.recent
        return verdict

    def obey(self, name: str, verdict: Verdict) -> None:
        match verdict.next:
            case Next.RESTART:
                self.rows[name].standing = Standing.UP
                self.events.append(["start", name])
            case Next.END:
                self.rows[name].standing = Standing.NONE
            case Next.FORGET:
                del self.rows[name]
            case Next.GIVE_UP:
                self.stop()
            case Next.COMPLETE:
                raise AssertionError(verdict)

    def stop(self) -> None:
        up = [name for name, row in self.rows.items() if row.standing is Standing.UP]
        self.events += [["exit", name, "shutdown"] for name in reversed(up)]
        self.rows.clear()
        self.is_alive = False

    def taken(self) -> list[list[str]]:
        events, self.events = self.events, []
        return events


def transcript(scenario: dict[str, Any]) -> Iterator[object]:
    yield scenario["start"]
    for step in scenario["steps"]:
        children = {child["id"]: child["state"] for child in step["children"]}
        yield step["op"], step["result"], step["events"], step["alive"], children
    yield scenario["stop"]


def replay(scenario: dict[str, Any]) -> Iterator[object]:
    world = PureWorld(scenario)
    world.start()
    yield world.taken()
    for step in scenario["steps"]:
        result = world.step(step["op"], step["id"], step["arg"])
        states = {Standing.UP: "up", Standing.NONE: "none", Standing.RESTARTING: "restarting"}
        children = {name: states[row.standing] for name, row in world.rows.items()}
        yield step["op"], result, world.taken(), world.is_alive, children
    world.stop()
    yield world.taken()


def test_the_oracle_has_all_its_scenarios() -> None:
    assert len(SCENARIOS) == 400


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: f"{scenario['id']}")
def test_the_decisions_are_those_of_erlang(scenario: dict[str, Any]) -> None:
    replayed = list(replay(scenario))

    assert replayed == list(transcript(scenario))


def verdict_of(restart: Restart, ending: Ending, **given_: Any) -> Verdict:
    facts: dict[str, Any] = {"budget": Budget(2, 10.0, 5), "recent": (), "streak": 1, "now": 100.0}
    return decide(restart, ending, **facts | given_)


@pytest.mark.parametrize(
    ("restart", "ending", "expected"),
    [
        (Restart.PERMANENT, Ending.NORMAL, Next.RESTART),
        (Restart.PERMANENT, Ending.CRASH, Next.RESTART),
        (Restart.TRANSIENT, Ending.NORMAL, Next.END),
        (Restart.TRANSIENT, Ending.SHUTDOWN, Next.END),
        (Restart.TRANSIENT, Ending.CRASH, Next.RESTART),
        (Restart.TEMPORARY, Ending.CRASH, Next.FORGET),
    ],
)
def test_what_follows_depends_on_the_restart_type(
    restart: Restart, ending: Ending, expected: Next
) -> None:
    assert verdict_of(restart, ending).next is expected


def test_a_significant_child_that_ends_completes_the_tree() -> None:
    assert verdict_of(Restart.TRANSIENT, Ending.NORMAL, is_significant=True).next is Next.COMPLETE


def test_restarts_that_left_the_window_do_not_count() -> None:
    verdict = verdict_of(Restart.PERMANENT, Ending.CRASH, recent=(80.0, 89.0, 95.0))

    assert verdict == Verdict(Next.RESTART, (95.0, 100.0))


def test_one_restart_more_than_the_intensity_spends_the_budget() -> None:
    verdict = verdict_of(Restart.PERMANENT, Ending.CRASH, recent=(95.0, 96.0))

    assert verdict.next is Next.GIVE_UP


def test_slow_failures_in_a_row_spend_the_budget_too() -> None:
    assert verdict_of(Restart.PERMANENT, Ending.CRASH, streak=5).next is Next.RESTART
    assert verdict_of(Restart.PERMANENT, Ending.CRASH, streak=6).next is Next.GIVE_UP


@given(
    st.sampled_from(Restart),
    st.sampled_from(Ending),
    st.lists(st.floats(0, 100), max_size=8).map(sorted),
)
def test_the_window_never_holds_more_than_one_past_the_intensity(
    restart: Restart, ending: Ending, recent: list[float]
) -> None:
    within: tuple[float, ...] = ()
    for now in recent:
        verdict = verdict_of(restart, ending, recent=within, now=now)
        within = verdict.recent
        if verdict.next is Next.GIVE_UP:
            break

    assert len(within) <= 3
