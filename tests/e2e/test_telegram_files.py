"""Files on Telegram: those of people reach the agent, those of the agent reach people."""

from pathlib import Path

from tests.e2e.telegram_chat import ANN, GROUP, telegram_chat
from tests.rigs.telegram_faults import hang, reset, server_error, truncated
from tests.rigs.telegram_files import Media

MEGABYTE = 1 << 20


def _left_in(folder: Path) -> list[Path]:
    return [path for path in (folder / "surfaces.files").rglob("*") if path.is_file()]


async def test_a_picture_and_its_caption_reach_the_agent(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)

        ann.sends_photo(b"\xff\xd8 forty-two bytes of a picture, or nearly", caption="what-is-it")

        said = await chat.hears(ann, "what-is-it")
        await chat.end()
    assert "photo.jpg" in said[-1]
    assert "image/jpeg" in said[-1]
    assert _left_in(tmp_path) == []


async def test_every_kind_of_file_is_taken_and_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)

        ann.sends_voice(b"OggS spoken", caption="kind-voice")
        ann.sends_document(b"%PDF-1.7", name="../../paper.pdf", caption="kind-document")
        ann.sends_audio(b"ID3", name="song.mp3", caption="kind-audio")
        ann.sends_video(b"ftyp", name="film.mp4", caption="kind-video")
        ann.sends_sticker(emoji="🦊")
        ann.sends_location(52.52, 13.405)
        ann.sends({"poll": {"id": "1", "question": "Tea?", "options": []}})

        said = await chat.hears(
            ann, "kind-voice", "kind-document", "kind-audio", "kind-video", "🦊", "13.405",
            "nothing in that message",
        )  # fmt: skip
        await chat.end()
    whole = "\n".join(said)
    assert "audio/ogg" in whole
    assert "paper.pdf" in whole
    assert "../" not in whole
    assert _left_in(tmp_path) == []


async def test_an_album_is_one_message_to_the_agent(tmp_path: Path) -> None:
    album = [Media("photo", caption="the-album @rig_bot"), Media("photo"), Media("photo")]
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)
        group = chat.api.supergroup(GROUP)

        ann.sends_album(album)
        ann.sends_album(album, chat=group)

        said = await chat.hears(ann, "the-album")
        said_in_group = await chat.hears(group, "the-album")
        journal = await chat.end()
    assert len(said) == len(said_in_group) == 1
    assert said[0].count("photo") >= 3
    assert [len(row.files) for row in journal.rows] == [3, 3]


async def test_a_file_that_is_too_large_or_never_comes_is_said_to_both(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)
        chat.api.fail(hang(), "file", times=0)

        ann.sends_document(21 * MEGABYTE, name="honest.bin", caption="first-one")
        ann.sends_document(21 * MEGABYTE, name="liar.bin", said_size=1000, caption="second-one")

        said = await chat.hears(ann, "first-one", "second-one")
        await chat.end()
    assert all("larger than 20" in text for text in said)
    assert _left_in(tmp_path) == []


async def test_a_download_that_breaks_off_is_begun_again(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)
        for fault in (truncated(), reset(), server_error()):
            chat.api.fail(fault, "file")

        ann.sends_document(3 * MEGABYTE, name="whole.bin", caption="comes-at-last")

        said = await chat.hears(ann, "comes-at-last")
        await chat.end()
    assert "whole.bin" in said[-1]
    assert str(3 * MEGABYTE) in said[-1]


async def test_files_of_the_agent_come_in_the_order_that_it_sent_them(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)

        for words in ("mock:photo", "mock:file", "mock:voice", "mock:album"):
            ann.writes(words)
        await chat.sees(lambda: len(chat.api.sent_files(ann)) >= 6)
        ann.writes("the-last-word")

        await chat.hears(ann, "the-last-word")
        await chat.end()
    kinds = [file.kind for file in chat.api.sent_files(ann)]
    assert kinds == ["photo", "document", "voice", "photo", "photo", "photo"]
    assert len(chat.api.calls_of("sendMediaGroup")) == 1
    assert _left_in(tmp_path) == []


async def test_a_file_of_the_agent_over_the_limit_is_named_with_its_size(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)

        ann.writes("mock:big")

        said = await chat.hears(ann, "51")
        await chat.end()
    assert "50" in said[-1]
    assert chat.api.sent_files(ann) == []
    assert _left_in(tmp_path) == []


async def test_a_file_and_its_answer_survive_a_kill(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)
        chat.api.fail(hang(), "file")
        ann.sends_document(b"kept", name="kept.bin", caption="killed-meanwhile")
        await chat.sees(lambda: bool(chat.api.calls_of("file")))

        await chat.it.kill()
        await chat.it.start()
        ann.writes("mock:file")
        await chat.sees(lambda: bool(chat.api.sent_files(ann)))
        await chat.it.kill()
        await chat.it.start()

        said = await chat.hears(ann, "killed-meanwhile")
        ann.writes("the-last-word")
        await chat.hears(ann, "the-last-word")
        await chat.end()
    assert sum("kept.bin" in text for text in said) == 1
    assert 1 <= len(chat.api.sent_files(ann)) <= 2
    assert _left_in(tmp_path) == []
