"""AG-UI's interrupts: one question for a person, and what their answer means; pure."""

import json
from collections.abc import Iterable
from typing import Any

from attrs import field, frozen

from actors.platform.json_values import instant_of, list_of, object_of, text_of
from protocols.platform import FailureKind, PlatformFailedError, Resume, StreamAsks

Json = dict[str, Any]

APPROVE, REJECT = "approve", "reject"
MOST_CHOICES = 20
"""More would be a wall of buttons: such a question is answered in words."""

_MOST_INTERRUPTS = 20
_LONGEST_LABEL = 100
_LONGEST_QUESTION = 4000
_LONGEST_TOKEN = 2**16
"""In bytes."""

_MOST_OF_RESULTS = (_LONGEST_TOKEN, 4000, 400)
"""Characters of each tool's result that a question repeats; the fewer, the longer all of it is."""


@frozen
class Continuation:
    """What the run that goes on is told.

    Args:
        entries: AG-UI's ``resume``.
        messages: What the run before was sent and said, for a server that keeps nothing.
        words: What the person said beside an answer; empty where it is the answer.
    """

    entries: list[Json] = field(repr=False)
    messages: list[Json] = field(repr=False)
    words: str = field(repr=False)


def question_of(interrupts: object, messages: Iterable[Json] = ()) -> StreamAsks:
    """All of *interrupts* as one question.

    Args:
        interrupts: As ``RUN_FINISHED`` has them.
        messages: What a server that keeps nothing needs to see again.

    Raises:
        PlatformFailedError: There is none, or one that cannot be answered.
    """
    asked = [object_of(each) for each in list_of(interrupts)]
    if not asked or len(asked) > _MOST_INTERRUPTS or not all(text_of(i.get("id")) for i in asked):
        raise _broken()
    kept = [_kept(each) for each in asked]
    times = [at for each in asked if (at := instant_of(each.get("expiresAt"))) is not None]
    return StreamAsks(
        _token(kept, list(messages)),
        "\n\n".join(_question(each) for each in asked)[:_LONGEST_QUESTION],
        _choices(kept),
        min(times, default=None),
    )


def continuation_of(resume: Resume, words: str) -> Continuation:
    """What *resume* means, by the token that ``question_of`` gave.

    Raises:
        PlatformFailedError: It is no such token.
    """
    try:
        token = object_of(json.loads(resume.interrupt_id))
    except (ValueError, RecursionError):
        raise _rejected() from None
    kept = [object_of(each) for each in list_of(token.get("i"))]
    if not kept or not all(isinstance(each.get("id"), str) for each in kept):
        raise _rejected()
    answers = [_answer(each, resume.choice, words) for each in kept]
    is_used = any(used for _, used in answers)
    messages = [object_of(message) for message in list_of(token.get("m"))]
    return Continuation([entry for entry, _ in answers], messages, "" if is_used else words)


def _question(interrupt: Json) -> str:
    said = text_of(interrupt.get("message")).strip()
    return said or text_of(interrupt.get("reason")).strip() or "?"


def _kept(interrupt: Json) -> Json:
    """What must be known when the answer comes: the id, the kind of answer and its form."""
    schema = object_of(interrupt.get("responseSchema"))
    properties = object_of(schema.get("properties"))
    kept: Json = {"id": text_of(interrupt.get("id"))}
    if object_of(properties.get("approved")).get("type") == "boolean":
        note = next((name for name, of in properties.items() if _is_text(of)), None)
        return kept | {"k": "approve"} | ({"p": note} if note is not None else {})
    name, options = _options(schema, properties)
    if options:
        return kept | {"k": "choice", "o": options} | ({"p": name} if name is not None else {})
    text = next((name for name, of in properties.items() if _is_text(of)), None)
    return kept | {"k": "text"} | ({"p": text} if text is not None else {})


def _options(schema: Json, properties: Json) -> tuple[str | None, list[list[Any]]]:
    """The property that is chosen, None for the whole answer, and its options as [label, value]."""
    options = _options_in(schema)
    if options or len(properties) != 1:
        return None, options
    ((name, only),) = properties.items()
    return name, _options_in(object_of(only))


def _options_in(schema: Json) -> list[list[Any]]:
    values = [(_label(value), value) for value in list_of(schema.get("enum"))]
    titled = list_of(schema.get("oneOf")) or list_of(schema.get("anyOf"))
    values += [
        (text_of(one.get("title")).strip() or _label(one["const"]), one["const"])
        for one in titled
        if isinstance(one, dict) and "const" in one
    ]
    labelled: dict[str, Any] = {}
    for label, value in values:
        labelled.setdefault(label[:_LONGEST_LABEL].strip(), value)
    return [[label, value] for label, value in labelled.items() if label]


def _label(value: object) -> str:
    return text_of(value).strip() if isinstance(value, str) else json.dumps(value)


def _is_text(schema: object) -> bool:
    return object_of(schema).get("type") == "string"


def _choices(kept: list[Json]) -> tuple[str, ...]:
    """The words that answer all of them alike; none where they differ or are too many."""
    offered = {_words_for(each) for each in kept}
    if len(offered) != 1:
        return ()
    (words,) = offered
    return words if len(words) <= MOST_CHOICES else ()


def _words_for(kept: Json) -> tuple[str, ...]:
    if kept["k"] == "approve":
        return (APPROVE, REJECT)
    return tuple(label for label, _ in kept.get("o", []))


def _answer(kept: Json, choice: str | None, words: str) -> tuple[Json, bool]:
    """The entry for one interrupt, and whether the words are in it."""
    entry = {"interruptId": kept["id"], "status": "resolved"}
    said, name = (words if choice is None else choice).strip(), kept.get("p")
    if not said:  # nobody answered in time
        return entry | {"status": "cancelled"}, True
    match kept.get("k"):
        case "approve":
            if said.casefold() in {APPROVE, REJECT}:
                return entry | {"payload": {"approved": said.casefold() == APPROVE}}, True
            note = {name: words} if isinstance(name, str) else {}
            return entry | {"payload": {"approved": False} | note}, bool(note)
        case "choice":
            for option in list_of(kept.get("o")):
                match option:
                    case [str(label), value] if label.casefold() == said.casefold():
                        payload = {name: value} if isinstance(name, str) else value
                        return entry | {"payload": payload}, True
            return entry | {"status": "cancelled"}, False
        case _:
            payload = {name: said} if isinstance(name, str) else said
            return entry | {"payload": payload}, True


def _token(kept: list[Json], messages: list[Json]) -> str:
    for most in _MOST_OF_RESULTS if messages else ():
        token = _written({"i": kept, "m": [_cut(message, most) for message in messages]})
        if _fits(token):
            return token
    token = _written({"i": kept})
    if not _fits(token):
        raise _broken()
    return token


def _cut(message: Json, most: int) -> Json:
    """*message*; what a tool gave is cut: agents call it again, and go on without it."""
    content = message.get("content")
    if message.get("role") != "tool" or not isinstance(content, str) or len(content) <= most:
        return message
    return message | {"content": f"{content[:most]}…"}


def _written(token: Json) -> str:
    """As short as it can be, with nothing in it that no store takes."""
    text = json.dumps(token, ensure_ascii=False)
    return text if text_of(text) == text else json.dumps(token)


def _fits(token: str) -> bool:
    return len(token.encode()) <= _LONGEST_TOKEN


def _broken() -> PlatformFailedError:
    return PlatformFailedError(FailureKind.BROKEN, is_retryable=False)


def _rejected() -> PlatformFailedError:
    return PlatformFailedError(FailureKind.REJECTED, is_retryable=False)
