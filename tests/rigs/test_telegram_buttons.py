import json

import pytest
import trio
from trio.testing import MockClock

from tests.rigs.telegram_api import TelegramApi
from tests.rigs.telegram_client import ANN, GROUP, Bot
from tests.rigs.telegram_files import PICTURE
from tests.rigs.telegram_people import NoButtonError

YES = {"text": "✅ Yes", "callback_data": "yes"}
NO = {"text": "No", "callback_data": "no"}
NOT_NOW = {"text": "Not now", "callback_data": "later"}
LINK = {"text": "Why?", "url": "https://example.com"}
KEYBOARD = {"inline_keyboard": [[YES, NO], [NOT_NOW, LINK]]}


async def test_a_button_press_is_answered_once_and_in_time(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    sent = await bot.send("Sure?", reply_markup=keyboard)
    first, second = (api.person(ANN).presses(sent["message_id"], "yes") for _ in range(2))
    too_late = "Bad Request: query is too old and response timeout expired or query ID is invalid"

    assert (await bot.poll())[-1]["callback_query"]["data"] == "yes"
    assert await bot.call("answerCallbackQuery", callback_query_id=first) is True
    assert await bot.call("answerCallbackQuery", callback_query_id=first) == too_late
    await trio.sleep(151)
    assert await bot.call("answerCallbackQuery", callback_query_id=second) == too_late
    assert len(await bot.poll()) == 1


async def test_buttons_are_shown_and_go_with_an_edit_without_them(
    api: TelegramApi, bot: Bot
) -> None:
    button = {"text": "Yes", "callback_data": "yes"}
    sent = await bot.send("Sure?", reply_markup=json.dumps({"inline_keyboard": [[button]]}))
    ids = {"chat_id": ANN, "message_id": sent["message_id"]}
    (_, shown) = api.messages(ANN)
    assert shown.buttons == [button]

    await bot.call("editMessageReplyMarkup", **ids)

    assert (shown.text, shown.buttons) == ("Sure?", [])
    assert (await bot.edit(sent["message_id"], "Done"))["text"] == "Done"


async def test_a_text_without_its_buttons_has_none(api: TelegramApi, bot: Bot) -> None:
    sent = await bot.send("Sure?", reply_markup=KEYBOARD)

    edited = await bot.edit(sent["message_id"], "Sure?")

    assert "reply_markup" not in edited
    assert api.messages(ANN)[-1].buttons == []


async def test_files_have_buttons_too(api: TelegramApi, bot: Bot) -> None:
    sent = await bot.upload("sendPhoto", photo=PICTURE, reply_markup=KEYBOARD)

    assert sent["reply_markup"] == KEYBOARD
    assert api.messages(ANN)[-1].buttons == [YES, NO, NOT_NOW, LINK]


@pytest.mark.parametrize("method", ["sendMessage", "editMessageText", "editMessageReplyMarkup"])
async def test_bad_buttons_are_refused_wherever_they_come(bot: Bot, method: str) -> None:
    sent = await bot.send("Sure?")
    keyboard = {"inline_keyboard": [[{"text": "x", "callback_data": "x" * 65}]]}
    ids = {"chat_id": ANN, "message_id": sent["message_id"]}

    refused = await bot.call(method, text="x", reply_markup=keyboard, **ids)

    assert refused == "Bad Request: BUTTON_DATA_INVALID"


async def test_a_person_presses_a_button_by_its_label(api: TelegramApi, bot: Bot) -> None:
    await bot.send("Sure?", reply_markup=KEYBOARD)
    message = api.messages(ANN)[-1]

    query = api.person(ANN).presses_button(message, "Yes")

    pressed = (await bot.poll())[-1]["callback_query"]
    assert (pressed["id"], pressed["data"], pressed["from"]["id"]) == (query, "yes", ANN)
    assert pressed["message"]["text"] == "Sure?"
    assert pressed["message"]["reply_markup"] == KEYBOARD


async def test_a_whole_label_goes_before_a_part(api: TelegramApi, bot: Bot) -> None:
    sent = await bot.send("Sure?", reply_markup=KEYBOARD)

    api.person(ANN).presses_button(sent["message_id"], "No")

    assert (await bot.poll())[-1]["callback_query"]["data"] == "no"


@pytest.mark.parametrize("label", ["Perhaps", "N", "Why?"])
async def test_only_one_button_that_is_there_can_be_pressed(
    api: TelegramApi, bot: Bot, label: str
) -> None:
    await bot.send("Sure?", reply_markup=KEYBOARD)

    with pytest.raises(NoButtonError, match="among"):
        api.person(ANN).presses_button(api.messages(ANN)[-1], label)

    assert len(await bot.poll()) == 1


async def test_a_button_is_gone_with_its_keyboard(api: TelegramApi, bot: Bot) -> None:
    sent = await bot.send("Sure?", reply_markup=KEYBOARD)
    message = api.messages(ANN)[-1]
    await bot.edit(sent["message_id"], "Done")

    with pytest.raises(NoButtonError):
        api.person(ANN).presses_button(message, "Yes")


async def test_anybody_in_a_group_may_press(api: TelegramApi, bot: Bot) -> None:
    api.group(GROUP)
    await bot.send("Sure?", GROUP, reply_markup=KEYBOARD)

    api.person(43, "Bob").presses_button(api.messages(GROUP)[-1], "Yes")

    pressed = (await bot.poll())[-1]["callback_query"]
    assert (pressed["from"]["first_name"], pressed["message"]["chat"]["id"]) == ("Bob", GROUP)


async def test_a_press_under_a_message_that_is_gone_has_no_date(api: TelegramApi, bot: Bot) -> None:
    api.person(ANN).presses(999, "invented")

    message = (await bot.poll())[-1]["callback_query"]["message"]

    assert message == {"message_id": 999, "chat": api.person(ANN).chat.as_json(), "date": 0}


async def test_an_answer_to_a_press_is_kept_with_its_time(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    query = api.person(ANN).presses(1, "yes")
    found = []

    async def wait() -> None:
        found.append(await api.callback_answered(query))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.sleep(3)
        said = {"text": "Done", "show_alert": True}
        await bot.call("answerCallbackQuery", callback_query_id=query, **said)

    (answer,) = found
    assert (answer.text, answer.show_alert) == ("Done", True)
    assert answer.at == pytest.approx(3, abs=0.5)
    assert api.callback_answers == {query: answer}


async def test_an_answer_that_is_refused_is_none(api: TelegramApi, bot: Bot) -> None:
    query = api.person(ANN).presses(1, "yes")

    refused = await bot.call("answerCallbackQuery", callback_query_id=query, text="x" * 201)

    assert refused == "Bad Request: MESSAGE_TOO_LONG"
    assert api.callback_answers == {}
