"""What may go wrong with a call to the Bot API server, on request or by chance."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Literal

from attrs import define, evolve, field, frozen

from tests.rigs.telegram_content import Content, content_of

Json = dict[str, Any]
Ending = Literal["sent", "reset", "truncated", "stalled", "hang"]
Scope = Literal["chat", "bot"]

CONFLICT = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)
TOO_LARGE = "Request Entity Too Large"
BAD_GATEWAY = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n"
    b"</body>\r\n</html>\r\n"
)


class RefusedError(Exception):
    """The server does not do it; *description* is Telegram's own text."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description
        self.parameters = parameters


def bad_request(words: str, parameters: Json | None = None) -> RefusedError:
    """Code 400; *words* follow ``Bad Request:``."""
    return RefusedError(400, f"Bad Request: {words}", parameters)


@frozen
class Reply:
    """One HTTP answer."""

    status: int
    body: Content = field(converter=content_of, repr=False)
    content_type: str = "application/json"
    description: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def success(result: object) -> Reply:
    """The answer to a call that did what it should."""
    return Reply(200, json.dumps({"ok": True, "result": result}).encode())


def refusal(code: int, description: str, parameters: Json | None = None) -> Reply:
    """The answer to a call that did nothing."""
    body: Json = {"ok": False, "error_code": code, "description": description}
    if parameters is not None:
        body["parameters"] = parameters
    return Reply(code, json.dumps(body).encode(), description=description)


def flood(retry_after: int, *, has_parameters: bool = True) -> Reply:
    """The answer to too many calls; without parameters only the text says how long to wait."""
    said = f"Too Many Requests: retry after {retry_after}"
    reply = refusal(429, said, {"retry_after": retry_after} if has_parameters else None)
    return evolve(reply, headers=(("Retry-After", str(retry_after)),) if has_parameters else ())


@frozen
class Fault:
    """What happens to one call.

    Args:
        reply: Sent instead of the true answer; None leaves the true one.
        has_effect: Whether the call did what it should all the same.
        delay: Wait before the answer.
        penalty: How long the calls of *scope* are inside a penalty from then on.
    """

    name: str
    reply: Reply | None = None
    ending: Ending = "sent"
    has_effect: bool = False
    delay: float = 0.0
    penalty: int = 0
    scope: Scope = "chat"


def too_many(retry_after: int = 3, *, scope: Scope = "chat", has_parameters: bool = True) -> Fault:
    """429; until it is over every call in that chat (or of the bot) counts as inside a penalty."""
    reply = flood(retry_after, has_parameters=has_parameters)
    return Fault("429", reply, penalty=retry_after, scope=scope)


def refused(code: int, description: str, parameters: Json | None = None) -> Fault:
    """Any refusal, in Telegram's form."""
    return Fault(str(code), refusal(code, description, parameters))


def entities_refused() -> Fault:
    """Telegram dislikes the formatting, whatever it is."""
    said = (
        "Bad Request: can't parse entities: Can't find end of the entity starting at byte offset 0"
    )
    return refused(400, said)


def conflict() -> Fault:
    """409 as if somebody else polled."""
    return refused(409, CONFLICT)


def server_error(*, after: bool = False) -> Fault:
    """500 in Telegram's form, before or after the effect."""
    return Fault("500", refusal(500, "Internal Server Error"), has_effect=after)


def bad_gateway(*, after: bool = False) -> Fault:
    """502 with HTML, before or after the effect."""
    reply = Reply(502, BAD_GATEWAY, "text/html", "Bad Gateway")
    return Fault("502", reply, has_effect=after)


def reset(*, after: bool = False) -> Fault:
    """The connection is reset instead of an answer, before or after the effect."""
    return Fault("reset after" if after else "reset", ending="reset", has_effect=after)


def hang(*, after: bool = False) -> Fault:
    """No answer until the client gives up, before or after the effect."""
    return Fault("hang after" if after else "hang", ending="hang", has_effect=after)


def malformed(body: bytes = b'{"ok":tru', *, after: bool = True) -> Fault:
    """A success whose body is not the JSON that it should be."""
    return Fault("malformed", Reply(200, body), has_effect=after)


def truncated() -> Fault:
    """The connection ends in the middle of the true answer's body, so after the effect."""
    return Fault("truncated", ending="truncated", has_effect=True)


def stalled() -> Fault:
    """Nothing more comes in the middle of the true answer's body, and the connection stays."""
    return Fault("stalled", ending="stalled", has_effect=True)


def slow(delay: float) -> Fault:
    """The true answer, late."""
    return Fault("slow", has_effect=True, delay=delay)


@define
class Wanted:
    """A fault for the next *times* calls that *fits* accepts."""

    fault: Fault
    fits: Callable[[str, Json], bool] = field(repr=False)
    times: int = 1


@define
class FaultPlan:
    """Which call goes wrong, and how: first the wanted faults in their order, then chance."""

    wanted: list[Wanted] = field(factory=list)
    _chances: Mapping[Fault, float] = field(factory=dict)
    _methods: frozenset[str] = frozenset()
    _random: Random = field(factory=lambda: Random(0))

    def want(self, fault: Fault, fits: Callable[[str, Json], bool], times: int) -> None:
        """Let *fault* happen to the next *times* calls that *fits* accepts."""
        self.wanted.append(Wanted(fault, fits, times))

    def by_chance(
        self, chances: Mapping[Fault, float], *, seed: int, methods: frozenset[str] = frozenset()
    ) -> None:
        """Let each fault happen with its probability; no *methods* means every one."""
        self._chances, self._methods, self._random = dict(chances), methods, Random(seed)

    def next(self, method: str, params: Json) -> Fault | None:
        """What happens to this call; a wanted fault is used up by it."""
        for one in self.wanted:
            if one.fits(method, params):
                one.times -= 1
                if not one.times:
                    self.wanted.remove(one)
                return one.fault
        return self._drawn() if not self._methods or method.lower() in self._methods else None

    def _drawn(self) -> Fault | None:
        if not self._chances:
            return None
        drawn = self._random.random()
        for fault, chance in self._chances.items():
            drawn -= chance
            if drawn < 0:
                return fault
        return None
