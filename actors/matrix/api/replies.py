"""What a request to the homeserver ends in, and how its answer is read; pure."""

import json
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from attrs import field, frozen

from actors.matrix.api.limits import UNSAID_WAIT

Json = dict[str, Any]

Take = Callable[[bytes], Awaitable[bool]]
"""Takes the next piece of a file; False for: no more."""

NO_JSON = "an answer that is no JSON"

_ERRCODE = re.compile(r"[A-Z][A-Z0-9_.-]{0,63}", re.IGNORECASE | re.ASCII)


@frozen
class Done:
    """The server did it and said *body*."""

    body: Json = field(repr=False)


@frozen
class Limited:
    """Nothing was done: wait for *wait* seconds."""

    wait: float


@frozen
class Unreachable:
    """No answer, or none of the protocol: it may have been done or not."""

    reason: str


@frozen
class BadCertificate(Unreachable):
    """It is not the server that we know, or nobody vouches for it: nothing was said to it."""

    reason: str = "a certificate that does not match"


@frozen
class TokenRefused:
    """The access token is not valid (any more); ``errcode`` may say why."""

    errcode: str = field(default="", eq=False)


@frozen
class Refused:
    """The server will not do this; ``errcode`` is the specification's word for why.

    ``body`` is all that it said, such as what it wants to see first.
    """

    status: int
    errcode: str
    body: Json = field(factory=dict, repr=False, eq=False)

    @property
    def is_strange(self) -> bool:
        """Whether no homeserver said it: a proxy may, while the one behind it restarts."""
        # A homeserver gives a word for every refusal but the wish to see more beside the token.
        return not self.errcode and "flows" not in self.body


Reply = Done | Limited | Unreachable | TokenRefused | Refused


def reply_of(status: int, answer: bytes | None) -> Reply:
    """What an HTTP answer means; None: it is larger than anything that we asked for."""
    if answer is None:
        return Unreachable("an answer that is too large")
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        found = None
    body: Json = found if isinstance(found, dict) else {}
    errcode = _errcode_of(body)
    if status == HTTPStatus.TOO_MANY_REQUESTS or errcode == "M_LIMIT_EXCEEDED":
        return Limited(_wait_of(body))
    # With "flows" it is not the token that is refused: more is wanted beside it.
    is_denied = status == HTTPStatus.UNAUTHORIZED and "flows" not in body
    if errcode == "M_UNKNOWN_TOKEN" or (is_denied and errcode):
        return TokenRefused(errcode)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or errcode == "M_RESOURCE_LIMIT_EXCEEDED":
        return Unreachable(f"{status} {errcode}".strip())
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return Refused(status, errcode, body)
    return Done(body) if isinstance(found, dict) else Unreachable(NO_JSON)


def is_unknown_path(reply: Reply) -> bool:
    """Whether the server does not have the request itself."""
    return isinstance(reply, Refused) and (
        reply.errcode == "M_UNRECOGNIZED" or reply == Refused(HTTPStatus.NOT_FOUND, "")
    )


def _errcode_of(body: Json) -> str:
    """The specification's word for what is wrong; it stands in the tree, so nothing else does."""
    errcode = body.get("errcode")
    return errcode if isinstance(errcode, str) and _ERRCODE.fullmatch(errcode) else ""


def _wait_of(body: Json) -> float:
    wait_ms = body.get("retry_after_ms")
    if not isinstance(wait_ms, int | float) or not 0 < wait_ms < 1e9:  # noqa: PLR2004  # 11 days
        return UNSAID_WAIT
    return wait_ms / 1000


def path_to(*parts: str, **query: str) -> str:
    """The address of a request of the client-server API, its *parts* quoted."""
    path = "/_matrix/client/v3/" + "/".join(quote(part, safe="") for part in parts)
    return f"{path}?{urlencode(query)}" if query else path
