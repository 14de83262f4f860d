"""The agent behind the reference server: what it does with a message, as the mock agent would.

It knows the mock's words (``actors/platform/mock_script.py``) and these, each as ``mock:word``:

=================  ========================================================================
``reason``         thinks aloud before it answers
``tools``          uses two tools, one of them in pieces that are no JSON
``progress``       tells of its progress by steps, an activity and ``task_progress``
``usage``          says what the answer cost
``choose``         asks with an ``enum`` of three colours; ``pick`` with ``oneOf`` and titles
``ask``            asks for words
``both``           asks two things at once
``brief``          asks for a yes or a no, and takes an answer for a second only
``error``          ends with ``RUN_ERROR`` behind some words; ``refuse`` before any, for good
``busy``           ends with ``RUN_ERROR`` ``overloaded`` before any word
``link``           answers with a file that is named by its address
``unknown``        sends events and fields that nobody knows
``stream=400@20``  400 words, 20 of them a second
=================  ========================================================================
"""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from attrs import frozen

from actors.platform.mock_answers import after_confirmation, plain_answer, quoted
from actors.platform.mock_script import (
    FAULT_WORDS,
    Cut,
    Fail,
    Say,
    Script,
    fault_word,
    script_for,
    timed_parts,
)
from protocols.platform import (
    Attachment,
    ReasoningDelta,
    Resume,
    StreamFinished,
    StreamPart,
    TextDelta,
    Usage,
)
from tests.rigs.lambda_platform_contract import Json

Timed = tuple[float, StreamPart | Json | None]
"""Seconds to wait, and what comes then: a part, an event as it goes over the wire, or nothing."""

COLOURS = ("red", "green", "blue")
TITLES = {"a": "The first", "b": "The second"}
BRIEF_SECONDS = 1.0
YES_OR_NO: Json = {
    "type": "object",
    "required": ["approved"],
    "properties": {"approved": {"type": "boolean"}},
}
_STREAM = re.compile(r"mock:stream=(\d{1,6})@(\d{1,5})")
_WORD = re.compile(r"mock:([a-z]+)\b(?!-)")


@frozen
class Task:
    """What a run is to do."""

    run_id: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    resume: tuple[Json, ...] = ()
    has_latency: bool = False
    link: str = ""


def refusal_of(task: Task, requests: int) -> Fail | None:
    """Why the request for *task* fails, the *requests*-th for it; None where it does not."""
    first = _mock_script(task)[:1]
    match first:
        case (Fail() as fail,) if not task.resume and (requests == 1 or not fail.is_once):
            return fail
    return None


def is_cut(task: Task) -> bool:
    """The run never ends: its stream just breaks off."""
    return any(isinstance(step, Cut) for step in _mock_script(task))


def performance(task: Task) -> Iterator[Timed]:
    """All that the agent does for *task*, in order."""
    if task.resume:
        return iter(_resumed(task))
    if found := _STREAM.search(task.text):
        count, rate = int(found[1]), int(found[2])
        return _streamed(count, rate)
    if fault_word(task.text) is None:
        for word in _WORD.findall(task.text):
            if word in _OWN:
                return iter(_OWN[word](task))
    return timed_parts(_mock_script(task), has_latency=task.has_latency)


def knows(word: str) -> bool:
    """*word*, as ``mock:word``, makes this agent do something."""
    return word in FAULT_WORDS or word.removeprefix("mock:") in _OWN


def _mock_script(task: Task) -> Script:
    if task.resume:
        return ()
    return script_for(
        task.text, interrupt_id=f"confirm-{task.run_id}", attachments=task.attachments
    )


def _streamed(count: int, rate: int) -> Iterator[Timed]:
    for number in range(1, count + 1):
        yield 1 / rate, TextDelta(f"word{number} ")
    yield 0.0, StreamFinished()


def _said(text: str, task: Task) -> list[Timed]:
    return list(timed_parts((Say(text),), has_latency=task.has_latency))


def _plain(task: Task) -> list[Timed]:
    return _said(plain_answer(task.text, task.attachments), task)


def _ended(*rest: Timed, usage: Usage | None = None) -> list[Timed]:
    return [*rest, (0.0, StreamFinished(usage=usage))]


def _resumed(task: Task) -> list[Timed]:
    answers = "\n\n".join(_done_with(entry, task.text) for entry in task.resume)
    return _ended(*_said(answers, task))


def _done_with(entry: Json, text: str) -> str:
    payload = entry.get("payload")
    if entry["status"] == "cancelled":
        return "You did not answer in time, so I left everything as it was."
    match payload:
        case {"approved": bool(approved)}:
            choice = "yes" if approved else "no"
            return after_confirmation(text, Resume(entry["interruptId"], choice))
        case str(choice) if choice in COLOURS or choice in TITLES:
            return f"You chose **{choice}**."
        case str(words):
            return f"You answered:\n\n{quoted(words)}\n"
        case _:
            return after_confirmation(text, Resume(entry["interruptId"], None))


def _reason(task: Task) -> list[Timed]:
    thoughts = ("They ask me something. ", "I look at it from two sides. ", "Now I know.")
    return _ended(*((0.0, ReasoningDelta(thought)) for thought in thoughts), *_plain(task))


