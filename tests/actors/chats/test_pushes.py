"""What the platform pushes reaches its person's chat."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.chats.access import AccessPolicy
from actors.chats.links import Identity, put_group
from actors.chats.tasks import LONGEST_SILENCE, OPEN, OVER
from actors.chats.tidying import TIDY_EVERY
from actors.platform.mock import MockPlatformClient
from protocols.chats import RetryRefused, RoomGone, RowsArrived
from protocols.ids import PLATFORM, Language, PersonId, RoomId, RowId
from protocols.journal import RowState, Voice
from protocols.platform import Attachment
from protocols.pushes import AgentEvent, AgentEventKind
from protocols.store import Journal, SummariseJournal
from protocols.surfaces import ShowDraft
from tests.actors.chats.pushes import (
    DONE,
    ERROR,
    PROGRESS,
    USER,
    a_user,
    arrival_of,
    has_chat,
    push,
    used_last,
)
from tests.actors.chats.world import ME, OTHER_ROOM, ROOM, World

TELEGRAM_ROOM = RoomId("telegram/42")


@asynccontextmanager
async def a_world(clock: MockClock, **facts: Any) -> AsyncIterator[World]:
    """A world in which the platform knows ``ME``, who wrote in ``ROOM`` last."""
    world = World(clock, **facts)
    a_user(world.journal, ME)
    used_last(world.journal, ME, ROOM)
    async with world.running():
        yield world


def lines(world: World) -> list[str]:
    """The words that a task's line had, in order."""
    return [it.status for it in world.shown if isinstance(it, ShowDraft) and it.is_task]


def outcomes(world: World) -> list[tuple[int | None, str]]:
    """What was sent, with the row that it is the outcome of."""
    return [(out.row, out.text) for out in world.sent]


async def test_a_result_is_said_in_the_chat_that_its_person_used_last(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock) as world:
        await world.say("hello", room=OTHER_ROOM)
        await world.arrive(push(DONE, "It is **done**."))
        await world.settle()

    assert [(out.room, out.voice, out.text) for out in world.sent[1:]] == [
        (OTHER_ROOM, Voice.AGENT, "It is **done**.")
    ]
    assert world.faults == []


async def test_a_result_names_its_files_as_links(autojump_clock: MockClock) -> None:
    place = "https://files.example/a.pdf"
    file = Attachment("a.pdf", "application/pdf", 3, mode="url", location=place)
    async with a_world(autojump_clock) as world:
        await world.arrive(push(DONE, "Here:", attachments=(file,)))
        await world.settle()

    assert world.texts == [f"Here:\n\n[a.pdf](<{place}>)"]


async def test_progress_is_one_line_and_the_result_takes_its_place(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock) as world:
        first, *_ = await world.arrive(push(PROGRESS, "Looking", seq=1))
        await trio.sleep(100)
        await world.arrive(push(PROGRESS, "Reading", seq=2, fraction=0.4))
        await trio.sleep(100)
        await world.arrive(push(DONE, "Found it."))
        await world.settle()

    assert lines(world) == ["Looking", "Reading (40%)"]
    assert outcomes(world) == [(first, "Found it.")]
    assert world.states == [RowState.ANSWERED, RowState.IGNORED, RowState.IGNORED]
    assert world.faults == []


async def test_a_thousand_words_of_progress_are_a_few_changes_of_one_line(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock) as world:
        for number in range(1000):
            await world.arrive(push(PROGRESS, f"step {number}"))
            await trio.sleep(0.01)
        await trio.sleep(100)

        assert len(lines(world)) <= 4
        assert lines(world)[-1] == "step 999"
        assert {it.row for it in world.shown if isinstance(it, ShowDraft)} == {RowId(1)}
        assert world.texts == []


async def test_older_progress_changes_nothing(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock) as world:
        for seq in (3, 2, 3):
            await world.arrive(push(PROGRESS, f"step {seq}", seq=seq))
            await trio.sleep(100)

        assert lines(world) == ["step 3"]
        assert [row.reason for row in world.rows[1:]] == ["older than what is shown"] * 2


