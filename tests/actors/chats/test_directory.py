"""Stories of the directory: commands, access, floods, rooms that go, the operator."""

import json
from typing import Any

import pytest
import trio
from attrs import define
from trio.testing import MockClock

from actors.chats.access import OWNER, AccessPolicy
from actors.chats.flood import MOST_WORDS
from actors.chats.replies import MOST_WAITING
from actors.kernel.mailbox import Mailbox
from protocols.changes import AddOutgoing, FinishRow, QueueRow
from protocols.chats import (
    ListAccess,
    MayJoin,
    Pair,
    Paired,
    PairingRefused,
    Requeued,
    RetryRefused,
    RetryRow,
    RoomGone,
    SessionMessage,
)
from protocols.ids import EventId, RoomId, RowId, RunId, SlotId
from protocols.journal import RowState, Voice
from protocols.mail import Address
from protocols.store import Commit, StoreMessage, WaitingRows
from tests.actors.chats.world import BOSS, MATRIX, ME, OTHER_ROOM, ROOM, YOU, World
from tests.fakes import MemoryJournal

PAIRING = AccessPolicy("pairing", admins=(BOSS,))


@define
class HungSession:
    """Takes nothing and answers nobody."""

    room: str
    inbox: Mailbox[SessionMessage]

    async def run(self) -> None:
        await trio.sleep_forever()


@define
class LateSession:
    """Ends its first row by itself, half a second after it was asked to stop it."""

    room: str
    inbox: Mailbox[SessionMessage]
    store: Address[StoreMessage]

    async def run(self) -> None:
        await trio.sleep(0.5)
        rows = await self.store.ask(WaitingRows(RoomId(self.room)))
        for row in rows:
            await self.store.ask(
                Commit(
                    (
                        FinishRow(row.id, RowState.ANSWERED),
                        AddOutgoing(row.room, Voice.AGENT, "late", row=row.id),
                    )
                )
            )
        await trio.sleep_forever()


