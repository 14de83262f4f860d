import pytest
import trio
from trio.testing import MockClock

from tests.rigs.telegram_api import TelegramApi, telegram_api
from tests.rigs.telegram_client import ANN, GROUP, Bot
from tests.rigs.telegram_faults import slow, too_many
from tests.rigs.telegram_limits import LIMITLESS, Flood, Limits


def say(flood: Flood, chat: int, now: float, *, is_group: bool = False, messages: int = 1) -> int:
    return flood.wait_of_rates(chat, messages=messages, is_group=is_group, now=now)


def rules(flood: Flood) -> list[str]:
    return [one.rule for one in flood.violations]


def test_a_chat_takes_a_burst_and_then_one_a_second() -> None:
    flood = Flood(Limits())

    waits = [say(flood, ANN, 0.0) for _ in range(5)] + [say(flood, ANN, 1.0 + n) for n in range(60)]

    assert waits == [0] * 65
    assert rules(flood) == []


def test_more_than_a_burst_is_a_violation() -> None:
    flood = Flood(Limits(retry_after=7))

    assert [say(flood, ANN, 0.0) for _ in range(6)] == [0, 0, 0, 0, 0, 7]
    assert rules(flood) == ["chat"]
    assert flood.wait_of_penalty("sendMessage", ANN, now=2.5) == 5


def test_a_group_takes_20_messages_a_minute() -> None:
    flood = Flood(Limits())

    waits = [say(flood, GROUP, 2.5 * n, is_group=True) for n in range(21)]

    assert waits == [0] * 20 + [5]
    assert rules(flood) == ["group"]
    assert say(flood, GROUP, 61.0, is_group=True) == 0


def test_the_bot_has_30_calls_a_second_over_all() -> None:
    flood = Flood(Limits())

    waits = [say(flood, chat, 0.01 * chat) for chat in range(1, 32)]

    assert waits == [0] * 30 + [5]
    assert [(one.chat, one.rule) for one in flood.violations] == [(None, "bot")]
    assert flood.wait_of_penalty("sendMessage", 99, now=1.0) > 0


def test_typing_counts_only_over_all() -> None:
    flood = Flood(Limits())

    for _ in range(20):
        assert not say(flood, ANN, 0.0, is_group=True, messages=0)

    assert say(flood, ANN, 0.0) == 0


def test_an_album_goes_through_whole_and_is_paid_for_later() -> None:
    flood = Flood(Limits())

    assert say(flood, ANN, 0.0, messages=10) == 0
    assert say(flood, ANN, 6.0) == 0  # 5 of the burst, and one a second with the slack
    assert say(flood, ANN, 6.0) == 5


def test_an_album_fits_into_a_groups_minute_with_all_its_files() -> None:
    flood = Flood(Limits())
    waits = [say(flood, GROUP, 2.5 * n, is_group=True) for n in range(11)]

    assert waits == [0] * 11
    assert say(flood, GROUP, 30.0, is_group=True, messages=10) == 5
    assert say(flood, GROUP, 40.0, is_group=True, messages=9) == 0


def test_a_penalty_counts_the_calls_inside_it_and_ends() -> None:
    flood = Flood(Limits())
    flood.penalise(ANN, seconds=3, now=10.0)

    waits = [flood.wait_of_penalty("sendMessage", ANN, now=at) for at in (10.0, 12.9, 13.0)]

    assert waits == [3, 1, 0]
    assert [one.at for one in flood.inside] == [10.0, 12.9]
    assert flood.wait_of_penalty("sendMessage", GROUP, now=11.0) == 0


def test_calls_that_were_under_way_are_not_blamed_for_a_penalty() -> None:
    flood, told, other = Flood(Limits(grace=0.1)), object(), object()
    flood.penalise(None, seconds=3, now=10.0, line=told)

    def wait(line: object, now: float) -> int:
        return flood.wait_of_penalty("sendMessage", ANN, now=now, line=line)

    assert (wait(other, 10.05), len(flood.inside)) == (3, 0)
    assert (wait(told, 10.05), len(flood.inside)) == (3, 1)
    assert (wait(other, 10.2), len(flood.inside)) == (3, 2)
    assert flood.wait_of_penalty("getUpdates", "getupdates", now=10.2) == 0


