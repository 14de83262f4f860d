from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.rigs.telegram_api import TelegramApi
from tests.rigs.telegram_client import ANN, FORUM, GROUP, Bot

Json = dict[str, Any]


async def texts(bot: Bot, offset: int = 0, **params: Any) -> list[str]:
    return [one["message"]["text"] for one in await bot.poll(offset, **params)]


async def test_updates_come_in_order_with_rising_ids(api: TelegramApi, bot: Bot) -> None:
    first = api.person(ANN).writes("one")
    second = api.person(ANN).writes("two")

    updates = await bot.poll()

    assert [one["message"]["text"] for one in updates] == ["/start", "one", "two"]
    assert [one["update_id"] for one in updates[1:]] == [first.update_id, second.update_id]
    assert first.update_id < second.update_id


async def test_a_poll_waits_for_the_first_update(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    (start,) = await bot.poll()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(write_later, api, 20.0)
        found = await texts(bot, start["update_id"] + 1, timeout=50)

    assert found == ["late"]
    assert trio.current_time() == pytest.approx(20.0, abs=0.5)


async def write_later(api: TelegramApi, seconds: float) -> None:
    await trio.sleep(seconds)
    api.person(ANN).writes("late")


async def test_a_poll_ends_empty_after_its_time_and_never_after_50_seconds(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    api.world.updates.drop()

    assert await bot.poll(timeout=900) == []
    assert trio.current_time() == pytest.approx(50.0, abs=0.5)


async def test_an_offset_confirms_what_is_before_it(api: TelegramApi, bot: Bot) -> None:
    written = api.person(ANN).writes("one")

    assert await texts(bot, written.update_id) == ["one"]
    assert await texts(bot, 0) == ["one"]
    assert await texts(bot, written.update_id + 1) == []
    assert await texts(bot, 0) == []


async def test_a_negative_offset_counts_from_the_end(api: TelegramApi, bot: Bot) -> None:
    api.person(ANN).writes("one")
    api.person(ANN).writes("two")

    assert await texts(bot, -1) == ["two"]


async def test_a_limit_cuts_and_a_hasty_repeat_gets_one(api: TelegramApi, bot: Bot) -> None:
    for number in range(120):
        api.person(ANN).writes(str(number))

    assert len(await texts(bot, 1, limit=3)) == 3
    assert len(await texts(bot, 1)) == 1
    assert len(await texts(bot, 2, limit=1000)) == 100


async def test_only_the_kinds_that_were_asked_for_come(api: TelegramApi, bot: Bot) -> None:
    await bot.poll(1, allowed_updates=["message"])

    assert api.person(ANN).blocks_bot().update_id == 0
    api.person(ANN).writes("one")

    assert [list(one)[1] for one in await bot.poll(2)] == ["message", "message"]


async def test_the_older_of_two_polls_gets_a_conflict(api: TelegramApi, bot: Bot) -> None:
    api.world.updates.drop()
    found: list[Any] = []

    async def poll() -> None:
        found.append(await bot.poll(timeout=50))

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(poll)
            await api.until(lambda: api.world.updates.is_polled)
            await bot.poll(timeout=0)

    assert found[0].startswith("Conflict: terminated by other getUpdates request; make sure")


async def test_a_webhook_is_in_the_way_until_it_is_deleted(bot: Bot) -> None:
    await bot.call("setWebhook", url="https://example.com")

    assert "while webhook is active" in await bot.poll()
    assert (await bot.call("getWebhookInfo"))["pending_update_count"] == 1
    assert await bot.call("deleteWebhook", drop_pending_updates=True)
    assert await bot.poll() == []


async def test_an_update_that_nobody_fetches_for_a_day_is_gone(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    await trio.sleep(86_399)
    assert len(await bot.poll()) == 1

    await trio.sleep(1)

    assert await bot.poll() == []
    assert len(api.world.updates.expired) == 1


async def test_confirmed_updates_may_come_again(api: TelegramApi, bot: Bot) -> None:
    written = api.person(ANN).writes("one")
    await bot.poll(written.update_id + 1)

    api.redeliver(1)

    assert await texts(bot, written.update_id + 1) == ["one"]
    assert await texts(bot, written.update_id + 2) == []


async def test_a_lost_confirmation_brings_the_same_updates_once_more(
    api: TelegramApi, bot: Bot
) -> None:
    written = api.person(ANN).writes("one")
    api.lose_confirmations()

    assert await texts(bot, written.update_id + 1) == ["/start", "one"]
    assert await texts(bot, written.update_id + 2) == []


@pytest.mark.parametrize("poison", [None, 7, "text", [], {"message": 7}, {"brand_new": {"x": []}}])
async def test_poison_comes_as_it_is_in_its_place(
    api: TelegramApi, bot: Bot, poison: object
) -> None:
    update_id = api.deliver(poison)
    api.person(ANN).writes("after")

    _, found, after = await bot.poll()

    wanted = {"update_id": update_id, **poison} if isinstance(poison, dict) else poison
    assert found == wanted
    assert after["update_id"] == update_id + 1


async def test_mentions_and_commands_are_marked_in_utf16(api: TelegramApi, bot: Bot) -> None:
    api.group(GROUP)
    api.person(ANN).writes("😀 /new@rig_bot and @rig_bot", chat=GROUP)

    message = (await bot.poll())[-1]["message"]

    assert message["chat"] == {"id": GROUP, "type": "group", "title": "Group"}
    assert message["entities"] == [
        {"type": "mention", "offset": 20, "length": 8},
        {"type": "bot_command", "offset": 3, "length": 12},
    ]


async def test_an_edit_by_a_person_is_an_update(api: TelegramApi, bot: Bot) -> None:
    written = api.person(ANN).writes("helo")
    api.person(ANN).edits(written.message_id, "hello")

    edited = (await bot.poll())[-1]["edited_message"]

    assert (edited["message_id"], edited["text"]) == (written.message_id, "hello")
    assert edited["edit_date"] >= edited["date"]


async def test_content_and_age_are_the_writers_choice(api: TelegramApi, bot: Bot) -> None:
    api.person(ANN).sends({"photo": [{"file_id": "p"}], "caption": "look"})
    api.person(ANN).writes("old", age=3600)

    photo, old = (one["message"] for one in (await bot.poll())[-2:])

    assert (photo["caption"], "text" in photo) == ("look", False)
    assert old["date"] <= photo["date"] - 3599


async def test_a_group_that_migrates_names_its_new_id(api: TelegramApi, bot: Bot) -> None:
    group = api.group(GROUP)
    api.person(ANN).migrates(group, FORUM)

    answer = (await bot.ask("sendMessage", chat_id=GROUP, text="hi")).json()

    assert answer["parameters"] == {"migrate_to_chat_id": FORUM}
    assert "group chat was upgraded to a supergroup chat" in answer["description"]
    old, new = (one["message"] for one in (await bot.poll())[-2:])
    assert (old["migrate_to_chat_id"], new["migrate_from_chat_id"]) == (FORUM, GROUP)
    assert (await bot.send("hi", FORUM))["text"] == "hi"


async def test_a_chat_shows_what_was_said_with_its_edits(api: TelegramApi, bot: Bot) -> None:
    sent = await bot.send("thinking")
    await bot.send("second")
    await bot.edit(sent["message_id"], "thought")

    shown = await api.shown(ANN, lambda messages: len(messages) == 3)

    assert [(one.text, one.edits, one.is_from_bot) for one in shown] == [
        ("/start", 0, False), ("thought", 1, True), ("second", 0, True),
    ]  # fmt: skip
    assert [text for _, text in shown[1].versions] == ["thinking", "thought"]
    assert api.answers(ANN) == ["thought", "second"]


async def test_shown_waits_for_what_is_said_later(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself

    async def say_later() -> None:
        await trio.sleep(30)
        await bot.send("at last")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(say_later)
        answers = await api.answered(ANN, lambda texts: texts == ["at last"])

    assert answers == ["at last"]


async def test_the_same_edit_again_is_not_modified(bot: Bot) -> None:
    sent = await bot.send("same")

    again = await bot.edit(sent["message_id"], "same  ")

    assert again == (
        "Bad Request: message is not modified: specified new message content and reply markup "
        "are exactly the same as a current content and reply markup of the message"
    )


async def test_only_own_messages_that_are_there_can_be_edited(api: TelegramApi, bot: Bot) -> None:
    written = api.person(ANN).writes("mine")

    assert await bot.edit(999, "x") == "Bad Request: message to edit not found"
    assert await bot.edit(written.message_id, "x") == "Bad Request: message can't be edited"
    assert await bot.edit(0, "x") == "Bad Request: message identifier is not specified"


async def test_a_deleted_message_is_shown_no_more(api: TelegramApi, bot: Bot) -> None:
    sent = await bot.send("oops")
    ids = {"chat_id": ANN, "message_id": sent["message_id"]}

    assert await bot.call("deleteMessage", **ids) is True
    assert api.answers(ANN) == []
    assert await bot.call("deleteMessage", **ids) == "Bad Request: message to delete not found"


async def test_a_reply_needs_its_message_unless_it_says_otherwise(bot: Bot) -> None:
    lost = {"message_id": 999}
    patient = lost | {"allow_sending_without_reply": True}

    assert await bot.send("x", reply_parameters=lost) == (
        "Bad Request: message to be replied not found"
    )
    assert "reply_to_message" not in await bot.send("x", reply_parameters=patient)


async def test_who_blocks_or_removes_the_bot_hears_nothing_more(api: TelegramApi, bot: Bot) -> None:
    group, ann = api.group(GROUP), api.person(ANN)
    ann.blocks_bot()
    ann.puts_bot_out(group)

    blocked = await bot.ask("sendMessage", chat_id=ANN, text="x")
    removed = await bot.send("x", GROUP)

    assert (blocked.status_code, blocked.json()["description"]) == (
        403, "Forbidden: bot was blocked by the user",
    )  # fmt: skip
    assert removed == "Forbidden: bot was kicked from the group chat"
    ann.unblocks_bot()
    ann.lets_bot_in(group)
    assert (await bot.send("x"))["text"] == (await bot.send("x", GROUP))["text"] == "x"
    members = [one["my_chat_member"] for one in (await bot.poll()) if "my_chat_member" in one]
    assert [one["new_chat_member"]["status"] for one in members] == [
        "kicked", "kicked", "member", "member",
    ]  # fmt: skip
    assert [one["old_chat_member"].get("until_date") for one in members] == [None, None, 0, 0]


async def test_who_writes_lifts_the_block_and_a_group_without_the_bot_is_silent(
    api: TelegramApi, bot: Bot
) -> None:
    ann, group = api.person(ANN), api.group(GROUP)
    ann.blocks_bot()
    ann.puts_bot_out(group)

    assert ann.writes("back").update_id
    assert ann.writes("secret", chat=group).update_id == 0
    assert (await bot.send("hello"))["text"] == "hello"
    assert [list(one)[1] for one in await bot.poll()][-2:] == ["my_chat_member", "message"]


async def test_strangers_and_unknown_chats_cannot_be_written_to(api: TelegramApi, bot: Bot) -> None:
    api.person(43)

    assert await bot.send("x", 43) == "Forbidden: bot can't initiate conversation with a user"
    assert await bot.send("x", 44) == "Bad Request: chat not found"
    assert await bot.call("sendMessage", text="x") == "Bad Request: chat_id is empty"


async def test_reactions_and_typing_are_kept(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    eyes = [{"type": "emoji", "emoji": "👀"}]
    ids = {"chat_id": ANN, "message_id": api.messages(ANN)[0].message_id}

    assert await bot.call("setMessageReaction", **ids, reaction=eyes) is True
    assert api.messages(ANN)[0].reaction == eyes
    assert await bot.call("sendChatAction", chat_id=ANN, action="typing") is True
    assert api.is_typing(ANN)
    await trio.sleep(5)
    assert not api.is_typing(ANN)


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("sendChatAction", {"action": "thinking"}, "wrong parameter action in request"),
        ("setMessageReaction", {"message_id": 1}, "message to react not found"),
        ("answerCallbackQuery", {"text": "x" * 201}, "MESSAGE_TOO_LONG"),
        ("sendMessage", {"text": "*x*", "parse_mode": "HTML"}, "can't parse entities: "),
        ("sendMessage", {"text": "x", "entities": "[{"}, "can't parse JSON object"),
    ],
)
async def test_bad_parameters_are_refused(bot: Bot, method: str, params: Json, words: str) -> None:
    assert (await bot.call(method, chat_id=ANN, **params)).startswith(f"Bad Request: {words}")


async def test_a_cross_is_no_reaction_of_telegram(api: TelegramApi, bot: Bot) -> None:
    ids = {"chat_id": ANN, "message_id": api.messages(ANN)[0].message_id}
    cross = [{"type": "emoji", "emoji": "❌"}]

    assert await bot.call("setMessageReaction", **ids, reaction=cross) == (
        "Bad Request: REACTION_INVALID"
    )


async def test_every_reaction_is_kept_with_its_time(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    (message,) = api.messages(ANN)
    ids = {"chat_id": ANN, "message_id": message.message_id}

    await bot.call("setMessageReaction", **ids, reaction=[{"type": "emoji", "emoji": "👀"}])
    await trio.sleep(2)
    await bot.call("setMessageReaction", **ids, reaction=[])

    assert message.reaction == []
    assert [emoji for _, emoji in message.reactions] == ["👀", ""]
    assert [at for at, _ in message.reactions] == pytest.approx([0, 2], abs=0.5)


async def test_other_bots_write_too_and_say_what_they_are(api: TelegramApi, bot: Bot) -> None:
    api.group(GROUP)
    other = api.person(43, "Other")
    other.is_bot = True

    other.writes("beep", chat=GROUP)

    assert (await bot.message())["from"]["is_bot"] is True


async def test_an_edit_in_a_group_without_the_bot_is_not_told(api: TelegramApi, bot: Bot) -> None:
    group, ann = api.group(GROUP), api.person(ANN)
    written = ann.writes("helo", chat=group)
    ann.puts_bot_out(group)

    assert ann.edits(written.message_id, "hello", chat=group).update_id == 0
    assert "edited_message" not in (await bot.poll())[-1]
