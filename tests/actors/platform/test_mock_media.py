"""The mock agent's files are real ones, taken apart here by their own standards."""

import hashlib
import struct
import zlib
from collections.abc import Iterator

import pytest
from attrs import frozen

from actors.platform.kinds import kind_of
from actors.platform.mock_media import MADE, picture, voice
from protocols.files import FileKind

TELEGRAM_LIMIT_BYTES = 50 * 2**20


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of *png* by the PNG specification, 5.3; their checksums are checked."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(png):
        (size,) = struct.unpack_from(">I", png, at)
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", png, at + 8 + size) == (zlib.crc32(kind + content),)
        yield kind, content
        at += size + 12


@frozen
class Page:
    """One page of an Ogg stream, by RFC 3533, 6."""

    flags: int
    granule: int
    serial: int
    number: int
    packets: tuple[bytes, ...]


def ogg_checksum(page: bytes) -> int:
    """By the letter: the polynomial 0x04c11db7, bit by bit."""
    register = 0
    for byte in page:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1) ^ (0x104C11DB7 if register & 0x80000000 else 0)
    return register


def pages(ogg: bytes) -> Iterator[Page]:
    at = 0
    while at < len(ogg):
        mark, version, flags, granule, serial, number, checksum, segments = struct.unpack_from(
            "<4sBBqIIIB", ogg, at
        )
        sizes = ogg[at + 27 : at + 27 + segments]
        end = at + 27 + segments + sum(sizes)
        assert (mark, version) == (b"OggS", 0)
        assert checksum == ogg_checksum(ogg[at : at + 22] + bytes(4) + ogg[at + 26 : end])
        assert 255 not in sizes, "a packet goes on in the next segment: not read here"
        packets, start = [], at + 27 + segments
        for size in sizes:
            packets.append(ogg[start : start + size])
            start += size
        yield Page(flags, granule, serial, number, tuple(packets))
        at = end


def test_a_picture_is_a_png_with_every_pixel_that_it_promises() -> None:
    (head, header), (body, pixels), (tail, nothing) = chunks(picture(200, 30, 90))

    width, height, depth, colours, *rest = struct.unpack(">IIBBBBB", header)
    assert (head, body, tail, nothing) == (b"IHDR", b"IDAT", b"IEND", b"")
    assert (depth, colours, rest) == (8, 2, [0, 0, 0])
    assert len(zlib.decompress(pixels)) == height * (1 + 3 * width)
    assert 1 / 20 <= width / height <= 20, "or Telegram refuses it as a photo"


def test_a_voice_message_is_an_opus_stream_of_one_second() -> None:
    head, tags, sound = pages(voice())

    assert [page.number for page in (head, tags, sound)] == [0, 1, 2]
    assert [page.flags for page in (head, tags, sound)] == [2, 0, 4]
    assert head.serial == tags.serial == sound.serial
    mark, version, channels, skipped, rate, gain, mapping = struct.unpack(
        "<8sBBHIhB", head.packets[0]
    )
    assert (mark, version, channels, gain, mapping) == (b"OpusHead", 1, 1, 0, 0)
    assert tags.packets[0][:8] == b"OpusTags"
    (vendor,) = struct.unpack_from("<I", tags.packets[0], 8)
    assert tags.packets[0][12 + vendor :] == bytes(4), "and no comments"
    # RFC 6716, 3.1: configuration 31 is 20 ms, "mono", one frame in a packet.
    assert {packet[0] for packet in sound.packets} == {31 << 3}
    assert sound.granule - skipped == rate
    assert len(sound.packets) == -(-sound.granule * 50 // rate), "enough, and none too many"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("photo", FileKind.PHOTO),
        ("sunrise", FileKind.PHOTO),
        ("sea", FileKind.PHOTO),
        ("notes", FileKind.DOCUMENT),
        ("voice", FileKind.VOICE),
    ],
)
def test_every_small_file_says_what_it_is(name: str, kind: FileKind) -> None:
    file = MADE[name]()

    assert kind_of(file.mime_type) is kind
    assert (file.mode, file.size_bytes) == ("binary", len(file.data))
    assert file.sha256 == hashlib.sha256(file.data).hexdigest()
    assert file == MADE[name]()


def test_the_big_file_is_larger_than_telegram_takes() -> None:
    file = MADE["big"]()

    assert TELEGRAM_LIMIT_BYTES < file.size_bytes == len(file.data)