async def test_what_ended_is_said_once(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock) as world:
        for kind in (DONE, DONE, PROGRESS, ERROR, ERROR):
            await world.arrive(push(kind, "words"))
        await world.settle()

    assert world.texts == ["words", "The task `t` failed: words"]
    assert [row.state for row in world.rows] == [
        RowState.ANSWERED,
        RowState.IGNORED,
        RowState.IGNORED,
        RowState.FAILED,
        RowState.IGNORED,
    ]
    assert world.faults == []


async def test_a_failure_says_which_task_it_was_in_the_language_of_its_person(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock) as world:
        used_last(world.journal, ME, ROOM, language="ru")
        await world.arrive(push(PROGRESS, "Ищу"), push(ERROR, "<html>a raw body</html>"))
        await world.settle()

    assert [(out.voice, out.text) for out in world.sent] == [
        (Voice.GATEWAY, "Задача *Ищу* не удалась.")
    ]
    assert world.faults == []


async def test_a_push_for_nobody_is_kept_for_the_operator(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock) as world:
        await world.arrive(push(DONE, "secret", user_id="user-2"))
        await world.settle()

    (row,) = world.rows
    (letter,) = world.journal.letters.values()
    assert (row.state, row.reason) == (RowState.REFUSED, "push: nobody here is that user")
    assert (letter.kind, letter.reason) == ("push", "row 1: nobody here is that user")
    assert world.texts == []
    assert world.faults == []


async def test_the_operator_can_try_such_a_push_again(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock) as world:
        await world.arrive(push(DONE, "late", user_id="user-2"))
        await world.settle()
        a_user(world.journal, ME, "user-2")
        await world.retry(1)

    assert world.texts == ["late"]
    assert world.faults == []


async def test_a_push_waits_until_its_surface_is_back(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock) as world:
        used_last(world.journal, ME, TELEGRAM_ROOM)
        await world.arrive(push(PROGRESS, "half"), push(DONE, "whole"))
        await trio.sleep(100)

        assert world.states == [RowState.RECEIVED] * 2
    used_last(world.journal, ME, ROOM)
    async with World(autojump_clock, journal=world.journal).running() as again:
        await again.settle()

    assert again.texts == ["whole"]
    assert again.faults == []


async def test_a_line_is_shown_again_in_the_next_life(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock) as world:
        await world.arrive(push(PROGRESS, "half"))
        await trio.sleep(10)
    async with World(autojump_clock, journal=world.journal).running() as again:
        await trio.sleep(10)
        assert lines(again) == ["half"]
        await again.arrive(push(DONE, "whole"))
        await again.settle()

    assert outcomes(again) == [(1, "whole")]
    assert again.faults == []


async def test_a_task_that_never_ends_is_given_up_after_a_day(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock) as world:
        await world.arrive(push(PROGRESS, "half"))
        await trio.sleep(LONGEST_SILENCE - 100)
        assert world.states == [RowState.RUNNING]
        await trio.sleep(200)
        await world.settle()
        await world.arrive(push(DONE, "whole"))
        await world.settle()

    assert [row.state for row in world.rows] == [RowState.FAILED, RowState.ANSWERED]
    assert outcomes(world)[0][1].startswith("I have heard nothing of the task *half*")
    assert outcomes(world)[1] == (2, "whole")
    assert not any(key.startswith(OPEN) for key in world.journal.keys)
    assert world.faults == []


@pytest.mark.parametrize("thread", ["", "/$thread"])
async def test_a_task_whose_room_is_gone_ends_elsewhere(
    autojump_clock: MockClock, thread: str
) -> None:
    async with a_world(autojump_clock) as world:
        used_last(world.journal, ME, RoomId(f"{ROOM}{thread}"))
        has_chat(world.journal, ME, "C4", OTHER_ROOM)
        await world.arrive(push(PROGRESS, "half"))
        await trio.sleep(1)
        await world.chats.address.send(RoomGone(ROOM, "left"))
        await trio.sleep(1)
        await world.arrive(push(DONE, "whole"))
        await world.settle()

    assert world.rows[0].reason == "room is gone: left"
    assert [(out.room, out.text) for out in world.sent] == [(OTHER_ROOM, "whole")]
    assert world.faults == []


