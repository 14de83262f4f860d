from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx2
import pytest
import trio
from trio.testing import MockClock

from tests.rigs.telegram_api import TelegramApi
from tests.rigs.telegram_client import ANN, FORUM, GROUP, Bot
from tests.rigs.telegram_faults import (
    Fault,
    bad_gateway,
    hang,
    reset,
    server_error,
    slow,
    stalled,
    truncated,
)
from tests.rigs.telegram_files import PICTURE, Media
from tests.rigs.telegram_people import Person

BIG = 20 << 20


async def test_a_photo_comes_in_sizes_the_whole_one_last(api: TelegramApi, bot: Bot) -> None:
    api.person(ANN).sends_photo(caption="look")

    message = await bot.message()

    sizes = message["photo"]
    assert (message["caption"], "text" in message) == ("look", False)
    assert [one["file_size"] for one in sizes] == sorted(one["file_size"] for one in sizes)
    assert sizes[-1]["file_size"] == len(PICTURE)
    assert {len({one[name] for one in sizes}) for name in ("file_id", "file_unique_id")} == {3}
    assert all(one["width"] > one["height"] > 0 for one in sizes)


@pytest.mark.parametrize(
    ("send", "kind", "wanted"),
    [
        (
            lambda ann: ann.sends_document(b"text", name="отчёт.txt", mime_type="text/plain"),
            "document",
            {"file_name": "отчёт.txt", "mime_type": "text/plain", "file_size": 4},
        ),
        (
            lambda ann: ann.sends_voice(b"OggS", duration=7),
            "voice",
            {"mime_type": "audio/ogg", "duration": 7, "file_size": 4},
        ),
        (
            lambda ann: ann.sends_audio(b"ID3", name="a.mp3"),
            "audio",
            {"file_name": "a.mp3", "mime_type": "audio/mpeg", "duration": 180, "file_size": 3},
        ),
        (
            lambda ann: ann.sends_video(b"film", name="a.mp4"),
            "video",
            {"file_name": "a.mp4", "mime_type": "video/mp4", "width": 1280, "file_size": 4},
        ),
        (
            lambda ann: ann.sends_sticker(b"RIFF", emoji="🐳"),
            "sticker",
            {"emoji": "🐳", "type": "regular", "is_animated": False, "file_size": 4},
        ),
    ],
)
async def test_each_kind_of_file_tells_of_itself(
    api: TelegramApi, bot: Bot, send: Callable[[Person], object], kind: str, wanted: Any
) -> None:
    send(api.person(ANN))

    told = (await bot.message())[kind]

    assert wanted.items() <= told.items()
    assert told["file_id"] != told["file_unique_id"]


async def test_a_location_is_no_file(api: TelegramApi, bot: Bot) -> None:
    api.person(ANN).sends_location(48.2, 16.4)

    assert (await bot.message())["location"] == {"latitude": 48.2, "longitude": 16.4}


async def test_a_file_goes_where_a_text_would(api: TelegramApi, bot: Bot) -> None:
    forum = api.supergroup(FORUM, topics={7: "Ideas"})
    first = api.person(ANN).writes("first", chat=forum, thread=7)

    api.person(ANN).sends_photo(chat=forum, thread=7, reply_to=first.message_id, age=60)

    message = await bot.message()
    assert (message["chat"]["id"], message["message_thread_id"]) == (FORUM, 7)
    assert message["reply_to_message"]["text"] == "first"
    assert message["date"] <= message["reply_to_message"]["date"] - 59


async def test_a_caption_has_entities_as_a_text_has(api: TelegramApi, bot: Bot) -> None:
    api.group(GROUP)
    api.person(ANN).sends_photo(chat=GROUP, caption="😀 @rig_bot what is it?")

    message = await bot.message()

    assert message["caption_entities"] == [{"type": "mention", "offset": 3, "length": 8}]
    assert "entities" not in message


async def test_a_changed_caption_is_an_edit(api: TelegramApi, bot: Bot) -> None:
    ann = api.person(ANN)
    sent = ann.sends_document(caption="helo")

    ann.edits(sent.message_id, "hello")

    edited = (await bot.poll())[-1]["edited_message"]
    assert (edited["caption"], edited["document"]["file_name"]) == ("hello", "paper.pdf")
    assert api.messages(ANN)[-1].caption == "hello"


async def test_an_album_is_a_message_for_each_file(api: TelegramApi, bot: Bot) -> None:
    api.person(ANN).sends_album([Media("photo"), Media("document", b"x", caption="both")])
    api.person(ANN).sends_album([Media("photo"), Media("photo")])

    photo, document, *others = (one["message"] for one in (await bot.poll())[1:])

    assert photo["media_group_id"] == document["media_group_id"]
    assert {one["media_group_id"] for one in others} != {photo["media_group_id"]}
    assert ("photo" in photo, "caption" in photo) == (True, False)
    assert document["caption"] == "both"


@pytest.mark.parametrize(("said", "told"), [(0, None), (5, 5), (None, 4)])
async def test_what_is_said_of_the_size_may_be_wrong(
    api: TelegramApi, bot: Bot, said: int | None, told: int | None
) -> None:
    api.person(ANN).sends_document(b"four", said_size=said)

    assert (await bot.message())["document"].get("file_size") == told


async def test_a_file_is_fetched_by_its_path(api: TelegramApi, bot: Bot) -> None:
    api.person(ANN).sends_photo(b"\xff\xd8picture")

    whole = (await bot.message())["photo"][-1]
    file = await bot.call("getFile", file_id=whole["file_id"])
    answer = await bot.fetch(file["file_path"])

    assert whole.items() >= {one: file[one] for one in file if one != "file_path"}.items()
    assert file["file_path"].startswith("photos/file_")
    assert (answer.status_code, answer.content) == (200, b"\xff\xd8picture")
    assert [(one.method, one.status, one.had_effect) for one in api.calls[-2:]] == [
        ("getFile", 200, True), ("file", 200, True),
    ]  # fmt: skip


