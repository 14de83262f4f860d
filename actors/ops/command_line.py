"""What may stand behind `debug` on the command line."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from actors.ops import matrix_store, words
from actors.ops.matrix_store import Errand
from actors.ops.words import Request


def read_command_line(argv: Sequence[str]) -> argparse.Namespace:
    """The ``request`` in *argv*, and whether to ``watch`` it and to print it as ``json``.

    It is one to the running program, or an ``Errand`` that needs none.

    Raises:
        SystemExit: With 2 where *argv* is wrong and 0 where it asks for help, after saying so.
    """
    parser = _parser()
    said = parser.parse_args(argv)
    try:
        said.request = said.make(said)
    except ValueError as error:
        parser.error(str(error))
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
        if name == "tree":
            command.add_argument("--watch", action="store_true", default=argparse.SUPPRESS)
        if name == "journal":
            command.add_argument(
                "--limit", type=int, default=20, help=f"how many rows, 1 to {words.MOST_ROWS}"
            )
    return parser


_Row = tuple[str, str, str, Callable[[argparse.Namespace], Request | Errand]]
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
    (
        "matrix-recovery-key",
        "print the recovery key of the bot's Matrix account, once",
        "",
        lambda _: matrix_store.PrintRecoveryKey(),
    ),
    (
        "matrix-login",
        "forget the Matrix login and its keys: the next start is a new device",
        "",
        lambda _: matrix_store.ForgetLogin(),
    ),
)
_OPERAND_TYPES: dict[str, Callable[[str], object]] = {"ID": int}
