"""Whether the program is alive, and whether it is ready."""

from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from actors.ops.web.health import LONGEST_SILENCE, Readiness, reasons_in
from actors.ops.web.looks import Shared
from protocols.changes import PutKey
from protocols.lifecycle import ActorState, ActorView
from protocols.mail import AnswerLateError, Question
from protocols.store import Commit
from tests.actors.ops.rig import A, SilentAddress, actor
from tests.actors.ops.web.web_rig import PausingControl, serving
from tests.fakes import MemoryStoreAddress

UP = (
    actor("store"),
    actor("platform"),
    actor("telegram.in", beat_age=30.0),
    actor("matrix", beat_age=0.0),
    actor("sessions"),
    actor("sessions/telegram/42"),
)


def but(path: str, **differences: Any) -> list[ActorView]:
    """The tree that is well, but for the actor at *path*."""
    return [actor(path, **differences) if view.path == path else view for view in UP]


def test_a_tree_that_is_well_is_ready() -> None:
    assert reasons_in(UP) == []
    assert reasons_in(UP[:2]) == []


@pytest.mark.parametrize("path", ["telegram.in", "matrix"])
def test_a_surface_is_ready_while_its_round_trips_are_recent(path: str) -> None:
    assert reasons_in(but(path, beat_age=LONGEST_SILENCE)) == []
    assert reasons_in(but(path, beat_age=181.2)) == [f"{path}: no completed round trip for 181 s"]
    assert reasons_in(but(path)) == [f"{path}: no completed round trip yet"]
    assert reasons_in(but(path, beat_age=1.0, state=ActorState.BACKOFF)) == [f"{path}: backoff"]


@pytest.mark.parametrize("state", [ActorState.PARKED, ActorState.STUCK])
@pytest.mark.parametrize("path", ["platform", "store", "sessions", "matrix"])
def test_who_is_parked_or_stuck_is_a_reason_named_once(path: str, state: ActorState) -> None:
    assert reasons_in(but(path, state=state, note="quince")) == [f"{path}: {state}"]


def test_one_chat_in_trouble_is_no_reason_and_is_named_nowhere() -> None:
    assert reasons_in(but("sessions/telegram/42", state=ActorState.PARKED)) == []


@define
class CountingStore(MemoryStoreAddress):
    """A store that counts its commits, and may not answer."""

    values: list[str] = field(factory=list)
    is_silent: bool = False

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        if isinstance(question, Commit):
            (change,) = question.changes
            assert isinstance(change, PutKey)
            self.values.append(change.value)
        if self.is_silent:
            await trio.sleep(within)
            raise AnswerLateError("store: no answer")
        return await super().ask(question, within=within)


def readiness(store: CountingStore, *views: ActorView) -> Readiness:
    async def census() -> tuple[ActorView, ...]:
        await trio.lowlevel.checkpoint()
        return views or UP

    return Readiness(Shared(census, 1.0), store, clock=trio.current_time)


async def test_the_store_is_ready_while_it_commits_something_new_now_and_then(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    store = CountingStore()
    ready = readiness(store)

    for _ in range(10):
        assert await ready.reasons() == []
        await trio.sleep(1)

    assert len(store.values) == len(set(store.values)) == 2


async def test_a_store_that_does_not_commit_is_a_reason_and_is_asked_by_one_at_a_time(
    autojump_clock: MockClock,
) -> None:
    store = CountingStore(is_silent=True)
    ready = readiness(store)
    reasons: list[list[str]] = []

    async def ask() -> None:
        reasons.append(await ready.reasons())

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(ask)

    assert reasons == [["store: does not commit within 2 s"]] * 20
    assert len(store.values) == 1
    assert autojump_clock.current_time() == 2


async def test_a_store_that_hangs_is_not_asked_at_all() -> None:
    store = CountingStore()

    reasons = await readiness(store, actor("store", in_hand="Commit", in_hand_age=9.0)).reasons()

    assert (reasons, store.values) == (["store: does not answer"], [])


async def test_readiness_is_told_by_the_status_and_in_words() -> None:
    async with serving(control=PausingControl(UP)) as web:
        ready = await web.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})

    store = SilentAddress("store")
    async with serving(control=PausingControl(tuple(but("matrix"))), store=store) as web:
        answer = await web.get("/readyz")

    assert answer.status_code == 503
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["reasons"] == [
        "matrix: no completed round trip yet",
        "store: does not commit within 2 s",
    ]


async def test_health_is_told_whatever_else_hangs() -> None:
    async with serving(control=PausingControl(pause=60.0), store=SilentAddress("store")) as web:
        with trio.fail_after(5):
            assert (await web.get("/healthz")).status_code == 200
