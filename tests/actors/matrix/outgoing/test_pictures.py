import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from actors.matrix.outgoing.pictures import Thumbnail, picture_of

FORMATS = ["PNG", "JPEG", "GIF", "WEBP"]


def image(
    width: int, height: int, format_: str = "PNG", *, mode: str = "RGB", turn: int = 0
) -> bytes:
    """A picture with noise, which is as large as pictures get."""
    noise = Image.effect_noise((width, height), 90).convert(mode)
    exif = Image.Exif()
    if turn:
        exif[0x0112] = turn
    data = io.BytesIO()
    noise.save(data, format_, exif=exif)
    return data.getvalue()


def opened(thumbnail: Thumbnail | None) -> Image.Image:
    assert thumbnail is not None
    found = Image.open(io.BytesIO(thumbnail.data))
    found.load()
    assert Image.MIME[str(found.format)] == thumbnail.mime_type
    assert found.size == (thumbnail.width, thumbnail.height)
    return found


@pytest.mark.parametrize(
    ("format_", "mime_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif"), ("WEBP", "image/webp")],
)
def test_a_picture_is_what_its_content_says(format_: str, mime_type: str) -> None:
    found = picture_of(image(40, 30, format_))

    assert found is not None
    assert (found.mime_type, found.width, found.height) == (mime_type, 40, 30)
    assert found.thumbnail is None


def test_a_large_picture_has_a_small_one_within_800_by_600() -> None:
    found = picture_of(image(1600, 1000, "JPEG"))

    assert found is not None
    assert (found.width, found.height) == (1600, 1000)
    assert opened(found.thumbnail).size == (800, 500)


def test_a_heavy_picture_has_a_light_one() -> None:
    data = image(600, 500)
    assert len(data) > 200_000

    found = picture_of(data)

    assert found is not None
    assert found.thumbnail is not None
    assert len(found.thumbnail.data) < len(data)


def test_a_picture_that_lies_on_its_side_is_described_as_it_is_seen() -> None:
    found = picture_of(image(1600, 1000, "JPEG", turn=6))

    assert found is not None
    assert (found.width, found.height) == (1000, 1600)
    small = opened(found.thumbnail)
    assert small.size == (375, 600)
    assert not small.getexif()


def test_what_can_be_seen_through_stays_so() -> None:
    found = picture_of(image(900, 700, mode="RGBA"))

    assert found is not None
    assert opened(found.thumbnail).mode == "RGBA"


def test_a_drawing_that_is_small_already_needs_no_other_one() -> None:
    data = io.BytesIO()
    Image.new("1", (3000, 2000)).save(data, "PNG")

    found = picture_of(data.getvalue())

    assert found is not None
    assert found.thumbnail is None


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_a_bomb_is_no_picture() -> None:
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1_000_000)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)

    assert picture_of(bomb) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        image(100, 100)[:600],
        image(100, 100, "BMP"),
    ],
)
def test_what_a_client_should_not_open_is_no_picture(data: bytes) -> None:
    assert picture_of(data) is None


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@given(st.binary(max_size=200), st.integers(0, 400), st.sampled_from(FORMATS))
def test_a_broken_picture_raises_nothing(noise: bytes, place: int, format_: str) -> None:
    whole = SMALL[format_]

    picture_of(whole[:place] + noise + whole[place + len(noise) :])


SMALL = {format_: image(30, 30, format_) for format_ in FORMATS}
