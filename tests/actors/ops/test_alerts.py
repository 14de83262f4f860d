from typing import Any, TypeVar

import pytest
import trio
from attrs import define, field
from structlog.typing import EventDict
from trio.testing import MockClock

from actors.ops.alerts import EVERY, TOLD_KEY, Alerts
from actors.ops.incidents import LEAST_PAUSE
from protocols.chats import AccessList, Stranger, Tell
from protocols.ids import PersonId
from protocols.lifecycle import ActorState
from protocols.mail import CalleeDiedError, Question
from protocols.store import GetKey
from tests.actors.ops.rig import (
    DyingStoreAddress,
    FakeControl,
    FakeDirectory,
    FakeLife,
    actor,
    run_as,
)
from tests.fakes import MemoryStoreAddress

A = TypeVar("A")
ME, YOU = PersonId("telegram:42"), PersonId("matrix:@you:s")
PARKED = (actor("store"), actor("matrix", state=ActorState.PARKED, note="the password is wrong"))


@define
class TellingDirectory(FakeDirectory):
    """Writes down what it is to tell whom; those in *away* cannot be told."""

    told: list[tuple[PersonId, str]] = field(factory=list)
    away: tuple[PersonId, ...] = ()
    is_dead: bool = False

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        if self.is_dead:
            raise CalleeDiedError("chats: dead")
        if not isinstance(question, Tell):
            return await super().ask(question, within=within)
        await trio.lowlevel.checkpoint()
        is_there = question.person not in self.away
        if is_there:
            self.told.append((question.person, question.text))
        result: Any = is_there
        return result  # type: ignore[no-any-return]  # the question's own answer


def seconds() -> float:
    """The time of day, which goes on with the test's own clock."""
    return 1.8e9 + trio.current_time()


@define
class Scene:
    control: FakeControl = field(factory=FakeControl)
    store: MemoryStoreAddress = field(factory=MemoryStoreAddress)
    chats: TellingDirectory = field(factory=TellingDirectory)

    def alerts(self, *people: PersonId) -> Alerts:
        return Alerts(self.control, self.store, self.chats, people or (ME,), clock=seconds)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_parked_actor_is_told_once_and_its_recovery_once(
    scene: Scene, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scene.alerts().run)
        await trio.sleep(1)
        scene.control.views = PARKED
        await trio.sleep(5 * LEAST_PAUSE)
        scene.control.views = (actor("store"), actor("matrix"))
        await trio.sleep(5 * LEAST_PAUSE)
        nursery.cancel_scope.cancel()

    line = "**matrix** cannot work: the password is wrong"
    assert scene.chats.told == [(ME, f"⚠️ {line}"), (ME, f"✅ over: {line}")]


async def test_another_life_does_not_repeat_what_this_one_told(
    scene: Scene, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    scene.control.views = PARKED
    for _ in range(2):
        with trio.move_on_after(5 * EVERY):
            await scene.alerts().run()

    assert len(scene.chats.told) == 1
    assert "matrix" in (scene.store.tell(GetKey(TOLD_KEY)) or "")


async def test_who_cannot_be_told_keeps_nobody_else_from_it(
    scene: Scene, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    scene.control.views, scene.chats.away = PARKED, (ME,)
    with trio.move_on_after(5 * EVERY):
        await scene.alerts(ME, YOU).run()

    assert [person for person, _ in scene.chats.told] == [YOU]


async def test_who_cannot_be_told_is_said_once_in_the_log_and_in_the_tree(
    scene: Scene, autojump_clock: MockClock, logs: list[EventDict]
) -> None:
    del autojump_clock  # time passes by itself
    life = FakeLife()
    scene.control.views, scene.chats.away = PARKED, (ME,)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_as, life, scene.alerts().run)
        await trio.sleep(10 * EVERY)
        scene.chats.away = ()
        await trio.sleep(2 * EVERY)
        nursery.cancel_scope.cancel()

    assert [line["people"] for line in logs] == [[ME]]
    assert life.notes == [f"cannot tell {ME}", ""]


async def test_what_nobody_could_be_told_is_told_when_the_chats_are_back(
    scene: Scene, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    scene.control.views, scene.chats.is_dead = PARKED, True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scene.alerts().run)
        await trio.sleep(5 * EVERY)
        scene.chats.is_dead = False
        await trio.sleep(5 * EVERY)
        nursery.cancel_scope.cancel()

    assert len(scene.chats.told) == 1


async def test_a_store_that_dies_ends_no_watch(autojump_clock: MockClock) -> None:
    del autojump_clock  # time passes by itself
    store, chats = DyingStoreAddress(answers_left=1), TellingDirectory()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Alerts(FakeControl(PARKED), store, chats, (ME,)).run)
        await trio.sleep(5 * EVERY)
        store.answers_left = 100
        await trio.sleep(5 * EVERY)
        nursery.cancel_scope.cancel()

    assert len(chats.told) == 1


