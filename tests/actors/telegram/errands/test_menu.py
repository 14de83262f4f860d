"""The menu of commands that Telegram's apps show."""

import re

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.telegram.api.outcomes import Ambiguous, Failure, Forbidden, Refusal, Refused
from actors.telegram.errands.menu import menus
from actors.words import CATALOGUES, Word
from protocols.store import PutKey
from tests.actors.telegram.fake_bot import EPOCH, SETTINGS, FakeBot, Fault, Gateway

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
    gateway.bot.faults["menu"] = [Fault(Ambiguous("502"))] * 4

    assert await life(gateway) == 2
    assert await life(gateway) == 4
    assert await life(gateway) == 0


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
