"""Stories of a bot that was away: who has much waiting is asked, and nothing just goes."""

import pytest
import trio
from trio.testing import MockClock

from actors.chats.access import AccessPolicy
from actors.chats.intake import PAGE
from protocols.chats import RoomGone
from protocols.ids import Language, RemoteId
from protocols.journal import RowState
from tests.actors.chats.absences import (
    ASKED,
    AWAY,
    FIVE,
    HOUR,
    IGNORED,
    RECEIVED,
    a_world,
    come_back,
    said_in,
    states,
    waiting,
)
from tests.actors.chats.fake_surface import photo
from tests.actors.chats.world import HERE, ME, ME_THERE, OTHER_ROOM, ROOM, YOU, World

# Who is asked.


async def test_who_has_more_than_three_waiting_is_asked_and_nothing_is_decided(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock).running() as world:
        rows = await come_back(world, *waiting(world, *FIVE))

    assert len(world.sent) == 1
    assert world.sent[0].text.startswith(ASKED.format(5))
    assert "Reply **all** / **last** / **none**." in world.sent[0].text
    assert states(world, rows) == [RECEIVED] * 5
    assert world.turns == []


async def test_three_are_answered_without_asking(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        await come_back(world, *waiting(world, *FIVE[:3]))
        await world.settle()

    assert said_in(world) == ["echo one", "echo two", "echo three"]
    assert world.faults == []


async def test_who_waited_for_less_is_answered_without_asking(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        await come_back(world, *waiting(world, *FIVE, ago=AWAY - 60))
        await world.settle()

    assert [turn.text for turn in world.turns] == list(FIVE)


async def test_the_oldest_says_how_long_somebody_waits(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        old = waiting(world, "one", ago=7 * HOUR)
        new = waiting(world, "two", "three", "four", ago=60)
        await come_back(world, *old, *new)

    assert world.sent[0].text.startswith(ASKED.format(4))


async def test_nobody_is_asked_where_it_is_switched_off(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await come_back(world, *waiting(world, *FIVE))
        await world.settle()

    assert [turn.text for turn in world.turns] == list(FIVE)


async def test_messages_that_come_in_many_batches_are_counted_together(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock).running() as world:
        for text in FIVE:
            await world.arrive(*waiting(world, text))
            await trio.sleep(0.5)
        await trio.sleep(10)

    assert world.texts[0].startswith(ASKED.format(5))
    assert len(world.sent) == 1


async def test_what_comes_a_little_late_is_held_back_too_and_asked_once(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock).running() as world:
        await come_back(world, *waiting(world, *FIVE))
        late = await come_back(world, *waiting(world, "six", ago=HOUR))
        said = await world.say("all")

    assert world.journal.rows[late[0]].state is IGNORED
    assert said[0] == "I answer all of them: 6."
    assert [turn.text for turn in world.turns] == [*FIVE, "six"]
    assert sum(text.startswith("While") for text in world.texts) == 1


async def test_each_room_and_each_person_is_asked_apart(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        mine = waiting(world, *FIVE, is_shared=True)
        yours = waiting(world, *FIVE[:4], sender=YOU, is_shared=True)
        few = waiting(world, "a", "b", room=OTHER_ROOM)
        await come_back(world, *mine, *few, *yours)
        asked = said_in(world)
        await world.write("none", is_shared=True)
        await trio.sleep(10)
        of_mine = said_in(world)[2:]
        await world.write("last", sender=YOU, is_shared=True)
        await world.settle()

    assert [text.split(",")[0] for text in asked] == ["Somebody", "Somebody"]
    assert "5 messages" in asked[0]
    assert "4 messages" in asked[1]
    assert of_mine == ["Left unanswered: 5."]
    assert said_in(world)[3:] == ["I answer the last one. Left unanswered: 3.", "echo four"]
    assert said_in(world, OTHER_ROOM) == ["echo a", "echo b"]
    assert world.faults == []


async def test_both_surfaces_ask_beyond_a_page(autojump_clock: MockClock) -> None:
    many = [str(number) for number in range(PAGE + 50)]
    async with a_world(autojump_clock, has_telegram=True).running() as world:
        for room, sender in ((ROOM, ME), (HERE, ME_THERE)):
            await world.arrive(*waiting(world, *many, room=room, sender=sender))
        await trio.sleep(10)
        asked = world.texts
        await world.write("all")
        await world.write("all", room=HERE, sender=ME_THERE)
        await world.settle(within=3000)

    assert [f"{len(many)} messages" in text for text in asked] == [True, True]
    for surface in ("matrix", "telegram"):
        assert [turn.text for turn in world.turns if turn.surface == surface] == many
    assert world.faults == []


async def test_the_question_has_buttons_where_there_are_any(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock, has_buttons=True).running() as world:
        rows = await come_back(world, *waiting(world, *FIVE))

    [[*buttons]] = world.sent[0].keyboard
    assert "Reply" not in world.sent[0].text
    assert [button.label for button in buttons] == ["All", "Last", "None"]
    assert [button.action for button in buttons] == [
        f"wait:{rows[-1]}:{choice}" for choice in ("all", "last", "none")
    ]


async def test_it_is_asked_in_the_language_of_its_person(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        await come_back(world, *waiting(world, *FIVE, language=Language("ru")))
        said = await world.say("Последнее!", language=Language("ru"))

    assert "накопились ваши сообщения: 5" in world.texts[0]
    assert "**все** / **последнее** / **ни одного**" in world.texts[0]
    assert said == ["Отвечаю на последнее. Осталось без ответа: 4.", "echo five"]


async def test_a_stranger_is_not_asked(autojump_clock: MockClock) -> None:
    policy = AccessPolicy("pairing")
    async with a_world(autojump_clock, policy=policy).running() as world:
        rows = await come_back(world, *waiting(world, *FIVE))

    assert not any("While I was away" in text for text in world.texts)
    assert all(world.journal.rows[id_].state is not RECEIVED for id_ in rows)


# What is said to it.


@pytest.mark.parametrize("word", ["all", "All!", " ALL ", "все", "Всё", "> Shall I?\n\nall"])
async def test_all_are_answered_in_order(word: str, autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        rows = await come_back(world, *waiting(world, *FIVE))
        said = await world.say(word)

    assert said == ["I answer all of them: 5.", *(f"echo {text}" for text in FIVE)]
    assert states(world, rows) == [IGNORED] * 5
    assert world.faults == []


async def test_the_last_is_answered_and_it_is_said_how_many_are_not(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock).running() as world:
        rows = await come_back(world, *waiting(world, *FIVE))
        said = await world.say("last")

    assert said == ["I answer the last one. Left unanswered: 4.", "echo five"]
    assert states(world, rows) == [IGNORED] * 5
    assert all(world.journal.rows[id_].reason for id_ in rows)
    assert world.faults == []


async def test_none_is_answered_and_it_is_said_how_many_are_not(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        await come_back(world, *waiting(world, *FIVE))
        said = await world.say("none")
        after = await world.say("all")

    assert said == ["Left unanswered: 5."]
    assert after == ["echo all"]
    assert world.faults == []
    assert not any(key.startswith("catch_up:") for key in world.journal.keys)


@pytest.mark.parametrize(
    ("choice", "said", "turns"),
    [
        ("all", "I answer all of them: 5.", [*FIVE]),
        ("last", "I answer the last one. Left unanswered: 4.", ["five"]),
        ("none", "Left unanswered: 5.", []),
    ],
)
async def test_a_button_says_it_too(
    choice: str, said: str, turns: list[str], autojump_clock: MockClock
) -> None:
    async with a_world(autojump_clock, has_buttons=True).running() as world:
        rows = await come_back(world, *waiting(world, *FIVE))
        await world.press(f"wait:{rows[-1]}:{choice}")
        await world.settle()
        await world.press(f"wait:{rows[-1]}:{choice}")
        await world.settle()

    assert [answer.text for answer in world.answers] == [said, "This has been decided already."]
    assert said_in(world)[1] == said
    assert [turn.text for turn in world.turns] == turns
    assert world.faults == []


async def test_only_who_was_asked_may_press(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock, has_buttons=True).running() as world:
        rows = await come_back(world, *waiting(world, *FIVE))
        await world.press(f"wait:{rows[-1]}:none", sender=YOU)
        await world.press(f"wait:{rows[-1]}:none", room=OTHER_ROOM)
        await world.press(f"wait:{rows[-1]}:some", "wait:99:all")
        await trio.sleep(10)

    assert all(answer.is_refused for answer in world.answers)
    assert len(world.answers) == 4
    assert states(world, rows) == [RECEIVED] * 5


async def test_the_words_mean_nothing_where_nothing_was_asked(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        said = await world.say("all", "last", "none")

    assert said == ["echo all", "echo last", "echo none"]


async def test_a_second_answer_in_the_same_batch_is_a_message(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        await come_back(world, *waiting(world, *FIVE))
        said = await world.say("none", "all")

    assert said == ["Left unanswered: 5.", "echo all"]
    assert world.faults == []


# What happens meanwhile.


async def test_a_new_message_goes_its_way_and_all_come_after_it(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock).running() as world:
        await come_back(world, *waiting(world, *FIVE))
        await world.write("new", "/status")
        await trio.sleep(10)
        meanwhile = said_in(world)[1:]
        said = await world.say("all")

    assert sorted(meanwhile) == ["Ready. Nothing is running here.", "echo new"]
    assert said[1:] == [f"echo {text}" for text in FIVE]
    assert world.faults == []


async def test_commands_among_those_that_wait_are_not_held_back(autojump_clock: MockClock) -> None:
    texts = ["one", "/status", "two", "/chats", "three", "/stop", "four"]
    async with a_world(autojump_clock).running() as world:
        await come_back(world, *waiting(world, *texts))

    said = said_in(world)
    assert "Ready. Nothing is running here." in said
    assert "Nothing is running here." in said
    assert any(text.startswith("You have no chats yet") for text in said)
    assert any(text.startswith(ASKED.format(4)) for text in said)


async def test_a_live_message_behind_those_that_wait_for_a_moment_keeps_its_order(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock).running() as world:
        await world.arrive(*waiting(world, "one", "two"))
        await world.write("live")
        await world.settle()

    assert [turn.text for turn in world.turns] == ["one", "two", "live"]
    assert world.faults == []


async def test_somebody_who_writes_on_and_on_does_not_keep_the_room_waiting(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock).running() as world:
        for number in range(80):
            await world.arrive(*waiting(world, str(number)))
            await trio.sleep(0.5)

    assert any("While I was away" in text for text in world.texts)


async def test_an_edit_changes_what_waits(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        old = waiting(world, *FIVE[:4], message_id=RemoteId("m"))
        arrivals = [*old, *waiting(world, "five", message_id=RemoteId("e"))]
        await come_back(world, *arrivals)
        await world.edit("e", "better")
        await trio.sleep(1)
        said = await world.say("last")

    assert said[1:] == ["echo better"]
    assert world.faults == []


async def test_an_edit_that_came_with_it_changes_it_too(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        old = waiting(world, *FIVE, message_id=RemoteId("e"))
        edit = waiting(world, "better", message_id=RemoteId("e"), edits=RemoteId("e"))
        await come_back(world, *old, *edit)
        said = await world.say("last")

    assert said[1:] == ["echo better"]


async def test_what_was_taken_back_is_not_answered(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        rows = await come_back(world, *waiting(world, *FIVE))
        await world.redact(rows[1], rows[4])
        await trio.sleep(1)
        said = await world.say("all")

    assert said[1:] == ["echo one", "echo three", "echo four"]
    assert said[0] == "I answer all of them: 3."
    assert world.faults == []


async def test_where_all_was_taken_back_nothing_is_asked_any_more(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock).running() as world:
        rows = await come_back(world, *waiting(world, *FIVE))
        await world.redact(*rows)
        await world.settle()
        said = await world.say("all")

    assert said == ["echo all"]
    assert world.faults == []


async def test_files_come_along(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        old = waiting(world, *FIVE[:3])
        pictures = waiting(world, "", "", files=(photo(),))
        await come_back(world, *old, *pictures)
        said = await world.say("last")

    assert said[1:] == ["echo  with 1 files"]


async def test_an_old_yes_answers_no_question_that_was_asked_since(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock).running() as world:
        await come_back(world, *waiting(world, *FIVE[:4], "yes"))
        await world.write("ask")
        await trio.sleep(10)
        await world.say("last")
        resumes = [turn.resume.choice for turn in world.turns if turn.resume is not None]

    assert resumes == [None]


async def test_a_room_that_goes_takes_with_it_what_waits(autojump_clock: MockClock) -> None:
    async with a_world(autojump_clock).running() as world:
        rows = await come_back(world, *waiting(world, *FIVE))
        late = await world.arrive(*waiting(world, "very old", room=OTHER_ROOM))
        await trio.sleep(0.1)
        for room in (ROOM, OTHER_ROOM):
            await world.chats.address.send(RoomGone(room, "left"))
        await world.settle()

    assert states(world, (*rows, *late)) == [RowState.FAILED] * 6
    assert world.faults == []
