"""Servers that are not ours, each in an environment of its own that is made once and kept."""

import fcntl
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread


class NotInstalledError(Exception):
    """An environment could not be made; the text is one line that says why."""


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """*folder* as *make* leaves it: made by one process while others wait, kept for later runs."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    is_whole = folder / "is whole"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            is_whole.touch()
    return folder


def install(command: Sequence[str | Path], *, within: float = 300.0) -> None:
    """Run one step of making an environment.

    Raises:
        NotInstalledError: It failed; the text is the last line that it said.
    """
    try:
        done = subprocess.run(  # noqa: S603  # our own words
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(f"{command[0]}: {type(error).__name__}") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing said").splitlines()
        raise NotInstalledError(said[-1])


@contextmanager
def serving(
    command: Sequence[str | Path],
    announcement: str,
    *,
    environment: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """The address of the server that *command* starts; it follows *announcement* in its output."""
    with subprocess.Popen(  # noqa: S603  # our own words
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=None if environment is None else dict(environment),
    ) as process:
        try:
            address = _announced(process, announcement)
            # What nobody reads fills the pipe, and then the server waits.
            Thread(target=deque, args=(process.stdout, 0), daemon=True).start()
            yield address
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()


def _announced(process: "subprocess.Popen[str]", announcement: str) -> str:
    said = []
    for line in process.stdout or ():
        said.append(line)
        _, found, rest = line.partition(announcement)
        if found:
            return rest.split()[0]
    raise RuntimeError("the server did not start:\n" + "".join(said))
