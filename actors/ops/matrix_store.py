"""What `debug` does in the folder of the Matrix secrets itself, beside a program or without one.

Light, as all of `debug`: it knows the folder's files by their names alone.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import assert_never

from attrs import frozen

from actors.ops.page import Line
from actors.ops.screen import Screen

_LOGIN = ("crypto", "session.json")
"""In this order: a session without its keys is noticed at the next start, keys without it not."""


@frozen
class PrintRecoveryKey:
    """Print the recovery key of the bot's account, and keep no copy."""


@frozen
class ForgetLogin:
    """Move the login and its keys aside, so that the next start is a new device."""


Errand = PrintRecoveryKey | ForgetLogin


class _NotDoneError(Exception):
    """It was not done; the text says why and what to do."""


def run_errand(errand: Errand, folder: Path, screen: Screen) -> int:
    """Do *errand* in *folder*, print what came of it, and give the exit code.

    Raises:
        OSError: It cannot be printed; then nothing is deleted.
    """
    try:
        match errand:
            case PrintRecoveryKey():
                _print_recovery_key(folder, screen)
            case ForgetLogin():
                _forget_login(folder, screen)
            case _:
                assert_never(errand)
    except _NotDoneError as error:
        if screen.as_json:
            screen.print_json({"answer": "refused", "problem": str(error), "near": []})
        else:
            screen.complain(str(error))
        return 1
    return 0


def _print_recovery_key(folder: Path, screen: Screen) -> None:
    path = folder / "recovery_key"
    try:
        key = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise _NotDoneError(_why_no_recovery_key(folder)) from None
    except OSError as error:
        raise _NotDoneError(f"{path} cannot be read: {error.strerror}") from error
    # Alone on standard output, so that `> FILE` makes what MATRIX_RECOVERY_KEY_FILE wants.
    if screen.as_json:
        screen.print_json({"answer": "recovery-key", "key": key})
    else:
        screen.print_page([Line(key)])
    try:
        path.unlink()
    except OSError as error:
        raise _NotDoneError(f"delete {path}, which this cannot: {error.strerror}") from error
    screen.complain(
        "Keep it safe and to yourself: whoever has it can speak for the bot's account. The program"
        " has no copy any more. A new device of the bot signs itself with it: put it into a file"
        " and name that in MATRIX_RECOVERY_KEY_FILE."
    )


def _why_no_recovery_key(folder: Path) -> str:
    if (folder / "recovery_key.pending").exists():
        return (
            "the recovery key opens nothing yet, as the homeserver has not taken what it opens:"
            " see `debug`, and try again once the log says recovery_key.stored"
        )
    seeds = folder / "cross_signing.json"
    if seeds.exists():
        return (
            "there is no copy here: it was printed already, or the keys were restored with a key"
            f" that you have. If it is lost, keep a copy of {seeds}, which does the same; or reset"
            " the account's identity in another app, which shows a new one"
        )
    return (
        f"no recovery key was made yet in {folder}: the program makes it when it has logged in to"
        " Matrix for the first time"
    )


def _forget_login(folder: Path, screen: Screen) -> None:
    kept = [name for name in _LOGIN if (folder / name).exists()]
    try:
        aside = _moved_aside(folder, kept) if kept else None
    except OSError as error:
        raise _NotDoneError(f"{folder} cannot be changed: {error.strerror}") from error
    if screen.as_json:
        screen.print_json({"answer": "login-forgotten", "moved_to": str(aside) if aside else ""})
        return
    done = f"moved to {aside}" if aside else f"no login is kept in {folder}"
    screen.print_page(
        [
            Line(f"forgotten: {done}"),
            Line("The next start, or `debug restart matrix`, logs in as a new device: with"),
            Line(
                "MATRIX_PASSWORD and without MATRIX_DEVICE_ID, or with a new MATRIX_ACCESS_TOKEN."
            ),
        ]
    )


def _moved_aside(folder: Path, names: list[str]) -> Path:
    with _held(folder):
        aside = folder / time.strftime("before-%Y-%m-%d-%H%M%S")
        aside.mkdir(mode=0o700)
        for name in names:
            (folder / name).replace(aside / name)
    return aside


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the lock that the program holds while it works with the keys."""
    handle = os.open(folder / "crypto.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise _NotDoneError(
            f"the running program works with the login in {folder}: stop it first"
        ) from None
    finally:
        os.close(handle)
