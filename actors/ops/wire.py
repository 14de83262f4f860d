"""The debug socket's JSON lines. Pure: no I/O, no clock.

A client sends one request, ``{"do": "restart", "name": "matrix"}``, and gets one answer,
``{"answer": "restarted", "path": "matrix"}``. The actors of a tree come before it in lines of
their own, ``{"answer": "actors", …}``, so that a large tree is never encoded in one go.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import attrs

from actors.ops import words
from actors.ops.words import Answer, Refused, Request, Tree

MOST_REQUEST_BYTES = 8192
ACTORS_A_LINE = 50

REQUESTS: Mapping[str, type[Request]] = {
    "tree": words.ShowTree,
    "restart": words.RestartActor,
    "kill": words.KillActor,
    "stack": words.ShowStack,
    "journal": words.ShowJournal,
    "dead-letters": words.ShowDeadLetters,
    "retry": words.RetryFinished,
    "access": words.ShowAccess,
    "pair": words.LetIn,
    "backup": words.MakeBackup,
}
ANSWERS: Mapping[str, type[Answer]] = {
    "tree": words.Tree,
    "restarted": words.Restarted,
    "killed": words.Killed,
    "stack": words.Stack,
    "journal": words.Journal,
    "dead-letters": words.DeadLetters,
    "retried": words.Retried,
    "access": words.Access,
    "paired": words.LetInDone,
    "backup": words.BackupDone,
    "refused": words.Refused,
}
_WORD_OF: Mapping[type, str] = {kind: word for word, kind in (*REQUESTS.items(), *ANSWERS.items())}


class UnreadableAnswerError(ValueError):
    """The program speaks another dialect than this client: it runs another version."""


def request_line(request: Request) -> bytes:
    """*request* as its line."""
    return _line({"do": _WORD_OF[type(request)], **attrs.asdict(request)})


def request_of(line: bytes) -> Request | Refused:
    """The request in *line*, which ends anywhere at or before its line feed, or why it is none."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return Refused("the request is not JSON")
    match said:
        case {"do": str(word), **arguments} if word in REQUESTS:
            return _request(word, {str(name): value for name, value in arguments.items()})
        case _:
            return Refused(f'the request needs "do", one of: {", ".join(REQUESTS)}')


def _request(word: str, arguments: dict[str, Any]) -> Request | Refused:
    try:
        return REQUESTS[word](**arguments)
    except (TypeError, ValueError):
        # The error's own text shows the value, and a value may be a pairing code.
        names = ", ".join(one.name for one in attrs.fields(REQUESTS[word])) or "no arguments"
        return Refused(f"{word} takes {names}; something there is missing or wrong")


def answer_lines(answer: Answer) -> Iterator[bytes]:
    """*answer* as its lines; each is made only when it is asked for."""
    if isinstance(answer, Tree):
        for start in range(0, len(answer.actors), ACTORS_A_LINE):
            part = answer.actors[start : start + ACTORS_A_LINE]
            yield _line({"answer": "actors", "actors": [_flat(view) for view in part]})
        answer = attrs.evolve(answer, actors=())
    yield _line({"answer": _WORD_OF[type(answer)], **attrs.asdict(answer)})


def joined(lines: Iterable[bytes]) -> dict[str, Any]:
    """The whole answer in *lines*, as plain JSON: a tree has its actors again."""
    actors: list[Any] = []
    for line in lines:
        match _said(line):
            case {"answer": "actors", "actors": [*part]}:
                actors += part
            case {"answer": "tree"} as tree:
                return tree | {"actors": actors}
            case answer:
                return answer
    raise UnreadableAnswerError("the answer broke off")


def answer_of(said: Mapping[str, Any]) -> Answer:
    """The answer in *said*, which ``joined`` gave; keys that we do not know are left out."""
    kind = ANSWERS.get(str(said.get("answer")))
    if kind is None:
        raise UnreadableAnswerError("an answer of an unknown kind")
    try:
        built: Answer = _built(kind, said)
    except (TypeError, ValueError, AttributeError) as error:
        raise UnreadableAnswerError("an answer with missing or wrong values") from error
    return built


def _line(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _said(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableAnswerError("the answer broke off, or is not JSON") from error
    if not isinstance(said, dict):
        raise UnreadableAnswerError("the answer is no JSON object")
    return said


def _flat(view: attrs.AttrsInstance) -> dict[str, Any]:
    return attrs.asdict(view, recurse=False)


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _built(kind: Any, value: Any) -> Any:
    """*value* as *kind*: a class of ours, a tuple or dict of one type, an option, a plain value."""
    arguments = get_args(kind)
    if get_origin(kind) is tuple:
        return tuple(_built(arguments[0], item) for item in value)
    if get_origin(kind) is dict:
        return {str(key): _built(arguments[1], item) for key, item in value.items()}
    if isinstance(kind, UnionType):
        return None if value is None else _built(arguments[0], value)
    if attrs.has(kind):
        hints = _hints(kind)
        return kind(**{name: _built(hints[name], value[name]) for name in hints if name in value})
    if kind is bool and not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return kind(value)
