"""The files that Telegram keeps, and how a message tells of them.

Source:
    telegram-bot-api, ``Client::do_get_file`` and ``json_store_file``: a bot fetches at most
    20 MB, judged by the size that is said and by the size that it is; a size of 0 is left out.
"""

from pathlib import PurePath
from typing import Literal, get_args

import trio
from attrs import define, field, frozen

from tests.rigs.telegram_content import Content, content_of
from tests.rigs.telegram_faults import Json, bad_request

MediaKind = Literal["photo", "document", "voice", "audio", "video", "sticker"]
MEDIA_KINDS: tuple[MediaKind, ...] = get_args(MediaKind)
PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF, a picture as far as the rig looks"
_MAX_DOWNLOAD_BYTES = 20 << 20
_LINK_LIVES = 3600.0


@frozen
class _Kind:
    """What is the same in all files of a kind; *name* is TDLib's for it."""

    name: str
    prefix: str
    folder: str
    suffix: str
    mime_type: str
    about: Json = field(factory=dict)


_KINDS: dict[MediaKind, _Kind] = {
    "photo": _Kind("Photo", "AgAC", "photos", ".jpg", ""),
    "document": _Kind("Document", "BQAC", "documents", "", "application/octet-stream"),
    "voice": _Kind("VoiceNote", "AwAC", "voice", ".oga", "audio/ogg", {"duration": 3}),
    "audio": _Kind("Audio", "CQAC", "music", ".mp3", "audio/mpeg", {"duration": 180}),
    "video": _Kind(
        "Video", "BAAC", "videos", ".mp4", "video/mp4",
        {"duration": 10, "width": 1280, "height": 720},
    ),
    "sticker": _Kind(
        "Sticker", "CAAC", "stickers", ".webp", "",
        {
            "type": "regular", "width": 512, "height": 512, "emoji": "👍", "set_name": "Rig",
            "is_animated": False, "is_video": False,
        },
    ),
}  # fmt: skip
_SIZES = ((90, 67, 40), (320, 240, 8), (1280, 960, 1))  # width, height, part of the bytes


@frozen
class Media:
    """A file that somebody is about to send.

    Args:
        content: Its bytes, or how many there are: then they are made as they are read.
        said_size: What Telegram says of its size: 0 for nothing, None for the truth.
        about: Further members, such as ``duration`` or ``performer``, beside the usual ones.
    """

    kind: MediaKind
    content: Content = field(default=content_of(PICTURE), converter=content_of)
    name: str = ""
    mime_type: str = ""
    caption: str = ""
    said_size: int | None = None
    about: Json = field(factory=dict)


@frozen
class KeptFile:
    """A file that Telegram has, as a test may look at it and as messages tell of it."""

    file_id: str
    kind: MediaKind
    content: Content
    name: str
    mime_type: str
    said_size: int
    path: str
    about: Json = field(repr=False)

    @property
    def size_bytes(self) -> int:
        """How long it is, whatever is said."""
        return self.content.size_bytes

    @property
    def sha256(self) -> str:
        """Its digest, in hexadecimal digits."""
        return self.content.sha256

    def as_json(self) -> Json:
        """What every mention of it has."""
        found: Json = {"file_id": self.file_id, "file_unique_id": f"AQAD{self.file_id[4:]}"}
        return found | ({"file_size": self.said_size} if self.said_size else {})


def type_name(kind: MediaKind) -> str:
    """TDLib's word for it, which its refusals use."""
    return _KINDS[kind].name


@define
class FileStore:
    """Every file by its id, and for how long each may be fetched.

    Args:
        max_download_bytes: What a bot may fetch; a Bot API server of one's own sets no limit.
    """

    max_download_bytes: int = _MAX_DOWNLOAD_BYTES
    by_id: dict[str, KeptFile] = field(factory=dict)
    _links: dict[str, tuple[KeptFile, float]] = field(factory=dict)

    def keep(self, media: Media) -> KeptFile:
        """Give a file its id."""
        kind, number = _KINDS[media.kind], len(self.by_id)
        suffix = PurePath(media.name).suffix or kind.suffix
        said_size = media.content.size_bytes if media.said_size is None else media.said_size
        kept = KeptFile(
            f"{kind.prefix}{number:012d}", media.kind, media.content, media.name,
            media.mime_type or kind.mime_type, said_size,
            f"{kind.folder}/file_{number}{suffix}", kind.about | media.about,
        )  # fmt: skip
        self.by_id[kept.file_id] = kept
        return kept

    def members(self, file: KeptFile) -> Json:
        """The member of a message that tells of the file."""
        match file.kind:
            case "photo":
                return {"photo": self._sizes(file)}
            case "voice" | "sticker":
                told = {"mime_type": file.mime_type}
            case "document" | "audio" | "video":
                told = {"file_name": file.name, "mime_type": file.mime_type}
        told = {name: value for name, value in told.items() if value}
        return {file.kind: file.about | told | file.as_json()}

    def _sizes(self, photo: KeptFile) -> list[Json]:
        """The picture in each of its sizes, the whole one last."""
        found = []
        for width, height, part in _SIZES:
            size = photo
            if part > 1:
                less = Content(photo.size_bytes // part + 1)
                size = self.keep(Media("photo", less))
            found.append(size.as_json() | {"width": width, "height": height})
        return found

    def link(self, file_id: str) -> Json:
        """The ``File`` with a path that lives for an hour.

        Raises:
            RefusedError: There is no such file, or it is too big for a bot.
        """
        if not file_id:
            raise bad_request("file_id not specified")
        file = self.by_id.get(file_id)
        if file is None:
            raise bad_request("invalid file_id")
        if max(file.said_size, file.size_bytes) > self.max_download_bytes:
            raise bad_request("file is too big")
        self._links[file.path] = (file, trio.current_time() + _LINK_LIVES)
        return file.as_json() | {"file_path": file.path}

    def fetch(self, path: str) -> Content | None:
        """What is behind a path, as long as the path lives."""
        file, until = self._links.get(path, (None, 0.0))
        return file.content if file is not None and trio.current_time() < until else None