async def test_the_last_word_says_why_the_program_gives_up(
    scene: Scene, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scene.alerts().run)
        await trio.sleep(1)
        scene.control.failure = "the restart budget is spent by matrix"
        nursery.cancel_scope.cancel()

    ((person, text),) = scene.chats.told
    assert person == ME
    assert "the restart budget is spent by matrix" in text


async def test_a_last_word_that_nobody_hears_is_the_first_of_the_next_life(
    scene: Scene, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    scene.control.failure, scene.chats.is_dead = "the restart budget is spent by chats", True
    with trio.move_on_after(1):
        await scene.alerts().run()
    scene.control.failure, scene.chats.is_dead = "", False
    for _ in range(2):
        with trio.move_on_after(2 * EVERY):
            await scene.alerts().run()

    assert scene.chats.told == [(ME, "⚠️ The program gave up: the restart budget is spent by chats")]


async def test_a_life_that_could_keep_nothing_is_told_as_cut_short(
    scene: Scene, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    dying = DyingStoreAddress(journal=scene.store.journal, answers_left=4)
    with trio.move_on_after(EVERY / 2):
        await Alerts(scene.control, dying, scene.chats, (ME,)).run()
    with trio.move_on_after(2 * EVERY):
        await scene.alerts().run()

    ((_, text),) = scene.chats.told
    assert "was not stopped in order" in text


async def test_a_restart_does_not_shorten_the_minute_between_two_messages(
    scene: Scene, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    began = trio.current_time()
    for name in ("matrix", "web", "ops"):
        scene.control.views = (*scene.control.views, actor(name, state=ActorState.PARKED))
        with trio.move_on_after(2 * EVERY):
            await scene.alerts().run()
    assert len(scene.chats.told) == 1
    with trio.move_on_after(began + LEAST_PAUSE + EVERY - trio.current_time()):
        await scene.alerts().run()

    assert len(scene.chats.told) == 2


async def test_the_last_word_keeps_the_minute_and_is_left_to_the_next_life(
    scene: Scene, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    scene.control.views = PARKED
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scene.alerts().run)
        await trio.sleep(1)
        scene.control.failure = "the restart budget is spent by web"
        nursery.cancel_scope.cancel()
    assert len(scene.chats.told) == 1
    scene.control.failure = ""
    with trio.move_on_after(LEAST_PAUSE + EVERY):
        await scene.alerts().run()

    assert [text for _, text in scene.chats.told[1:]] == [
        "⚠️ The program gave up: the restart budget is spent by web"
    ]


async def test_what_nobody_has_heard_yet_outlives_a_short_life(
    scene: Scene, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    scene.control.failure, scene.chats.is_dead = "the restart budget is spent by chats", True
    with trio.move_on_after(1):
        await scene.alerts().run()
    scene.control.failure = ""
    for is_at_once in (True, False):
        with trio.move_on_after(0 if is_at_once else EVERY):
            await scene.alerts().run()
    scene.chats.is_dead = False
    with trio.move_on_after(EVERY):
        await scene.alerts().run()

    assert len(scene.chats.told) == 1


async def test_a_stop_in_good_order_has_no_last_word(
    scene: Scene, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    with trio.move_on_after(1):
        await scene.alerts().run()

    assert scene.chats.told == []


async def test_the_last_word_waits_for_nobody_long(scene: Scene, autojump_clock: MockClock) -> None:
    del autojump_clock  # time passes by itself
    scene.control.failure = "the restart budget is spent by chats"
    scene.chats.is_dead = True
    began = trio.current_time()

    with trio.move_on_after(1):
        await scene.alerts().run()

    assert trio.current_time() - began < 3


async def test_a_stranger_who_knocks_is_told(scene: Scene, autojump_clock: MockClock) -> None:
    del autojump_clock  # time passes by itself
    stranger = Stranger(PersonId("telegram:9"), "A private name", "K7QX", 1, 0.0, 0.0)
    scene.chats.access = AccessList("pairing", (ME,), (), (stranger,))
    with trio.move_on_after(5 * EVERY):
        await scene.alerts().run()

    assert "debug pair K7QX" in scene.chats.told[0][1]