async def test_a_result_for_a_chat_whose_room_is_gone_is_said_in_another(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock) as world:
        has_chat(world.journal, ME, "C1", RoomId(f"{ROOM}/$thread"))
        has_chat(world.journal, ME, "C9", ROOM)
        has_chat(world.journal, ME, "C4", OTHER_ROOM)
        await world.chats.address.send(RoomGone(ROOM, "left"))
        await trio.sleep(1)
        await world.arrive(push(DONE, "for C1", chat_id="C1"), push(DONE, "late", task_id="u"))
        await world.settle()
        await world.say("we are back", room=ROOM)
        await world.arrive(push(DONE, "for C9", chat_id="C9", task_id="v"))
        await world.settle()

    told = {out.text: out.room for out in world.sent}
    assert told == {
        "for C1": OTHER_ROOM,
        "late": OTHER_ROOM,
        "echo we are back": ROOM,
        "for C9": ROOM,
    }
    assert not any(key.startswith("gone:") for key in world.journal.keys)
    assert world.faults == []


async def test_who_has_no_access_any_more_is_told_nothing(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock) as world:
        await world.arrive(push(PROGRESS, "half"))
        await trio.sleep(1)
    policy = AccessPolicy("allowlist")
    async with World(autojump_clock, journal=world.journal, policy=policy).running() as again:
        await again.arrive(push(PROGRESS, "more"), push(PROGRESS, "and"), push(DONE, "secret"))
        await again.settle()

    assert again.texts == []
    assert [letter.reason for letter in again.journal.letters.values()] == [
        "row 4: its person has no access"
    ]
    assert again.states == [RowState.REFUSED, RowState.IGNORED, RowState.IGNORED, RowState.REFUSED]
    assert not any(key.startswith(OPEN) for key in again.journal.keys)
    assert again.faults == []


async def test_a_linked_person_is_told_where_they_have_access(autojump_clock: MockClock) -> None:
    there = PersonId("telegram:42")
    group = (Identity(there, TELEGRAM_ROOM, Language("en")), Identity(ME, ROOM, Language("en")))
    policy = AccessPolicy("allowlist", allowed=(ME,))
    async with a_world(autojump_clock, policy=policy, has_telegram=True) as world:
        a_user(world.journal, there)
        world.journal.keys[f"linked:{ME}"] = json.dumps(there)
        change = put_group(group)
        world.journal.keys[change.key] = change.value
        used_last(world.journal, there, ROOM)
        has_chat(world.journal, there, "C1", TELEGRAM_ROOM)
        await world.arrive(push(DONE, "here"), push(DONE, "not", task_id="u", chat_id="C1"))
        await world.settle()

    assert [(out.room, out.text) for out in world.sent] == [(ROOM, "here")]
    assert world.faults == []


async def test_a_number_from_before_a_link_is_no_chat_of_the_other_identity(
    autojump_clock: MockClock,
) -> None:
    there = PersonId("telegram:42")
    async with a_world(autojump_clock, has_telegram=True) as world:
        world.journal.keys[f"linked:{ME}"] = json.dumps(there)
        used_last(world.journal, there, ROOM)
        has_chat(world.journal, there, "C1", TELEGRAM_ROOM)
        has_chat(world.journal, there, "C2", OTHER_ROOM)
        await world.arrive(
            push(DONE, "moved", chat_id="C1"), push(DONE, "kept", task_id="u", chat_id="C2")
        )
        await world.settle()

    assert [(out.room, out.text) for out in world.sent] == [(ROOM, "moved"), (OTHER_ROOM, "kept")]


async def test_a_running_task_is_nothing_that_waits(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock) as world:
        await world.arrive(push(PROGRESS, "half"))
        await trio.sleep(100)
        summary = await world.store.address.ask(SummariseJournal())

        assert summary.oldest_unfinished_at is None
        assert summary.rows == {"running": 1}
        assert not any(view.path.startswith("sessions/") for view in world.tree.census())


