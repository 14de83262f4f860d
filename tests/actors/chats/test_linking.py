"""Stories of one person on two surfaces: the code, what becomes one, and what is parted again."""

import json
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.chats.access import AccessPolicy
from actors.chats.links import CODE_LIFE, MOST_TRIES, PAUSE
from protocols.ids import TERMINAL, Language, PersonId, RemoteId, RoomId, RowId
from protocols.journal import RowState
from protocols.surfaces import Surface
from tests.actors.chats.pushes import DONE, PROGRESS, a_user, push
from tests.actors.chats.world import BOSS, HERE, ME, ME_THERE, OTHER_ROOM, ROOM, YOU, World

CODE = "CODE0001"
THERE: dict[str, Any] = {"room": HERE, "sender": ME_THERE}
YOU_THERE = PersonId("telegram:43")


def two_surfaces(clock: MockClock, **facts: Any) -> World:
    return World(clock, has_telegram=True, **facts)


async def linked(world: World, *, code: str = CODE) -> list[str]:
    """The person of ``HERE`` asks for a code and enters it in ``ROOM``; what is said there."""
    await world.say("/link", **THERE)
    return await world.say(f"!link {code}")


def slots_of(world: World, room: RoomId) -> list[str | None]:
    return [row.slot for row in world.rows if row.room == room and row.run_id is not None]


# The code.


async def test_a_code_says_how_long_it_works_and_where_it_is_entered(
    autojump_clock: MockClock,
) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        on_matrix = await world.say("/link")
        on_telegram = await world.say("/link", **THERE)

    assert "**CODE0001**" in on_matrix[0]
    assert "10 minutes" in on_matrix[0]
    assert "- Telegram: `/link CODE0001`" in on_matrix[0]
    assert "- Matrix: `!link CODE0002`" in on_telegram[0]
    assert world.faults == []


