"""Stories of messages that are taken back."""

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.chats.access import AccessPolicy
from actors.chats.knowledge import Knowledge
from actors.chats.redactions import DROPPED, IN_VAIN
from actors.chats.retries import retry_arrival
from actors.chats.sorting import Sorter
from actors.chats.suspects import MOST_TRIES, remember_suspect
from protocols.changes import QueueRow, StartRow
from protocols.ids import EventId, RemoteId, RoomId, RowId, RunId, SlotId
from protocols.journal import Amends, Row, RowState
from protocols.store import Commit, Conflict, Journal, UnsortedRows
from tests.actors.chats.fake_surface import photo
from tests.actors.chats.rows import a_page, a_row
from tests.actors.chats.world import BOSS, MATRIX, ME, ROOM, YOU, World
from tests.fakes import MemoryStoreAddress

THREAD = RoomId(f"{ROOM}/$root")
UNKNOWN = RemoteId("$elsewhere")


def endings(world: World) -> list[tuple[RowState, str]]:
    return [(row.state, row.reason) for row in world.rows]


def row_of(world: World, number: int) -> Row:
    return world.rows[number - 1]


def context_notes(world: World) -> list[str]:
    return [key for key in world.journal.keys if " #" in key]


async def test_a_message_that_waits_is_dropped_without_a_word_or_a_turn(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        _, waiting, _ = await world.write("slow 5", "my secret", "three")
        await trio.sleep(1)
        await world.redact(waiting)
        await world.settle()

    assert world.texts == ["echo slow 5", "echo three"]
    assert [turn.text for turn in world.turns] == ["slow 5", "three"]
    assert endings(world)[1] == (RowState.IGNORED, "redacted")
    assert endings(world)[3] == (RowState.IGNORED, DROPPED)
    assert world.faults == []


async def test_what_is_dropped_leaves_no_words_in_the_journal(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        _, waiting = await world.write("slow 5", "my secret")
        await trio.sleep(1)
        await world.redact(waiting)
        await world.settle()

    assert row_of(world, 2).text == ""


async def test_a_message_that_came_in_the_same_batch_is_dropped(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        message = world.arrival("never mind")
        redaction = world.arrival("", redacts=RemoteId(message.event_id))
        await world.arrive(world.arrival("one"), message, redaction, world.arrival("two"))
        await world.settle()

    assert world.texts == ["echo one", "echo two"]
    assert world.states[1:3] == [RowState.IGNORED] * 2
    assert world.faults == []


async def test_a_message_that_runs_ends_as_any_other(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        (running,) = await world.write("slow 5")
        await world.begins(running)
        await world.redact(running)
        await world.settle()

    assert world.texts == ["echo slow 5"]
    assert endings(world) == [(RowState.ANSWERED, ""), (RowState.IGNORED, IN_VAIN)]
    assert row_of(world, 1).text == "slow 5"
    assert world.faults == []


async def test_the_session_that_begins_a_turn_meanwhile_is_quicker(
    autojump_clock: MockClock,
) -> None:
    """However the directory and the session take turns, a turn that begins has its answer."""
    outcomes = set()
    for delay in range(50):
        world = World(autojump_clock, seconds_per_batch=0.02)
        async with world.running():
            _, waiting = await world.write("slow 0.15", "two")
            await trio.sleep(delay / 100)
            await world.redact(waiting)
            await world.settle()

        is_dropped = endings(world)[2][1] == DROPPED
        has_begun = "two" in [turn.text for turn in world.turns]
        assert has_begun is ("echo two" in world.texts) is not is_dropped
        assert world.faults == []
        outcomes.add(is_dropped)
    assert outcomes == {True, False}


async def test_a_turn_that_began_after_we_looked_is_not_ended() -> None:
    store = MemoryStoreAddress()
    message = a_row(1, run_id=RunId("r"))
    arrivals = (retry_arrival(message, 1, 0.0), retry_arrival(message, 2, 0.0))
    redacts = RemoteId(arrivals[0].event_id)
    store.tell(Journal(MATRIX, (arrivals[0], evolve(arrivals[1], redacts=redacts))))
    store.tell(Commit((QueueRow(RowId(1), SlotId("C1"), RunId("r")),)))
    [redaction] = store.tell(UnsortedRows())
    known = Knowledge(store)
    await known.look_up([redaction], [], {})

    store.tell(Commit((StartRow(RowId(1)),)))
    decision = Sorter(evolve(a_page(), known=known)).decide(redaction)

    assert store.tell(Commit(decision.changes)) == Conflict(RowId(1), RowState.RUNNING)


@pytest.mark.parametrize("said", ["hello", "fail", "/help", "/chats C7", ""])
async def test_nothing_becomes_of_what_was_answered(said: str, autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say(said)
        seen, before = list(world.sent), row_of(world, 1)
        await world.redact(before.id)
        await world.settle()

    assert world.sent == seen
    assert endings(world)[1] == (RowState.IGNORED, IN_VAIN)
    assert row_of(world, 1) == before


async def test_nothing_becomes_of_what_was_never_journaled(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.arrive(world.arrival("", redacts=UNKNOWN))
        await world.settle()

    assert endings(world) == [(RowState.IGNORED, IN_VAIN)]
    assert world.sent == []


async def test_a_redaction_may_be_taken_back_as_little_as_answered(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 5")
        (redaction,) = await world.arrive(world.arrival("", redacts=UNKNOWN))
        await world.redact(redaction)
        await world.settle()

    assert endings(world)[2] == (RowState.IGNORED, IN_VAIN)
    assert world.faults == []


async def test_whom_the_server_lets_take_back_a_message_needs_no_access(
    autojump_clock: MockClock,
) -> None:
    policy = AccessPolicy("pairing", allowed=(ME,))
    async with World(autojump_clock, policy).running() as world:
        _, waiting = await world.write("slow 5", "two")
        await world.redact(waiting, sender=YOU)
        await world.settle()

    assert world.texts == ["echo slow 5"]
    assert endings(world)[2] == (RowState.IGNORED, DROPPED)
    assert not any(key.startswith("knock:") for key in world.journal.keys)


async def test_the_place_of_what_was_dropped_is_free_for_another(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        rows = await world.write("slow 5", *map(str, range(20)))
        await trio.sleep(1)
        await world.redact(rows[-1])
        await world.write("one more")
        await world.settle()

    assert world.texts[-1] == "echo one more"
    assert RowState.REFUSED not in world.states


async def test_a_thread_that_is_a_room_is_found(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        _, waiting = await world.write("slow 5", "two", room=THREAD)
        await trio.sleep(1)
        await world.redact(waiting, room=ROOM)
        await world.settle()

    assert world.texts == ["echo slow 5"]
    assert world.faults == []


async def test_what_waits_for_a_new_room_is_dropped(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, opens_rooms=True).running() as world:
        await world.say("one")
        _, waiting, _ = await world.write("/new wait", "two", "three")
        await trio.sleep(1)
        await world.redact(waiting)
        await world.settle()

    assert "echo two" not in world.texts
    assert "echo three" in world.texts
    assert endings(world)[2] == (RowState.IGNORED, "redacted")
    assert world.faults == []


async def test_what_waits_for_a_new_room_is_dropped_from_another_room_too(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, opens_rooms=True).running() as world:
        await world.say("one", room=THREAD)
        opening, waiting, _ = await world.write("/new wait", "two", "three", room=THREAD)
        await trio.sleep(1)
        await world.redact(opening, waiting, room=ROOM)
        await world.settle()

    assert "echo two" not in world.texts
    assert "echo three" in world.texts
    assert [state for state, _ in endings(world)[1:3]] == [RowState.ANSWERED, RowState.IGNORED]
    assert world.faults == []


# Edits.


async def test_a_message_that_was_reworded_is_dropped(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        _, waiting = await world.write("slow 5", "two")
        await world.edit("m2", "two and a half")
        await world.redact(waiting)
        await world.settle()

    assert world.texts == ["echo slow 5"]
    assert world.faults == []


async def test_an_edit_of_a_dropped_message_is_left(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        _, waiting = await world.write("slow 5", "two")
        await world.redact(waiting)
        await world.edit("m2", "in the same breath", is_shared=True)
        await trio.sleep(1)
        await world.edit("m2", "later", is_shared=True)
        await world.settle()

    assert world.texts == ["echo slow 5"]
    assert [reason for _, reason in endings(world)[3:]] == ["edit of a redacted message"] * 2
    assert world.faults == []


async def test_an_edit_of_what_was_taken_back_unheard_is_no_message(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.arrive(world.arrival("", redacts=UNKNOWN))
        await world.edit(UNKNOWN, "@bot hello", is_shared=True)
        await world.settle()

    assert world.sent == []
    assert endings(world)[1] == (RowState.IGNORED, "edit of a redacted message")


async def test_an_edit_that_became_a_message_goes_with_what_it_edits(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 5")
        await world.edit(UNKNOWN, "@bot hello", is_shared=True)
        await trio.sleep(1)
        await world.arrive(world.arrival("", redacts=UNKNOWN))
        await world.settle()

    assert world.texts == ["echo slow 5"]
    assert endings(world)[1] == (RowState.IGNORED, "redacted")
    assert world.faults == []


async def test_an_edit_whose_words_a_message_has_taken_stays_taken(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 5", "two")
        (edit,) = await world.edit("m2", "two and a half")
        await trio.sleep(1)
        await world.redact(edit)
        await world.settle()

    assert world.texts == ["echo slow 5", "echo two and a half"]
    assert endings(world)[3] == (RowState.IGNORED, IN_VAIN)


@pytest.mark.parametrize("taken_back", ["the message", "the edit"])
async def test_what_was_offered_is_offered_no_more(
    taken_back: str, autojump_clock: MockClock
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("one")
        (edit,) = await world.edit("m1", "better")
        await world.settle()
        await world.redact(1 if taken_back == "the message" else edit)
        await world.settle()
        await world.press(f"anew:{edit}")
        await world.settle()

    offer = next(out for out in world.sent if out.row == edit)
    withdrawn = world.sent[-1]
    assert (withdrawn.amends, withdrawn.keyboard) == (Amends(edit, RemoteId(f"$s{offer.id}")), ())
    assert world.answers[-1].text == "This has been decided already."
    assert len(world.turns) == 1
    assert world.faults == []


async def test_the_message_before_a_dropped_one_may_be_answered_anew(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        one, two = await world.write("slow 5", "two")
        await world.begins(one)
        await world.redact(two)
        await world.edit("m1", "better")
        await world.settle()

    assert "Shall I answer the new text?" in "".join(world.texts)


# Buttons and questions.


async def test_a_press_counts_although_it_is_taken_back(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("ask")
        await world.write("slow 5", sender=YOU)
        (press,) = await world.press("confirm:1:0")
        await world.redact(press)
        await world.settle()

    assert world.turns[-1].resume is not None
    assert world.turns[-1].resume.choice == "yes"
    assert endings(world)[3] == (RowState.IGNORED, IN_VAIN)


@pytest.mark.parametrize("batches", [1, 2])
async def test_a_question_is_open_again_once_its_answer_is_taken_back(
    batches: int, autojump_clock: MockClock
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("ask")
        await world.write("slow 5", sender=YOU)
        (answer,) = await world.write("yes")
        if batches == 1:
            await world.redact(answer)
            await world.write("no")
        else:
            await trio.sleep(1)
            await world.redact(answer)
            await trio.sleep(1)
            await world.write("no")
        await world.settle()

    assert [turn.resume.choice for turn in world.turns if turn.resume] == ["no"]
    assert context_notes(world) == []
    assert world.faults == []


async def test_the_files_of_a_message_that_is_not_run_again_leave_no_note(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("fail", files=(photo(),))
        await world.settle()
        _, again = await world.write("slow 5", "/retry")
        await trio.sleep(1)
        await world.redact(again)
        await world.settle()

    assert len(world.turns) == 2
    assert context_notes(world) == []


async def test_what_the_operator_has_run_again_is_taken_back_with_its_message(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        message = evolve(world.arrival("fail"), message_id=RemoteId("$m"), event_id=EventId("$m"))
        await world.arrive(message)
        await world.settle()
        await world.write("slow 5", sender=BOSS)
        with trio.move_on_after(1):
            await world.retry(1)
        await world.redact(1)
        await world.settle()

    assert [turn.text for turn in world.turns] == ["fail", "slow 5"]
    assert endings(world)[2] == (RowState.IGNORED, "redacted")
    assert world.faults == []


# The program stops.


async def test_a_message_whose_answer_is_shown_in_part_gets_the_rest(
    autojump_clock: MockClock,
) -> None:
    world = World(autojump_clock)
    async with world.running():
        first, second = await world.write("slow 1", "two")
        await trio.sleep(0.5)
        shown = evolve(world.journal.rows[second], shown_id=RemoteId("$part"))
        world.journal.rows[second] = shown  # as an earlier life of the program left it
        await world.redact(second)
        await world.settle()

    assert first < second
    assert world.texts == ["echo slow 1", "echo two"]
    assert world.faults == []


async def test_a_redaction_that_crashes_the_directory_is_set_aside_in_silence(
    autojump_clock: MockClock,
) -> None:
    world = World(autojump_clock)
    redaction = world.arrival("", redacts=UNKNOWN)
    MemoryStoreAddress(world.journal).tell(Journal(MATRIX, (redaction,)))
    suspect = remember_suspect(RowId(1), MOST_TRIES - 1)
    world.journal.keys[suspect.key] = suspect.value
    async with world.running():
        await world.settle()

    assert endings(world) == [(RowState.IGNORED, "redaction: set aside after 3 attempts")]
    assert world.sent == []
