"""What may go wrong between the program and its homeserver, on request or by chance."""

import re
from collections.abc import Mapping, Sequence
from random import Random

from attrs import define, field, frozen

from tests.rigs.matrix_http import Ending, Reply, as_json

SYNC = r"^GET /_matrix/client/v3/sync$"
SEND = r"^PUT /_matrix/client/v3/rooms/[^/]+/send/"
KEYS_UPLOAD = r"^POST /_matrix/client/v3/keys/upload"
KEYS_QUERY = r"^POST /_matrix/client/v3/keys/query$"
KEYS_CLAIM = r"^POST /_matrix/client/v3/keys/claim$"
TO_DEVICE = r"^PUT /_matrix/client/v3/sendToDevice/"
MEDIA = r"^(GET|POST) /_matrix/(media|client/v1/media)/"
ANY = r""

_BAD_GATEWAY = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    b"<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n"
)


@frozen
class Fault:
    """What happens to one call.

    Args:
        reply: Sent instead of the true answer; None leaves the true one.
        has_effect: Whether the call reached the homeserver all the same.
        delay: Wait before the answer.
        penalty: How long calls that the same rule fits are inside a penalty from then on.
    """

    name: str
    reply: Reply | None = None
    ending: Ending = "sent"
    has_effect: bool = False
    delay: float = 0.0
    penalty: float = 0.0


def server_error(*, after: bool = False) -> Fault:
    """500 in the specification's form, before or after the effect."""
    reply = as_json(500, {"errcode": "M_UNKNOWN", "error": "Internal server error"})
    return Fault("500", reply, has_effect=after)


def bad_gateway(*, after: bool = False) -> Fault:
    """502 with HTML, as a proxy says it, before or after the effect."""
    reply = Reply(502, (("Content-Type", "text/html"),), _BAD_GATEWAY)
    return Fault("502", reply, has_effect=after)


def too_many(retry_after: float, *, has_body: bool = True) -> Fault:
    """429; until it is over every call that its rule fits counts as inside a penalty.

    Args:
        retry_after: In seconds.
        has_body: Says how long in ``retry_after_ms``; else only in the header, in whole seconds.
    """
    said: dict[str, object] = {"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests"}
    if has_body:
        said["retry_after_ms"] = round(retry_after * 1000)
    reply = as_json(429, said, ("Retry-After", str(-int(-retry_after // 1))))
    return Fault("429", reply, penalty=retry_after)


def reset(*, after: bool = False) -> Fault:
    """The connection is reset instead of an answer, before or after the effect."""
    return Fault("reset after" if after else "reset", ending="reset", has_effect=after)


def garbage(body: bytes = b"<html>Welcome to our network!</html>", *, after: bool = False) -> Fault:
    """A success whose body is not the JSON that it should be."""
    return Fault("garbage", Reply(200, (("Content-Type", "text/html"),), body), has_effect=after)


def half() -> Fault:
    """The connection ends in the middle of the true answer, so after the effect."""
    return Fault("half", ending="half", has_effect=True)


def slow(delay: float) -> Fault:
    """The true answer, late."""
    return Fault("slow", has_effect=True, delay=delay)


@define
class Rule:
    """A fault for calls that *pattern* is found in, as ``GET /path`` without the query.

    Args:
        times: For so many calls; 0 for all of them.
        after: Not for the first so many.
    """

    fault: Fault
    pattern: str
    times: int = 1
    after: int = 0


@define
class FaultPlan:
    """Which call goes wrong, and how: first the rules in their order, then chance."""

    rules: list[Rule] = field(factory=list)
    _chances: Mapping[Fault, float] = field(factory=dict)
    _patterns: Sequence[str] = ()
    _random: Random = field(factory=lambda: Random(0))

    def by_chance(
        self, chances: Mapping[Fault, float], *, seed: int, patterns: Sequence[str] = (ANY,)
    ) -> None:
        """Let each fault happen with its probability to calls that one of *patterns* fits."""
        self._chances, self._patterns, self._random = dict(chances), tuple(patterns), Random(seed)

    def next(self, call: str) -> tuple[Fault, str] | None:
        """What happens to *call*, and by which pattern; a rule is used up by it."""
        for rule in self.rules:
            if not re.search(rule.pattern, call):
                continue
            if rule.after:
                rule.after -= 1
                continue
            if rule.times:
                rule.times -= 1
                if not rule.times:
                    self.rules.remove(rule)
            return rule.fault, rule.pattern
        return self._drawn(call)

    def _drawn(self, call: str) -> tuple[Fault, str] | None:
        pattern = next((one for one in self._patterns if re.search(one, call)), None)
        if pattern is None or not self._chances:
            return None
        drawn = self._random.random()
        # Servers limit what is sent together, and all else apart.
        like_it = pattern if pattern == SEND else f"^{re.escape(call)}$"
        for fault, chance in self._chances.items():
            drawn -= chance
            if drawn < 0:
                return fault, like_it
        return None
