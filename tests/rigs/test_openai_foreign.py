"""How servers that are not ours are installed, kept and started."""

import os
import sys
from pathlib import Path
from select import select

import pytest

from tests.rigs.openai_foreign import NotInstalledError, install, made_once, serving


def test_an_environment_is_made_once_and_kept(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        folder.mkdir()
        made.append(folder)

    for _ in range(2):
        assert made_once(tmp_path / "cache" / "one", make).is_dir()

    assert made == [tmp_path / "cache" / "one"]


def test_an_environment_whose_making_failed_is_made_anew(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        folder.mkdir()
        (folder / "half").touch()
        raise NotInstalledError("no network")

    with pytest.raises(NotInstalledError):
        made_once(tmp_path / "one", fail)
    folder = made_once(tmp_path / "one", Path.mkdir)

    assert not (folder / "half").exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ([sys.executable, "-c", "raise SystemExit('no such package')"], "no such package"),
        ([sys.executable, "-c", "print('on paper'); raise SystemExit(2)"], "on paper"),
        ([sys.executable, "-c", "raise SystemExit(2)"], "nothing said"),
        (["/no/such/program"], "/no/such/program: FileNotFoundError"),
        ([sys.executable, "-c", "input()"], "EOFError: EOF when reading a line"),
    ],
)
def test_a_step_that_fails_says_why_in_a_line(command: list[str | Path], said: str) -> None:
    with pytest.raises(NotInstalledError, match=f"^{said}$"):
        install(command)


def test_a_step_that_takes_too_long_fails() -> None:
    wait = "import threading; threading.Event().wait()"

    with pytest.raises(NotInstalledError, match="TimeoutExpired"):
        install([sys.executable, "-c", wait], within=0.1)


SERVER = """
import sys
print("a banner", flush=True)
print("INFO: listening on http://127.0.0.1:7 (press a key)", flush=True)
for number in range(20_000):
    print("a line that nobody reads", flush=True)
open(sys.argv[1], "w").write("all is said")
input()
"""


def test_a_server_is_up_once_it_says_where_and_never_waits_for_a_reader(tmp_path: Path) -> None:
    end = tmp_path / "end"
    os.mkfifo(end)
    opened = os.open(end, os.O_RDONLY | os.O_NONBLOCK)

    with serving([sys.executable, "-c", SERVER, end], "listening on ") as address:
        ended, _, _ = select([opened], [], [], 20)
    os.close(opened)

    assert address == "http://127.0.0.1:7"
    assert ended == [opened]


def test_a_server_that_does_not_start_is_told_with_what_it_said() -> None:
    command: list[str | Path] = [sys.executable, "-c", "print('port is in use')"]

    with pytest.raises(RuntimeError, match="port is in use"), serving(command, "listening on "):
        pass