async def test_linked_people_are_told_where_either_wrote_last(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock) as world:
        canonical = PersonId("telegram:42")
        a_user(world.journal, canonical)
        world.journal.keys[f"linked:{ME}"] = f'"{canonical}"'
        await world.say("hello", room=OTHER_ROOM)
        await world.arrive(push(DONE, "whole"))
        await world.settle()

    assert [(out.room, out.text) for out in world.sent[1:]] == [(OTHER_ROOM, "whole")]


class Journaling:
    """A receiver that journals what is pushed, as the operator's server does."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def on_agent_event(self, event: AgentEvent) -> None:
        journal = Journal(PLATFORM, (arrival_of(event),))
        await self.world.store.address.ask(journal)
        self.world.chats.address.try_send(RowsArrived())


@pytest.mark.parametrize("chat_id", [None, "C2", "C99", "nonsense"])
async def test_what_the_mock_pushes_reaches_the_chat(
    autojump_clock: MockClock, chat_id: str | None
) -> None:
    async with a_world(autojump_clock) as world:
        has_chat(world.journal, ME, "C2", OTHER_ROOM)
        client = MockPlatformClient(receiver=Journaling(world))
        await client.simulate_agent_event(
            AgentEventKind.TASK_DONE, user_id=USER, chat_id=chat_id, text="pushed"
        )
        await world.settle()

    room = OTHER_ROOM if chat_id == "C2" else ROOM
    assert [(out.room, out.text) for out in world.sent] == [(room, "pushed")]
    assert world.faults == []


async def test_what_platform_tasks_ended_in_cannot_be_run_again(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock) as world:
        await world.arrive(push(ERROR, "no luck"))
        await world.settle()
        answer = await world.retry(1)

    assert answer == RetryRefused("row 1 was pushed: only the platform can run it again")


async def test_a_push_that_crashes_the_directory_is_kept_for_the_operator(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock) as world:
        world.journal.keys[OVER + json.dumps([USER, "t"])] = "no JSON"
        await world.arrive(push(DONE, "bad"), push(DONE, "good", task_id="u"))
        await world.settle()

    assert world.states == [RowState.SET_ASIDE, RowState.ANSWERED]
    assert [letter.kind for letter in world.journal.letters.values()] == ["push"]
    assert world.texts == ["good"]
    assert world.faults == []


async def test_it_is_forgotten_how_a_task_ended_when_its_row_is(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock) as world:
        await world.arrive(push(DONE, "one"), push(DONE, "two", task_id="u"))
        await world.settle()
        del world.journal.rows[RowId(1)]
        await trio.sleep(TIDY_EVERY)

    assert [key for key in world.journal.keys if key.startswith(OVER)] == [
        OVER + json.dumps([USER, "u"])
    ]


async def test_a_push_whose_commit_lost_its_answer_is_said_once(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock) as world:
        await world.arrive(push(PROGRESS, "half"), push(DONE, "whole"), push(ERROR, "no luck"))
        await world.settle()
    for number in range(1, len(world.commits)):
        async with a_world(autojump_clock, lost_answer=number) as world:
            await world.arrive(push(PROGRESS, "half"), push(DONE, "whole"), push(ERROR, "no luck"))
            await world.settle(within=50)  # less than it takes until hints are given again

        assert world.texts == ["whole", "The task `t` failed: no luck"]
        assert world.faults == []


async def test_a_note_of_a_line_whose_row_has_ended_counts_as_none(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock) as world:
        await world.arrive(push(PROGRESS, "half"))
        await trio.sleep(1)
        row = world.journal.rows[RowId(1)]
        world.journal.rows[RowId(1)] = evolve(row, state=RowState.IGNORED, reason="by hand")
        await world.arrive(push(DONE, "whole"))
        await world.settle()

    assert outcomes(world) == [(2, "whole")]


async def test_a_task_elsewhere_goes_on_when_a_room_is_gone(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock) as world:
        await world.arrive(push(PROGRESS, "half"))
        await trio.sleep(1)
        await world.chats.address.send(RoomGone(OTHER_ROOM, "left"))
        await trio.sleep(1)
        await world.arrive(push(DONE, "whole"))
        await world.settle()

    assert outcomes(world) == [(1, "whole")]
    assert world.faults == []
