"""The client's end of the debug socket; light, because `debug` must start in a blink."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from actors.ops import wire
from actors.ops.words import MakeBackup, Request

_ANSWER_WITHIN = 10.0
_BACKUP_WITHIN = 310.0


class NotRunningError(Exception):
    """No program listens at the socket."""


class NoAnswerError(Exception):
    """A program is there, but gives no answer that is of use; the text says why."""


def answer_to(request: Request, socket_path: Path) -> dict[str, Any]:
    """The running program's answer to *request*, as plain JSON.

    Raises:
        NotRunningError: No program listens at *socket_path*.
        NoAnswerError: It does not answer, or may not be asked.
    """
    within = _BACKUP_WITHIN if isinstance(request, MakeBackup) else _ANSWER_WITHIN
    with closing(_connected(socket_path)) as program:
        try:
            program.settimeout(within)
            program.sendall(wire.request_line(request))
            return wire.joined(_lines(program, within=within))
        except TimeoutError as error:
            raise NoAnswerError(f"the program does not answer within {within:.0f} s") from error
        except OSError as error:
            raise NoAnswerError("the program went away before it had answered") from error
        except wire.UnreadableAnswerError as error:
            raise NoAnswerError(f"the running program is of another version: {error}") from error


def _connected(socket_path: Path) -> socket.socket:
    program = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        program.settimeout(_ANSWER_WITHIN)
        program.connect(os.fspath(socket_path))
    except (FileNotFoundError, ConnectionRefusedError) as error:
        program.close()
        raise NotRunningError from error
    except OSError as error:
        program.close()
        raise NoAnswerError(f"{socket_path}: {error.strerror or error}") from error
    return program


def _lines(program: socket.socket, *, within: float) -> Iterator[bytes]:
    """The lines that come; it is an error to want more than there are."""
    ends_at = time.monotonic() + within
    with program.makefile("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            yield line
            if time.monotonic() > ends_at:
                raise TimeoutError
    raise ConnectionError
