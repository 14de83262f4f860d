"""What may go wrong with a request to the reference server, on request or by chance; as data."""

import re
from collections.abc import Mapping, Sequence
from math import inf
from random import Random
from typing import Literal

from attrs import define, field, frozen

from tests.rigs.lambda_platform_problems import STATUS, Problem

ANY = r""
START = r"^POST /v1/runs$"
RESUME = r"^GET /v1/runs/[^/]+/events$"
STREAMS = rf"{START}|{RESUME}"
USERS = r"^PUT /v1/users/"

MiB = 1 << 20
GiB = 1 << 30
HTML = b"<!doctype html><html><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>"
GARBAGE = bytes(Random(9).randbytes(4096))


@frozen
class Refused:
    """A problem for an answer; with ``has_effect`` what was asked is done all the same."""

    problem: Problem
    has_effect: bool = False


@frozen
class Page:
    """Any other answer: *body* again and again until there are ``size_bytes`` of it.

    Args:
        size_bytes: 0 sends *body* once.
        claimed_bytes: What ``Content-Length`` says where it is not true; the line is cut then.
    """

    status: int = 200
    content_type: str = "application/json"
    body: bytes = field(default=b"", repr=False)
    size_bytes: int = 0
    claimed_bytes: int | None = None
    has_effect: bool = False


@frozen
class Late:
    """The true answer after so many seconds, the headers too; ``inf`` for never."""

    seconds: float


StreamKind = Literal["drop", "stall", "twice", "swap", "truncate", "garbage", "huge", "leap"]


@frozen
class OnStream:
    """Something happens to a stream of events behind its first *after* ones.

    ``drop`` cuts the line; ``stall`` sends nothing more, no ping either; ``truncate`` cuts it in
    the middle of an event; ``garbage`` sends bytes that are no events, and cuts it; ``huge``
    sends an event of ``size_bytes``; ``leap`` leaves an event out; ``twice`` sends each event
    twice; ``swap`` sends the events two by two in the wrong order.
    """

    kind: StreamKind
    after: int = 0
    size_bytes: int = 10 * MiB


Fault = Refused | Page | Late | OnStream


def refused(name: str, *, retry_after: int | None = None, has_effect: bool = False) -> Refused:
    """The problem of that name."""
    return Refused(Problem(name, STATUS[name], retry_after), has_effect)


def status(code: int, *, retry_after: int | None = None, has_effect: bool = False) -> Refused:
    """A problem that has no name."""
    return Refused(Problem(None, code, retry_after), has_effect)


def overloaded(retry_after: int = 1) -> Refused:
    """503 with ``Retry-After``."""
    return refused("overloaded", retry_after=retry_after)


def unauthorized() -> Refused:
    """401."""
    return refused("unauthorized")


def hang() -> Late:
    """Nothing at all, for as long as the line stays."""
    return Late(inf)


def html_page(code: int = 200) -> Page:
    """A page as a proxy sends it."""
    return Page(code, "text/html", HTML)


def empty() -> Page:
    """A success without a body."""
    return Page()


def garbage() -> Page:
    """A success whose body is noise."""
    return Page(body=GARBAGE)


def truncated_json(*, has_effect: bool = False) -> Page:
    """A success whose JSON ends in the middle, with the line."""
    body = b'{"run_id": "0b9e2a4c-'
    return Page(body=body, claimed_bytes=4096, has_effect=has_effect)


def huge(size_bytes: int = GiB, content_type: str = "application/json") -> Page:
    """A success that does not end for long."""
    return Page(content_type=content_type, body=b" " * (1 << 16), size_bytes=size_bytes)


@define
class Rule:
    """A fault for requests that *pattern* is found in, as ``GET /path`` without the query.

    Args:
        times: For so many requests; 0 for all of them.
        after: Not for the first so many.
    """

    fault: Fault
    pattern: str
    times: int = 1
    after: int = 0


@define
class FaultPlan:
    """Which request goes wrong, and how: the rules in their order, then drops, then chance."""

    rules: list[Rule] = field(factory=list)
    _chances: Mapping[Fault, float] = field(factory=dict)
    _patterns: Sequence[str] = ()
    _drops: tuple[int, int] | None = None
    _random: Random = field(factory=lambda: Random(0))

    def want(self, fault: Fault, pattern: str = ANY, *, times: int = 1, after: int = 0) -> None:
        """Let *fault* happen to the next *times* requests that *pattern* is found in."""
        self.rules.append(Rule(fault, pattern, times, after))

    def drop_streams(self, fewest: int, most: int, *, seed: int) -> None:
        """Cut every stream of events behind so many of its events, rolled anew each time."""
        self._drops, self._random = (fewest, most), Random(seed)

    def by_chance(
        self, chances: Mapping[Fault, float], *, seed: int, patterns: Sequence[str] = (ANY,)
    ) -> None:
        """Let each fault happen with its probability to requests that one of *patterns* fits."""
        self._chances, self._patterns, self._random = dict(chances), tuple(patterns), Random(seed)

    def clear(self) -> None:
        """Let nothing more go wrong."""
        self.rules.clear()
        self._chances, self._drops = {}, None

    def next(self, request: str) -> Fault | None:
        """What happens to *request*; a rule is used up by it."""
        for rule in self.rules:
            if not re.search(rule.pattern, request):
                continue
            if rule.after:
                rule.after -= 1
                continue
            if rule.times:
                rule.times -= 1
                if not rule.times:
                    self.rules.remove(rule)
            return rule.fault
        if self._drops is not None and re.search(STREAMS, request):
            return OnStream("drop", self._random.randint(*self._drops))
        return self._drawn(request)

    def _drawn(self, request: str) -> Fault | None:
        if not self._chances or not any(re.search(one, request) for one in self._patterns):
            return None
        drawn = self._random.random()
        for fault, chance in self._chances.items():
            drawn -= chance
            if drawn < 0:
                return fault
        return None
