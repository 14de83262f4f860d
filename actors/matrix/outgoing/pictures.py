"""Pictures as clients show them: what they really are, and a small one for those that are large.

Everything here takes long for a large picture, so that it runs in a thread.
"""

import io
import struct

from attrs import field, frozen
from PIL import Image, ImageOps

THUMBNAIL_SIZE = (800, 600)
"""Specification, "Thumbnails": the largest one that clients ask for."""

_SHOWN = ("JPEG", "PNG", "GIF", "WEBP")
"""What clients show in place; whatever else Pillow reads stays a file."""

_ENOUGH_BYTES = 200_000
_MOST_PIXELS = 50_000_000
"""What is larger is a decompression bomb, or no picture for a chat."""

_BROKEN = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, ArithmeticError, struct.error),
    Image.DecompressionBombError,
)
"""What Pillow raises for a broken or hostile file."""

_ORIENTATION = 0x0112
_FIRST_TURNED = 5
"""EXIF 2.3, tag 274: from this value on, width and height change places."""


@frozen
class Thumbnail:
    """A small picture that stands for a large one."""

    data: bytes = field(repr=False)
    mime_type: str
    width: int
    height: int


@frozen
class Picture:
    """What a picture is, whatever its name says; width and height as it is seen."""

    mime_type: str
    width: int
    height: int
    thumbnail: Thumbnail | None = None


def picture_of(data: bytes) -> Picture | None:
    """The picture in *data*; None for what is none that a client should open."""
    try:
        with Image.open(io.BytesIO(data), formats=_SHOWN) as image:
            if image.width * image.height > _MOST_PIXELS:
                return None
            return _read(image, len(data))
    except _BROKEN:
        return None


def _read(image: Image.Image, size_bytes: int) -> Picture:
    mime_type = Image.MIME[str(image.format)]
    is_turned = image.getexif().get(_ORIENTATION, 1) >= _FIRST_TURNED
    width, height = (image.height, image.width) if is_turned else image.size
    box = THUMBNAIL_SIZE[::-1] if is_turned else THUMBNAIL_SIZE
    is_large = width > THUMBNAIL_SIZE[0] or height > THUMBNAIL_SIZE[1]
    if not is_large and size_bytes <= _ENOUGH_BYTES:
        image.load()  # whether it can be read to its end
        return Picture(mime_type, width, height)
    image.thumbnail(box)
    thumbnail = _thumbnail(ImageOps.exif_transpose(image))
    # A drawing may be smaller than what would stand for it.
    is_smaller = len(thumbnail.data) < size_bytes
    return Picture(mime_type, width, height, thumbnail if is_smaller else None)


def _thumbnail(image: Image.Image) -> Thumbnail:
    format_ = "PNG" if image.has_transparency_data else "JPEG"
    data = io.BytesIO()
    # Without anything that the picture knew of its place and its camera.
    image.convert("RGBA" if format_ == "PNG" else "RGB").save(data, format_)
    return Thumbnail(data.getvalue(), Image.MIME[format_], image.width, image.height)
