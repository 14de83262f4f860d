"""Several chats of one person on Telegram: topics of their own where the bot has topics."""

from pathlib import Path

from tests.e2e.telegram_chat import ANN, telegram_chat


async def test_a_new_chat_is_a_topic_where_the_bot_has_topics(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path, has_topics=True) as chat:
        ann = chat.api.person(ANN)
        ann.writes("in-the-first")
        await chat.hears(ann, "in-the-first")

        ann.writes("/new Holiday plans")
        await chat.hears(ann, "Go on there")
        await chat.sees(lambda: bool(ann.chat.topics))
        ((topic, name),) = ann.chat.topics.items()
        await chat.hears(ann, "Just write", thread=topic)
        ann.writes("in-the-second", thread=topic)

        await chat.hears(ann, "in-the-second", thread=topic)
        journal = await chat.end()
    assert name == "Holiday plans"
    slots = {row.text: row.slot for row in journal.rows if row.run_id is not None}
    assert slots == {"in-the-first": "C1", "in-the-second": "C2"}


async def test_chats_in_one_place_are_switched_by_buttons(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)
        ann.writes("in-the-first")
        await chat.hears(ann, "in-the-first")
        ann.writes("/new Work")
        await chat.hears(ann, "New chat")
        ann.writes("in-the-second")
        await chat.hears(ann, "in-the-second")
        ann.writes("/chats")
        listed = await chat.sees_button(ann, "C1")

        press = ann.presses_button(listed, "C1")
        await chat.api.callback_answered(press)
        ann.writes("back-in-the-first")

        await chat.hears(ann, "back-in-the-first")
        journal = await chat.end()
    slots = {row.text: row.slot for row in journal.rows if row.run_id is not None}
    assert slots == {"in-the-first": "C1", "in-the-second": "C2", "back-in-the-first": "C1"}


async def test_each_topic_and_the_general_one_is_a_chat_of_its_own(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path, TELEGRAM_GROUP_MODE="all") as chat:
        ann = chat.api.person(ANN)
        forum = chat.api.supergroup(-1005, topics={7: "Seven"})

        ann.writes("in-general", chat=forum)
        ann.writes("in-seven", chat=forum, thread=7)
        ann.writes("in-private")

        await chat.hears(forum, "in-general", thread=0)
        await chat.hears(forum, "in-seven", thread=7)
        await chat.hears(ann, "in-private")
        journal = await chat.end()
    assert {row.slot for row in journal.rows} == {"C1", "C2", "C3"}
