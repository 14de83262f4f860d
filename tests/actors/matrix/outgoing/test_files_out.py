"""The agent's files: brought to the server, then sent; what cannot be sent is named."""

import io
from pathlib import Path
from typing import Any

import pytest
import trio
from PIL import Image
from trio.testing import MockClock

from actors.matrix.api.replies import Done, Limited, Refused, Reply, TokenRefused, Unreachable
from actors.matrix.crypto.attachments import decrypted
from protocols.files import FileKind
from protocols.journal import Button, OutboxState
from protocols.surfaces import ShowDraft
from tests.actors.matrix.fake_homeserver import ROOM
from tests.actors.matrix.outgoing.sending_rig import HERE, Out, unsealed


def picture(width: int = 900, height: int = 700) -> bytes:
    data = io.BytesIO()
    Image.effect_noise((width, height), 90).convert("RGB").save(data, "JPEG")
    return data.getvalue()


async def send(
    out: Out, data: bytes, kind: FileKind, name: str, mime_type: str = ""
) -> dict[str, Any]:
    """The content that one file became."""
    async with out.running():
        out.finish(out.row(), "", files=(out.file(data, kind, name, mime_type),))
        await out.settled()
    kind_of_event = "m.room.encrypted" if out.vault.is_encrypted(ROOM) else "m.room.message"
    (content,) = out.contents(kind_of_event)
    return unsealed(content) if kind_of_event == "m.room.encrypted" else content


async def test_a_document_is_sent_as_it_is(autojump_clock: MockClock, tmp_path: Path) -> None:
    out = Out.over(autojump_clock, tmp_path)

    content = await send(out, b"words", FileKind.DOCUMENT, "a.txt", "text/plain")

    assert content == {
        "msgtype": "m.file",
        "body": "a.txt",
        "filename": "a.txt",
        "info": {"mimetype": "text/plain", "size": 5},
        "m.mentions": {},
        "url": "mxc://fake/0",
    }
    assert out.server.media == {"mxc://fake/0": b"words"}
    assert out.outbox[0].remote_id == out.events()[0]["event_id"]
    assert list((tmp_path / "files" / "made").iterdir()) == []


