"""The `debug` subcommand: asks the running program and prints what it says."""

import argparse
import contextlib
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from actors.ops.command_line import read_command_line
from actors.ops.screen import Screen
from actors.ops.talk import Talk

_INTERRUPTED = 130


def run_debug(
    argv: Sequence[str],
    socket_path: Path,
    plan: Sequence[tuple[str, str]],
    out: TextIO | None = None,
    err: TextIO | None = None,
    *,
    pause: Callable[[float], object] = time.sleep,
) -> int:
    """Do what ``debug ARGV`` says to the program that listens at *socket_path*.

    *plan* is the tree that would run, in start order, in rows of a name and a role. *out* and
    *err* are the standard streams unless given. *pause* waits seconds between two pictures of
    ``--watch``.

    Returns:
        The exit code: 0 done, 1 not done (refused, not running, no answer), 2 a wrong command
        line, 130 interrupted. The tree alone is done also when nothing runs: it shows the plan.
    """
    out, err = out or sys.stdout, err or sys.stderr
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            said = read_command_line(argv)
    except SystemExit as end:
        return int(end.code or 0)
    # NO_COLOR is the terminal's, as COLUMNS is, and no setting of the program.
    screen = Screen(out, err, wants_colours=not os.environ.get("NO_COLOR"), as_json=said.json)
    return _printed(Talk(socket_path, plan, screen), said, out, pause)


def _printed(
    talk: Talk, said: argparse.Namespace, out: TextIO, pause: Callable[[float], object]
) -> int:
    try:
        return talk.watch(pause) if said.watch else talk.once(said.request)
    except KeyboardInterrupt:
        return 0 if said.watch else _INTERRUPTED
    except BrokenPipeError:
        _leave_quietly(out)
        return 1


def _leave_quietly(out: TextIO) -> None:
    """Whoever read *out* has gone: let the interpreter's last flush go nowhere."""
    with contextlib.suppress(io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())
        os.close(nowhere)
