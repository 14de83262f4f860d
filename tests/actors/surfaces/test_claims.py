from typing import Any

import pytest

from actors.surfaces.claims import Claims, KnownKind, claimed_file, file_name
from protocols.files import FileKind

PHOTO = KnownKind(FileKind.PHOTO, "photo.jpg", "image/jpeg")


def test_what_a_sender_says_of_a_file_is_passed_on() -> None:
    file = claimed_file(PHOTO, Claims("cat.png", "Image/PNG", 7), "handle")

    assert (file.name, file.mime_type, file.size_bytes) == ("cat.png", "image/png", 7)
    assert (file.kind, file.handle) == (FileKind.PHOTO, "handle")


@pytest.mark.parametrize("odd", [None, True, -1, 2**60, "x y", ["a"], {}])
def test_what_cannot_be_is_not_believed(odd: Any) -> None:
    file = claimed_file(PHOTO, Claims(odd if odd != "x y" else "..", odd, odd), "handle")

    assert (file.name, file.mime_type, file.size_bytes) == ("photo.jpg", "image/jpeg", None)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("a\u202eb\n.png", "ab.png"),
        (f"{'x' * 200}.png", f"{'x' * 124}.png"),
        (" . ", ""),
    ],
)
def test_a_name_is_one_that_a_disk_takes(said: str, name: str) -> None:
    assert file_name(said) == name
