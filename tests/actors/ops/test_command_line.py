from pathlib import Path

import pytest

from actors.ops import matrix_store, words
from actors.ops.command_line import read_command_line
from actors.ops.matrix_store import Errand
from actors.ops.words import Request


@pytest.mark.parametrize(
    ("argv", "request_"),
    [
        ("", words.ShowTree()),
        ("tree", words.ShowTree()),
        ("restart matrix", words.RestartActor("matrix")),
        ("kill matrix", words.KillActor("matrix")),
        ("stack matrix", words.ShowStack("matrix")),
        ("journal", words.ShowJournal(20)),
        ("journal --limit 5", words.ShowJournal(5)),
        ("dead-letters", words.ShowDeadLetters()),
        ("retry 7", words.RetryFinished(7)),
        ("access", words.ShowAccess()),
        ("pair K7QX", words.LetIn("K7QX")),
        ("backup /b/copy.db", words.MakeBackup("/b/copy.db")),
        ("backup copy.db", words.MakeBackup(str(Path.cwd() / "copy.db"))),
        ("matrix-recovery-key", matrix_store.PrintRecoveryKey()),
        ("matrix-login", matrix_store.ForgetLogin()),
    ],
)
def test_a_command_line_is_a_request(argv: str, request_: Request | Errand) -> None:
    said = read_command_line(argv.split())

    assert said.request == request_
    assert not said.watch
    assert not said.json


@pytest.mark.parametrize("argv", ["--watch --json", "tree --watch --json", "--json tree --watch"])
def test_options_may_stand_before_or_behind_the_command(argv: str) -> None:
    said = read_command_line(argv.split())

    assert said.watch
    assert said.json


@pytest.mark.parametrize(
    "argv",
    [
        ("dance",),
        ("kill",),
        ("kill", "a", "b"),
        ("kill", ""),
        ("retry", "one"),
        ("retry", "0"),
        ("journal", "--limit", "0"),
        ("journal", "--limit", "5000"),
        ("backup", "a\0b"),
        ("--watch", "journal"),
        ("--watch", "matrix-login"),
        ("matrix-login", "now"),
        ("--colour",),
    ],
)
def test_a_wrong_command_line_is_refused(
    argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        read_command_line(argv)

    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("usage: supervisor.py debug")
