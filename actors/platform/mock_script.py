"""What the mock agent does with a message, as a script: pure, and the same every time.

A word in the message asks for one of these; the first one counts:

==================  =========================================================================
``mock:help``       lists these words
``mock:fail``       fails every time, as an overloaded platform does
``mock:fail-once``  fails the first time; the same request succeeds when it is tried again
``mock:hang``       says a few words, then nothing more
``mock:cut``        ends its stream in the middle of the answer
``mock:slow``       answers slowly, for about 20 seconds
``mock:confirm``    asks for a yes or a no before it goes on
``mock:empty``      answers nothing
``mock:long``       gives an answer of about 12,000 characters, with code and a table
``mock:status``     says what it is doing while it works
``mock:tool``       uses two tools before it answers
``mock:think``      thinks before it answers, and says what the answer cost
``mock:stopped``    is stopped at its platform in the middle of the answer
``mock:photo``      sends a picture along
``mock:album``      sends three pictures along
``mock:file``       sends a text file along
``mock:voice``      sends a second of silence along, as a voice message
``mock:big``        sends a file of 51 MB along, more than Telegram takes from a bot
==================  =========================================================================
"""

import re
from collections.abc import Iterator
from math import inf

from attrs import field, frozen

from actors.platform.mock_answers import (
    after_confirmation,
    before_confirmation,
    list_of_words,
    long_answer,
    plain_answer,
)
from actors.platform.mock_media import MADE
from protocols.platform import (
    Attachment,
    FailureKind,
    ReasoningDelta,
    Resume,
    StatusLine,
    StreamAsks,
    StreamFinished,
    StreamPart,
    StreamStopped,
    TextDelta,
    ToolCall,
    Usage,
)

FAULT_WORDS = {
    "mock:help": "lists these words",
    "mock:fail": "fails every time, as an overloaded platform does",
    "mock:fail-once": "fails the first time; the same request succeeds when it is tried again",
    "mock:hang": "says a few words, then nothing more",
    "mock:cut": "ends its stream in the middle of the answer",
    "mock:slow": "answers slowly, for about 20 seconds",
    "mock:confirm": "asks for a yes or a no before it goes on",
    "mock:empty": "answers nothing",
    "mock:long": "gives an answer of about 12,000 characters, with code and a table",
    "mock:status": "says what it is doing while it works",
    "mock:tool": "uses two tools before it answers",
    "mock:think": "thinks before it answers, and says what the answer cost",
    "mock:stopped": "is stopped at its platform in the middle of the answer",
    "mock:photo": "sends a picture along",
    "mock:album": "sends three pictures along",
    "mock:file": "sends a text file along",
    "mock:voice": "sends a second of silence along, as a voice message",
    "mock:big": "sends a file of 51 MB along, more than Telegram takes from a bot",
}

SLOW_SECONDS = 20.0
_WORD_PAUSE = 0.015
_LONGEST_SAY = 1.5


@frozen
class Say:
    """Stream *text* word by word; over *seconds* where given, else as fast as the latency says."""

    text: str = field(repr=False)
    seconds: float | None = None


@frozen
class Think:
    """Let some time pass, unless latency is switched off."""

    seconds: float


@frozen
class Fail:
    """Fail the request before the first part; only the first request where ``is_once``."""

    kind: FailureKind
    is_once: bool = False


@frozen
class Send:
    """End with the files *names*; made only then, so that nobody keeps a large one."""

    names: tuple[str, ...]


@frozen
class Hang:
    """Do nothing until the run is cancelled."""


@frozen
class Cut:
    """End the stream here, without a last part."""


Step = Say | Think | Fail | Hang | Cut | Send | StreamPart
Script = tuple[Step, ...]

_SENT = {
    "mock:photo": ("photo",),
    "mock:album": ("photo", "sunrise", "sea"),
    "mock:file": ("notes",),
    "mock:voice": ("voice",),
    "mock:big": ("big",),
}

