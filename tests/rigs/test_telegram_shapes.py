from collections.abc import Callable
from typing import Any

import pytest
from aiogram.types import File, ForumTopic, Message, TelegramObject, Update, User

from actors.telegram.api.vocabulary import NAMES
from tests.rigs.telegram_api import TelegramApi
from tests.rigs.telegram_client import ANN, FORUM, GROUP, Bot
from tests.rigs.telegram_files import PICTURE, Media
from tests.rigs.telegram_people import Person

# Whoever was first to import aiogram may have left its types unbuilt.
for _read in (File, ForumTopic, Message, Update, User):
    _read.model_rebuild(_types_namespace=NAMES)

KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}


def unknown(of: object, where: str = "") -> list[str]:
    """The members that Telegram's objects do not have."""
    match of:
        case TelegramObject():
            names = [f"{where}.{name}" for name in of.model_extra or {}]
            parts = [(getattr(of, name), f"{where}.{name}") for name in type(of).model_fields]
        case list():
            names, parts = [], [(one, where) for one in of]
        case _:
            return []
    return names + [name for part, place in parts for name in unknown(part, place)]


def in_topic(ann: Person, chat: int) -> None:
    topic = ann.opens_topic("Ideas", chat=chat)
    ann.writes("idea", chat=chat, thread=topic)


@pytest.mark.parametrize(
    "do",
    [
        lambda ann: ann.writes("/new@rig_bot and @rig_bot"),
        lambda ann: ann.sends_photo(caption="@rig_bot look"),
        lambda ann: ann.sends_document(said_size=0),
        lambda ann: ann.sends_voice(),
        lambda ann: ann.sends_audio(),
        lambda ann: ann.sends_video(),
        lambda ann: ann.sends_sticker(),
        lambda ann: ann.sends_location(48.2, 16.4),
        lambda ann: ann.sends_album([Media("photo"), Media("video", caption="both")]),
        lambda ann: ann.edits(ann.sends_photo().message_id, "new"),
        lambda ann: ann.presses(1, "yes"),
        lambda ann: ann.presses(max(ann.chat.messages), "yes"),
        lambda ann: ann.unblocks_bot() and ann.blocks_bot(),
        lambda ann: ann.migrates(ann.world.chat(GROUP), -1002),
        lambda ann: in_topic(ann, ANN),
        lambda ann: in_topic(ann, FORUM),
    ],
)
async def test_what_people_do_is_told_as_telegram_tells_it(
    api: TelegramApi, bot: Bot, do: Callable[[Person], object]
) -> None:
    api.group(GROUP)
    api.supergroup(FORUM, topics={})

    do(api.person(ANN))

    updates = [Update.model_validate(raw) for raw in await bot.poll()]
    assert len(updates) > 1
    assert unknown(updates) == []


async def test_a_stopped_draft_is_told_as_telegram_tells_it(api: TelegramApi, bot: Bot) -> None:
    topic = api.person(ANN).opens_topic()
    ids = {"chat_id": ANN, "draft_id": 5, "message_thread_id": topic}
    await bot.call("sendMessageDraft", can_stop=True, **ids)

    api.person(ANN).stops_generation(thread=topic)

    update = Update.model_validate((await bot.poll())[-1])
    assert update.stopped_message_generation is not None
    assert unknown(update) == []


@pytest.mark.parametrize(
    ("method", "kind", "params"),
    [
        ("sendMessage", Message, {"text": "x", "reply_markup": KEYBOARD}),
        ("sendPhoto", Message, {"photo": PICTURE, "caption": "x"}),
        ("sendDocument", Message, {"document": b"x"}),
        ("sendVoice", Message, {"voice": b"x"}),
        ("sendAudio", Message, {"audio": b"x", "performer": "Ann", "duration": 5}),
        ("sendVideo", Message, {"video": b"x"}),
        ("createForumTopic", ForumTopic, {"name": "Ideas"}),
        ("getMe", User, {}),
    ],
)
async def test_what_a_method_gives_is_as_telegram_gives_it(
    api: TelegramApi, bot: Bot, method: str, kind: type[TelegramObject], params: dict[str, Any]
) -> None:
    api.supergroup(FORUM, topics={})

    result = kind.model_validate(await bot.upload(method, FORUM, **params))

    assert unknown(result) == []


async def test_a_file_to_fetch_is_as_telegram_gives_it(bot: Bot) -> None:
    sent = await bot.upload("sendDocument", document=b"x")
    file_id = sent["document"]["file_id"]

    assert unknown(File.model_validate(await bot.call("getFile", file_id=file_id))) == []
