from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.rigs.telegram_api import TelegramApi
from tests.rigs.telegram_client import ANN, GROUP, Bot
from tests.rigs.telegram_people import NoButtonError


async def draft(bot: Bot, text: str, draft_id: int = 5, **params: Any) -> Any:
    ids = {"chat_id": ANN, "draft_id": draft_id}
    return await bot.call("sendMessageDraft", text=text, **ids, **params)


async def test_a_draft_is_replaced_by_the_next_one_with_its_id(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    assert await draft(bot, "so") is True
    await trio.sleep(2)
    await draft(bot, "so far")
    await draft(bot, "another", 6)

    assert [(one.draft_id, one.text) for one in api.drafts(ANN)] == [
        (5, "so far"), (6, "another"),
    ]  # fmt: skip
    assert [one.text for one in api.all_drafts(ANN)] == ["so", "so far", "another"]
    assert [one.at for one in api.all_drafts(ANN)] == pytest.approx([0, 2, 2], abs=0.5)
    assert api.answers(ANN) == []


async def test_an_empty_draft_shows_that_the_bot_thinks(api: TelegramApi, bot: Bot) -> None:
    assert await draft(bot, "") is True

    assert [one.text for one in api.drafts(ANN)] == [""]


async def test_a_draft_has_entities_and_a_length_as_a_text(api: TelegramApi, bot: Bot) -> None:
    bold = [{"type": "bold", "offset": 0, "length": 2}]
    await draft(bot, "so far", entities=bold)

    assert api.drafts(ANN)[0].entities == bold
    assert "ends after the end" in await draft(bot, "s", entities=bold)
    assert await draft(bot, "x" * 4097) == "Bad Request: message is too long"


async def test_a_draft_disappears_after_30_seconds(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    await draft(bot, "so far")
    await trio.sleep(29)
    assert len(api.drafts(ANN)) == 1

    await trio.sleep(1)

    assert api.drafts(ANN) == []
    assert len(api.all_drafts(ANN)) == 1


async def test_a_draft_goes_with_the_bots_message_in_its_topic(api: TelegramApi, bot: Bot) -> None:
    topic = api.person(ANN).opens_topic()
    await draft(bot, "here")
    await draft(bot, "there", message_thread_id=topic)
    api.person(ANN).writes("hurry", thread=topic)
    assert len(api.drafts(ANN, thread=topic)) == 1

    await bot.send("done", message_thread_id=topic)

    assert api.drafts(ANN, thread=topic) == []
    assert [one.text for one in api.drafts(ANN)] == ["here"]
    assert [one.text for one in api.all_drafts(ANN, thread=topic)] == ["there"]


async def test_drafts_are_for_private_chats_and_have_an_id(api: TelegramApi, bot: Bot) -> None:
    api.group(GROUP)

    assert await draft(bot, "x", 0) == "Bad Request: RANDOM_ID_INVALID"
    assert await draft(bot, "x", message_thread_id=8) == "Bad Request: message thread not found"
    assert await bot.call("sendMessageDraft", chat_id=GROUP, draft_id=5, text="x") == (
        "Bad Request: TEXTDRAFT_PEER_INVALID"
    )
    assert api.all_drafts(ANN) == api.all_drafts(GROUP) == []


async def test_who_stops_a_draft_sees_no_more_of_it(api: TelegramApi, bot: Bot) -> None:
    ann = api.person(ANN)
    await draft(bot, "so far", can_stop=True)

    stopped = ann.stops_generation()

    update = (await bot.poll())[-1]
    assert update == {
        "update_id": stopped.update_id,
        "stopped_message_generation": {"chat": ann.chat.as_json(), "draft_id": 5},
    }
    assert await draft(bot, "so far and on", can_stop=True) is True
    assert api.drafts(ANN) == []
    await draft(bot, "the next answer", 6)
    assert len(api.drafts(ANN)) == 1


async def test_a_stopped_draft_names_its_topic(api: TelegramApi, bot: Bot) -> None:
    topic = api.person(ANN).opens_topic()
    await draft(bot, "there", can_stop=True, message_thread_id=topic)

    api.person(ANN).stops_generation(thread=topic)

    stopped = (await bot.poll())[-1]["stopped_message_generation"]
    assert (stopped["draft_id"], stopped["message_thread_id"]) == (5, topic)


async def test_a_stopped_draft_may_stay_for_its_time(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    await draft(bot, "so far", can_stop=True, keep_on_stop=True)

    api.person(ANN).stops_generation()

    assert [one.text for one in api.drafts(ANN)] == ["so far"]
    with pytest.raises(NoButtonError):
        api.person(ANN).stops_generation()
    await trio.sleep(30)
    assert api.drafts(ANN) == []


async def test_only_a_draft_with_a_button_that_is_shown_can_be_stopped(
    api: TelegramApi, bot: Bot
) -> None:
    await draft(bot, "so far")
    with pytest.raises(NoButtonError, match="so far"):
        api.person(ANN).stops_generation()

    await draft(bot, "so far", can_stop=True)
    await bot.send("done")
    with pytest.raises(NoButtonError):
        api.person(ANN).stops_generation()
