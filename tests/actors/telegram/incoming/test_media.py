"""Files that come with a message."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.incoming.kinds import FILES
from actors.telegram.incoming.media import LARGEST_DOWNLOAD, Media, label_of, media_in
from protocols.files import FileKind, RemoteFile
from tests.actors.telegram.fake_bot_api import message
from tests.actors.telegram.json_values import JSON

FILE = {"file_id": "BQAC-_x9", "file_unique_id": "x", "file_size": 1234}


def media(**fields: Any) -> Media:
    return media_in(message(None, **fields))


def file_in(**fields: Any) -> RemoteFile:
    [file] = media(**fields).files
    return file


@pytest.mark.parametrize(
    ("kind", "shown", "name", "mime_type"),
    [
        ("animation", FileKind.VIDEO, "animation.mp4", "video/mp4"),
        ("video", FileKind.VIDEO, "video.mp4", "video/mp4"),
        ("video_note", FileKind.VIDEO, "video_note.mp4", "video/mp4"),
        ("voice", FileKind.VOICE, "voice.ogg", "audio/ogg"),
        ("audio", FileKind.AUDIO, "audio.mp3", "audio/mpeg"),
        ("live_photo", FileKind.VIDEO, "live_photo.mp4", "video/mp4"),
        ("sticker", FileKind.PHOTO, "sticker.webp", "image/webp"),
        ("document", FileKind.DOCUMENT, "file", "application/octet-stream"),
    ],
)
def test_a_file_is_told_with_a_name_and_a_kind_also_where_the_sender_gives_none(
    kind: str, shown: FileKind, name: str, mime_type: str
) -> None:
    assert file_in(**{kind: FILE}) == RemoteFile(shown, name, mime_type, 1234, "BQAC-_x9")


def test_what_the_sender_says_of_a_file_is_kept() -> None:
    said = FILE | {"file_name": "Report №5 👩‍🚀.pdf", "mime_type": "application/PDF"}

    assert file_in(document=said) == RemoteFile(
        FileKind.DOCUMENT, "Report №5 👩‍🚀.pdf", "application/pdf", 1234, "BQAC-_x9"
    )


# Sizes.


def size(name: str, width: Any, file_size: Any = None) -> dict[str, Any]:
    return {"file_id": name, "width": width, "height": 10, "file_size": file_size}


@pytest.mark.parametrize(
    ("sizes", "taken"),
    [
        ([size("s", 90, 1), size("l", 1280, 5), size("m", 320, 2)], "l"),
        ([size("s", 90), size("l", 1280)], "l"),
        ([size("s", 90, 1), size("l", 1280, LARGEST_DOWNLOAD)], "l"),
        ([size("s", 90, 1), size("l", 1280, LARGEST_DOWNLOAD + 1)], "s"),
        ([size("l", 1280, 2**40), size("s", 90, 2**30)], "s"),
        ([5, {}, size("s", None), {"file_id": 5, "width": 9999, "height": 9999}], "s"),
        ([size("s", 90), size("huge", 10**400)], "huge"),
    ],
)
def test_of_a_photo_the_largest_size_is_taken_that_telegram_gives_out(
    sizes: list[Any], taken: str
) -> None:
    assert file_in(photo=sizes).handle == taken


@pytest.mark.parametrize("said", [None, -1, True, "5", 2**60, 1.5])
def test_a_size_that_is_none_is_not_known(said: Any) -> None:
    assert file_in(voice=FILE | {"file_size": said}).size_bytes is None


def test_a_file_that_is_too_large_is_told_all_the_same() -> None:
    large = FILE | {"file_size": 2 * LARGEST_DOWNLOAD}

    assert file_in(video=large).size_bytes == 2 * LARGEST_DOWNLOAD


# Names and kinds.


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("a/b\\c.txt", "a_b_c.txt"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("in\nvoice\x00.pdf", "invoice.pdf"),
        ("evil\u202efdp.exe", "evilfdp.exe"),
        ("half\ud83d.txt", "half.txt"),
        ("  x.txt  ", "x.txt"),
        ("x" * 500, "x" * 128),
        ("x" * 500 + ".jpeg", "x" * 123 + ".jpeg"),
        ("x." + "y" * 500, "x." + "y" * 126),
        ("..", "file"),
        ("/", "file"),
        ("", "file"),
        (None, "file"),
        (5, "file"),
    ],
)
def test_a_name_is_one_that_a_disk_takes(said: Any, name: str) -> None:
    assert file_in(document=FILE | {"file_name": said}).name == name


@given(st.text(st.characters(categories=None)))
def test_no_name_is_a_way_to_another_folder(said: str) -> None:
    name = file_in(document=FILE | {"file_name": said}).name

    assert 0 < len(name) <= 128
    assert name not in {".", ".."}
    assert not set(name) & {"/", "\\", "\0", "\n"}
    name.encode()


@pytest.mark.parametrize(
    "said", [None, 5, "", "pdf", "a/b/c", "text/plain; x=1", "text/pl\nain", f"text/{'x' * 99}"]
)
def test_a_type_that_is_none_is_not_believed(said: Any) -> None:
    file = file_in(document=FILE | {"mime_type": said})

    assert file.mime_type == "application/octet-stream"


# What is there twice, and what is not there.


def test_an_animation_is_no_second_file_as_a_document() -> None:
    gif = FILE | {"file_name": "cat.mp4"}

    assert file_in(animation=gif, document=gif).kind is FileKind.VIDEO
    assert file_in(animation={}, document=gif).kind is FileKind.DOCUMENT


def test_of_a_live_photo_the_photo_is_taken() -> None:
    assert file_in(photo=[size("p", 90)], live_photo=FILE).kind is FileKind.PHOTO


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize(
    "found",
    [None, {}, [], 5, {"file_id": ""}, {"file_id": 5}, {"file_id": "x y\n"}, {"file_id": "ы"},
     {"file_id": "x" * 1025}, [{"file_id": None}]],
)  # fmt: skip
def test_a_file_that_nothing_can_fetch_is_unread(kind: str, found: Any) -> None:
    assert media(**{kind: found}) == Media(is_unread=True)


def test_a_sticker_is_a_picture_unless_it_moves() -> None:
    smile = FILE | {"emoji": "🙂"}

    assert media(sticker=smile).words == "Sticker: 🙂"
    assert media(sticker=smile).files
    assert media(sticker=smile | {"is_animated": True}) == Media(words="Sticker: 🙂")
    assert media(sticker=smile | {"is_video": True}) == Media(words="Sticker: 🙂")


@pytest.mark.parametrize(
    "fields", [{}, {"caption": "hi"}, {"new_chat_photo": [FILE]}, {"pinned_message": {"photo": []}}]
)
def test_what_nobody_sent_is_nothing(fields: dict[str, Any]) -> None:
    assert media(**fields) == Media()


@given(st.dictionaries(st.sampled_from([*FILES, "poll", "dice", "contact"]), JSON))
def test_any_json_has_media_and_a_label(fields: dict[str, Any]) -> None:
    found = media(**fields)

    assert found.is_unread == (bool(fields) and not (found.files or found.words))
    assert bool(label_of(fields)) == bool(found.files or found.words or found.is_unread)


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"photo": []}, "[photo]"),
        ({"voice": FILE}, "[voice]"),
        ({"video_note": FILE}, "[video note]"),
        ({"document": FILE | {"file_name": "a\n]b.pdf"}}, "[document a]b.pdf]"),
        ({"animation": FILE, "document": FILE}, "[animation]"),
        ({"location": {"latitude": 1, "longitude": 2.5}}, "Location: 1, 2.5"),
        ({"sticker": FILE | {"emoji": "🙂"}}, "Sticker: 🙂"),
        ({"poll": {"question": "?"}}, "[poll]"),
        ({"forum_topic_created": {}}, ""),
        ({"text": "hi"}, ""),
    ],
)
def test_what_a_message_holds_has_a_label(fields: dict[str, Any], label: str) -> None:
    assert label_of(fields) == label