async def test_a_path_lives_for_an_hour_and_again_when_asked_for(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    api.person(ANN).sends_document(b"x")
    file_id = (await bot.message())["document"]["file_id"]
    path = (await bot.call("getFile", file_id=file_id))["file_path"]
    await trio.sleep(3599)
    assert (await bot.fetch(path)).content == b"x"

    await trio.sleep(1)

    gone = await bot.fetch(path)
    assert (gone.status_code, gone.json()["description"]) == (404, "Not Found")
    await bot.call("getFile", file_id=file_id)
    assert (await bot.fetch(path)).content == b"x"


async def test_only_the_bot_fetches_and_only_what_there_is(api: TelegramApi, bot: Bot) -> None:
    api.person(ANN).sends_document(b"x")
    file_id = (await bot.message())["document"]["file_id"]
    path = (await bot.call("getFile", file_id=file_id))["file_path"]

    assert (await bot.fetch(path, token="1:wrong")).status_code == 401
    assert (await bot.fetch("documents/../secret")).status_code == 404
    assert await bot.call("getFile", file_id="invented") == "Bad Request: invalid file_id"
    assert await bot.call("getFile") == "Bad Request: file_id not specified"


@pytest.mark.parametrize(
    ("size_bytes", "said"), [(BIG + 1, None), (BIG + 1, 5), (BIG + 1, 0), (5, BIG + 1)]
)
async def test_a_bot_fetches_at_most_20_mb_whatever_is_said(
    api: TelegramApi, bot: Bot, size_bytes: int, said: int | None
) -> None:
    api.person(ANN).sends_document(size_bytes, said_size=said)
    file_id = (await bot.message())["document"]["file_id"]

    assert await bot.call("getFile", file_id=file_id) == "Bad Request: file is too big"


async def test_20_mb_are_served_without_being_in_memory(api: TelegramApi, bot: Bot) -> None:
    api.person(ANN).sends_document(BIG)
    file_id = (await bot.message())["document"]["file_id"]
    path = (await bot.call("getFile", file_id=file_id))["file_path"]
    digest, address = sha256(), f"{api.url}/file/bot{api.token}/{path}"

    async with bot.http.stream("GET", address) as answer:
        async for chunk in answer.aiter_bytes():
            digest.update(chunk)

    assert answer.headers["Content-Length"] == str(BIG)
    assert digest.hexdigest() == api.messages(ANN)[-1].files[0].sha256


async def test_a_server_of_ones_own_serves_more_than_20_mb(api: TelegramApi, bot: Bot) -> None:
    api.files.max_download_bytes = 2_000 << 20
    api.person(ANN).sends_document(BIG + 1, said_size=0)
    file_id = (await bot.message())["document"]["file_id"]

    path = (await bot.call("getFile", file_id=file_id))["file_path"]

    assert len((await bot.fetch(path)).content) == BIG + 1


async def fetched(api: TelegramApi, bot: Bot, fault: Fault) -> httpx2.Response:
    api.person(ANN).sends_document(1 << 20)
    file_id = (await bot.message())["document"]["file_id"]
    path = (await bot.call("getFile", file_id=file_id))["file_path"]
    api.fail(fault, "file")
    return await bot.fetch(path)


@pytest.mark.parametrize(("fault", "status"), [(server_error(), 500), (bad_gateway(), 502)])
async def test_a_fetch_may_be_refused(
    api: TelegramApi, bot: Bot, fault: Fault, status: int
) -> None:
    assert (await fetched(api, bot, fault)).status_code == status
    assert (await bot.fetch(api.calls[-1].params["file_path"])).status_code == 200


@pytest.mark.parametrize(
    ("fault", "error"),
    [(reset(), httpx2.ReadError), (truncated(), httpx2.RemoteProtocolError)],
)
async def test_a_fetch_may_break(
    api: TelegramApi, bot: Bot, fault: Fault, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await fetched(api, bot, fault)


@pytest.mark.parametrize("fault", [hang(), stalled()])
async def test_a_fetch_may_stop_for_ever(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock, fault: Fault
) -> None:
    del autojump_clock  # time passes by itself
    with trio.move_on_after(60) as scope:
        await fetched(api, bot, fault)

    assert scope.cancelled_caught
    assert (await bot.call("getMe"))["is_bot"]


async def test_a_stalled_fetch_has_begun(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    api.person(ANN).sends_document(1 << 20)
    file_id = (await bot.message())["document"]["file_id"]
    path = (await bot.call("getFile", file_id=file_id))["file_path"]
    api.fail(stalled(), "file")
    received = 0

    with trio.move_on_after(60):
        async with bot.http.stream("GET", f"{api.url}/file/bot{api.token}/{path}") as answer:
            async for chunk in answer.aiter_bytes():
                received += len(chunk)

    assert received == (1 << 19) - 1


async def test_a_fetch_may_be_slow(api: TelegramApi, bot: Bot, autojump_clock: MockClock) -> None:
    del autojump_clock  # time passes by itself

    assert (await fetched(api, bot, slow(20))).status_code == 200
    assert trio.current_time() == pytest.approx(20, abs=1)


async def test_what_a_person_sent_is_kept_for_the_test(api: TelegramApi) -> None:
    api.person(ANN).sends_document(b"x", name="a.txt", caption="mine")

    (message,) = api.messages(ANN)

    (file,) = message.files
    assert (file.kind, file.name, file.size_bytes, message.caption) == (
        "document", "a.txt", 1, "mine",
    )  # fmt: skip
    assert file.sha256 == sha256(b"x").hexdigest()