async def test_commands_are_answered_while_a_turn_runs(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 100", "waiting")
        await trio.sleep(10)
        await world.write("/status", "/help", "/nonsense", "/halp")
        await trio.sleep(1)
        said = world.texts

    assert "Working for 10 s in chat C1. Waiting after it: 1." in said
    assert sum("!help" in text for text in said) == 3
    assert not any("echo" in text for text in said)


async def test_new_chats_are_opened_listed_named_and_gone_back_to(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("first")
        opened = await world.say("/new My *plans*")
        await world.say("second")
        listed = await world.say("/chats")
        back = await world.say("/chats c1", "third")

    assert opened == ["New chat: **C2** My \\*plans\\*. !chats lists the others."]
    assert "- **C2** My \\*plans\\*: here, in use\n- **C1**: here" in listed[0]
    assert back[0] == "Back in **C1**."
    assert [turn.slot for turn in world.turns] == ["C1", "C2", "C1"]
    assert world.faults == []


async def test_what_was_written_before_a_new_chat_keeps_its_slot(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("slow 5", "old", "/new", "new")

    assert [turn.slot for turn in world.turns] == ["C1", "C1", "C2"]


async def test_an_archived_chat_is_hidden_and_the_next_message_begins_another(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("hello", "/rename old", "/archive", "again")
        listed = await world.say("/chats")

    assert [turn.slot for turn in world.turns] == ["C1", "C2"]
    assert "C1" not in listed[0]


async def test_a_room_of_the_earlier_program_keeps_its_slot(autojump_clock: MockClock) -> None:
    journal = MemoryJournal(keys={"matrix_room:!r:s": '"C2"', "matrix_user:@me:s": "4"})
    async with World(autojump_clock, journal=journal).running() as world:
        await world.say("hello")
        await world.say("hello", room=OTHER_ROOM)

    assert [turn.slot for turn in world.turns] == ["C2", "C4"]
    assert json.loads(journal.keys["matrix_user:@me:s"]) == 5


async def test_the_tree_is_for_admins(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        refused = await world.say("/debug")
        shown = await world.say("/debug", sender=BOSS)

    assert refused == ["!debug is for admins only."]
    assert shown == ["```\nthe tree\n```"]


@pytest.mark.parametrize("text", ["", " \n", "\x00\x1b", "x" * 32_001])
async def test_what_no_agent_can_take_is_refused_with_a_word(
    text: str, autojump_clock: MockClock
) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say(text)

    assert len(said) == 1
    assert world.states == [RowState.REFUSED]
    assert world.turns == []
    assert world.faults == []


async def test_control_characters_do_not_reach_the_agent(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("a\x00b\r\nc\td")

    assert world.turns[0].text == "ab\nc\td"


async def test_beyond_twenty_waiting_messages_are_refused_with_a_word(
    autojump_clock: MockClock,
) -> None:
    texts = [str(number) for number in range(30)]
    async with World(autojump_clock).running() as world:
        await world.write("slow 5")
        await trio.sleep(1)
        await world.write(*texts)
        await world.settle()

    assert world.states.count(RowState.REFUSED) == 30 - MOST_WAITING
    assert [turn.text for turn in world.turns] == ["slow 5", *texts[:MOST_WAITING]]
    assert world.faults == []


async def test_a_backlog_is_never_too_many(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write(*map(str, range(300)), is_backlog=True)
        await world.settle()

    assert world.states == [RowState.ANSWERED] * 300
    assert world.faults == []


@pytest.mark.parametrize(
    "many", [1_000, pytest.param(10_000, marks=pytest.mark.full)], ids="{:_}".format
)
async def test_thousands_of_commands_are_each_answered_to_an_admin(
    many: int, autojump_clock: MockClock
) -> None:
    async with World(autojump_clock).running() as world:
        for _ in range(many // 200):
            await world.write(*["/help", "/status", "/stop", "/x"] * 50, sender=BOSS)
        await world.settle()

    assert world.states == [RowState.ANSWERED] * many
    assert world.faults == []


async def test_a_flood_of_stops_is_silenced_and_still_stops_what_runs(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say(*["/stop"] * 200)
        await world.write("hang")
        await trio.sleep(1)
        stopped = await world.say("/stop")

    assert len(said) == MOST_WORDS + 1
    assert stopped[-1] == "Stopped."
    assert world.faults == []


async def test_a_flood_of_commands_gets_one_word_and_then_silence(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write(*["/help"] * 200)
        await world.write("hello", room=OTHER_ROOM)
        await world.settle()
        await trio.sleep(60)
        after = await world.say("/help")

    assert world.states.count(RowState.ANSWERED) == MOST_WORDS + 2
    assert world.states.count(RowState.REFUSED) == 1
    assert len(after) == 1
    assert world.faults == []


async def test_nothing_to_retry_is_said(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("hello")
        said = await world.say("/retry")

    assert said == ["There is nothing to retry: no message of yours failed here."]


async def test_a_retry_waits_its_turn_like_a_message(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("fail")
        await world.write("slow 5", *map(str, range(MOST_WAITING)), "/retry")
        await world.settle()

    assert world.rows[-1].state is RowState.REFUSED
    assert world.faults == []


# Sessions that do not answer.


async def test_a_hung_session_is_stopped_by_force(autojump_clock: MockClock) -> None:
    hung: list[str] = []

    def make(room: str, inbox: Mailbox[SessionMessage]) -> Any:
        if not hung:
            hung.append(room)
            return HungSession(room, inbox)
        return world.session_maker(world.surfaces)(room, inbox)

    world = World(autojump_clock, make_session=make)
    async with world.running():
        await world.write("one", "two")
        await trio.sleep(5)
        silent = await world_says(world, "/status", within=1.5)
        stopped = await world_says(world, "/stop", within=3)
        await world.settle()

    assert "does not react" in silent[0]
    assert any("did not react" in text for text in stopped)
    assert world.states[:2] == [RowState.STOPPED, RowState.ANSWERED]
    assert [turn.text for turn in world.turns] == ["two"]
    assert world.faults == []


async def test_a_session_that_answers_too_late_keeps_its_outcome(
    autojump_clock: MockClock,
) -> None:
    def make(room: str, inbox: Mailbox[SessionMessage]) -> Any:
        return LateSession(room, inbox, world.store.address)

    world = World(autojump_clock, make_session=make)
    async with world.running():
        await world.write("one", "/stop")
        await trio.sleep(30)

    assert world.states == [RowState.ANSWERED, RowState.ANSWERED]
    assert world.texts == ["late", "Nothing is running here."]
    assert world.faults == []


async def test_a_session_that_crashes_again_and_again_can_be_stopped(
    autojump_clock: MockClock,
) -> None:
    lives: list[str] = []

    def make(room: str, inbox: Mailbox[SessionMessage]) -> Any:
        lives.append(room)
        if len(lives) <= 5:
            raise RuntimeError("as told")
        return world.session_maker(world.surfaces)(room, inbox)

    world = World(autojump_clock, make_session=make)
    async with world.running():
        await world.write("one", "two", "/stop")
        await world.settle()

    assert world.states == [RowState.STOPPED, RowState.ANSWERED, RowState.ANSWERED]
    assert world.faults == []


async def test_a_hung_session_is_stopped_by_force_also_by_the_button(
    autojump_clock: MockClock,
) -> None:
    hung: list[str] = []

    def make(room: str, inbox: Mailbox[SessionMessage]) -> Any:
        if not hung:
            hung.append(room)
            return HungSession(room, inbox)
        return world.session_maker(world.surfaces)(room, inbox)

    world = World(autojump_clock, make_session=make, has_buttons=True)
    async with world.running():
        await world.write("one", "two")
        await trio.sleep(5)
        await world.press("stop:1")
        await world.settle()

    assert world.states == [RowState.STOPPED, RowState.ANSWERED, RowState.IGNORED]
    assert "did not react" in world.texts[0]
    assert [answer.text for answer in world.answers] == ["Stopped."]
    assert world.faults == []


async def test_a_session_that_answers_the_button_too_late_keeps_its_outcome(
    autojump_clock: MockClock,
) -> None:
    def make(room: str, inbox: Mailbox[SessionMessage]) -> Any:
        return LateSession(room, inbox, world.store.address)

    world = World(autojump_clock, make_session=make, has_buttons=True)
    async with world.running():
        await world.write("one")
        await world.press("stop:1")
        await world.settle()

    assert world.states == [RowState.ANSWERED, RowState.IGNORED]
    assert world.texts == ["late"]
    assert [answer.text for answer in world.answers] == ["Nothing is running here."]
    assert world.faults == []


async def world_says(world: World, text: str, *, within: float) -> list[str]:
    seen = len(world.sent)
    await world.write(text)
    await trio.sleep(within)
    return world.texts[seen:]


# Access.


async def test_a_stranger_is_paired_and_then_answered(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, policy=PAIRING).running() as world:
        knocked = await world.say("hello", "hello?", "hello??", "hello???")
        listing = await world.ask_directory(ListAccess())
        wrong = await world.ask_directory(Pair("NONSENSE"))
        paired = await world.ask_directory(Pair("code0001"))
        await world.settle()
        answered = await world.say("hello")

    assert len(knocked) == 3
    assert "debug pair CODE0001" in knocked[0]
    assert [stranger.attempts for stranger in listing.strangers] == [4]
    assert isinstance(wrong, PairingRefused)
    assert paired == Paired(ME)
    assert "You are in." in world.texts[-2]
    assert answered == ["echo hello"]
    assert world.states[:4] == [RowState.REFUSED] * 3 + [RowState.IGNORED]
    assert world.faults == []


async def test_a_paired_person_stays_paired(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, policy=PAIRING).running() as world:
        await world.say("hello")
        await world.ask_directory(Pair("CODE0001"))
        await world.settle()
        world.tree.kill("chats")
        assert await world.say("hello") == ["echo hello"]

        assert await world.ask_directory(MayJoin(ME))
        assert await world.ask_directory(MayJoin(OWNER))
        assert not await world.ask_directory(MayJoin(YOU))


async def test_a_stranger_who_asks_us_into_a_room_is_shown_and_can_be_paired(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, policy=PAIRING).running() as world:
        assert not await world.ask_directory(MayJoin(YOU))
        assert not await world.ask_directory(MayJoin(YOU))
        world.tree.kill("chats")
        (stranger,) = (await world.ask_directory(ListAccess())).strangers
        paired = await world.ask_directory(Pair(stranger.code))

        assert paired == Paired(YOU)
        assert await world.ask_directory(MayJoin(YOU))
    assert world.texts == []


async def test_a_paired_person_of_a_surface_that_is_off_is_paired_without_a_word(
    autojump_clock: MockClock,
) -> None:
    knock = {"room": "telegram/1", "name": "", "first_at": 0, "last_at": 0, "attempts": 1}
    knock |= {"code": "CODE", "expires_at": 60, "told_at": []}
    journal = MemoryJournal(keys={"knock:telegram:1": json.dumps(knock)})
    async with World(autojump_clock, policy=PAIRING, journal=journal).running() as world:
        paired = await world.ask_directory(Pair("CODE"))

    assert isinstance(paired, Paired)
    assert world.texts == []


async def test_a_command_of_a_stranger_is_a_knock(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, policy=PAIRING).running() as world:
        (said,) = await world.say("/status")

    assert "CODE0001" in said


# Rooms that are gone, surfaces that are off.


async def test_a_room_that_is_gone_ends_its_rows_without_a_word(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("hang", "next")
        await trio.sleep(1)
        await world.write("unsorted")
        await world.chats.address.send(RoomGone(ROOM, "left"))
        await world.settle()
        back = await world.say("hello again")

    assert world.states == [RowState.FAILED] * 3 + [RowState.ANSWERED]
    assert world.rows[0].reason == "room is gone: left"
    assert back == ["echo hello again"]
    assert world.turns[-1].slot == "C1"
    assert world.faults == []


async def test_rows_of_a_surface_that_is_off_wait_for_it(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("hello", room=RoomId("telegram/1"))
        await trio.sleep(1)
        assert await world_says(world, "hello", within=10) == ["echo hello"]

    assert world.states == [RowState.RECEIVED, RowState.ANSWERED]


async def test_a_turn_of_a_surface_that_is_off_waits_for_it(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        (row,) = await world.write("hello", room=RoomId("telegram/1"))
        world.journal._apply(QueueRow(row, SlotId("C1"), RunId("r")))
        world.tree.kill("chats")
        assert await world_says(world, "hello", within=100) == ["echo hello"]

    assert world.states == [RowState.QUEUED, RowState.ANSWERED]


# The operator's retry.


async def test_the_operator_runs_a_failed_row_again(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("fail")
        first = await world.ask_directory(RetryRow(RowId(1)))
        await world.settle()
        second = await world.ask_directory(RetryRow(RowId(1)))
        await world.settle()

    assert (first, second) == (Requeued(RowId(2)), Requeued(RowId(3)))
    assert [row.event_id[-3:] for row in world.rows[1:]] == [":r1", ":r2"]
    assert len(world.turns) == 3
    assert world.faults == []


async def test_what_did_not_fail_is_not_run_again(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("hello")

        for row in (RowId(1), RowId(9)):
            assert isinstance(await world.ask_directory(RetryRow(row)), RetryRefused)


async def test_a_row_is_run_again_a_hundred_times_at_most(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("fail")
        world.journal.seen |= {
            (MATRIX, EventId(f"{world.rows[0].event_id}:r{number}")): RowId(1)
            for number in range(101)
        }

        refused = await world.ask_directory(RetryRow(RowId(1)))

    assert isinstance(refused, RetryRefused)


# The store dies.


async def test_a_store_that_dies_is_nobody_else_s_crash(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        for number in range(5):
            await world.write(f"slow {number}", "/status", "/new", "/stop")
            world.tree.kill("store")
            await trio.sleep(0.3)
        await world.settle()
        lives = {view.path: view.life for view in world.tree.census()}

    assert lives["store"] == 6
    assert {life for path, life in lives.items() if path != "store"} == {1}
    assert world.faults == []


async def test_on_its_start_the_directory_takes_up_what_waits(autojump_clock: MockClock) -> None:
    journal = MemoryJournal()
    async with World(autojump_clock, journal=journal).running() as world:
        await world.write("slow 100", "next")
        await trio.sleep(1)
    async with World(autojump_clock, journal=journal).running() as again:
        await again.settle()

    assert again.texts == ["echo slow 100", "echo next"]