def test_nothing_is_too_much_without_limits() -> None:
    flood = Flood(LIMITLESS)

    assert not any(say(flood, GROUP, 0.0, is_group=True) for _ in range(1000))


async def test_a_violation_is_told_with_its_wait(api: TelegramApi, bot: Bot) -> None:
    for number in range(5):
        await bot.send(str(number))

    answer = await bot.ask("sendMessage", chat_id=ANN, text="6")

    assert answer.status_code == 429
    assert answer.json() == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 5",
        "parameters": {"retry_after": 5},
    }
    assert len(api.answers(ANN)) == 5
    assert [(one.chat, one.rule) for one in api.violations] == [(ANN, "chat")]


async def test_edits_count_as_messages(api: TelegramApi, bot: Bot) -> None:
    sent = await bot.send("0")

    for number in range(1, 6):
        await bot.edit(sent["message_id"], str(number))

    assert len(api.violations) == 1
    assert api.answers(ANN) == ["4"]


async def test_who_waits_as_told_is_served_again(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    api.fail(too_many(3), "sendMessage")

    assert await bot.send("x") == "Too Many Requests: retry after 3"
    await trio.sleep(3)
    assert (await bot.send("x"))["text"] == "x"
    assert api.calls_in_penalty == []


async def test_who_does_not_wait_is_counted(api: TelegramApi, bot: Bot) -> None:
    api.group(GROUP)
    api.fail(too_many(3), "sendMessage")
    await bot.send("x")

    answer = await bot.call("sendChatAction", chat_id=ANN, action="typing")

    assert answer == "Too Many Requests: retry after 3"
    assert [(one.scope, one.method) for one in api.calls_in_penalty] == [(ANN, "sendChatAction")]
    assert (await bot.send("x", GROUP))["text"] == "x"


async def test_a_poll_inside_its_own_penalty_is_counted(api: TelegramApi, bot: Bot) -> None:
    api.fail(too_many(3), "getUpdates")

    assert await bot.poll() == "Too Many Requests: retry after 3"
    assert await bot.poll() == "Too Many Requests: retry after 3"
    assert [one.scope for one in api.calls_in_penalty] == ["getupdates"]
    assert (await bot.send("x"))["text"] == "x"


async def test_a_penalty_over_all_is_every_chats(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    api.group(GROUP)
    api.fail(too_many(3, scope="bot"), "sendMessage")
    await bot.send("x")
    await trio.sleep(1)

    assert await bot.send("x", GROUP) == "Too Many Requests: retry after 2"
    assert len(api.calls_in_penalty) == 1
    assert len(await bot.poll()) == 1


@pytest.mark.parametrize("has_parameters", [True, False])
async def test_a_429_may_come_without_parameters(
    api: TelegramApi, bot: Bot, *, has_parameters: bool
) -> None:
    api.fail(too_many(3, has_parameters=has_parameters))

    answer = await bot.ask("sendMessage", chat_id=ANN, text="x")

    assert ("parameters" in answer.json()) is has_parameters
    assert answer.headers.get("Retry-After") == ("3" if has_parameters else None)


@pytest.mark.parametrize(("pause", "number"), [(1, 2), (21, 0)])
async def test_writing_to_a_chat_while_a_call_is_under_way_is_seen(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock, pause: float, number: int
) -> None:
    del autojump_clock  # time passes by itself
    api.group(GROUP)
    api.fail(slow(20), "sendMessage")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bot.send, "slow")
        await trio.sleep(pause)
        await bot.send("quick")
        await bot.send("again")
        await bot.send("elsewhere", GROUP)
        await bot.call("sendChatAction", chat_id=ANN, action="typing")

    found = [(before.params["text"], call.params["text"]) for before, call in api.overlaps]
    assert found == [("slow", "quick"), ("slow", "again")][:number]


async def test_limits_are_the_tests_choice() -> None:
    async with telegram_api(limits=LIMITLESS) as api:
        assert api.server.flood.limits is LIMITLESS
