from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import httpx2
import pytest

from tests.rigs.telegram_api import TelegramApi
from tests.rigs.telegram_client import ANN, FORUM, GROUP, Bot
from tests.rigs.telegram_content import content_of
from tests.rigs.telegram_faults import reset
from tests.rigs.telegram_file_methods import MAX_PHOTO_BYTES, MAX_UPLOAD_BYTES
from tests.rigs.telegram_files import PICTURE

Json = dict[str, Any]


def attached(kind: str, number: int, **more: object) -> Json:
    return {"type": kind, "media": f"attach://part{number}", **more}


@pytest.mark.parametrize("kind", ["photo", "document", "voice", "audio", "video"])
@pytest.mark.parametrize("is_attached", [True, False])
async def test_each_kind_of_file_is_sent_as_a_form(
    api: TelegramApi, bot: Bot, kind: str, *, is_attached: bool
) -> None:
    given: Json = {kind: "attach://it", "it": PICTURE} if is_attached else {kind: PICTURE}

    sent = await bot.upload(f"send{kind.title()}", caption="look", **given)

    assert (sent["caption"], kind in sent, "text" in sent) == ("look", True, False)
    (file,) = api.sent_files(ANN)
    assert (file.kind, file.size_bytes) == (kind, len(PICTURE))
    assert file.sha256 == sha256(PICTURE).hexdigest()
    assert api.messages(ANN)[-1].caption == "look"
    assert api.answers(ANN) == ["look"]


async def test_what_is_told_beside_a_file_is_kept(api: TelegramApi, bot: Bot) -> None:
    sent = await bot.upload("sendAudio", audio=b"ID3", duration=5, performer="Ann", title="Song")

    told = sent["audio"]
    assert (told["duration"], told["performer"], told["title"]) == (5, "Ann", "Song")
    assert (told["file_name"], told["file_size"]) == ("audio.bin", 3)
    assert api.sent_files(ANN)[0].name == "audio.bin"


async def test_a_file_that_is_sent_can_be_fetched_and_sent_again(
    api: TelegramApi, bot: Bot
) -> None:
    sent = await bot.upload("sendPhoto", photo=PICTURE)
    file_id = sent["photo"][-1]["file_id"]

    await bot.call("sendPhoto", chat_id=ANN, photo=file_id)

    path = (await bot.call("getFile", file_id=file_id))["file_path"]
    assert (await bot.fetch(path)).content == PICTURE
    first, again = api.sent_files(ANN)
    assert first == again


async def test_a_file_id_stays_a_photo_or_none(bot: Bot) -> None:
    photo = (await bot.upload("sendPhoto", photo=PICTURE))["photo"][-1]["file_id"]
    document = (await bot.upload("sendDocument", document=b"x"))["document"]["file_id"]

    refused = "Bad Request: can't use file of type"
    assert await bot.upload("sendPhoto", photo=document) == f"{refused} Document as Photo"
    assert await bot.upload("sendVoice", voice=photo) == f"{refused} Photo as VoiceNote"
    assert "voice" in await bot.upload("sendVoice", voice=document)


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        ("", "there is no photo in the request"),
        ("attach://nothing", "there is no photo in the request"),
        ("attach://chat_id", "there is no photo in the request"),
        ("invented", "wrong file identifier/HTTP URL specified"),
        ("https://example.com/a.png", "failed to get HTTP URL content"),
        (b"", "file must be non-empty"),
        (b"<svg/>", "IMAGE_PROCESS_FAILED"),
    ],
)
async def test_what_is_no_photo_is_refused(
    api: TelegramApi, bot: Bot, photo: str | bytes, words: str
) -> None:
    assert await bot.upload("sendPhoto", photo=photo) == f"Bad Request: {words}"
    assert api.sent_files(ANN) == []


