"""What a person typed: a command, an unknown command, or a message for the agent."""

import re
import unicodedata
from difflib import get_close_matches
from enum import StrEnum

from attrs import field, frozen


class CommandName(StrEnum):
    """The commands that the gateway knows."""

    START = "start"
    HELP = "help"
    NEW = "new"
    CHATS = "chats"
    RENAME = "rename"
    ARCHIVE = "archive"
    STOP = "stop"
    RETRY = "retry"
    STATUS = "status"
    SETTINGS = "settings"
    LINK = "link"
    UNLINK = "unlink"
    DEBUG = "debug"


_NAMES = {name.value: name for name in CommandName}


@frozen
class Command:
    """A command with the text behind it."""

    name: CommandName
    rest: str = field(repr=False, default="")


@frozen
class UnknownCommand:
    """It looks like a command; *near* is what was probably meant."""

    near: CommandName | None = None


@frozen
class ForAgent:
    """Words for the agent, cleaned."""

    text: str = field(repr=False)


@frozen
class Blank:
    """Nothing that could be seen."""


Typed = Command | UnknownCommand | ForAgent | Blank

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_ENDS_OF_LINE = re.compile(r"\r\n?")


def cleaned(text: str) -> str:
    """*text* without control characters other than line ends and tabs, and without surrogates."""
    return _UNWANTED.sub("", _ENDS_OF_LINE.sub("\n", text))


def is_blank(text: str) -> bool:
    """Whether *text* shows nothing: only spaces and invisible characters."""
    return all(char.isspace() or unicodedata.category(char) == "Cf" for char in text.strip())


def typed(text: str, prefixes: tuple[str, ...]) -> Typed:
    """What *text* is on a surface whose commands start with one of *prefixes*.

    ``/usr/bin`` and ``// a comment`` are messages; a lone ``/`` is an unknown command.
    After a prefix other than ``/`` only a known command or a near miss counts, so that
    "!important" stays a message. ``/help@bot`` is ``/help``.
    """
    text = cleaned(text)
    if is_blank(text):
        return Blank()
    start = text.strip()
    for prefix in prefixes:
        if start.startswith(prefix):
            return _after_prefix(start.removeprefix(prefix), text, is_slash=prefix == "/")
    return ForAgent(text)


def _after_prefix(body: str, text: str, *, is_slash: bool) -> Typed:
    if not body:
        return UnknownCommand() if is_slash else ForAgent(text)
    first, _, rest = _split(body)
    name = first.partition("@")[0].lower()
    if not _WORD.fullmatch(name):
        return ForAgent(text)
    if name in _NAMES:
        return Command(_NAMES[name], rest)
    near = _nearest(name)
    if is_slash or near is not None:
        return UnknownCommand(near)
    return ForAgent(text)


def _split(body: str) -> tuple[str, str, str]:
    """The first word, what parts it from the rest, and the rest."""
    found = re.search(r"\s+", body)
    if found is None:
        return body, "", ""
    return body[: found.start()], found.group(), body[found.end() :].strip()


def _nearest(name: str) -> CommandName | None:
    near = get_close_matches(name[:32], _NAMES, n=1, cutoff=0.7)
    return _NAMES[near[0]] if near else None
