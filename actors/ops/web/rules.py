"""What values of a push may be, and taking them out of unknown JSON. Pure."""

import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from attrs import define, field, frozen

from actors.ops.web.problems import Fault
from protocols.pushes import AgentEventKind

T = TypeVar("T")

MOST_ATTACHMENTS = 20
_LONGEST_URL = 2048
_PAST_NUMBERS = 2**63
"""SQLite's integers end here."""


@frozen
class Rule(Generic[T]):
    """What a value may be: *check* gives it as we keep it, None for a value that breaks the rule.

    Args:
        instead: What is gone on with once the rule is broken; the event is refused anyway.
    """

    check: Callable[[Any], T | None]
    words: str
    instead: T


@define
class Reading:
    """Takes values out of JSON objects, and writes down which ones are wrong."""

    faults: list[Fault] = field(factory=list)

    def take(self, said: dict[str, Any], name: str, rule: Rule[T], *, at: str) -> T:
        """The value *name* of the object at the JSON pointer *at*."""
        found = rule.check(said.get(name))
        if found is not None:
            return found
        fault = Fault(f"{at}/{name}", rule.words)
        if fault not in self.faults:
            self.faults.append(fault)
        return rule.instead

    def take_if_there(self, said: dict[str, Any], name: str, rule: Rule[T], *, at: str) -> T | None:
        """The same, or None where there is none."""
        return None if said.get(name) is None else self.take(said, name, rule, at=at)


def matching(pattern: re.Pattern[str]) -> Callable[[Any], str | None]:
    """The check for a text that is *pattern* from end to end."""
    return lambda said: said if isinstance(said, str) and pattern.fullmatch(said) else None


def _object(said: Any) -> dict[str, Any] | None:
    return said if isinstance(said, dict) else None


def _list(said: Any) -> list[Any] | None:
    return said if isinstance(said, list) and len(said) <= MOST_ATTACHMENTS else None


def _kind(said: Any) -> AgentEventKind | None:
    return AgentEventKind(said) if isinstance(said, str) and said in set(AgentEventKind) else None


def _text(said: Any) -> str | None:
    """The text, mended: no event may be lost for a lone surrogate or a NUL in it."""
    if not isinstance(said, str):
        return None
    whole = said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _count(said: Any) -> int | None:
    if isinstance(said, float) and said.is_integer():
        said = int(said)  # to JSON 2.0 is a whole number
    is_whole = isinstance(said, int) and not isinstance(said, bool)
    return said if is_whole and 0 <= said < _PAST_NUMBERS else None


def _share(said: Any) -> float | None:
    is_number = isinstance(said, int | float) and not isinstance(said, bool)
    return float(said) if is_number and 0 <= said <= 1 else None


def _address(said: Any) -> str | None:
    if not isinstance(said, str) or len(said) > _LONGEST_URL or not _VISIBLE.fullmatch(said):
        return None
    try:
        parts = urlsplit(said)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return None
    return said if is_usable else None


_VISIBLE = re.compile(r"[!-~]+")

OBJECT: Rule[dict[str, Any]] = Rule(_object, "must be an object", {})
KIND = Rule(_kind, f"must be one of {', '.join(AgentEventKind)}", AgentEventKind.TASK_PROGRESS)
TEXT = Rule(_text, "must be a text", "")
COUNT = Rule(_count, "must be a whole number from 0 on", 0)
SHARE = Rule(_share, "must be a number from 0 to 1", 0.0)
FILES: Rule[list[Any]] = Rule(_list, f"must be a list of at most {MOST_ATTACHMENTS}", [])
NAME = Rule(matching(re.compile(r"[!-~]{1,200}")), "must be 1 to 200 visible ASCII characters", "")
USER = Rule(
    # It becomes a part of a room's and of keys: no slash, no space, nothing unseen.
    matching(re.compile(r"[A-Za-z0-9._~:@=+-]{1,128}")),
    "must be 1 to 128 of the ASCII letters, digits and . _ ~ : @ = + -",
    "",
)
ADDRESS = Rule(_address, "must be an address of the web", "")
MIME_TYPE = Rule(
    matching(re.compile(r"[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64}")), "must be a type of file", ""
)
SHA256 = Rule(matching(re.compile(r"[0-9a-f]{64}")), "must be 64 hexadecimal digits", "")
