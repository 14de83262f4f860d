import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actors.platform.kinds import LONGEST_NAME, file_name, kind_of, mime_type_of
from protocols.files import FileKind


@pytest.mark.parametrize(
    ("mime_type", "kind"),
    [
        ("image/png", FileKind.PHOTO),
        ("image/jpeg", FileKind.PHOTO),
        ("IMAGE/PNG", FileKind.PHOTO),
        (" image/webp; charset=binary", FileKind.PHOTO),
        ("image/svg+xml", FileKind.DOCUMENT),
        ("image/svg+xml; charset=utf-8", FileKind.DOCUMENT),
        ("audio/ogg", FileKind.VOICE),
        ("audio/ogg; codecs=opus", FileKind.VOICE),
        ("audio/mpeg", FileKind.AUDIO),
        ("video/mp4", FileKind.VIDEO),
        ("text/plain", FileKind.DOCUMENT),
        ("application/octet-stream", FileKind.DOCUMENT),
        ("imagery/png", FileKind.DOCUMENT),
        ("", FileKind.DOCUMENT),
    ],
)
def test_a_file_is_shown_as_what_its_type_says(mime_type: str, kind: FileKind) -> None:
    assert kind_of(mime_type) is kind


@pytest.mark.parametrize(
    ("said", "mime_type"),
    [
        ("text/plain", "text/plain"),
        ("Text/Plain; charset=utf-8", "text/plain"),
        ("application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
        ("text/plain\r\nX-Evil: 1", "application/octet-stream"),
        ("text", "application/octet-stream"),
        ("a/b/c", "application/octet-stream"),
        ("x/" + "y" * 65, "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_a_type_that_is_none_is_just_bytes(said: str, mime_type: str) -> None:
    assert mime_type_of(said) == mime_type


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("report.pdf", "report.pdf"),
        ("Отчёт за год.pdf", "Отчёт за год.pdf"),
        ("/etc/passwd", "_etc_passwd"),
        ("..\\..\\boot.ini", ".._.._boot.ini"),
        ("a\x00b\nc\u202ed.exe", "ab cd.exe"),
        ("  two   words .txt ", "two words .txt"),
        ("", "file"),
        (" \n\t", "file"),
        (".", "file"),
        ("..", "file"),
        ("👩\u200d👧.png", "👩\u200d👧.png"),
        ("\u200d", "file"),
        ("x" * 200 + ".tar.gz", "x" * (LONGEST_NAME - 3) + ".gz"),
        ("x" * 300, "x" * LONGEST_NAME),
        ("x." + "y" * 300, "x." + "y" * (LONGEST_NAME - 2)),
    ],
)
def test_a_name_is_one_short_line_that_names_no_other_folder(name: str, cleaned: str) -> None:
    assert file_name(name) == cleaned


@given(name=st.text(max_size=400))
@example("\ud800")
@example("." * 200)
def test_every_name_becomes_one_that_every_disk_and_surface_takes(name: str) -> None:
    cleaned = file_name(name)

    assert 1 <= len(cleaned) <= LONGEST_NAME
    assert not set(cleaned) & set("/\\")
    assert cleaned.strip() == cleaned
    assert cleaned.strip(".")
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in cleaned)
    cleaned.encode()
    assert file_name(cleaned) == cleaned
