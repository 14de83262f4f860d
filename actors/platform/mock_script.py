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
==================  =========================================================================
"""

import re
from collections.abc import Iterator
from math import inf
from typing import assert_never

from attrs import field, frozen

from actors.platform.mock_answers import (
    after_confirmation,
    before_confirmation,
    list_of_words,
    long_answer,
    plain_answer,
)
from protocols.platform import (
    Attachment,
    FailureKind,
    Resume,
    StatusLine,
    StreamAsks,
    StreamFinished,
    StreamPart,
    TextDelta,
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
class Hang:
    """Do nothing until the run is cancelled."""


@frozen
class Cut:
    """End the stream here, without a last part."""


Step = Say | Think | Fail | Hang | Cut | StatusLine | StreamFinished | StreamAsks
Script = tuple[Step, ...]

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
            case StatusLine() | StreamFinished() | StreamAsks():
                yield 0.0, step
            case Fail() | Cut():
                pass
            case _:
                assert_never(step)


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
    plain = (Say(answer), StreamFinished())
    scripts: dict[str | None, Script] = {
        "mock:help": (Say(list_of_words(FAULT_WORDS)), StreamFinished()),
        "mock:fail": (Fail(FailureKind.OVERLOADED),),
        "mock:fail-once": (Fail(FailureKind.OVERLOADED, is_once=True), *plain),
        "mock:hang": (Say("I begin to answer, and then"), Hang()),
        "mock:cut": (Say(answer[: len(answer) // 2]), Cut()),
        "mock:slow": (Say(answer, SLOW_SECONDS), StreamFinished()),
        "mock:confirm": (
            Say(before_confirmation(text)),
            StreamAsks(interrupt_id, "Shall the mock agent go on?"),
        ),
        "mock:empty": (StreamFinished(),),
        "mock:long": (Say(long_answer(text)), StreamFinished()),
        "mock:status": (*_work_steps(), *plain),
    }
    return scripts.get(fault_word(text), plain)


def _work_steps() -> Script:
    works = ("Reading the question", "Looking through my notes", "Writing the answer")
    lines = [StatusLine(f"{number}/{len(works)} {work}") for number, work in enumerate(works, 1)]
    return tuple(step for line in lines for step in (line, Think(0.8)))
