"""Files and figures in AG-UI's words, both ways; pure."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from actors.platform.json_values import count_of, list_of, object_of, text_of
from actors.platform.kinds import file_name, mime_type_of
from protocols.platform import Attachment, Usage

Json = dict[str, Any]

MOST_FILES = 50
_LONGEST_ADDRESS = 4096
_FAMILIES = ("image", "audio", "video")


def source_of(attachment: Attachment) -> Json:
    """Where the content of *attachment* is: in the source itself, at an address, at the server."""
    match attachment.mode:
        case "binary":
            value = b64encode(attachment.data).decode()
            return {"type": "data", "value": value, "mimeType": attachment.mime_type}
        case "url":
            return {
                "type": "url",
                "value": attachment.location,
                "mimeType": attachment.mime_type,
            }
        case _:
            return {
                "type": "file",
                "value": attachment.location,
                "provider": "lambda",
                "mimeType": attachment.mime_type,
            }


def part_of(attachment: Attachment, source: Mapping[str, Any] | None = None) -> Json:
    """*attachment* as a part of a message; from *source* where the server has it already."""
    family = attachment.mime_type.partition("/")[0]
    metadata: Json = {"filename": attachment.name, "size": attachment.size_bytes}
    if attachment.sha256:
        metadata["sha256"] = attachment.sha256
    return {
        "type": family if family in _FAMILIES else "document",
        "source": dict(source) if source is not None else source_of(attachment),
        "metadata": metadata,
    }


def attachments_of(parts: object) -> tuple[Attachment, ...]:
    """The files among *parts*, at most 50; what is none, or not whole, is left out."""
    found = (_attachment(object_of(part)) for part in list_of(parts)[:MOST_FILES])
    return tuple(attachment for attachment in found if attachment is not None)


def usage_of(said: object) -> Usage | None:
    """What a run cost, all entries together; None where nothing is said.

    Args:
        said: AG-UI's list of entries, one for each model, or a single one.
    """
    entries = [object_of(entry) for entry in ([said] if isinstance(said, dict) else list_of(said))]
    models = [model for entry in entries if (model := text_of(entry.get("model")))]
    read = _total(entries, "inputTokens")
    written = _total(entries, "outputTokens")
    if not models and read is None and written is None:
        return None
    return Usage(models[0][:100] if models else "", read, written)


def _total(entries: list[Json], name: str) -> int | None:
    counts = [count for entry in entries if (count := count_of(entry.get(name))) is not None]
    return sum(counts) if counts else None


def _attachment(part: Json) -> Attachment | None:
    source, metadata = object_of(part.get("source")), object_of(part.get("metadata"))
    kind, value = source.get("type"), text_of(source.get("value"))
    name = file_name(text_of(metadata.get("filename") or metadata.get("name")))
    mime_type = mime_type_of(text_of(source.get("mimeType")))
    sha256 = text_of(metadata.get("sha256"))[:64]
    if kind == "data":
        data = _decoded(value)
        if data is None:
            return None
        return Attachment(name, mime_type, len(data), data=data, sha256=sha256)
    size = count_of(metadata.get("size")) or 0
    if not value or len(value) > _LONGEST_ADDRESS:
        return None
    if kind == "url" and value.startswith(("https://", "http://")):
        return Attachment(name, mime_type, size, mode="url", location=value, sha256=sha256)
    if kind == "file":
        return Attachment(name, mime_type, size, mode="s3", location=value, sha256=sha256)
    return None


def _decoded(value: str) -> bytes | None:
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
