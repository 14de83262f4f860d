"""Stories of one room: turns, drafts, stops, failures, questions, crashes."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.chats.attempts import MOST_CRASHES
from actors.chats.session import ChatSession
from actors.kernel.mailbox import Mailbox
from protocols.changes import FinishRow, QueueRow, StartRow
from protocols.chats import DescribeSession, SessionMessage, StopTurn
from protocols.ids import RoomId, RunId, SlotId
from protocols.journal import Exchange, RowState
from protocols.platform import Resume
from protocols.store import Commit, History
from protocols.surfaces import Deliver, ShowDraft, ShowTyping
from tests.actors.chats.quicker_store import QuickerStore
from tests.actors.chats.world import ME, OTHER_ROOM, ROOM, YOU, World


async def test_a_message_is_answered(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        assert await world.say("hello") == ["echo hello"]

    assert world.faults == []
    assert world.rows[0].slot == "C1"


async def test_messages_of_a_room_are_answered_in_order(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say("slow 2", "one", "slow 1", "two")

    assert said == ["echo slow 2", "echo one", "echo slow 1", "echo two"]
    assert world.faults == []


async def test_rooms_do_not_wait_for_each_other(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 100")
        await world.write("hello", room=OTHER_ROOM)
        await trio.sleep(1)

        assert world.texts == ["echo hello"]


async def test_typing_and_drafts_come_before_the_answer(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("hello")

    kinds = [type(shown) for shown in world.shown]
    assert kinds == [Deliver, ShowTyping, ShowDraft, Deliver]
    assert world.shown[-1] == Deliver(ROOM, row_done=world.rows[0].id)


async def test_drafts_are_the_newest_only_and_not_too_many(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("stream")

    drafts = [shown.text for shown in world.shown if isinstance(shown, ShowDraft)]
    assert 4 <= len(drafts) <= 7
    assert drafts[1:] == sorted(set(drafts[1:]), key=len)
    assert world.texts == ["echo stream"]


async def test_a_long_turn_keeps_showing_that_it_is_there(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("slow 100")

    assert sum(isinstance(shown, ShowTyping) for shown in world.shown) == 3


async def test_a_stop_ends_the_turn_within_a_second_and_keeps_what_came(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("hang on")
        await trio.sleep(5)
        began = trio.current_time()
        said = await world.say("/stop")

        assert trio.current_time() - began <= 1
    assert said[0].startswith("part\n\n*Stopped")
    assert said[1] == "Stopped."
    assert world.states == [RowState.STOPPED, RowState.ANSWERED]
    assert world.faults == []


async def test_a_stop_works_also_while_the_platform_is_deaf(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("deaf")
        await trio.sleep(5)
        began = trio.current_time()
        said = await world.say("/stop", "next")

        assert trio.current_time() - began <= 1
    assert said[0].startswith("part\n\n*Stopped")
    assert "echo next" in said
    assert world.faults == []


async def test_a_stop_right_behind_a_message_stops_it(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say("hang", "/stop", "next")

    assert world.states == [RowState.STOPPED, RowState.ANSWERED, RowState.ANSWERED]
    assert said[-1] == "echo next"
    assert world.faults == []


async def test_two_stops_in_a_hurry_end_one_message(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("deaf", "next")
        await trio.sleep(5)
        await world.write("/stop")
        await trio.sleep(0.1)
        await world.write("/stop")
        await world.settle()

    assert world.states == [RowState.STOPPED, *[RowState.ANSWERED] * 3]
    assert world.texts[-1] == "echo next"
    assert world.faults == []


async def test_a_stop_ends_nothing_that_came_after_it(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        (row,) = await world.write("slow 5")
        await trio.sleep(1)
        address = world.sessions.address(ROOM)

        assert await address.ask(StopTurn(before=row)) is None
        await world.settle()
        assert await address.ask(StopTurn()) is None
    assert world.texts == ["echo slow 5"]


async def test_with_nothing_to_stop_a_stop_says_so(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        assert await world.say("/stop") == ["Nothing is running here."]

    assert world.faults == []


async def test_a_stop_that_comes_too_late_leaves_the_answer(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("hello")

        assert await world.say("/stop") == ["Nothing is running here."]
    assert world.states[0] is RowState.ANSWERED


async def test_what_was_said_before_is_what_the_agent_said_and_none_of_our_words(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("fail", "hang")
        await trio.sleep(10)
        await world.say("/stop")
        (row,) = await world.write("hello")
        await world.settle()
        said = await world.store.address.ask(History(row, 1000))

    assert said == (Exchange("fail", "part"), Exchange("hang", "part"))


async def test_a_failed_turn_keeps_what_came_and_can_be_retried(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        failed = await world.say("fail here")
        again = await world.say("/retry")

    assert failed[0].startswith("part\n\n*The agent's answer broke off. !retry")
    assert again == failed
    assert world.rows[1].text == "fail here"
    assert world.rows[0].run_id != world.rows[1].run_id
    assert world.faults == []


async def test_the_agent_s_question_is_answered_by_a_choice(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        asked = await world.say("ask me")
        await world.say("YES")
        await world.say("hello")

    assert asked == ["Really?\n\nReply **yes** / **no**."]
    assert [turn.resume for turn in world.turns] == [None, Resume("i-1", "yes"), None]
    assert not any(key.startswith("confirm:") for key in world.journal.keys)
    assert world.faults == []


async def test_other_words_cancel_the_question_and_are_heard(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("ask me")
        said = await world.say("something else")

    assert world.turns[1].resume == Resume("i-1", None)
    assert said == ["echo something else"]


async def test_another_person_does_not_answer_my_question(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("ask me")
        await world.say("yes", sender=YOU)
        await world.say("yes")

    assert [turn.resume for turn in world.turns] == [None, None, Resume("i-1", "yes")]


async def test_a_question_stays_open_where_its_answer_failed(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("ask me")
        await world.say("fail")
        await world.say("yes")

    assert world.turns[2].resume == Resume("i-1", "yes")


async def test_a_platform_that_dies_is_asked_again_with_the_same_run(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, most_deaths=3).running() as world:
        said = await world.say("die and rise")

    assert said == ["echo die and rise"]
    assert len(world.turns) == 4
    assert len({turn.run_id for turn in world.turns}) == 1
    assert world.rows[0].attempts == 1


async def test_a_platform_that_stays_away_is_given_up_with_a_word(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, most_deaths=100).running() as world:
        said = await world.say("die for good")

    assert "broke down" in said[0]
    assert len(world.turns) == 6
    assert world.states == [RowState.FAILED]
    assert world.faults == []


async def test_a_turn_without_end_is_ended(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("deaf")
        await world.settle(within=4000)

    assert "took too long" in world.texts[0]
    assert world.texts[0].startswith("part")


async def test_the_third_crash_sets_a_message_aside_and_the_next_goes_on(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say("bomb", "next")

    assert "I tried this message 3 times" in said[0]
    assert said[1] == "echo next"
    assert world.states == [RowState.SET_ASIDE, RowState.ANSWERED]
    assert world.rows[0].attempts == 3
    assert world.faults == []


async def test_what_is_set_aside_is_ended_at_the_platform_too(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 100")
        for _ in range(MOST_CRASHES):
            await trio.sleep(1)
            world.tree.kill(f"sessions/{ROOM}")
        await world.settle(within=10)

    assert world.states == [RowState.SET_ASIDE]
    assert world.cancelled == [world.rows[0].run_id]


async def test_a_program_that_is_killed_again_and_again_still_answers(
    autojump_clock: MockClock,
) -> None:
    world = World(autojump_clock)
    async with world.running():
        await world.write("slow 3", "next")
        for number in range(8):
            await trio.sleep(1)
            world.program = f"life {number}"
            world.tree.kill(f"sessions/{ROOM}")
        await world.settle()

    assert world.texts == ["echo slow 3", "echo next"]
    assert world.rows[0].attempts > MOST_CRASHES


async def test_what_may_kill_the_program_is_not_started_for_ever(
    autojump_clock: MockClock,
) -> None:
    world = World(autojump_clock)
    async with world.running():
        await world.write("hang", "next")
        for number in range(10):
            await trio.sleep(100)
            world.program = f"life {number}"
            world.tree.kill(f"sessions/{ROOM}")
        await world.settle()

    assert world.states == [RowState.SET_ASIDE, RowState.ANSWERED]
    assert "I tried this message 10 times" in world.texts[0]


async def test_however_many_messages_crash_their_session_each_is_explained(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write(*["bomb"] * 5, "hello")
        await world.settle(within=3600)

    assert world.states == [RowState.SET_ASIDE] * 5 + [RowState.ANSWERED]
    assert world.faults == []


async def test_a_session_tells_what_it_is_doing(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        first, *_ = await world.write("slow 10", "one", "two")
        await trio.sleep(3)
        busy = await world.sessions.ask(ROOM, DescribeSession())
        await world.settle()
        idle = await world.sessions.ask(ROOM, DescribeSession())

    assert (busy.running, busy.waiting, busy.slot) == (first, 2, "C1")
    assert busy.running_for is not None
    assert 2 < busy.running_for <= 3
    assert (idle.running, idle.running_for, idle.waiting) == (None, None, 0)


async def test_what_somebody_else_finished_is_left_alone(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        (row,) = await world.write("slow 5")
        await trio.sleep(1)
        world.journal._apply(FinishRow(row, RowState.IGNORED, "a test"))
        await trio.sleep(10)

    assert world.texts == []
    assert world.faults == []


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_what_somebody_else_finished_as_it_began_is_not_asked_of_the_agent(
    moment: str, autojump_clock: MockClock
) -> None:
    def finish(commit: Commit) -> None:
        for change in commit.changes:
            if isinstance(change, StartRow):
                store.apply(FinishRow(change.row, RowState.IGNORED, "a test"))

    def make(room: str, inbox: Mailbox[SessionMessage]) -> Any:
        return ChatSession(RoomId(room), inbox, store, world.platform.address, world.surfaces)

    world = World(autojump_clock, make_session=make)
    store = QuickerStore(world.journal)
    setattr(store, moment, finish)
    async with world.running():
        await world.write("hello")
        await world.settle()
        idle = await world.sessions.ask(ROOM, DescribeSession())

    assert world.turns == []
    assert idle.running is None
    assert world.faults == []


async def test_a_stop_that_came_before_a_message_does_not_end_it(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("one")
        (row,) = await world.arrive_unseen("two")
        world.journal._apply(QueueRow(row, SlotId("C1"), RunId("r")))

        assert await world.sessions.ask(ROOM, StopTurn(before=row)) is None
        await world.settle()
    assert world.texts == ["echo one", "echo two"]


async def test_a_stop_in_order_lets_the_running_turn_end_and_starts_nothing(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 5", "next")
        await trio.sleep(1)

    assert world.texts == ["echo slow 5"]
    assert world.states == [RowState.ANSWERED, RowState.QUEUED]
    async with World(autojump_clock, journal=world.journal).running() as again:
        await again.settle()
    assert again.texts == ["echo next"]
    assert again.faults == []


async def test_a_turn_that_outlasts_the_grace_is_kept_and_its_attempt_does_not_count(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 100")
        await trio.sleep(1)

    assert world.states == [RowState.QUEUED]
    assert world.rows[0].attempts == 0
    async with World(autojump_clock, journal=world.journal).running() as again:
        await again.settle()
    assert again.texts == ["echo slow 100"]


async def test_a_session_that_was_retired_comes_back_for_its_next_message(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("hello")
        await trio.sleep(3600)
        assert not world.sessions.is_running(ROOM)

        assert await world.say("again", sender=ME) == ["echo again"]


async def test_a_long_turn_is_not_taken_for_idle(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 3000")
        await world.settle(within=4000)

    assert world.texts == ["echo slow 3000"]
    assert world.rows[0].attempts == 1
