import json
import re
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.ops import wire, words
from actors.ops.wire import UnreadableAnswerError
from protocols.lifecycle import ActorState, ActorView
from tests.actors.ops.rig import actor

_OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"
_WORDS = st.text(min_size=1, max_size=60)
_COUNTS = st.integers(min_value=1, max_value=2**63 - 1)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_REQUESTS = st.one_of(
    st.builds(words.ShowTree),
    st.builds(words.RestartActor, _WORDS),
    st.builds(words.KillActor, _WORDS),
    st.builds(words.ShowStack, _WORDS),
    st.builds(words.ShowJournal, st.integers(min_value=1, max_value=words.MOST_ROWS)),
    st.builds(words.ShowDeadLetters),
    st.builds(words.RetryFinished, _COUNTS),
    st.builds(words.ShowAccess),
    st.builds(words.LetIn, _WORDS),
    st.builds(words.MakeBackup, st.just("/var/backups/surfaces.db")),
)
_AGES = st.none() | _FLOATS
_VIEWS = st.builds(ActorView, uptime=_FLOATS, oldest_age=_AGES, in_hand_age=_AGES)
_GLANCES = st.builds(words.JournalGlance, oldest_unfinished_age=_AGES)
_ANSWERS = st.one_of(
    st.builds(
        words.Tree, journal=st.none() | _GLANCES, actors=st.lists(_VIEWS, max_size=3).map(tuple)
    ),
    st.builds(
        words.Journal,
        rows=st.lists(st.builds(words.JournalLine, age=_FLOATS), max_size=3).map(tuple),
        summary=_GLANCES,
    ),
    st.builds(
        words.DeadLetters,
        letters=st.lists(st.builds(words.DeadLetterLine, age=_FLOATS), max_size=3).map(tuple),
    ),
    st.builds(
        words.Access,
        strangers=st.lists(st.builds(words.StrangerLine, age=_FLOATS), max_size=3).map(tuple),
    ),
    st.from_type(words.Restarted),
    st.from_type(words.Killed),
    st.from_type(words.Stack),
    st.from_type(words.Retried),
    st.from_type(words.LetInDone),
    st.from_type(words.BackupDone),
    st.from_type(words.Refused),
)


def _over_the_wire(answer: words.Answer) -> words.Answer:
    return wire.answer_of(wire.joined(wire.answer_lines(answer)))


@given(_REQUESTS)
def test_a_request_arrives_as_it_was_sent(request: words.Request) -> None:
    line = wire.request_line(request)

    assert wire.request_of(line) == request
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")


@given(_ANSWERS)
def test_an_answer_arrives_as_it_was_sent(answer: words.Answer) -> None:
    assert _over_the_wire(answer) == answer


@given(st.binary(max_size=200))
def test_no_line_is_too_strange_to_be_called_malformed(line: bytes) -> None:
    assert isinstance(wire.request_of(line), words.Refused | words.ShowTree)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"tree",
        b"[]",
        b"{}",
        b'{"do": 1}',
        b'{"do": "dance"}',
        b'{"do": "tree", "colour": "red"}',
        b'{"do": "kill"}',
        b'{"do": "kill", "name": ""}',
        b'{"do": "kill", "name": 7}',
        b'{"do": "kill", "name": ["matrix"]}',
        b'{"do": "retry", "id": true}',
        b'{"do": "retry", "id": "7"}',
        b'{"do": "retry", "id": 0}',
        b'{"do": "retry", "id": 9223372036854775808}',
        b'{"do": "retry", "id": ' + b"9" * 5000 + b"}",
        b'{"do": "journal", "limit": 201}',
        b'{"do": "journal", "limit": 1.5}',
        b'{"do": "backup", "file": "surfaces.db"}',
        b'{"do": "backup", "file": "/tmp/a\\u0000b"}',
        b'{"do": "backup", "file": "/tmp/\\ud800"}',
        b'{"do": "pair", "code": "' + b"K" * 5000 + b'"}',
        b"[" * 8000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_request_is_malformed(line: bytes) -> None:
    assert isinstance(wire.request_of(line), words.Refused)


def test_what_is_wrong_with_a_request_is_said_without_its_values() -> None:
    malformed = wire.request_of(b'{"do": "pair", "code": {"secret": "K7QX"}}')

    assert malformed == words.Refused("pair takes code; something there is missing or wrong")


def test_a_file_name_that_is_no_text_still_reaches_the_program() -> None:
    request = words.MakeBackup("/tmp/\udcff.db")  # noqa: S108  # a name only

    assert wire.request_of(wire.request_line(request)) == request


def test_a_tree_is_sent_fifty_actors_a_line() -> None:
    actors = tuple(actor(f"sessions/telegram/{number}") for number in range(120))

    lines = list(wire.answer_lines(words.Tree(1, 120, 0, None, actors=actors)))

    assert [len(json.loads(line)["actors"]) for line in lines] == [50, 50, 20, 0]
    assert [json.loads(line)["answer"] for line in lines] == ["actors", "actors", "actors", "tree"]


def test_a_key_of_a_later_version_is_left_out() -> None:
    assert wire.answer_of({"answer": "killed", "path": "a", "mood": 1}) == words.Killed("a")


def test_a_state_arrives_as_a_state() -> None:
    tree = _over_the_wire(words.Tree(1, 1, 0, None, actors=(actor("a"),)))

    assert isinstance(tree, words.Tree)
    assert tree.actors[0].state is ActorState.UP
    assert isinstance(tree.actors[0], ActorView)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"answer": "song"},
        {"answer": "killed"},
        {"answer": "tree", "pid": "one", "total": 1, "undelivered": 0, "journal": None},
        {"answer": "journal", "rows": [1], "summary": None},
        {"answer": "dead-letters", "letters": [{"kept": "yes"}]},
        {"answer": "journal", "rows": [], "summary": {"rows": 3}},
    ],
)
def test_an_answer_of_another_version_is_said_to_be_unreadable(said: dict[str, object]) -> None:
    with pytest.raises(UnreadableAnswerError):
        wire.answer_of(said)


@pytest.mark.parametrize(
    "lines", [[], [b"[]\n"], [b'{"answer":'], [b"\xff"], [b'{"answer":"actors","actors":[]}\n']]
)
def test_lines_that_are_no_answer_are_said_to_be_unreadable(lines: list[bytes]) -> None:
    with pytest.raises(UnreadableAnswerError):
        wire.joined(lines)


def test_the_documents_list_every_answer_with_its_keys() -> None:
    parts: dict[str, type[attrs.AttrsInstance]] = {
        "tree.actors[]": ActorView,
        "tree.folded[]": words.Folded,
        "tree.journal": words.JournalGlance,
        "journal.summary": words.JournalGlance,
        "journal.rows[]": words.JournalLine,
        "dead-letters.letters[]": words.DeadLetterLine,
        "access.strangers[]": words.StrangerLine,
    }
    kinds = {**wire.ANSWERS, **parts}

    section = _OPERATIONS.read_text().partition("### For scripts")[2].partition("\n## ")[0]
    listed = {
        name: re.findall(r"`(\w+)`", keys)
        for names, keys in re.findall(r"^\| (`.+?) \| (.+) \|$", section, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", names)
    }
    del listed["answer"]

    assert listed == {
        name: [one.name for one in attrs.fields(kind)] for name, kind in kinds.items()
    }
