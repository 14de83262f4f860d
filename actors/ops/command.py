"""The `debug` subcommand: asks the running program and prints what it says."""

import argparse
import contextlib
import io
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from actors.ops import words
from actors.ops.screen import Screen
from actors.ops.talk import Talk
from actors.ops.words import Request

_INTERRUPTED = 130


def run_debug(
    argv: Sequence[str],
    socket_path: Path,
    plan: Sequence[tuple[str, str]],
    out: TextIO,
    err: TextIO,
    *,
    no_colour: bool = False,
    pause: Callable[[float], object] = time.sleep,
) -> int:
    """Do what ``debug ARGV`` says.

    Args:
        argv: The words after ``debug``.
        socket_path: Where the program listens.
        plan: The tree that would run, in start order: rows of a name and a role.
        out: For answers.
        err: For problems.
        no_colour: The person has set NO_COLOR.
        pause: Waits between two pictures of ``--watch``, in seconds.

    Returns:
        The exit code: 0 done, 1 not done (refused, not running, no answer), 2 a wrong command
        line, 130 interrupted. The tree alone is done also when nothing runs: it shows the plan.
    """
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            said = _said(argv)
    except SystemExit as end:
        return int(end.code or 0)
    screen = Screen(out, err, wants_colours=not no_colour, as_json=said.json)
    talk = Talk(socket_path, plan, screen)
    try:
        return talk.watch(pause) if said.watch else talk.once(said.request)
    except KeyboardInterrupt:
        return 0 if said.watch else _INTERRUPTED
    except BrokenPipeError:
        _leave_quietly(out)
        return 1


def _said(argv: Sequence[str]) -> argparse.Namespace:
    parser = _parser()
    said = parser.parse_args(argv)
    try:
        said.request = said.make(said)
    except ValueError:
        parser.error("too long, empty, or out of range")
    if said.watch and not isinstance(said.request, words.ShowTree):
        parser.error("--watch goes with the tree alone")
    return said


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor.py debug",
        description="Show the live tree of the running program, or do something to it.",
    )
    parser.add_argument("--watch", action="store_true", help="show the tree until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON, for scripts")
    parser.set_defaults(make=lambda _: words.ShowTree())
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, summary, operand, make in _COMMANDS:
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
        command.set_defaults(make=make)
        if operand:
            command.add_argument("operand", metavar=operand, type=_OPERAND_TYPES.get(operand, str))
        if name == "journal":
            command.add_argument(
                "--limit", type=int, default=20, help=f"how many rows, 1 to {words.MOST_ROWS}"
            )
    return parser


_Row = tuple[str, str, str, Callable[[argparse.Namespace], Request]]
_COMMANDS: Sequence[_Row] = (
    ("tree", "the live tree (what is shown without a command)", "", lambda _: words.ShowTree()),
    (
        "restart",
        "end an actor in good order and start it again now",
        "NAME",
        lambda said: words.RestartActor(said.operand),
    ),
    (
        "kill",
        "crash an actor where it stands: the fault drill",
        "NAME",
        lambda said: words.KillActor(said.operand),
    ),
    (
        "stack",
        "where an actor stands now",
        "NAME",
        lambda said: words.ShowStack(said.operand),
    ),
    (
        "journal",
        "the newest messages and what became of them",
        "",
        lambda said: words.ShowJournal(said.limit),
    ),
    ("dead-letters", "what nobody handled", "", lambda _: words.ShowDeadLetters()),
    (
        "retry",
        "run a failed, stopped or set aside message of the journal again",
        "ID",
        lambda said: words.RetryFinished(said.operand),
    ),
    ("access", "who may write, and who knocked", "", lambda _: words.ShowAccess()),
    ("pair", "let in whoever was given this code", "CODE", lambda said: words.LetIn(said.operand)),
    (
        "backup",
        "copy the database to a new file while the program runs",
        "FILE",
        lambda said: words.MakeBackup(os.fspath(Path(said.operand).absolute())),
    ),
)
_OPERAND_TYPES: dict[str, Callable[[str], object]] = {"ID": int}


def _leave_quietly(out: TextIO) -> None:
    """Whoever read *out* has gone: let the interpreter's last flush go nowhere."""
    with contextlib.suppress(io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())
        os.close(nowhere)