def _tool(number: int, name: str, arguments: list[str]) -> list[Timed]:
    call = {"toolCallId": f"tool-{number}"}
    pieces = [{"type": "TOOL_CALL_ARGS", **call, "delta": piece} for piece in arguments]
    result = {"type": "TOOL_CALL_RESULT", **call, "messageId": f"result-{number}"}
    events = [
        {"type": "TOOL_CALL_START", **call, "toolCallName": name},
        *pieces,
        {"type": "TOOL_CALL_END", **call},
        {**result, "content": "42", "role": "tool"},
    ]
    return [(0.0, event) for event in events]


def _tools(task: Task) -> list[Timed]:
    search = _tool(1, "web_search", ['{"query": ', '"apricots"}'])
    return _ended(*search, *_tool(2, "calculator", ['{"a": 1, ']), *_plain(task))


def _progress(task: Task) -> list[Timed]:
    events: list[Json] = [
        {"type": "STEP_STARTED", "stepName": "search"},
        {"type": "STEP_FINISHED", "stepName": "search"},
        {
            "type": "ACTIVITY_SNAPSHOT",
            "messageId": f"activity-{task.run_id}",
            "activityType": "plan",
            "content": {"message": "planning"},
        },
        *(_task_progress(number, 5) for number in range(1, 6)),
    ]
    return _ended(*((0.0, event) for event in events), *_plain(task))


def _task_progress(number: int, of: int) -> Json:
    value = {"message": f"{number}/{of} searching", "fraction": number / of}
    return {"type": "CUSTOM", "name": "task_progress", "value": value}


def _usage(task: Task) -> list[Timed]:
    return _ended(*_plain(task), usage=Usage("rig-1", 1234, 56))


def _question(task: Task, name: str, message: str, schema: Json) -> Json:
    return {
        "id": f"{name}-{task.run_id}",
        "reason": "input_required",
        "message": message,
        "responseSchema": schema,
    }


def _asking(task: Task, *questions: Json) -> list[Timed]:
    outcome = {"type": "interrupt", "interrupts": list(questions)}
    return [
        *_said("I have to ask first.", task),
        (0.0, {"type": "RUN_FINISHED", "outcome": outcome}),
    ]


def _choose(task: Task) -> list[Timed]:
    schema = {"type": "string", "enum": list(COLOURS)}
    return _asking(task, _question(task, "choose", "Which colour?", schema))


def _pick(task: Task) -> list[Timed]:
    options = [{"const": value, "title": title} for value, title in TITLES.items()]
    return _asking(task, _question(task, "pick", "Which one?", {"oneOf": options}))


def _ask(task: Task) -> list[Timed]:
    return _asking(task, _question(task, "ask", "What is your name?", {"type": "string"}))


def _both(task: Task) -> list[Timed]:
    one = _question(task, "one", "Delete the first?", YES_OR_NO)
    return _asking(task, one, _question(task, "other", "Delete the second?", YES_OR_NO))


def _brief(task: Task) -> list[Timed]:
    ends = datetime.fromtimestamp(time.time() + BRIEF_SECONDS, UTC).isoformat()
    return _asking(task, _question(task, "brief", "Quick: yes?", YES_OR_NO) | {"expiresAt": ends})


def _error(task: Task) -> list[Timed]:
    return [*_said("I begin, and then ", task), (0.0, run_error("The tool broke.", "tool_failed"))]


def _refuse(task: Task) -> list[Timed]:  # noqa: ARG001  # one shape for all words
    return [(0.0, run_error("I do not do that.", "policy"))]


def _busy(task: Task) -> list[Timed]:  # noqa: ARG001  # one shape for all words
    return [(0.0, run_error("Later, please.", "overloaded"))]


def run_error(message: str, code: str) -> Json:
    """The event of a run that failed."""
    return {"type": "RUN_ERROR", "message": message, "code": code}


def _link(task: Task) -> list[Timed]:
    file = Attachment("notes.txt", "text/plain", 21, mode="url", location=task.link)
    return [*_plain(task), (0.0, StreamFinished((file,)))]


def _unknown(task: Task) -> list[Timed]:
    events: list[Json] = [
        {"type": "MOOD_CHANGED", "mood": "fine"},
        {"type": "CUSTOM", "name": "confetti", "value": {"colours": 3}},
        {"type": "STATE_SNAPSHOT", "snapshot": {"count": 1}},
        {"type": "RAW", "event": {"anything": [None]}},
        {"type": "TEXT_MESSAGE_START", "messageId": "empty", "role": "assistant"},
        {"type": "TEXT_MESSAGE_END", "messageId": "empty"},
        {"type": "STEP_STARTED", "stepName": "odd", "newField": {"a": 1}},
    ]
    return _ended(*((0.0, event) for event in events), *_plain(task))


_OWN: dict[str, Callable[[Task], list[Timed]]] = {
    "reason": _reason,
    "tools": _tools,
    "progress": _progress,
    "usage": _usage,
    "choose": _choose,
    "pick": _pick,
    "ask": _ask,
    "both": _both,
    "brief": _brief,
    "error": _error,
    "refuse": _refuse,
    "busy": _busy,
    "link": _link,
    "unknown": _unknown,
}
