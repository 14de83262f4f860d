"""Files that come with a message, and files that the agent made."""

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.chats.files import Fetched, lines_for_person, text_for_agent
from actors.chats.manner import Manner
from protocols.files import FileKind, FileMissing, LocalFile, Missing, RemoteFile
from protocols.ids import Language
from protocols.journal import RowState
from protocols.surfaces import ShowTyping
from tests.actors.chats.fake_surface import photo
from tests.actors.chats.world import BOSS, DRAWN, World

MANNER = Manner(Language("en"), "/", sends_files=True)


async def test_a_message_with_files_and_no_text_is_answered(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say("", files=(photo(), photo(name="dog.jpg")))

    (turn,) = world.turns
    assert [(file.name, file.path) for file in turn.files] == [
        ("cat.jpg", "/files/1/0"),
        ("dog.jpg", "/files/1/1"),
    ]
    assert said == ["echo  with 2 files"]
    assert world.faults == []


async def test_a_caption_goes_along_with_its_file(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say("what is this", files=(photo(),))

    assert said == ["echo what is this with 1 files"]


async def test_a_command_below_a_picture_is_a_command(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("/help", files=(photo(),))

    assert (world.turns, world.fetched) == ([], [])


async def test_files_are_brought_here_together_while_typing_shows(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("", files=tuple(photo("slow 30") for _ in range(10)))
        await trio.sleep(20)
        is_typing = any(isinstance(shown, ShowTyping) for shown in world.shown)
        await world.settle()
        took = trio.current_time()

    assert is_typing
    assert took < 35
    assert len(world.turns[0].files) == 10


async def test_while_a_file_is_on_its_way_commands_are_answered(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("look", files=(photo("never"),))
        await trio.sleep(10)
        await world.write("/status", sender=BOSS)
        await trio.sleep(1)
        said = world.texts

    assert said == ["Working for 10 s in chat C1. Waiting after it: 0."]


async def test_a_stop_while_a_file_is_on_its_way_ends_the_turn_at_once(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("look", files=(photo("never"),))
        await trio.sleep(10)
        began = trio.current_time()
        await world.say("/stop", "next")

        assert trio.current_time() - began < 0.5
    assert world.states == [RowState.STOPPED, RowState.ANSWERED, RowState.ANSWERED]
    assert [turn.text for turn in world.turns] == ["next"]
    assert world.cancelled == [world.rows[0].run_id]
    assert world.faults == []


@pytest.mark.parametrize("why", Missing)
async def test_a_file_that_is_missing_is_told_of_to_agent_and_person(
    why: Missing, autojump_clock: MockClock
) -> None:
    async with World(autojump_clock).running() as world:
        (said,) = await world.say("look", files=(photo(why, name="a_b.jpg"), photo()))

    (turn,) = world.turns
    assert turn.text == (
        f"look\n\n[A photo that came with this message is missing: a_b.jpg ({why})]"
    )
    assert [file.name for file in turn.files] == ["cat.jpg"]
    assert said.startswith("echo look")
    assert "*I could not fetch a\\_b.jpg" in said
    assert world.states == [RowState.ANSWERED]
    assert world.faults == []


async def test_with_all_its_files_missing_a_message_without_text_is_answered(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        (said,) = await world.say("", files=(photo(Missing.TOO_LARGE, name=""),))

    assert world.turns[0].text.startswith("[A photo that came with this message is missing: photo")
    assert "*I could not fetch photo: it is larger than 20 MB.*" in said


async def test_a_surface_that_dies_with_a_file_in_hand_is_asked_again(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say("look", files=(photo("deadly 1"),))

    assert said == ["echo look with 1 files"]
    assert len(world.fetched) == 2


async def test_a_surface_that_stays_away_leaves_the_file_out(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("look", files=(photo("deadly 100"),))

    assert "unreachable" in world.turns[0].text
    assert "the download failed several times" in world.texts[0]


async def test_a_file_that_comes_after_penalties_and_others_is_waited_for(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("look", files=(photo("slow 2900"),))
        await world.settle(within=3500)

    assert len(world.turns[0].files) == 1


async def test_a_surface_that_never_answers_leaves_the_file_out(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("look", files=(photo("never"),))
        await world.settle(within=3500)

    assert "unreachable" in world.turns[0].text


async def test_a_failed_turn_still_tells_of_a_missing_file(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        (said,) = await world.say("fail", files=(photo(Missing.GONE),))

    assert said.startswith(
        "part\n\n*I could not fetch cat.jpg: it is not there any more.*\n\n*The agent's answer"
    )


# Run again.


async def test_a_retry_takes_the_files_along_again_and_again(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("fail", files=(photo(),))
        await world.say("/retry")
        await world.say("/retry")

    assert [turn.files[0].path for turn in world.turns] == [
        "/files/1/0",
        "/files/2/0",
        "/files/3/0",
    ]
    assert world.faults == []


async def test_the_operator_s_retry_takes_the_files_of_the_first_message_along(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("fail", files=(photo(),), language=Language("ru"))
        await world.say("/retry")
        await world.retry(2)

    again = world.rows[2]
    assert (again.files, again.text, again.language) == ((photo(),), "fail", "en")
    assert world.turns[2].files[0].path == "/files/3/0"


@pytest.mark.parametrize("is_row_left", [True, False])
async def test_a_retry_whose_first_message_is_forgotten_says_that_its_files_are_gone(
    autojump_clock: MockClock, *, is_row_left: bool
) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("fail", files=(photo(),))
        first = world.rows[0]
        await world.write("slow 5", sender=BOSS)
        await trio.sleep(1)
        await world.write("/retry")
        await trio.sleep(1)
        if is_row_left:
            world.journal.rows[first.id] = evolve(first, files=())
        else:
            del world.journal.rows[first.id]
        await world.settle()

    assert [len(turn.files) for turn in world.turns] == [1, 0, 0]
    assert world.turns[2].text == (
        "fail\n\n[A document that came with this message is missing: document (gone)]"
    )
    assert "*I could not fetch document: it is not there any more.*" in world.texts[-1]
    assert [fetch.row for fetch in world.fetched] == [first.id]  # no surface is asked for them
    assert world.faults == []


@pytest.mark.parametrize("is_row_left", [True, False])
async def test_the_operator_s_retry_says_too_that_the_files_are_gone(
    autojump_clock: MockClock, *, is_row_left: bool
) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("fail", files=(photo(),))
        await world.say("/retry")
        first = world.rows[0]
        if is_row_left:
            world.journal.rows[first.id] = evolve(first, files=())
        else:
            del world.journal.rows[first.id]
        await world.retry(2)

    assert world.turns[2].text.endswith("missing: document (gone)]")
    assert "*I could not fetch document: it is not there any more.*" in world.texts[-1]
    assert [fetch.row for fetch in world.fetched] == [1, 2]
    assert world.faults == []


async def test_a_retry_of_words_takes_no_files_of_anybody_along(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("hello", files=(photo(),))
        await world.say("fail")
        await world.say("/retry")

    assert world.turns[2].files == ()


async def test_what_is_noted_for_a_turn_is_forgotten_once_it_is_answered(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 9", files=(photo(),))
        await trio.sleep(1)
        await world.say("/stop")
        await world.say("/retry")

    assert world.texts[-1] == "echo slow 9 with 1 files"
    assert not any("#" in key for key in world.journal.keys)


# What the agent made.


async def test_a_file_of_the_agent_goes_out_with_the_answer(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("draw")

    (sent,) = world.sent
    assert (sent.text, sent.files, sent.is_final) == ("", (DRAWN,), True)
    assert world.states == [RowState.ANSWERED]
    assert world.faults == []


# Lines.


def test_a_line_for_the_agent_stands_in_one_line_whatever_the_name() -> None:
    file = RemoteFile(FileKind.DOCUMENT, " a\nb]\t", "text/plain", 1, "h")

    text = text_for_agent("", (Fetched(file, FileMissing(Missing.GONE)),))

    assert text == "[A document that came with this message is missing: a b] (gone)]"


def test_files_that_are_here_are_not_told_of() -> None:
    local = LocalFile(FileKind.PHOTO, "cat.jpg", "image/jpeg", 3, "/x", "0" * 64)
    fetched = (Fetched(photo(), local),)

    assert text_for_agent("look", fetched) == "look"
    assert lines_for_person(fetched, MANNER) == ()
