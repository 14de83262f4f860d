"""Turns in line, without a bridge around them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from actors.platform.line import FAR_EVERY, NEAR, NEAR_EVERY, Line
from actors.platform.open_turn import OpenTurn
from actors.words import Word, say
from protocols.ids import Language
from protocols.turns import RunTurn
from tests.actors.kernel.steps import run_seeded
from tests.actors.platform.scripted import Shown, settle, turn

HERE = "Waiting for other answers to end"


def behind(ahead: int) -> str:
    return f"{HERE}; before yours: {ahead}"


@define(eq=False)
class Guest:
    """A turn in line that stays until it is told to go."""

    number: int
    shown: Shown = field(factory=Shown)
    open_turn: OpenTurn = field(init=False)
    may_go: trio.Event = field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        question = RunTurn(turn(self.number), self.shown)
        self.open_turn = OpenTurn.asked_by(question, at=0)


@define(eq=False)
class Hall:
    """A line, and who is inside."""

    line: Line
    nursery: trio.Nursery
    guests: list[Guest] = field(factory=list)
    came_in: list[int] = field(factory=list)
    inside: int = 0
    most_inside: int = 0

    async def come(self, count: int = 1) -> None:
        for _ in range(count):
            guest = Guest(len(self.guests))
            self.guests.append(guest)
            self.line.join(guest.open_turn)
            self.nursery.start_soon(self._stay, guest)
        await settle()

    async def _stay(self, guest: Guest) -> None:
        with guest.open_turn.scope:
            async with self.line.place_of(guest.open_turn):
                guest.open_turn.begin()
                self.came_in.append(guest.number)
                self.inside += 1
                self.most_inside = max(self.most_inside, self.inside)
                try:
                    await guest.may_go.wait()
                finally:
                    self.inside -= 1

    def send_away(self, number: int) -> None:
        self.guests[number].may_go.set()

    def stop(self, number: int) -> None:
        self.guests[number].open_turn.scope.cancel()

    def status_of(self, number: int) -> str:
        return self.guests[number].open_turn.status

    @property
    def messages(self) -> int:
        return sum(len(guest.shown.seen) for guest in self.guests)


@asynccontextmanager
async def a_hall(places: int) -> AsyncIterator[Hall]:
    async with trio.open_nursery() as nursery:
        yield Hall(Line(nursery, places), nursery)
        nursery.cancel_scope.cancel()


async def test_each_who_waits_sees_how_many_are_before_them() -> None:
    async with a_hall(2) as hall:
        await hall.come(5)

        assert sorted(hall.came_in) == [0, 1]
        assert [hall.status_of(number) for number in range(5)] == [
            "",
            "",
            HERE,
            behind(1),
            behind(2),
        ]


async def test_places_are_told_in_the_person_s_language() -> None:
    assert say(Word.DRAFT_WAITS_BEHIND, Language("ru"), waiting=3).endswith("перед вашим: 3")


async def test_everybody_sees_at_once_that_the_line_has_moved(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    async with a_hall(1) as hall:
        await hall.come(4)

        hall.send_away(0)
        await settle()

        assert hall.came_in == [0, 1]
        assert [hall.status_of(number) for number in (1, 2, 3)] == ["", HERE, behind(1)]


async def test_who_gives_up_moves_those_behind_and_nobody_before(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    async with a_hall(1) as hall:
        await hall.come(5)

        hall.stop(2)
        await settle()

        assert [hall.status_of(number) for number in (1, 3, 4)] == [HERE, behind(1), behind(2)]
        assert len(hall.guests[1].shown.seen) == 1
        assert hall.came_in == [0]


async def test_one_that_leaves_a_long_line_costs_few_messages_and_all_see_it_in_some_seconds(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    async with a_hall(1) as hall:
        await hall.come(2001)
        await trio.sleep(FAR_EVERY / 2)
        before = hall.messages

        hall.send_away(0)
        await settle()
        at_once = hall.messages - before
        far_before = hall.status_of(2000)
        await trio.sleep(FAR_EVERY + NEAR_EVERY)

        assert at_once <= NEAR + 1
        assert far_before == behind(1999)
        assert hall.status_of(2000) == behind(1998)


async def test_a_line_that_moves_fast_tells_all_of_it_once_in_some_seconds_and_the_newest(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    async with a_hall(1) as hall:
        await hall.come(1001)
        await trio.sleep(0.01)
        before = len(hall.guests[1000].shown.seen)

        for number in range(200):
            hall.send_away(number)
            await trio.sleep(FAR_EVERY / 100)
        told = len(hall.guests[1000].shown.seen) - before
        await trio.sleep(2 * FAR_EVERY)

        assert 1 <= told <= 3
        assert hall.status_of(1000) == behind(799)


@pytest.mark.parametrize("steps", range(1, 9))
async def test_one_that_leaves_while_all_are_told_is_not_told_to_wait_any_more(
    steps: int,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    async with a_hall(1) as hall:
        await hall.come(302)
        await trio.sleep(FAR_EVERY)
        hall.send_away(0)
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
        hall.stop(300)
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        told = len(hall.guests[300].shown.seen)

        await settle()

        assert len(hall.guests[300].shown.seen) == told
        assert hall.status_of(301) in {behind(299), behind(298)}


async def test_nobody_is_told_anything_where_nothing_moves(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    async with a_hall(1) as hall:
        await hall.come(300)
        before = hall.messages

        await trio.sleep(600)

        assert hall.messages == before


async def test_a_line_that_has_gone_and_comes_back_is_told_its_places_again(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    async with a_hall(1) as hall:
        await hall.come(2)
        hall.send_away(0)
        hall.send_away(1)
        await trio.sleep(60)

        await hall.come(4)
        hall.send_away(2)
        await settle()

        assert hall.came_in == [0, 1, 2, 3]
        assert [hall.status_of(number) for number in (4, 5)] == [HERE, behind(1)]


async def test_a_turn_stopped_in_the_moment_it_gets_its_place_hands_it_on(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    async with a_hall(1) as hall:
        await hall.come(3)

        hall.stop(1)
        hall.send_away(0)
        await settle()

        assert hall.came_in == [0, 2]


@settings(max_examples=60, deadline=None)
@given(
    places=st.integers(1, 3),
    seed=st.integers(0, 2**16),
    acts=st.lists(
        st.tuples(st.sampled_from(["come", "go", "stop"]), st.integers(0, 40)), max_size=40
    ),
)
def test_no_place_is_lost_and_none_is_given_twice(
    places: int, seed: int, acts: list[tuple[str, int]]
) -> None:
    async def main() -> None:
        async with a_hall(places) as hall:
            for what, number in acts:
                if what == "come":
                    await hall.come()
                elif number < len(hall.guests):
                    (hall.send_away if what == "go" else hall.stop)(number)
                if number % 2:
                    await settle()
            await settle()
            for guest in hall.guests:
                guest.may_go.set()
                await settle()
            assert hall.most_inside <= places
            assert hall.inside == 0
            assert hall.came_in == sorted(hall.came_in)
            stayed = [g for g in hall.guests if not g.open_turn.scope.cancel_called]
            assert {g.number for g in stayed} <= set(hall.came_in)

    run_seeded(seed, main)


@pytest.mark.parametrize("steps", range(8))
async def test_a_line_stopped_at_any_step_leaves_no_task_behind(
    steps: int,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            hall = Hall(Line(nursery, 1), nursery)
            await hall.come(3)
            hall.send_away(0)
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            for number in range(3):
                hall.stop(number)
