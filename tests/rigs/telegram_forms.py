"""The parameters and files in a call's body, of any kind that Telegram takes."""

import json
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import HeaderParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from attrs import frozen

from tests.rigs.telegram_content import Content, content_of
from tests.rigs.telegram_faults import Json

_BLANK = b"\r\n\r\n"


@frozen
class Upload:
    """A file that came with a call."""

    name: str
    mime_type: str
    content: Content

    @property
    def size_bytes(self) -> int:
        """How long it is."""
        return self.content.size_bytes


def params_in(content_type: str, body: bytes) -> Json:
    """The parameters in *body*, each file among them as an `Upload`."""
    if not body:
        return {}
    if content_type.startswith("application/json"):
        return _as_object(body)
    if content_type.startswith("multipart/form-data"):
        return dict(_parts(content_type, body))
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def _as_object(body: bytes) -> Json:
    try:
        read = json.loads(body)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _parts(content_type: str, body: bytes) -> Iterator[tuple[str, str | Upload]]:
    """Each part's name and value; split by hand, for files of 50 MB take the library seconds."""
    boundary = _headers(f"Content-Type: {content_type}").get_boundary("")
    for part in (b"\r\n" + body).split(f"\r\n--{boundary}".encode())[1:-1]:
        head, _, content = part.partition(_BLANK)
        headers = _headers(head.decode(errors="replace").strip())
        name = str(headers.get_param("name", "", header="content-disposition"))
        file_name = headers.get_filename()
        if file_name is None:
            yield name, content.decode(errors="replace")
        else:
            yield name, Upload(file_name, headers.get_content_type(), content_of(content))


def _headers(head: str) -> EmailMessage:
    return HeaderParser(policy=HTTP).parsestr(f"{head}\r\n\r\n")
