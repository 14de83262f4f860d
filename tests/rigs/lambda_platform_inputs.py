"""What a run is asked to do: its message read and held to the contract."""

import hashlib
from base64 import b64decode
from binascii import Error as Base64Error

from attrs import frozen

from protocols.platform import Attachment
from tests.rigs.lambda_platform_contract import Json, flaws
from tests.rigs.lambda_platform_files import Files
from tests.rigs.lambda_platform_problems import invalid, problem


@frozen
class Asked:
    """A run's input.

    Args:
        body: As it came; a repeated request must be the same.
        attachments: With their bytes, but for those that are named by their address.
    """

    body: Json
    user_id: str
    chat_id: str
    text: str
    attachments: tuple[Attachment, ...]
    resume: tuple[Json, ...]
    on_busy: str


def asked(body: Json, files: Files) -> Asked:
    """*body* read; it must be a RunInput."""
    found = flaws("RunInput", body)
    if found:
        raise problem("validation", flaws=found)
    props = body.get("forwardedProps", {})
    user_id, _, chat_id = body["threadId"].rpartition(":")
    if props.get("user_id", user_id) != user_id:
        raise invalid("/threadId", "user")
    contents = [one["content"] for one in body["messages"] if one["role"] == "user"]
    parts = [part for content in contents for part in _parts(content)]
    return Asked(
        body=body,
        user_id=user_id,
        chat_id=chat_id,
        text="\n".join(part["text"] for part in parts if part["type"] == "text"),
        attachments=tuple(_attachment(part, files) for part in parts if part["type"] != "text"),
        resume=tuple(body.get("resume", ())),
        on_busy=props.get("onBusy", "enqueue"),
    )


def _parts(content: str | list[Json]) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _attachment(part: Json, files: Files) -> Attachment:
    source, said = part["source"], part.get("metadata", {})
    match source["type"]:
        case "data":
            name, mime_type = said.get("filename", "file"), source["mimeType"]
            content, mode = _inline(source["value"], files), "binary"
        case "file":
            stored = files.find(source["value"])
            name, mime_type = said.get("filename", stored.name), stored.mime_type
            content, mode = stored.content or b"", "s3" if stored.was_uploaded else "binary"
        case _:
            return _linked(source, said)
    files.limits.check(mime_type, len(content))
    sha256 = hashlib.sha256(content).hexdigest()
    if said.get("sha256", sha256) != sha256 or said.get("size", len(content)) != len(content):
        raise invalid("/messages", "mismatch")
    return Attachment(name, mime_type, len(content), mode, content, sha256=sha256)


def _inline(value: str, files: Files) -> bytes:
    try:
        content = b64decode(value, validate=True)
    except Base64Error:
        raise invalid("/messages", "contentEncoding") from None
    if len(content) > files.limits.max_inline_bytes:
        raise problem("file-too-large")
    return content


def _linked(source: Json, said: Json) -> Attachment:
    return Attachment(
        said.get("filename", "file"),
        source.get("mimeType", "application/octet-stream"),
        said.get("size", 0),
        mode="url",
        location=source["value"],
        sha256=said.get("sha256", ""),
    )
