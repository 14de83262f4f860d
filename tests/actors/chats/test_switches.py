"""Stories of ``/settings``."""

import json
from typing import Any

import pytest
from attrs import evolve
from trio.testing import MockClock

from actors.chats.display import Display, Extra
from actors.chats.manner import Manner
from actors.chats.switches import settings_text
from actors.words import Word
from protocols.ids import Language, RemoteId, RowId
from protocols.journal import Amends, Button, RowState
from protocols.platform import FailureKind, SettingsAction, UserSettings
from protocols.turns import TurnFailed
from tests.actors.chats.rows import a_row
from tests.actors.chats.world import ME, YOU, World

LONG = "x" * 60
SIGNS = (("⬜", 1), ("✅", 0))
SHOW_USAGE, HIDE_USAGE = (
    Button(f"{sign} Show token usage", f"show:1:{on}:usage") for sign, on in SIGNS
)
SHOW_REASONING = Button("⬜ Show reasoning", "show:1:1:reasoning")
OURS = ((SHOW_USAGE,), (SHOW_REASONING,))
BY_WORDS = (
    "`!settings usage on` shows what each answer cost, "
    "`!settings reasoning on` what the agent thought before it. "
    "`off` instead of `on` hides it again."
)
FAILED = "I cannot reach the agent's settings at the moment. Try again in a minute."
PRESS_ONE = "Your settings. Press one to switch it on or off."