async def test_a_photo_has_at_most_10_mb(api: TelegramApi, bot: Bot) -> None:
    fits = PICTURE + bytes(MAX_PHOTO_BYTES - len(PICTURE))

    assert "photo" in await bot.upload("sendPhoto", photo=fits)
    assert await bot.upload("sendPhoto", photo=fits + b"x") == (
        "Bad Request: file of size 10485761 bytes is too big for a photo; "
        "the maximum size is 10485760 bytes"
    )
    assert "document" in await bot.upload("sendDocument", document=fits + b"x")
    assert len(api.sent_files(ANN)) == 2


async def form(size_bytes: int) -> AsyncIterator[bytes]:
    yield f'--x\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n{ANN}'.encode()
    head = 'Content-Disposition: form-data; name="document"; filename="big"'
    yield f"\r\n--x\r\n{head}\r\n\r\n".encode()
    for chunk in content_of(size_bytes).chunks():
        yield chunk
    yield b"\r\n--x--\r\n"


@pytest.mark.parametrize("size_bytes", [MAX_UPLOAD_BYTES + 1, 2 * MAX_UPLOAD_BYTES])
async def test_more_than_50_mb_are_too_large(api: TelegramApi, bot: Bot, size_bytes: int) -> None:
    answer = await bot.http.post(
        f"{api.url}/bot{api.token}/sendDocument",
        content=form(size_bytes),
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )

    assert answer.status_code == 413
    assert answer.json() == {
        "ok": False, "error_code": 413, "description": "Request Entity Too Large",
    }  # fmt: skip
    assert (api.calls[-1].status, api.calls[-1].had_effect) == (413, False)
    assert (await bot.send("still here"))["text"] == "still here"


async def test_50_mb_are_taken(api: TelegramApi, bot: Bot) -> None:
    answer = await bot.http.post(
        f"{api.url}/bot{api.token}/sendDocument",
        content=form(MAX_UPLOAD_BYTES),
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )

    assert answer.status_code == 200
    assert api.sent_files(ANN)[0].sha256 == content_of(MAX_UPLOAD_BYTES).sha256


async def test_a_caption_has_1024_characters_and_entities_as_a_text(
    api: TelegramApi, bot: Bot
) -> None:
    bold = [{"type": "bold", "offset": 0, "length": 2}]

    fits = await bot.upload("sendPhoto", photo=PICTURE, caption="😀" * 1024, caption_entities=bold)

    assert (len(fits["caption"]), fits["caption_entities"]) == (1024, bold)
    assert await bot.upload("sendPhoto", photo=PICTURE, caption="x" * 1025) == (
        "Bad Request: message caption is too long"
    )
    assert await bot.upload("sendPhoto", photo=PICTURE, caption="x", caption_entities=bold) == (
        "Bad Request: entity beginning at UTF-16 offset 0 "
        "ends after the end of the text at UTF-16 offset 2"
    )
    assert len(api.sent_files(ANN)) == 1


async def test_a_file_goes_to_topics_and_answers_as_a_text_does(api: TelegramApi, bot: Bot) -> None:
    forum = api.supergroup(FORUM, topics={7: "Ideas"})
    first = api.person(ANN).writes("first", chat=forum, thread=7)
    reply = {"message_id": first.message_id}

    sent = await bot.upload(
        "sendDocument", FORUM, document=b"x", message_thread_id=7, reply_parameters=reply
    )

    assert (sent["message_thread_id"], sent["is_topic_message"]) == (7, True)
    assert sent["reply_to_message"]["text"] == "first"
    assert await bot.upload("sendDocument", FORUM, document=b"x", message_thread_id=8) == (
        "Bad Request: message thread not found"
    )
    assert len(api.sent_files(FORUM, thread=7)) == 1


async def test_an_album_is_shown_as_its_files(api: TelegramApi, bot: Bot) -> None:
    media = [attached("photo", 1, caption="two"), attached("video", 2)]

    sent = await bot.upload("sendMediaGroup", media=media, part1=PICTURE, part2=b"film")

    assert [one.kind for one in api.sent_files(ANN)] == ["photo", "video"]
    assert sent[0]["media_group_id"] == sent[1]["media_group_id"]
    assert (sent[0]["caption"], "caption" in sent[1]) == ("two", False)
    assert [one.caption for one in api.messages(ANN)[1:]] == ["two", ""]