async def test_a_picture_has_its_size_and_a_thumbnail(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    data = picture()

    content = await send(out, data, FileKind.PHOTO, "a.png", "image/png")

    info = content["info"]
    assert content["msgtype"] == "m.image"
    assert (info["mimetype"], info["size"], info["w"], info["h"]) == (
        "image/jpeg", len(data), 900, 700,
    )  # fmt: skip
    small = out.server.media[info["thumbnail_url"]]
    assert info["thumbnail_info"]["size"] == len(small)
    assert (info["thumbnail_info"]["w"], info["thumbnail_info"]["h"]) == (771, 600)


@pytest.mark.parametrize("name", ["evil.png", "page.html\n.png", "\ud800.png", " "])
async def test_what_claims_to_be_a_picture_and_is_none_is_a_file(
    autojump_clock: MockClock, tmp_path: Path, name: str
) -> None:
    out = Out.over(autojump_clock, tmp_path)

    content = await send(out, b"<script>", FileKind.PHOTO, name, "image/png")

    assert content["msgtype"] == "m.file"
    assert content["info"]["mimetype"] == "application/octet-stream"
    assert "\n" not in content["body"]
    assert content["body"].strip()
    assert content["body"].encode()


@pytest.mark.parametrize(
    ("kind", "msgtype"),
    [(FileKind.VIDEO, "m.video"), (FileKind.AUDIO, "m.audio"), (FileKind.VOICE, "m.audio")],
)
async def test_what_plays_is_sent_to_be_played(
    autojump_clock: MockClock, tmp_path: Path, kind: FileKind, msgtype: str
) -> None:
    out = Out.over(autojump_clock, tmp_path)

    content = await send(out, b"sound", kind, "a.ogg", "audio/ogg")

    assert content["msgtype"] == msgtype
    assert ("org.matrix.msc3245.voice" in content) == (kind is FileKind.VOICE)
    # Its duration is required, and not known; clients on Rust's SDK refuse the whole event then.
    assert "org.matrix.msc1767.audio" not in content


async def test_in_an_encrypted_room_the_server_gets_nothing_that_it_can_read(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.vault.saw_encryption(ROOM)
    data = picture()

    content = await send(out, data, FileKind.PHOTO, "Geheimnis.jpg", "image/jpeg")

    assert "url" not in content
    assert "thumbnail_url" not in content["info"]
    file, small = content["file"], content["info"]["thumbnail_file"]
    assert decrypted(out.server.media[file["url"]], file) == data
    thumbnail = decrypted(out.server.media[small["url"]], small)
    assert thumbnail is not None
    assert len(thumbnail) == content["info"]["thumbnail_info"]["size"]
    assert data not in out.server.media.values()
    uploads = [call.words for call in out.server.calls if call.name == "upload"]
    assert [words[:2] for words in uploads] == [("application/octet-stream", "")] * 2
    assert "Geheimnis" not in out.wire()


async def test_text_comes_first_then_the_files_in_order(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        files = tuple(out.file(b"x", FileKind.DOCUMENT, f"{n}.txt") for n in range(3))
        out.finish(out.row(), "here", files=files, keyboard=((Button("Retry", "r"),),))
        await out.settled()

    assert [content["body"] for content in out.contents()] == [
        "here\n\n1️⃣ Retry", "0.txt", "1.txt", "2.txt",
    ]  # fmt: skip
    assert out.outbox[0].remote_id == out.events()[0]["event_id"]


async def test_files_alone_take_the_draft_away(autojump_clock: MockClock, tmp_path: Path) -> None:
    out = Out.over(autojump_clock, tmp_path, has_reactions=False)
    async with out.running() as sender:
        row = out.row()
        sender.take(ShowDraft(HERE, row.id, "", status="drawing"))
        await trio.sleep(3)
        out.finish(row, "", files=(out.file(b"x", FileKind.DOCUMENT, "a.txt"),))
        await out.settled()

    draft = out.events()[0]["event_id"]
    assert [content["redacts"] for content in out.contents("m.room.redaction")] == [draft]
    assert out.server.said()[-1] == "a.txt"


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (Done({"m.upload.size": 4}), "4 B"),
        (Done({"m.upload.size": "4"}), ""),
        (Refused(404, "M_UNRECOGNIZED"), ""),
    ],
)
async def test_what_the_server_does_not_take_is_named_and_not_brought(
    autojump_clock: MockClock, tmp_path: Path, answer: Reply, line: str
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.handlers["media/config"] = lambda *_: answer
    out.server.handlers["media/v3/config"] = lambda *_: answer

    content = await send(out, b"words", FileKind.DOCUMENT, "a.txt")

    if not line:
        assert content["msgtype"] == "m.file"
        return
    assert content["msgtype"] == "m.notice"
    assert "a.txt" in content["body"]
    assert line in content["body"]
    assert out.server.media == {}
    assert out.outbox[0].state is OutboxState.SENT


async def test_a_file_above_our_own_limit_is_named(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)

    content = await send(out, b"\0" * (50 * 2**20 + 1), FileKind.VIDEO, "long.mp4", "video/mp4")

    assert content["msgtype"] == "m.notice"
    assert "50 MB" in content["body"]


@pytest.mark.parametrize("refusal", [Refused(413, "M_TOO_LARGE"), Refused(403, "M_FORBIDDEN")])
async def test_a_file_that_is_refused_is_named_and_the_others_are_sent(
    autojump_clock: MockClock, tmp_path: Path, refusal: Refused
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["upload"] = [refusal]
    async with out.running():
        files = tuple(out.file(b"x", FileKind.DOCUMENT, name) for name in ("a", "b"))
        out.finish(out.row(), "", files=files)
        await out.settled()

    first, second = out.contents()
    assert first["msgtype"] == "m.notice"
    assert second["body"] == "b"
    assert out.outbox[0].state is OutboxState.SENT


async def test_a_file_that_is_gone_from_the_disk_is_named(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        file = out.file(b"x", FileKind.DOCUMENT, "a")
        out.lose(file)
        out.finish(out.row(), "", files=(file,))
        await out.settled()

    assert out.contents()[0]["msgtype"] == "m.notice"


async def test_faults_on_the_way_are_waited_out_and_penalties_obeyed(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["upload"] = [
        Unreachable("502"), Limited(40.0), TokenRefused(), Refused(404, ""),
        Done({"content_uri": 7}),
    ]  # fmt: skip

    content = await send(out, b"words", FileKind.DOCUMENT, "a.txt")

    assert out.server.media[content["url"]] == b"words"
    first, second, third, *_ = out.server.times("upload")
    assert third - second >= 40
    assert first < second


async def test_a_file_that_never_arrives_holds_up_its_room_only_for_a_while(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["upload"] = [Unreachable("ServerDisconnectedError")] * 50

    content = await send(out, b"words", FileKind.DOCUMENT, "a.txt")

    assert content["msgtype"] == "m.notice"
    assert trio.current_time() < 60


async def test_a_file_whose_message_is_refused_is_named(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["send"] = [Refused(400, "M_BAD_JSON")]

    content = await send(out, b"words", FileKind.DOCUMENT, "a.txt")

    assert content["msgtype"] == "m.notice"


async def test_a_file_that_was_sent_is_not_brought_again_after_a_kill(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running(is_killed=True):
        files = tuple(out.file(b"x", FileKind.DOCUMENT, name) for name in "abc")
        out.finish(out.row(), "", files=files)
        await out.server.until(lambda: len(out.server.times("upload")) == 3)
    async with out.running():
        await out.settled()

    assert out.server.said() == ["a", "b", "c"]
    assert len(out.server.times("upload")) == 4
    assert [key for key in out.journal.keys if key.startswith("matrix_files")] == []