async def test_settings_are_shown_with_a_button_for_each_skill(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("/settings")

    (sent,) = world.sent
    assert sent.text == "Your settings. Press one to switch it on or off."
    assert sent.keyboard == (
        (Button("⬜ code", "set:1:1:code"),),
        (Button("✅ search", "set:1:0:search"),),
        *OURS,
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
        *OURS,
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

    listed = "- ⬜ code\n- ✅ search\n- ⬜ Show token usage\n- ⬜ Show reasoning"
    assert said == [f"Your settings:\n\n{listed}\n\n{BY_WORDS}"]


async def test_a_listed_skill_has_its_name_in_the_catalogue_or_its_own(
    autojump_clock: MockClock,
) -> None:
    skills = UserSettings({"plain_language": True, "web_search": False})
    async with World(autojump_clock, settings=[skills]).running() as world:
        said = await world.say("/settings")

    assert "- ✅ Plain language\n- ⬜ web\\_search\n" in said[0]


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

    assert said == [f"{FAILED}\n\n{PRESS_ONE}"]
    assert world.answers[-1].text == "That did not work. Please try again in a minute."
    assert world.answers[-1].is_refused
    assert world.rows[2].reason == "button: settings not changed"
    assert not any(out.amends for out in world.sent)
    assert world.sent[1].keyboard[0][0].action == "show:2:1:usage"
    assert world.faults == []


@pytest.mark.parametrize("is_parked", [True, False])
async def test_settings_of_an_agent_that_refuses_our_key_say_who_can_mend_it(
    autojump_clock: MockClock, *, is_parked: bool
) -> None:
    world = World(autojump_clock, has_buttons=True)
    world.settings[-1] = TurnFailed("", FailureKind.UNAUTHORIZED)
    async with world.running():
        if is_parked:
            await world.say("park")
        said = await world.say("/settings")

    (text,) = said
    assert "does not accept my key" in text
    assert "minute" not in text
    assert text.endswith(PRESS_ONE)
    assert world.faults == []


async def test_a_platform_that_says_nothing_of_settings_is_not_waited_for(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True, settings=[]).running() as world:
        said = await world.say("/settings")

    assert said == [f"{FAILED}\n\n{PRESS_ONE}"]


async def test_a_stop_does_not_wait_for_settings(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("hang", "/settings", "/stop")
        await world.settle()

    assert world.states == [RowState.STOPPED, RowState.ANSWERED, RowState.ANSWERED]


MANNER = Manner(Language("en"), "!", has_buttons=True)
NONE_SHOWN = Display()


def test_a_person_without_skills_is_told_so() -> None:
    text = settings_text(a_row(), UserSettings({}), NONE_SHOWN, MANNER)

    assert text == f"The agent has no settings for you.\n\n{PRESS_ONE}"


def test_what_fits_no_button_is_named_with_its_state() -> None:
    settings = UserSettings({"a_b": True, LONG: False})

    text = settings_text(a_row(), settings, NONE_SHOWN, MANNER)

    assert text == f"{PRESS_ONE}\n\n- ⬜ {LONG}"


def test_without_buttons_the_agent_s_part_may_be_missing() -> None:
    shown = Display(frozenset({Extra.REASONING}))

    text = settings_text(a_row(), Word.SETTINGS_FAILED, shown, evolve(MANNER, has_buttons=False))

    assert text == (
        f"{FAILED}\n\nYour settings:\n\n- ⬜ Show token usage\n- ✅ Show reasoning\n\n{BY_WORDS}"
    )


async def test_a_skill_that_no_button_can_name_costs_nobody_anything(
    autojump_clock: MockClock,
) -> None:
    skills = UserSettings({"\ud800": True, "code": False})
    async with World(autojump_clock, has_buttons=True, settings=[skills]).running() as world:
        await world.say("/settings")

    actions = [line[0].action for line in world.sent[0].keyboard]
    assert actions == ["set:1:1:code", "show:1:1:usage", "show:1:1:reasoning"]
    assert world.states == [RowState.ANSWERED]


# Our own switches.


def kept(world: World) -> dict[str, Any]:
    """What is kept of what people want to see."""
    keys = world.journal.keys.items()
    return {key: json.loads(text) for key, text in keys if key.startswith("display:")}


async def test_a_press_switches_what_is_shown_and_the_message_shows_it(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("/settings")
        await world.press("show:1:1:usage", place="$s1")
        await world.settle()

    assert kept(world) == {f"display:{ME}": {"usage": True, "reasoning": False}}
    assert [answer.text for answer in world.answers] == ["✅ Show token usage"]
    assert world.sent[-1].amends == Amends(RowId(1), RemoteId("$s1"))
    assert world.sent[-1].keyboard == (
        (Button("⬜ code", "set:1:1:code"),),
        (Button("✅ search", "set:1:0:search"),),
        (HIDE_USAGE,),
        (SHOW_REASONING,),
    )
    assert world.changes == []
    assert world.faults == []


async def test_the_same_press_read_again_switches_nothing_back(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("/settings")
        await world.press(*["show:1:1:reasoning"] * 2, place="$s1")
        await world.settle()

    assert kept(world) == {f"display:{ME}": {"usage": False, "reasoning": True}}
    assert [answer.text for answer in world.answers] == ["✅ Show reasoning"] * 2


async def test_switches_pressed_in_a_hurry_all_count_and_are_all_shown(
    autojump_clock: MockClock,
) -> None:
    actions = ("set:1:1:code", "show:1:1:usage", "show:1:1:reasoning")
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("/settings")
        await world.press(*actions, place="$s1")
        await world.settle()

    assert kept(world) == {f"display:{ME}": {"usage": True, "reasoning": True}}
    labels = [line[0].label for line in world.sent[-1].keyboard]
    assert labels == ["✅ code", "✅ search", "✅ Show token usage", "✅ Show reasoning"]


async def test_nobody_else_switches_what_i_see(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("/settings")
        await world.press("show:1:1:usage", sender=YOU)
        await world.settle()

    assert kept(world) == {}
    assert world.answers[-1].is_refused


async def test_our_switches_work_while_the_platform_says_nothing(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True, settings=[]).running() as world:
        (said,) = await world.say("/settings")
        buttons = world.sent[-1].keyboard
        await world.press("show:1:1:reasoning", place="$s1")
        await world.settle()

    assert said.startswith(FAILED)
    assert buttons == OURS
    assert kept(world) == {f"display:{ME}": {"usage": False, "reasoning": True}}
    assert world.sent[-1].keyboard[1][0].label == "✅ Show reasoning"


async def test_switches_are_set_by_words(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say(
            "/settings usage on", "/settings REASONING вкл", "/settings usage off"
        )

    assert said == ["✅ Show token usage", "✅ Show reasoning", "⬜ Show token usage"]
    assert kept(world) == {f"display:{ME}": {"usage": False, "reasoning": True}}
    assert world.faults == []


@pytest.mark.parametrize("words", ["usage", "usage maybe", "code on", "usage on please"])
async def test_other_words_are_told_which_there_are(words: str, autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say(f"/settings {words}")

    assert said == [BY_WORDS]
    assert kept(world) == {}


async def test_two_linked_identities_have_one_set_of_switches(autojump_clock: MockClock) -> None:
    world = World(autojump_clock, has_buttons=True)
    world.journal.keys[f"linked:{ME}"] = json.dumps(YOU)
    async with world.running():
        await world.say("/settings usage on")
        await world.say("/settings")
        await world.press("show:2:1:reasoning", place="$s2")
        await world.settle()

    assert kept(world) == {f"display:{YOU}": {"usage": True, "reasoning": True}}