@pytest.mark.parametrize(
    ("media", "words"),
    [
        ([], "there are no messages to send"),
        ([attached("photo", 1)], "an album must include 2-10 items"),
        ([attached("photo", 1)] * 11, "too many messages to send as an album"),
        (
            [attached("photo", 1), attached("document", 1)],
            "document can't be mixed with other media types",
        ),
        (
            [attached("audio", 1), attached("video", 1)],
            "audio can't be mixed with other media types",
        ),
        ([attached("voice", 1)] * 2, 'can\'t parse InputMedia: type "voice" is unsupported'),
        ([attached("photo", 9)] * 2, "can't parse InputMedia: media not found"),
        (["photo"] * 2, "can't parse InputMedia: expected an Object"),
        ({"type": "photo"}, "expected an Array of InputMedia"),
        ("", 'parameter "media" is required'),
        ("[{", "can't parse JSON object"),
        ([attached("photo", 1, caption="x" * 1025)] * 2, "message caption is too long"),
    ],
)
async def test_what_is_no_album_is_refused_as_a_whole(
    api: TelegramApi, bot: Bot, media: object, words: str
) -> None:
    refused = await bot.upload("sendMediaGroup", media=media, part1=PICTURE)

    assert refused == f"Bad Request: {words}"
    assert api.sent_files(ANN) == []


async def test_an_album_counts_as_its_files(api: TelegramApi, bot: Bot) -> None:
    api.group(GROUP)
    media = [attached("document", 1)] * 10

    await bot.upload("sendMediaGroup", GROUP, media=media, part1=b"x")
    refused = await bot.upload("sendDocument", GROUP, document=b"x")

    assert refused == "Too Many Requests: retry after 5"
    assert [(one.chat, one.rule) for one in api.violations] == [(GROUP, "chat")]


async def test_a_caption_is_edited(api: TelegramApi, bot: Bot) -> None:
    sent = await bot.upload("sendPhoto", photo=PICTURE, caption="old")
    ids = {"chat_id": ANN, "message_id": sent["message_id"]}

    edited = await bot.call("editMessageCaption", caption="new", **ids)

    assert (edited["caption"], edited["photo"]) == ("new", sent["photo"])
    assert api.messages(ANN)[-1].caption == "new"
    assert "message is not modified" in await bot.call("editMessageCaption", caption="new", **ids)
    assert await bot.call("editMessageCaption", caption="x" * 1025, **ids) == (
        "Bad Request: MEDIA_CAPTION_TOO_LONG"
    )


async def test_a_file_has_no_text_and_a_text_has_no_caption(bot: Bot) -> None:
    file = await bot.upload("sendPhoto", photo=PICTURE, caption="old")
    text = await bot.send("text")
    ids = {"chat_id": ANN, "message_id": text["message_id"]}

    missing = "Bad Request: there is no {} in the message to edit"
    assert await bot.edit(file["message_id"], "new") == missing.format("text")
    assert await bot.call("editMessageCaption", caption="new", **ids) == missing.format("caption")


async def test_the_bot_stops_to_type_when_it_sends_a_file(api: TelegramApi, bot: Bot) -> None:
    await bot.call("sendChatAction", chat_id=ANN, action="upload_photo")
    assert api.is_typing(ANN)

    await bot.upload("sendPhoto", photo=PICTURE)

    assert not api.is_typing(ANN)


@pytest.mark.parametrize("is_after", [True, False])
async def test_a_lost_answer_may_leave_the_file_in_the_chat(
    api: TelegramApi, bot: Bot, *, is_after: bool
) -> None:
    api.fail(reset(after=is_after), "sendDocument")

    with pytest.raises(httpx2.TransportError):
        await bot.upload("sendDocument", document=b"x")

    assert len(api.sent_files(ANN)) == is_after
    assert (api.calls[-1].fault != "", api.calls[-1].had_effect) == (True, is_after)
