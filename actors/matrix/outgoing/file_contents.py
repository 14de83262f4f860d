"""What the message of a file says of it; pure.

Specification: "m.image", "m.video", "m.audio", "m.file", "Sending encrypted attachments"; voice
messages as in MSC3245.
"""

from typing import Any

from actors.matrix.outgoing.pictures import Picture, Thumbnail
from actors.surfaces.names import bare_name
from protocols.files import FileKind, LocalFile

Json = dict[str, Any]

_LONGEST_NAME = 255
_UNKNOWN = "application/octet-stream"


def file_content(
    file: LocalFile, picture: Picture | None, source: Json, thumbnail_source: Json | None
) -> Json:
    """The content for *file*, which is a *picture*, if it is one.

    The *source* says where it was brought, ``{"url": …}``, or ``{"file": …}`` where it is
    encrypted; the *thumbnail_source* says the same of the picture's thumbnail, if it has one.
    """
    name = bare_name(file, longest=_LONGEST_NAME)
    content = {
        "msgtype": _msgtype(file, picture),
        "body": name,
        "filename": name,
        "info": _info(file, picture),
        "m.mentions": {},
        **source,
    }
    if picture is not None and picture.thumbnail is not None and thumbnail_source is not None:
        content["info"] |= _thumbnail_info(picture.thumbnail, thumbnail_source)
    if file.kind is FileKind.VOICE:
        # No "org.matrix.msc1767.audio" beside it: without a duration in there, which we do not
        # know, clients on Rust's SDK cannot read the event at all.
        content["org.matrix.msc3245.voice"] = {}
    return content


def mime_type_of(file: LocalFile, picture: Picture | None) -> str:
    """What *file* is: nothing is called a picture that is none."""
    if picture is not None:
        return picture.mime_type
    is_claim = file.kind is FileKind.PHOTO or not file.mime_type
    return _UNKNOWN if is_claim else file.mime_type


def _msgtype(file: LocalFile, picture: Picture | None) -> str:
    match file.kind:
        case FileKind.PHOTO if picture is not None:
            return "m.image"
        case FileKind.VIDEO:
            return "m.video"
        case FileKind.AUDIO | FileKind.VOICE:
            return "m.audio"
        case _:
            return "m.file"


def _info(file: LocalFile, picture: Picture | None) -> Json:
    info: Json = {"mimetype": mime_type_of(file, picture), "size": file.size_bytes}
    return info if picture is None else info | {"w": picture.width, "h": picture.height}


def _thumbnail_info(thumbnail: Thumbnail, source: Json) -> Json:
    about = {
        "mimetype": thumbnail.mime_type,
        "size": len(thumbnail.data),
        "w": thumbnail.width,
        "h": thumbnail.height,
    }
    return {"thumbnail_info": about} | {f"thumbnail_{key}": value for key, value in source.items()}
