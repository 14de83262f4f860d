"""Files on Matrix: those of people reach the agent, those of the agent reach people."""

from hashlib import sha256
from io import BytesIO
from pathlib import Path

from PIL import Image

from actors.platform.mock_media import MADE
from tests.e2e.matrix_chat import BOTH, EITHER, MatrixChat, matrix_chat
from tests.rigs.synapse import Json, Synapse

_VOICE: Json = {"org.matrix.msc3245.voice": {}, "org.matrix.msc1767.audio": {"duration": 1000}}


def _picture(size: tuple[int, int] = (40, 30)) -> bytes:
    kept = BytesIO()
    Image.new("RGB", size, (70, 130, 180)).save(kept, "PNG")
    return kept.getvalue()


def _left_in(folder: Path) -> list[Path]:
    return [path for path in (folder / "surfaces.files").rglob("*") if path.is_file()]


@EITHER
async def test_a_picture_a_file_and_a_voice_message_reach_the_agent(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    picture, paper, voice = _picture(), b"%PDF-1.7 of a person", b"OggS spoken"
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        here, person = chat.room, chat.person
        await person.send_file(
            here, picture, name="cat.png", kind="m.image", mime_type="image/png",
            more={"body": "what-is-it"},
        )  # fmt: skip
        await person.send_file(here, paper, name="../../paper.pdf", mime_type="application/pdf")
        await person.send_file(
            here, voice, name="Voice message.ogg", kind="m.audio", mime_type="audio/ogg",
            more=_VOICE,
        )  # fmt: skip
        await person.send_content(here, _gone(is_encrypted=is_encrypted))
        await chat.say("the-last-word")
        said = await chat.hears("the-last-word")
        journal = await chat.end()

    whole = "\n".join(said)
    for data in (picture, paper, voice):
        assert sha256(data).hexdigest()[:12] in whole
        assert f"{len(data)} bytes" in whole
    assert "what-is-it" in said[0]
    assert "cat.png" in said[0]
    assert "paper.pdf" in said[1]
    assert "../" not in said[1]
    assert "voice" in said[2]
    assert "could not fetch gone.bin" in said[3]
    assert [len(row.files) for row in journal.rows] == [1, 1, 1, 1, 0]
    assert _left_in(tmp_path) == []


@BOTH
async def test_files_of_the_agent_reach_the_person_as_what_they_are(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        await chat.say("mock:photo", "mock:file", "mock:voice", "mock:album", "mock:big")
        said = await chat.hears("51")
        shown = [one for one in await chat.sees(bool) if "info" in one.content]
        data = [await chat.person.download(one) for one in shown]
        await chat.end()

    names = ("photo", "notes", "voice", "photo", "sunrise", "sea")
    assert data == [MADE[name]().data for name in names]
    assert [one.kind for one in shown] == [
        "m.image", "m.file", "m.audio", "m.image", "m.image", "m.image",
    ]  # fmt: skip
    assert (shown[0].content["info"]["w"], shown[0].content["info"]["h"]) == (320, 200)
    assert shown[0].content["info"]["mimetype"] == "image/png"
    assert shown[0].content["info"]["size"] == len(data[0])
    assert "org.matrix.msc3245.voice" in shown[2].content
    assert all(("file" in one.content) == is_encrypted for one in shown)
    assert any("50 MB" in text and "zeros.bin" in text for text in said)
    assert _left_in(tmp_path) == []


@EITHER
async def test_a_file_and_its_answer_survive_a_kill_and_come_once(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        await chat.person.send_file(
            chat.room, b"kept", name="kept.bin", more={"body": "mock:hang meanwhile"}
        )
        await chat.hears("I begin to answer")
        await chat.it.kill()
        await chat.it.start()
        await chat.say("!stop", "mock:file")
        await _files(chat, 1)
        await chat.it.kill()
        await chat.it.start()
        await chat.say("the-last-word")
        await chat.hears("the-last-word")
        shown = await _files(chat, 1)
        await chat.end()
    assert len(shown) == 1
    assert _left_in(tmp_path) == []


async def _files(chat: MatrixChat, number: int) -> list[str]:
    said = await chat.sees(lambda said: sum("info" in one.content for one in said) >= number)
    return [one.event_id for one in said if "info" in one.content]


def _gone(*, is_encrypted: bool) -> Json:
    """A file that is on no server."""
    address = "mxc://synapse.test/thereisnosuchfileanywhere"
    file = {
        "v": "v2",
        "url": address,
        "key": {"kty": "oct", "alg": "A256CTR", "ext": True, "key_ops": ["decrypt"],
                "k": "A" * 43},
        "iv": "A" * 22,
        "hashes": {"sha256": "A" * 43},
    }  # fmt: skip
    place = {"file": file} if is_encrypted else {"url": address}
    info = {"mimetype": "application/octet-stream", "size": 4}
    return {"msgtype": "m.file", "body": "gone.bin", "filename": "gone.bin", "info": info, **place}
