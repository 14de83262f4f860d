"""Addresses of media on the homeserver; pure."""

import re
from urllib.parse import quote, urlencode, urljoin, urlsplit

_MXC = re.compile(r"mxc://([A-Za-z0-9.:\[\]-]{1,255})/([A-Za-z0-9_~.=-]{1,255})", re.ASCII)
_MIME_TYPE = re.compile(r"[\w.+-]{1,127}/[\w.+-]{1,127}", re.ASCII)
_LONGEST_NAME = 200


def download_paths(mxc: str) -> tuple[str, ...]:
    """Where the homeserver hands out *mxc*, the better way first; none for what is no address.

    Source:
        Client-server API 1.11, "Content repository"; older servers know the second way only.
    """
    found = _MXC.fullmatch(mxc)
    # A part of dots alone would lead out of the folder.
    if found is None or any(not part.strip(".") for part in found.groups()):
        return ()
    place = "/".join(quote(part, safe="") for part in found.groups())
    return (
        f"/_matrix/client/v1/media/download/{place}",
        f"/_matrix/media/v3/download/{place}?allow_redirect=true",
    )


def upload_path(name: str) -> str:
    """Where a file called *name* is brought to; empty for a name that nobody should read."""
    path = "/_matrix/media/v3/upload"
    query = urlencode({"filename": name[:_LONGEST_NAME]}, errors="replace")
    return f"{path}?{query}" if name else path


def content_type(mime_type: str) -> str:
    """*mime_type* as a header may carry it, whoever said it."""
    return mime_type if _MIME_TYPE.fullmatch(mime_type) else "application/octet-stream"


def onward(url: str, location: str) -> str | None:
    """Where an answer of *url* leads on to; None where nobody should go."""
    try:
        place = urljoin(url, location)
        here, there = urlsplit(url), urlsplit(place)
    except ValueError:
        return None
    is_safe = there.scheme == "https" or there.scheme == here.scheme == "http"
    return place if is_safe and there.hostname else None


def is_same_server(url: str, other: str) -> bool:
    """Whether both are of one server, so that what one may know the other may."""
    here, there = urlsplit(url), urlsplit(other)
    return (here.scheme, here.netloc) == (there.scheme, there.netloc)
