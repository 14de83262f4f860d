"""The `debug` subcommand: asks the running program and prints what it says."""

import argparse
import contextlib
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

from attrs import frozen

from actors.ops import wire
from actors.ops.client import NoAnswerError, NotRunningError, answer_to
from actors.ops.command_line import read_command_line
from actors.ops.matrix_store import Errand, run_errand
from actors.ops.page import Line, Look
from actors.ops.screen import Screen
from actors.ops.tables import page_of
from actors.ops.tree import plan_page
from actors.ops.words import Refused, Request, ShowTree

_INTERRUPTED = 130
_REFRESH_EVERY = 0.5


def run_debug(
    argv: Sequence[str],
    plan: Sequence[tuple[str, str]],
    socket_path: Path,
    matrix_store: Path = Path("matrix_store"),
    *,
    out: TextIO | None = None,
    err: TextIO | None = None,
    pause: Callable[[float], object] = time.sleep,
) -> int:
    """Do what ``debug ARGV`` says to the program that listens at *socket_path*.

    *plan* is the tree that would run, in start order: rows of a name and a role. *matrix_store*
    is the folder of the Matrix secrets. *out* and *err* are the standard streams unless given.
    *pause* waits seconds between two pictures of ``--watch``.

    Returns:
        The exit code: 0 done, 1 not done (refused, not running, no answer), 2 a wrong command
        line, 130 interrupted. The tree alone is done also when nothing runs: it shows the plan.
    """
    is_read = bool(out or sys.stdout)
    out = out or sys.stdout or io.StringIO()  # a closed one is None
    err = err or sys.stderr or io.StringIO()
    said = _said(argv, out, err)
    if isinstance(said, int):
        return said
    screen = _screen(out, err, as_json=said.json)
    if isinstance(said.request, Errand):
        return _done_here(said.request, matrix_store, screen, out if is_read else None)
    return _printed(_Talk(socket_path, plan, screen), said, out, pause)


def _said(argv: Sequence[str], out: TextIO, err: TextIO) -> argparse.Namespace | int:
    """What the command line says, or the exit code where it was help or is wrong."""
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            return read_command_line(argv)
    except SystemExit as end:
        return int(end.code or 0)


def _screen(out: TextIO, err: TextIO, *, as_json: bool) -> Screen:
    # NO_COLOR is the terminal's, as COLUMNS is, and no setting of the program.
    return Screen(out, err, wants_colours=not os.environ.get("NO_COLOR"), as_json=as_json)


def _done_here(errand: Errand, folder: Path, screen: Screen, out: TextIO | None) -> int:
    if out is None:  # what is shown only once would be lost
        screen.complain("the answer cannot be printed: standard output is closed")
        return 1
    try:
        return run_errand(errand, folder, screen)
    except OSError as error:
        return _not_printed(error, screen, out)


@frozen
class _Talk:
    """The client's side of the conversation."""

    socket_path: Path
    plan: Sequence[tuple[str, str]]
    screen: Screen

    def once(self, request: Request) -> int:
        """Ask *request* and print the answer; the exit code."""
        try:
            said = answer_to(request, self.socket_path)
            answer = wire.answer_of(said)
        except NotRunningError:
            return self._say_that_nothing_runs(request)
        except (NoAnswerError, wire.UnreadableAnswerError) as error:
            self.screen.complain(str(error))
            return 1
        if self.screen.as_json:
            self.screen.print_json(said)
        elif isinstance(answer, Refused):
            self.screen.complain("\n".join(line.text for line in page_of(answer, width=80)))
        else:
            self.screen.print_page(page_of(answer, width=self.screen.width))
        return 1 if isinstance(answer, Refused) else 0

    def watch(self, pause: Callable[[float], object]) -> int:
        """Print the tree twice a second, over restarts of the program, until interrupted."""
        while True:
            if self.screen.as_json:
                self.screen.print_json(self._frame_json())
            else:
                self.screen.print_frame(self._frame())
            pause(_REFRESH_EVERY)

    def _frame(self) -> Sequence[Line]:
        try:
            answer = wire.answer_of(answer_to(ShowTree(), self.socket_path))
        except NotRunningError:
            return self._plan_page()
        except (NoAnswerError, wire.UnreadableAnswerError) as error:
            return [Line(str(error), Look.BAD)]
        return page_of(answer, width=self.screen.width)

    def _frame_json(self) -> dict[str, Any]:
        try:
            return answer_to(ShowTree(), self.socket_path)
        except NotRunningError:
            return self._plan_json()
        except NoAnswerError as error:
            return {"answer": "none", "problem": str(error)}

    def _say_that_nothing_runs(self, request: Request) -> int:
        is_tree = isinstance(request, ShowTree)
        if self.screen.as_json:
            self.screen.print_json(self._plan_json())
        elif is_tree:
            self.screen.print_page(self._plan_page())
        else:
            self.screen.complain(self._not_running())
        return 0 if is_tree else 1

    def _not_running(self) -> str:
        return f"not running: nothing listens at {self.socket_path.absolute()}"

    def _plan_page(self) -> Sequence[Line]:
        return [Line(self._not_running(), Look.HEAD), *plan_page(self.plan)]

    def _plan_json(self) -> dict[str, Any]:
        rows = [{"name": name, "role": role} for name, role in self.plan]
        return {"answer": "not running", "socket": str(self.socket_path.absolute()), "plan": rows}


def _printed(
    talk: _Talk, said: argparse.Namespace, out: TextIO, pause: Callable[[float], object]
) -> int:
    try:
        return talk.watch(pause) if said.watch else talk.once(said.request)
    except KeyboardInterrupt:
        return 0 if said.watch else _INTERRUPTED
    except OSError as error:
        return _not_printed(error, talk.screen, out)


def _not_printed(error: OSError, screen: Screen, out: TextIO) -> int:
    if not isinstance(error, BrokenPipeError):
        with contextlib.suppress(OSError):
            screen.complain(f"the answer cannot be printed: {error.strerror}")
    _leave_quietly(out)
    return 1


def _leave_quietly(out: TextIO) -> None:
    """Nothing more can be written to *out*: let the interpreter's last flush go nowhere."""
    with contextlib.suppress(io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())
        os.close(nowhere)
