"""The menu of commands that Telegram's apps show."""

import re

import pytest
import trio
from attrs import evolve
from structlog.typing import EventDict
from trio.testing import MockClock

from actors.telegram.api.outcomes import (
    Ambiguous,
    Failure,
    Forbidden,
    Refusal,
    Refused,
    Unreachable,
)
from actors.telegram.errands.menu import menus
from actors.words import CATALOGUES, Word
from protocols.changes import PutKey
from protocols.ids import RoomId
from tests.actors.telegram.fake_bot import EPOCH, GROUP, HERE, SETTINGS, FakeBot, Fault, Gateway

FOR_ADMIN = evolve(SETTINGS, admins=(42,))
ENGLISH, RUSSIAN = CATALOGUES["en"], CATALOGUES["ru"]
EVERYWHERE = {
    (scope, language)
    for scope in ("default", "all_private_chats", "all_group_chats")
    for language in ("", "ru")
}


async def life(gateway: Gateway) -> int:
    """One life; how many menus were set in it."""
    gateway.bot.menus.clear()
    async with gateway.running():
        await trio.sleep(10)
    return len(gateway.bot.menus)


async def test_everybody_sees_a_menu_in_two_languages(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    await life(gateway)

    assert set(gateway.bot.menus) == EVERYWHERE
    private, group = (gateway.bot.menus[f"all_{kind}_chats", ""] for kind in ("private", "group"))
    assert private == gateway.bot.menus["default", ""]
    assert private["new"] == ENGLISH[Word.MENU_NEW]
    assert set(group) < set(private)
    assert "debug" not in private


async def test_an_admin_sees_what_only_admins_may_do(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock, settings=FOR_ADMIN)
    await life(gateway)

    assert set(gateway.bot.menus) == EVERYWHERE | {("chat:42", ""), ("chat:42", "ru")}
    assert gateway.bot.menus["chat:42", ""]["debug"] == ENGLISH[Word.MENU_DEBUG]
    assert gateway.bot.menus["chat:42", "ru"]["debug"] == RUSSIAN[Word.MENU_DEBUG]


async def test_a_menu_is_set_once_and_again_when_it_changes(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)

    first, second = await life(gateway), await life(gateway)
    gateway.settings = FOR_ADMIN
    third, fourth = await life(gateway), await life(gateway)

    assert (first, second, third, fourth) == (6, 0, 2, 0)


@pytest.mark.parametrize("kept", ["7", "{}", '["x", 7]'])
async def test_what_remembers_no_menu_is_none(autojump_clock: MockClock, kept: str) -> None:
    gateway = Gateway(autojump_clock)
    gateway.commit(PutKey("telegram_menu", kept))

    assert await life(gateway) == 6
    assert await life(gateway) == 0


async def test_what_fails_is_tried_at_the_next_start(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["menu"] = [Fault(Refused(400, "Bad Request: no"))] * 4

    assert await life(gateway) == 2
    assert await life(gateway) == 4
    assert await life(gateway) == 0


@pytest.mark.parametrize("trouble", [Ambiguous("502"), Unreachable("ConnectError")])
async def test_while_telegram_is_away_the_menus_wait_for_it_together(
    autojump_clock: MockClock, logs: list[EventDict], trouble: Failure
) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["menu"] = [Fault(trouble)] * 3
    async with gateway.running():
        await trio.sleep(0.9)
        at_first = len(gateway.bot.faults["menu"])
        await trio.sleep(60)

    assert at_first == 2
    assert set(gateway.bot.menus) == EVERYWHERE
    assert [line["event"] for line in logs].count("menu.failed") == 1


async def test_menus_are_not_tried_for_ever(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["menu"] = [Fault(Ambiguous("502"))] * 100
    async with gateway.running():
        await trio.sleep(3000)

    assert 90 <= len(gateway.bot.faults["menu"]) <= 97
    assert not gateway.bot.menus


@pytest.mark.parametrize(
    "outcome",
    [Refused(400, "chat not found", Refusal.CHAT_GONE), Forbidden("can't initiate conversation")],
)
async def test_an_admin_who_never_wrote_is_no_error_and_sees_it_later(
    autojump_clock: MockClock, outcome: Failure
) -> None:
    gateway = Gateway(autojump_clock)
    await life(gateway)
    gateway.settings = FOR_ADMIN
    gateway.bot.faults["menu"] = [Fault(outcome)] * 2

    assert await life(gateway) == 0
    assert await life(gateway) == 2


@pytest.mark.parametrize("room", [HERE, RoomId(f"{HERE}/7")])
async def test_an_admin_who_writes_for_the_first_time_sees_it_at_once_and_once(
    autojump_clock: MockClock, room: RoomId
) -> None:
    gateway = Gateway(autojump_clock, settings=FOR_ADMIN)
    refused = Fault(Refused(400, "chat not found", Refusal.CHAT_GONE))
    await life(Gateway(autojump_clock, gateway.bot, gateway.journal))
    gateway.bot.menus.clear()
    gateway.bot.faults["menu"] = [refused] * 2
    async with gateway.running():
        await trio.sleep(5)
        await gateway.typing(gateway.row(GROUP))
        await trio.sleep(5)
        before = dict(gateway.bot.menus)
        await gateway.typing(gateway.row(room))
        await trio.sleep(5)
        after = set(gateway.bot.menus)
        gateway.bot.menus.clear()
        await gateway.say("again", room)
        await trio.sleep(5)

    assert not before
    assert after == {("chat:42", ""), ("chat:42", "ru")}
    assert not gateway.bot.menus
    assert await life(gateway) == 0


async def test_an_admin_who_is_refused_again_is_tried_no_more_in_this_life(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock, settings=FOR_ADMIN)
    await life(Gateway(autojump_clock, gateway.bot, gateway.journal))
    gateway.bot.faults["menu"] = [Fault(Forbidden("no"))] * 9
    async with gateway.running():
        for _ in range(5):
            await trio.sleep(5)
            await gateway.say("hello")

    assert len(gateway.bot.faults["menu"]) == 5


async def test_no_menu_is_set_in_a_penalty(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock, FakeBot())
    gateway.commit(PutKey("telegram_penalty", f'{{"until": {EPOCH + 20}, "wait": 20}}'))

    assert await life(gateway) == 0


def test_telegram_takes_every_menu() -> None:
    for menu in menus((42,)):
        assert len(menu.commands) <= 100
        for name, said in menu.commands.items():
            assert re.fullmatch(r"[a-z0-9_]{1,32}", name)
            assert 1 <= len(said) <= 256
