"""Stories of ``/settings``."""

import pytest
from trio.testing import MockClock

from actors.chats.manner import Manner
from actors.chats.switches import settings_text
from protocols.ids import Language, RemoteId, RowId
from protocols.journal import Amends, Button, RowState
from protocols.platform import FailureKind, SettingsAction, UserSettings
from protocols.turns import TurnFailed
from tests.actors.chats.rows import a_row
from tests.actors.chats.world import YOU, World

LONG = "x" * 60


async def test_settings_are_shown_with_a_button_for_each_skill(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("/settings")

    (sent,) = world.sent
    assert sent.text == "Your settings. Press a skill to switch it on or off."
    assert sent.keyboard == (
        (Button("⬜ code", "set:1:1:code"),),
        (Button("✅ search", "set:1:0:search"),),
    )
    assert world.states == [RowState.ANSWERED]
    assert world.faults == []


async def test_a_press_switches_a_skill_and_the_message_shows_it(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("/settings")
        await world.press("set:1:1:code", "set:1:0:search", "set:1:1:search", place="$s1")
        await world.settle()

    assert world.changes == [
        SettingsAction("set", {"skill": "code", "is_on": True}),
        SettingsAction("set", {"skill": "search", "is_on": False}),
        SettingsAction("set", {"skill": "search", "is_on": True}),
    ]
    assert [answer.text for answer in world.answers] == ["✅ code", "⬜ search", "✅ search"]
    assert not any(answer.is_refused for answer in world.answers)
    assert [out.text for out in world.sent[1:]] == [""] * 3
    assert world.sent[-1].amends == Amends(RowId(1), RemoteId("$s1"))
    assert world.sent[-1].keyboard == (
        (Button("✅ code", "set:1:0:code"),),
        (Button("✅ search", "set:1:0:search"),),
    )
    assert world.faults == []


async def test_nobody_else_switches_my_skills(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("/settings")
        await world.press("set:1:1:code", sender=YOU)
        await world.settle()

    assert world.changes == []


async def test_without_buttons_settings_are_listed(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say("/settings")

    assert said == ["Your settings:\n\n- ⬜ code\n- ✅ search"]


@pytest.mark.parametrize("kind", [FailureKind.UNREACHABLE, FailureKind.REJECTED])
async def test_settings_that_cannot_be_reached_are_said_so(
    kind: FailureKind, autojump_clock: MockClock
) -> None:
    world = World(autojump_clock, has_buttons=True)
    async with world.running():
        await world.say("/settings")
        world.settings[-1] = TurnFailed("", kind)
        said = await world.say("/settings")
        await world.press("set:1:1:code")
        await world.settle()

    assert said == ["I cannot reach your settings at the moment. Try again in a minute."]
    assert world.answers[-1].text == "That did not work. Please try again in a minute."
    assert world.answers[-1].is_refused
    assert world.rows[2].reason == "button: settings not changed"
    assert not any(out.amends for out in world.sent)
    assert world.faults == []


async def test_a_platform_that_says_nothing_of_settings_is_not_waited_for(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True, settings=[]).running() as world:
        said = await world.say("/settings")

    assert said == ["I cannot reach your settings at the moment. Try again in a minute."]


async def test_a_stop_does_not_wait_for_settings(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("hang", "/settings", "/stop")
        await world.settle()

    assert world.states == [RowState.STOPPED, RowState.ANSWERED, RowState.ANSWERED]


MANNER = Manner(Language("en"), "/", has_buttons=True)


def test_a_person_without_skills_is_told_so() -> None:
    assert settings_text(a_row(), UserSettings({}), MANNER) == "The agent has no settings for you."


def test_what_fits_no_button_is_named_with_its_state() -> None:
    settings = UserSettings({"a_b": True, LONG: False})

    text = settings_text(a_row(), settings, MANNER)

    assert text == f"Your settings. Press a skill to switch it on or off.\n\n- ⬜ {LONG}"


def test_where_nothing_fits_a_button_all_is_listed() -> None:
    text = settings_text(a_row(), UserSettings({LONG: False}), MANNER)

    assert text == f"Your settings:\n\n- ⬜ {LONG}"


async def test_a_skill_that_no_button_can_name_costs_nobody_anything(
    autojump_clock: MockClock,
) -> None:
    skills = UserSettings({"\ud800": True, "code": False})
    async with World(autojump_clock, has_buttons=True, settings=[skills]).running() as world:
        await world.say("/settings")

    assert [line[0].action for line in world.sent[0].keyboard] == ["set:1:1:code"]
    assert world.states == [RowState.ANSWERED]
