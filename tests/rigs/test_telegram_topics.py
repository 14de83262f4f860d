from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.rigs.telegram_api import TelegramApi, telegram_api
from tests.rigs.telegram_client import ANN, FORUM, GROUP, Bot

NO_FORUM = "Bad Request: the chat is not a forum"


@pytest.fixture
async def topical() -> AsyncIterator[Bot]:
    """A bot whose private chats have topics."""
    async with telegram_api(has_topics=True) as api, httpx2.AsyncClient() as http:
        api.person(ANN, "Ann").writes("/start")
        yield Bot(api, http)


async def test_a_topic_is_named_in_its_messages_only(api: TelegramApi, bot: Bot) -> None:
    api.supergroup(FORUM, topics={7: "Ideas"})
    api.person(ANN).writes("general", chat=FORUM)
    api.person(ANN).writes("idea", chat=FORUM, thread=7)

    general, idea = (one["message"] for one in (await bot.poll())[-2:])

    assert "message_thread_id" not in general
    assert (idea["message_thread_id"], idea["is_topic_message"]) == (7, True)
    assert idea["reply_to_message"]["forum_topic_created"]["name"] == "Ideas"


async def test_an_answer_in_a_plain_supergroup_has_a_thread_that_is_no_topic(
    api: TelegramApi, bot: Bot
) -> None:
    api.supergroup(FORUM)
    first = api.person(ANN).writes("first", chat=FORUM)
    api.person(ANN).writes("answer", chat=FORUM, reply_to=first.message_id)

    answer = (await bot.poll())[-1]["message"]

    assert answer["reply_to_message"]["text"] == "first"
    assert answer["message_thread_id"] == first.message_id
    assert "is_topic_message" not in answer


async def test_a_thread_must_be_there_and_is_shown_apart(api: TelegramApi, bot: Bot) -> None:
    forum = api.supergroup(FORUM, topics={7: "Ideas"})
    missing = "Bad Request: message thread not found"

    assert (await bot.send("in", FORUM, message_thread_id=7))["is_topic_message"] is True
    await bot.send("general", FORUM)
    assert await bot.send("x", FORUM, message_thread_id=8) == missing
    assert await bot.send("x", FORUM, message_thread_id=1) == missing
    assert api.answers(FORUM, thread=7) == ["in"]
    assert api.answers(FORUM, thread=0) == ["general"]
    forum.delete_topic(7)
    assert await bot.send("x", FORUM, message_thread_id=7) == missing


async def test_a_private_chat_may_have_topics(api: TelegramApi, bot: Bot) -> None:
    api.person(ANN).chat.add_topic(3)

    sent = await bot.send("in", message_thread_id=3)

    assert (sent["message_thread_id"], sent["is_topic_message"]) == (3, True)


async def test_get_me_says_whether_there_are_topics(bot: Bot, topical: Bot) -> None:
    names = ("has_topics_enabled", "allows_users_to_create_topics")
    without, with_topics = await bot.call("getMe"), await topical.call("getMe")

    assert [without[name] for name in names] == [False, False]
    assert [with_topics[name] for name in names] == [True, True]


async def test_a_bot_with_topics_makes_one_in_a_private_chat(topical: Bot) -> None:
    api, ann = topical.api, topical.api.person(ANN)

    made = await topical.call("createForumTopic", chat_id=ANN, name="Ideas")

    topic = made["message_thread_id"]
    assert made == {"message_thread_id": topic, "name": "Ideas", "icon_color": 7322096}
    assert ann.chat.topics == {topic: "Ideas"}
    ann.writes("hello", thread=topic)
    told = await topical.message()
    assert (told["message_thread_id"], told["is_topic_message"]) == (topic, True)
    sent = await topical.send("hello back", message_thread_id=topic)
    assert (sent["message_thread_id"], sent["is_topic_message"]) == (topic, True)
    assert [one.text for one in api.messages(ANN, thread=topic)] == ["hello", "hello back"]
    assert [one.text for one in api.messages(ANN, thread=0)] == ["/start"]


async def test_no_other_chat_is_a_forum(api: TelegramApi, bot: Bot, topical: Bot) -> None:
    api.group(GROUP)
    api.supergroup(FORUM)
    topical.api.supergroup(FORUM)

    for where, chat in ((bot, ANN), (bot, GROUP), (bot, FORUM), (topical, FORUM)):
        assert await where.call("createForumTopic", chat_id=chat, name="x") == NO_FORUM


async def test_a_forum_takes_topics_from_a_bot_with_the_right(api: TelegramApi, bot: Bot) -> None:
    forum = api.supergroup(FORUM, topics={})
    made = await bot.call("createForumTopic", chat_id=FORUM, name=" " + "x" * 200, icon_color=9)

    forum.may_manage_topics = False
    refused = await bot.call("createForumTopic", chat_id=FORUM, name="x")

    assert (made["name"], made["icon_color"]) == ("x" * 128, 9)
    assert list(forum.topics) == [made["message_thread_id"]]
    assert refused == "Bad Request: not enough rights to create a topic"


async def test_a_topic_has_a_name(topical: Bot) -> None:
    nameless = await topical.call("createForumTopic", chat_id=ANN, name="  ")

    assert nameless == "Bad Request: name must be non-empty"


async def test_a_topic_is_renamed_and_deleted(topical: Bot) -> None:
    made = await topical.call("createForumTopic", chat_id=ANN, name="Ideas")
    ids = {"chat_id": ANN, "message_thread_id": made["message_thread_id"]}
    chat = topical.api.person(ANN).chat

    assert await topical.call("editForumTopic", name="Plans", **ids) is True
    assert list(chat.topics.values()) == ["Plans"]
    assert await topical.call("editForumTopic", name="Plans", **ids) == (
        "Bad Request: TOPIC_NOT_MODIFIED"
    )
    assert await topical.call("deleteForumTopic", **ids) is True
    assert chat.topics == {}
    assert await topical.call("editForumTopic", name="x", **ids) == "Bad Request: TOPIC_ID_INVALID"


async def test_a_person_opens_a_topic_and_the_bot_hears_of_it(topical: Bot) -> None:
    ann = topical.api.person(ANN)

    topic = ann.opens_topic("Holidays")

    told = await topical.message()
    assert told["forum_topic_created"]["name"] == "Holidays"
    assert (told["message_id"], told["message_thread_id"]) == (topic, topic)
    assert told["is_topic_message"] is True
    ann.chat.delete_topic(topic)
    assert await topical.send("x", message_thread_id=topic) == (
        "Bad Request: message thread not found"
    )


async def test_typing_is_shown_in_its_topic(topical: Bot) -> None:
    topic = topical.api.person(ANN).opens_topic()

    await topical.call("sendChatAction", chat_id=ANN, message_thread_id=topic, action="typing")

    assert topical.api.is_typing(ANN, thread=topic)
    assert not topical.api.is_typing(ANN, thread=0)
