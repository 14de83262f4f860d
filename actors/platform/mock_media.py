"""Files that the mock agent makes: small real ones, and one that is too large; pure."""

import hashlib
import struct
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from protocols.platform import Attachment

_WIDTH, _HEIGHT = 320, 200
_BIG_BYTES = 51 * 2**20

_RATE = 48_000
_SKIPPED = 312  # samples that an encoder of Opus needs to get going
_FRAMES = 51
_SILENCE = b"\xf8\xff\xfe"  # 20 ms: RFC 6716's configuration 31, mono, and nothing to hear
_SERIAL = 0x6D6F636B
_FIRST, _LAST = 2, 4  # RFC 3533, 6: what a page is in its stream

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def picture(red: int, green: int, blue: int) -> bytes:
    """A PNG in the colour *red*, *green*, *blue* (0 to 255), which fades to the right."""
    row = bytes(
        value * (_WIDTH - x) // _WIDTH for x in range(_WIDTH) for value in (red, green, blue)
    )
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + row) * _HEIGHT, 9)
    chunks = _chunk(b"IHDR", header), _chunk(b"IDAT", pixels), _chunk(b"IEND", b"")
    return b"".join((b"\x89PNG\r\n\x1a\n", *chunks))


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def voice() -> bytes:
    """A second of silence, as Opus in Ogg (RFC 7845)."""
    head = struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, _SKIPPED, _RATE, 0, 0)
    tags = struct.pack("<8sI4sI", b"OpusTags", 4, b"mock", 0)
    end = _SKIPPED + _RATE  # RFC 7845, 4.4: what the last frame has beyond is not played
    sound = _page(2, (_SILENCE,) * _FRAMES, flags=_LAST, granule=end)
    return _page(0, (head,), flags=_FIRST) + _page(1, (tags,)) + sound


def _page(number: int, packets: tuple[bytes, ...], *, flags: int = 0, granule: int = 0) -> bytes:
    """An Ogg page; its checksum stands in the middle, and is 0 while it is computed."""
    start = struct.pack("<4sBBqII", b"OggS", 0, flags, granule, _SERIAL, number)
    content = bytes([len(packets), *map(len, packets)]) + b"".join(packets)
    checksum = _ogg_checksum(start + bytes(4) + content)
    return start + struct.pack("<I", checksum) + content


def _ogg_checksum(page: bytes) -> int:
    """RFC 3533's CRC: that of zlib, with all bits the other way round and no inversion."""
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def _file(name: str, mime_type: str, data: bytes) -> Attachment:
    digest = hashlib.sha256(data).hexdigest()
    return Attachment(name, mime_type, len(data), data=data, sha256=digest)


def _zeros() -> Attachment:
    # Memory that nobody writes to costs nothing; hashing it would cost time.
    return Attachment("zeros.bin", "application/octet-stream", _BIG_BYTES, data=bytes(_BIG_BYTES))


MADE: Mapping[str, Callable[[], Attachment]] = MappingProxyType(
    {
        "photo": lambda: _file("photo.png", "image/png", picture(70, 130, 180)),
        "sunrise": lambda: _file("sunrise.png", "image/png", picture(230, 120, 60)),
        "sea": lambda: _file("sea.png", "image/png", picture(40, 140, 130)),
        "notes": lambda: _file("notes.txt", "text/plain", b"The mock agent wrote this.\n"),
        "voice": lambda: _file("voice.ogg", "audio/ogg", voice()),
        "big": _zeros,
    }
)
"""What the mock agent can make, each time anew."""
