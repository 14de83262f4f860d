"""Files and places in a message."""

import json
from typing import Any

import pytest
from hypothesis import given

from actors.matrix.incoming.media import Media, label_of, media_in, sticker_in
from protocols.files import FileKind, RemoteFile
from tests.actors.matrix.incoming.events import JSON, Json
from tests.actors.telegram.json_values import places_in, with_change

KEY = {"alg": "A256CTR", "ext": True, "k": "a2V5", "key_ops": ["encrypt", "decrypt"], "kty": "oct"}
SEALED: Json = {
    "url": "mxc://here/secret",
    "v": "v2",
    "key": KEY,
    "iv": "aXY",
    "hashes": {"sha256": "aGFzaA"},
}
PICTURE: Json = {
    "msgtype": "m.image",
    "body": "cat.png",
    "url": "mxc://here/cat",
    "info": {"mimetype": "image/png", "size": 1234, "w": 2, "h": 2},
}


def only(content: Json) -> RemoteFile:
    (file,) = media_in(content).files
    return file


def test_a_picture_is_a_file_that_the_server_has() -> None:
    assert media_in(PICTURE) == Media(
        (RemoteFile(FileKind.PHOTO, "cat.png", "image/png", 1234, "mxc://here/cat"),)
    )


@pytest.mark.parametrize(
    ("more", "kind", "name", "mime_type"),
    [
        ({"msgtype": "m.image"}, FileKind.PHOTO, "photo.jpg", "image/jpeg"),
        ({"msgtype": "m.video"}, FileKind.VIDEO, "video.mp4", "video/mp4"),
        ({"msgtype": "m.audio"}, FileKind.AUDIO, "audio.mp3", "audio/mpeg"),
        ({"msgtype": "m.file"}, FileKind.DOCUMENT, "file", "application/octet-stream"),
        ({"msgtype": "m.voice"}, FileKind.VOICE, "voice.ogg", "audio/ogg"),
        (
            {"msgtype": "m.audio", "org.matrix.msc3245.voice": {}},
            FileKind.VOICE,
            "voice.ogg",
            "audio/ogg",
        ),
    ],
)
def test_what_the_sender_does_not_say_goes_by_the_kind(
    more: Json, kind: FileKind, name: str, mime_type: str
) -> None:
    found = only({"body": "", "url": "mxc://here/x", **more})

    assert found == RemoteFile(kind, name, mime_type, None, "mxc://here/x")


def test_a_file_of_an_encrypted_room_is_held_with_its_key() -> None:
    content = {key: PICTURE[key] for key in ("msgtype", "body", "info")} | {"file": SEALED}

    handle = only(content).handle

    assert handle.startswith("{")
    assert json.loads(handle) == SEALED
    assert handle == json.dumps(SEALED, sort_keys=True)


def test_in_an_encrypted_message_the_open_address_does_not_count() -> None:
    assert json.loads(only(PICTURE | {"file": SEALED}).handle)["url"] == "mxc://here/secret"
    assert media_in(PICTURE | {"file": {}}).files == ()


@pytest.mark.parametrize("part", ["url", "key", "iv", "hashes"])
def test_a_file_without_a_part_of_its_key_cannot_be_read(part: str) -> None:
    broken = {key: value for key, value in SEALED.items() if key != part}

    assert media_in({"msgtype": "m.file", "body": "x", "file": broken}).files == ()


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/cat.png",
        "mxc://",
        "mxc://here",
        "mxc://here/",
        "mxc://here/a/b",
        "mxc://here/a?b",
        "mxc://here/../x",
        "mxc://he re/x",
        "mxc://here/x\n",
        "mxc://h\u00e9re/x",
        "mxc://" + "x" * 300 + "/x",
        7,
        None,
        ["mxc://here/cat"],
    ],
)
def test_what_is_no_address_of_the_content_repository_is_no_file(url: Any) -> None:
    assert media_in(PICTURE | {"url": url}).files == ()


@pytest.mark.parametrize(
    ("info", "mime_type", "size"),
    [
        (None, "image/jpeg", None),
        ([], "image/jpeg", None),
        ({"mimetype": "IMAGE/WEBP", "size": 0}, "image/webp", 0),
        ({"mimetype": "a picture", "size": "big"}, "image/jpeg", None),
        ({"mimetype": ["x"], "size": -1}, "image/jpeg", None),
        ({"size": True}, "image/jpeg", None),
        ({"size": 10**30}, "image/jpeg", None),
    ],
)
def test_odd_facts_about_a_file_are_left_out(info: Any, mime_type: str, size: int | None) -> None:
    found = only(PICTURE | {"info": info})

    assert (found.mime_type, found.size_bytes) == (mime_type, size)


@pytest.mark.parametrize(
    ("body", "filename", "name", "caption"),
    [
        ("cat.png", None, "cat.png", ""),
        ("cat.png", "cat.png", "cat.png", ""),
        ("my cat", "cat.png", "cat.png", "my cat"),
        ("", "cat.png", "cat.png", ""),
        ("../../etc/passwd", None, ".._.._etc_passwd", ""),
        ("a\x00b\n.png", None, "ab.png", ""),
        ("...", None, "photo.jpg", ""),
        ("x" * 500 + ".png", None, "x" * 124 + ".png", ""),
    ],
)
def test_words_beside_a_file_name_are_its_caption(
    body: str, filename: str | None, name: str, caption: str
) -> None:
    found = media_in(PICTURE | {"body": body} | ({"filename": filename} if filename else {}))

    assert (found.files[0].name, found.caption) == (name, caption)


def test_a_caption_is_kept_where_its_file_cannot_be_read() -> None:
    found = media_in(PICTURE | {"url": 7, "filename": "cat.png", "body": "my cat"})

    assert found == Media(caption="my cat")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"geo_uri": "geo:52.52,13.405"}, "Location: 52.52, 13.405"),
        ({"geo_uri": "geo:52.5200000001,-13.4;u=35"}, "Location: 52.52, -13.4"),
        ({"geo_uri": "geo:10,20,300"}, "Location: 10, 20"),
        ({"geo_uri": "geo:91,0"}, ""),
        ({"geo_uri": "geo:x,y"}, ""),
        ({"geo_uri": 7}, ""),
        ({"org.matrix.msc3488.location": {"uri": "geo:1,2"}}, "Location: 1, 2"),
        ({"org.matrix.msc3488.location": []}, ""),
    ],
)
def test_a_place_is_said_in_words(content: Json, words: str) -> None:
    assert media_in({"msgtype": "m.location", "body": "here", **content}) == Media(words=words)


@pytest.mark.parametrize(
    ("content", "words", "files"),
    [
        ({"body": "wave", "url": "mxc://a/b"}, "Sticker: wave", 1),
        ({"url": "mxc://a/b"}, "Sticker", 1),
        ({"body": "wave"}, "Sticker: wave", 0),
        ({}, "", 0),
    ],
)
def test_a_sticker_says_what_it_shows(content: Json, words: str, files: int) -> None:
    found = sticker_in(content)

    assert (found.words, len(found.files)) == (words, files)


def test_a_file_is_named_in_a_quotation() -> None:
    assert label_of(only(PICTURE)) == "[photo cat.png]"


@given(JSON)
def test_anything_in_any_place_raises_nothing_and_can_be_stored(value: Any) -> None:
    content = PICTURE | {"file": SEALED, "filename": "x"}
    for place in places_in(content):
        for file in media_in(with_change(content, place, value)).files:
            f"{file.name}{file.handle}{file.mime_type}".encode()
    sticker_in({"body": value, "url": value, "info": value})
    media_in({"msgtype": "m.location", "geo_uri": value})
