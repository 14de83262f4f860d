"""A person's files as the content of a chat message: pictures and texts, nothing else; pure."""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

from actors.platform.kinds import file_name, mime_type_of
from protocols.platform import Attachment, FailureKind, PlatformFailedError

LARGEST_TEXT_BYTES = 64 * 1024
LARGEST_PICTURE_BYTES = 10 * 2**20
"""It goes inside the request, a third larger."""

_PICTURES = {
    "image/png": "image/png",
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
}
_TEXTS = re.compile(
    r"text/.+|image/svg\+xml"
    r"|application/(.+\+)?(json|json5|jsonl|ndjson|x-ndjson|xml|yaml|x-yaml|toml|csv|sql|x-sql"
    r"|javascript|x-javascript|ecmascript|typescript|x-typescript|x-sh|x-shellscript|x-csh"
    r"|x-python|x-python-code|x-ruby|x-perl|x-php|x-httpd-php|x-lua|x-tex|x-latex|graphql"
    r"|x-powershell|x-tcl|x-awk|x-java|x-java-source|x-rust|x-go|x-subrip)"
)
_FENCES = re.compile(r"`{3,}")


def picture_part(file: Attachment, *, has_vision: bool) -> dict[str, Any] | None:
    """*file* as a part of a message's content; None where it is no picture.

    Raises:
        PlatformFailedError: It is not what it says, or nobody looks at such pictures.
    """
    said = mime_type_of(file.mime_type)
    if not said.startswith("image/") or _TEXTS.fullmatch(said):
        return None
    mime_type = _PICTURES.get(said)
    if not has_vision or mime_type is None or file.size_bytes > LARGEST_PICTURE_BYTES:
        raise _refused()
    data = b64encode(_content(file)).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{mime_type};base64,{data}"}}


def inlined(file: Attachment) -> str:
    """The text of *file* below its name, in a block that nothing in it can close.

    Raises:
        PlatformFailedError: It is not what it says, no text, or too long.
    """
    is_text = _TEXTS.fullmatch(mime_type_of(file.mime_type)) is not None
    if not is_text or file.size_bytes > LARGEST_TEXT_BYTES:
        raise _refused()
    try:
        text = _content(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused() from None
    fence = max(_FENCES.findall(text), key=len, default="``") + "`"
    return f"{file_name(file.name)}:\n{fence}\n{text.rstrip()}\n{fence}"


def _content(file: Attachment) -> bytes:
    """What is in *file*, which must be in memory and as its sender said."""
    is_whole = file.mode == "binary" and len(file.data) == file.size_bytes
    if not is_whole or file.sha256 not in {"", sha256(file.data).hexdigest()}:
        raise _refused()
    return file.data


def _refused() -> PlatformFailedError:
    return PlatformFailedError(FailureKind.FILE_REFUSED, is_retryable=False)