async def test_without_another_surface_there_is_no_code(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say("/link")

    assert said == ["There is no other app where you could write to me."]


async def test_where_others_read_a_code_is_not_shown(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        said = await world.say("/link", is_shared=True)

    assert "in private" in said[0]
    assert "CODE" not in said[0]


async def test_a_code_that_others_have_read_joins_nobody(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("/link", **THERE)
        in_public = await world.say(f"!link {CODE}", room=OTHER_ROOM, is_shared=True)
        in_private = await world.say(f"!link {CODE}")

    assert "does not count any more" in in_public[0]
    assert "does not count any more" in in_private[0]


async def test_a_code_joins_both_and_both_are_told(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        said = await linked(world)
        there = [out.text for out in world.sent if out.room == HERE]

    assert "you and `telegram:42` are the same person" in said[0]
    assert "you and `matrix:@me:s` are the same person" in there[-1]
    assert json.loads(world.journal.keys[f"linked:{ME}"]) == ME_THERE
    assert world.faults == []


@pytest.mark.parametrize("spelling", ["code0001", "CODE-0001", " code 00 01 "])
async def test_a_code_may_be_spelled_as_a_person_does(
    spelling: str, autojump_clock: MockClock
) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        said = await linked(world, code=spelling)

    assert "same person" in said[0]


async def test_a_code_works_once(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await linked(world)
        second = await world.say(f"!link {CODE}", sender=YOU, room=OTHER_ROOM)

    assert "does not count any more" in second[0]
    assert f"linked:{YOU}" not in world.journal.keys


async def test_a_code_works_for_ten_minutes(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("/link", **THERE)
        await trio.sleep(CODE_LIFE)
        late = await world.say(f"!link {CODE}")
        await trio.sleep(7200)
        await world.say("/link", sender=YOU, room=OTHER_ROOM)
        much_later = await world.say(f"!link {CODE}")

    assert "has expired" in late[0]
    assert "do not know that code" in much_later[0]


async def test_a_newer_code_takes_the_place_of_the_one_before(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("/link", **THERE)
        await world.say("/link", **THERE)
        old = await world.say(f"!link {CODE}")
        new = await world.say("!link CODE0002")

    assert "do not know that code" in old[0]
    assert "same person" in new[0]


async def test_nobody_is_joined_with_themselves_or_on_one_surface(
    autojump_clock: MockClock,
) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("/link")
        own = await world.say(f"/link {CODE}")
        same = await world.say(f"/link {CODE}", sender=YOU, room=OTHER_ROOM)

    assert "your own code" in own[0]
    assert "two different apps" in same[0]
    assert not any(key.startswith("linked:") for key in world.journal.keys)


async def test_who_is_linked_parts_first(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await linked(world)
        await world.say("/link", room=HERE, sender=YOU_THERE)
        again = await world.say("!link CODE0002")

    assert "linked already, with `telegram:42`" in again[0]


async def test_a_surface_is_in_a_person_once(autojump_clock: MockClock) -> None:
    world = two_surfaces(autojump_clock)
    world.surfaces[TERMINAL] = Surface(TERMINAL, world.telegram.address)
    async with world.running():
        await linked(world)
        offered = await world.say("/link", **THERE)
        second = await world.say("!link CODE0002", sender=YOU, room=OTHER_ROOM)

    assert "- Terminal: `/link CODE0002`" in offered[-1]
    assert "Matrix:" not in offered[-1]
    assert "two different apps" in second[0]


async def test_who_is_linked_everywhere_gets_no_code_that_nobody_could_use(
    autojump_clock: MockClock,
) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await linked(world)
        here = await world.say("/link")
        there = await world.say("/link", **THERE)

    assert "linked already, with `telegram:42`" in here[0]
    assert "linked already, with `matrix:@me:s`" in there[0]


async def test_after_five_wrong_codes_a_person_pauses_and_others_do_not(
    autojump_clock: MockClock,
) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("/link", **THERE)
        wrong = await world.say(*[f"!link WRONG{number}" for number in range(MOST_TRIES)])
        paused = await world.say(f"!link {CODE}")
        await trio.sleep(PAUSE)
        await world.say("/link", **THERE)
        after = await world.say("!link CODE0002")

    assert all("do not know that code" in text for text in wrong)
    assert paused == ["Too many wrong codes. Try again in 10 min."]
    assert "same person" in after[0]


async def test_the_lines_are_russian_for_who_speaks_it(autojump_clock: MockClock) -> None:
    russian: dict[str, Any] = {"language": Language("ru")}
    async with two_surfaces(autojump_clock).running() as world:
        code = await world.say("/link", **THERE, **russian)
        joined = await world.say(f"!link {CODE}")
        told = [out.text for out in world.sent if out.room == HERE][-1]

    assert "Ваш код" in code[0]
    assert "same person" in joined[0]
    assert "Ваш код введён" in told


# Access.


async def test_a_code_lets_no_stranger_in(autojump_clock: MockClock) -> None:
    policy = AccessPolicy("allowlist", allowed=(ME_THERE,))
    async with two_surfaces(autojump_clock, policy=policy).running() as world:
        await world.say("/link", **THERE)
        said = await world.say(f"!link {CODE}")

    assert "my list" in said[0]
    assert f"linked:{ME}" not in world.journal.keys


async def test_the_code_of_who_has_no_access_any_more_is_none(autojump_clock: MockClock) -> None:
    before = two_surfaces(autojump_clock)
    async with before.running() as world:
        await world.say("/link", **THERE)
    policy = AccessPolicy("allowlist", allowed=(ME,))
    after = two_surfaces(autojump_clock, policy=policy, journal=before.journal)
    async with after.running() as world:
        said = await world.say(f"!link {CODE}")

    assert "do not know that code" in said[0]


async def test_an_admin_lends_no_rights_to_the_other_identity(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("/link", sender=BOSS)
        await world.say(f"/link {CODE}", **THERE)
        there = await world.say("/debug", **THERE)
        here = await world.say("/debug", sender=BOSS)

    assert "admins only" in there[0]
    assert "the tree" in here[0]


# What becomes one.


async def test_both_are_one_person_to_the_agent_from_then_on(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("before")
        await linked(world)
        await world.say("after", "/settings")
        await world.say("there", **THERE)
        senders = [(row.sender, row.text) for row in world.rows if row.run_id]

    assert [turn.sender for turn in world.turns] == [ME, ME_THERE, ME_THERE]
    assert [turn.surface for turn in world.turns] == ["matrix", "matrix", "telegram"]
    assert world.askers == [ME_THERE]
    assert senders == [(ME, "before"), (ME, "after"), (ME_THERE, "there")]


async def test_a_room_keeps_its_chat_unless_its_number_is_taken(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("one", **THERE)
        await world.say("one", "/new", "two")
        await world.say("three", room=OTHER_ROOM)
        said = await linked(world)
        await world.say("again")
        await world.say("again", room=OTHER_ROOM)
        await world.say("again", **THERE)

    assert "C1 → **C4**." in said[0]
    assert slots_of(world, ROOM) == ["C4", "C2", "C2"]
    assert slots_of(world, OTHER_ROOM) == ["C3", "C3"]
    assert slots_of(world, HERE) == ["C1", "C1"]
    assert world.faults == []


async def test_new_chats_of_both_are_counted_together(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("one")
        await world.say("one", **THERE)
        await linked(world)
        await world.say("/new", "two")
        await world.say("/new", "two", **THERE)

    assert slots_of(world, ROOM) == ["C2", "C3"]
    assert slots_of(world, HERE) == ["C1", "C4"]


async def test_the_list_of_chats_is_one_and_says_where_each_is(autojump_clock: MockClock) -> None:
    link = "https://matrix.to/#/{room}"
    async with two_surfaces(autojump_clock, room_link=link).running() as world:
        await world.say("one", "/rename plans")
        await world.say("one", **THERE)
        await linked(world)
        here = await world.say("/chats")
        there = await world.say("/chats", **THERE)
        gone_to = await world.say("/chats C2", **THERE)
        in_group = await world.say("/chats", is_shared=True)

    assert "- **C2** plans: here, in use\n- **C1**: on Telegram\n" in here[0]
    address = "[plans](<https://matrix.to/#/%21r%3As>)"
    assert f"- **C2** plans: on Matrix, in {address}\n- **C1**: here\n" in there[0]
    assert gone_to == [f"**C2** plans is on Matrix, in {address}. Go on there."]
    assert "Telegram" not in in_group[0]


async def test_what_waits_and_runs_is_answered_in_its_room_and_in_its_chat(
    autojump_clock: MockClock,
) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("one", **THERE)
        await world.write("slow 5", "waits")
        await trio.sleep(1)
        await world.write("/link", **THERE)
        await trio.sleep(1)
        await world.write(f"!link {CODE}", "comes after")
        await world.settle()
        rooms = {out.room for out in world.sent if out.text.startswith("echo")}

    assert slots_of(world, ROOM) == ["C2", "C2", "C2"]
    in_room = [turn for turn in world.turns if turn.surface == "matrix"]
    assert [turn.slot for turn in in_room] == ["C1", "C2", "C2"]
    assert [turn.sender for turn in in_room] == [ME, ME_THERE, ME_THERE]
    assert rooms == {ROOM, HERE}
    assert world.faults == []


@pytest.mark.parametrize("is_pressed", [True, False])
async def test_a_question_that_was_asked_meanwhile_is_answered_in_the_chat_that_moved(
    autojump_clock: MockClock, *, is_pressed: bool
) -> None:
    async with two_surfaces(autojump_clock, has_buttons=True).running() as world:
        await world.say("one", **THERE)
        await world.say("/link", **THERE)
        (asking,) = await world.write("ask")
        await world.settle()
        await world.say(f"!link {CODE}")
        if is_pressed:
            await world.press(f"confirm:{asking}:0")
        else:
            await world.write("yes")
        await world.settle()
        resumed = [turn for turn in world.turns if turn.resume is not None]

    assert [(turn.slot, turn.text) for turn in resumed] == [("C2", "yes")]
    assert slots_of(world, ROOM) == ["C2", "C2"]


async def test_a_question_queued_behind_a_link_is_still_closed_by_an_older_message(
    autojump_clock: MockClock,
) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("one", **THERE)
        await world.say("/link", **THERE)
        await world.write("ask", "slow 1", "written before the question")
        await trio.sleep(0.01)
        await world.write(f"!link {CODE}")
        await world.settle()
        resumed = [turn.text for turn in world.turns if turn.resume is not None]

    assert resumed == ["slow 1"]
    assert world.faults == []


async def test_a_list_of_chats_from_before_opens_no_other_chat(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock, has_buttons=True).running() as world:
        await world.say("one", **THERE)
        _, _, _, listing = await world.write("one", "/new", "two", "/chats")
        await world.settle()
        await linked(world)
        await world.press(f"chat:{listing}:C1")
        await world.settle()

    assert world.answers[-1].is_refused


async def test_what_failed_before_is_run_again_in_the_chat_that_moved(
    autojump_clock: MockClock,
) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("one", **THERE)
        await world.say("fail")
        await linked(world)
        await world.say("/retry")

    assert slots_of(world, ROOM) == ["C2", "C2"]


async def test_in_one_batch_what_comes_after_a_link_knows_of_it(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("one", **THERE)
        await world.say("/link", **THERE)
        await world.say("first", f"!link {CODE}", "second", "/unlink", "third", "/chats")

    assert slots_of(world, ROOM) == ["C2", "C2", "C2"]
    assert [turn.sender for turn in world.turns if turn.text == "third"] == [ME]
    assert world.faults == []


async def test_a_link_waits_behind_a_new_chat_that_opens(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock, opens_rooms=True).running() as world:
        await world.say("one", **THERE)
        await world.say("/link", **THERE)
        await world.say("one", "/new wait", f"!link {CODE}")
        chats = await world.say("/chats")

    assert "C2" in chats[0]
    assert "C3" in chats[0]
    assert world.faults == []


@pytest.mark.parametrize("is_parted", [False, True])
async def test_a_task_that_runs_meanwhile_ends_where_its_line_stands(
    autojump_clock: MockClock, *, is_parted: bool
) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        a_user(world.journal, ME)
        a_user(world.journal, ME_THERE, "user-2")
        await world.say("one")
        await world.say("one", **THERE)
        await world.say("/link", **THERE)
        await world.arrive(push(PROGRESS, "half"))
        await world.write(f"!link {CODE}")
        await world.arrive(push(PROGRESS, "of the first", user_id="user-2"))
        await trio.sleep(1)
        if is_parted:
            await world.write("/unlink", **THERE)
            await trio.sleep(1)
        await world.arrive(push(DONE, "mine"), push(DONE, "yours", user_id="user-2"))
        await world.settle()

    told = {out.text: out.room for out in world.sent}
    assert sum("are the same person to me" in text for text in told) == 2
    assert (told["mine"], told["yours"]) == (ROOM, HERE)
    assert world.faults == []


async def test_what_was_asked_about_before_is_answered_in_the_chats_of_both(
    autojump_clock: MockClock,
) -> None:
    async with two_surfaces(autojump_clock, catch_up_after=3600.0).running() as world:
        await world.say("one", **THERE)
        old = [evolve(world.arrival(text, is_backlog=True), sent_at=-7200.0) for text in "abcd"]
        await world.arrive(*old)
        await trio.sleep(10)
        await world.write("/link", **THERE)
        await trio.sleep(1)
        await world.write(f"!link {CODE}")
        await trio.sleep(1)
        said = await world.say("all")

    assert said[1:] == [f"echo {text}" for text in "abcd"]
    assert slots_of(world, ROOM) == ["C2"] * 4
    assert world.faults == []


# Parted again.


async def test_each_keeps_the_chats_of_its_surface_and_no_number_comes_twice(
    autojump_clock: MockClock,
) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("one")
        await world.say("one", **THERE)
        await linked(world)
        said = await world.say("/unlink")
        told = [out.text for out in world.sent if out.room == HERE][-1]
        await world.say("/new", "two")
        await world.say("/new", "two", **THERE)
        mine = await world.say("/chats")

    assert "a person of your own again" in said[0]
    assert "`matrix:@me:s` is not the same person" in told
    assert slots_of(world, ROOM) == ["C2", "C3"]
    assert slots_of(world, HERE) == ["C1", "C3"]
    assert "C1" not in mine[0].split("\n\n")[1]
    assert [turn.sender for turn in world.turns[-2:]] == [ME, ME_THERE]
    assert world.faults == []


async def test_the_first_may_part_too_and_either_may_link_again(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await linked(world)
        parted = await world.say("/unlink", **THERE)
        again = await world.say("/unlink", **THERE)
        await world.say("/link")
        linked_back = await world.say("/link CODE0002", **THERE)

    assert "a person of your own again" in parted[0]
    assert again == ["You are not linked. /link begins it."]
    assert "same person" in linked_back[0]
    assert json.loads(world.journal.keys[f"linked:{ME_THERE}"]) == ME


async def test_a_surface_that_is_off_is_not_written_to(autojump_clock: MockClock) -> None:
    before = two_surfaces(autojump_clock)
    async with before.running() as world:
        await linked(world)
    after = World(autojump_clock, journal=before.journal)
    async with after.running() as world:
        said = await world.say("/unlink")

    assert "a person of your own" in said[0]
    assert after.faults == []


async def test_a_link_is_one_commit(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("one", **THERE)
        await world.say("one")
        await world.say("/link", **THERE)
        done = len(world.commits)
        (row,) = await world.write(f"!link {CODE}")
        await world.settle()
        linking = [it for it in world.commits[done:] if f"linked:{ME}" in str(it.changes)]

    assert len(linking) == 1
    assert world.journal.rows[RowId(row)].state is RowState.ANSWERED
    assert world.journal.rows[RowId(row)].message_id != RemoteId("")


# The chat that was used last.


def last_of(world: World, person: PersonId) -> tuple[str, str] | None:
    text = world.journal.keys.get(f"last:{person}")
    facts = None if text is None else json.loads(text)
    return None if facts is None else (facts["room"], facts["slot"])


async def test_who_is_linked_has_one_last_chat(autojump_clock: MockClock) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("one", **THERE)
        await world.say("one")
        await linked(world)
        at_first = last_of(world, ME_THERE)
        await world.say("two")

    assert at_first == (HERE, "C1")
    assert last_of(world, ME_THERE) == (ROOM, "C2")
    assert last_of(world, ME) is None


async def test_who_has_used_no_chat_takes_over_the_others_last_one(
    autojump_clock: MockClock,
) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("one", "/new", "two")
        await linked(world)

    assert last_of(world, ME_THERE) == (ROOM, "C2")


@pytest.mark.parametrize("is_there_last", [True, False])
async def test_parted_nobody_is_told_anything_in_the_others_chat(
    autojump_clock: MockClock, *, is_there_last: bool
) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("one", **THERE)
        await world.say("one")
        await linked(world)
        await world.say("two", **(THERE if is_there_last else {}))
        await world.say("/unlink")

    assert last_of(world, ME_THERE) == (HERE, "C1")
    assert last_of(world, ME) == (ROOM, "C2")


async def test_who_has_no_chat_has_no_last_one_when_they_are_parted(
    autojump_clock: MockClock,
) -> None:
    async with two_surfaces(autojump_clock).running() as world:
        await world.say("one")
        await linked(world)
        await world.say("/unlink")

    assert last_of(world, ME_THERE) is None
    assert last_of(world, ME) == (ROOM, "C1")