_WORD = re.compile(r"mock:[a-z]+(?:-[a-z]+)*")


def words(text: str) -> list[str]:
    """*text* in pieces of one word each, with the space behind it; joined they are *text*."""
    return re.findall(r"\S+\s*|\s+", text)


def timed_parts(script: Script, *, has_latency: bool) -> Iterator[tuple[float, StreamPart | None]]:
    """The parts of *script*, each with the seconds before it; None where only time passes."""
    for step in script:
        match step:
            case Say(text, seconds):
                yield from _timed_words(words(text), seconds, has_latency=has_latency)
            case Think(seconds):
                yield seconds if has_latency else 0.0, None
            case Hang():
                yield inf, None
            case Send(names):
                yield 0.0, StreamFinished(tuple(MADE[name]() for name in names))
            case Fail() | Cut():
                pass
            case _:
                yield 0.0, step


def _timed_words(
    pieces: list[str], seconds: float | None, *, has_latency: bool
) -> Iterator[tuple[float, StreamPart]]:
    if seconds is None:
        seconds = min(_LONGEST_SAY, _WORD_PAUSE * len(pieces)) if has_latency else 0.0
    for piece in pieces:
        yield seconds / len(pieces), TextDelta(piece)


def fault_word(text: str) -> str | None:
    """The first documented word in *text*; None if there is none."""
    return next((word for word in _WORD.findall(text) if word in FAULT_WORDS), None)


def script_for(
    text: str,
    *,
    interrupt_id: str,
    attachments: tuple[Attachment, ...] = (),
    resume: Resume | None = None,
) -> Script:
    """What the mock agent does with *text*; *interrupt_id* names the question it may ask."""
    if resume is not None:
        return (Say(after_confirmation(text, resume)), StreamFinished())
    answer = plain_answer(text, attachments)
    says, ends = Say(answer), StreamFinished()
    plain = (says, ends)
    scripts: dict[str | None, Script] = {
        "mock:help": (Say(list_of_words(FAULT_WORDS)), ends),
        "mock:fail": (Fail(FailureKind.OVERLOADED),),
        "mock:fail-once": (Fail(FailureKind.OVERLOADED, is_once=True), *plain),
        "mock:hang": (Say("I begin to answer, and then"), Hang()),
        "mock:cut": (Say(answer[: len(answer) // 2]), Cut()),
        "mock:slow": (Say(answer, SLOW_SECONDS), ends),
        "mock:confirm": (
            Say(before_confirmation(text)),
            StreamAsks(interrupt_id, "Shall the mock agent go on?"),
        ),
        "mock:empty": (ends,),
        "mock:long": (Say(long_answer(text)), ends),
        "mock:status": (*_work_steps(), *plain),
        "mock:tool": (*_tool_steps(), *plain),
        "mock:think": (*_thoughts(), says, StreamFinished(usage=_cost(text, answer))),
        "mock:stopped": (Say(answer[: len(answer) // 2]), StreamStopped()),
        **{word: (says, Send(names)) for word, names in _SENT.items()},
    }
    return scripts.get(fault_word(text), plain)


def _work_steps() -> Script:
    works = ("Reading the question", "Looking through my notes", "Writing the answer")
    lines = [StatusLine(f"{number}/{len(works)} {work}") for number, work in enumerate(works, 1)]
    return tuple(step for line in lines for step in (line, Think(0.8)))


def _tool_steps() -> Script:
    tools = (ToolCall("web_search"), ToolCall("calculator"))
    return tuple(step for tool in tools for step in (tool, Think(0.8)))


def _thoughts() -> Script:
    said = "Somebody wrote to me. I could quote what they wrote. That is what I always do."
    return (*map(ReasoningDelta, words(said)), Think(0.8))


def _cost(text: str, answer: str) -> Usage:
    return Usage("mock-1", len(words(text)), len(words(answer)))
