"""The table of contents keeps its word, and the documents keep theirs about it."""

import re
from pathlib import Path

import pytest

from actors.config import load_settings
from actors.environment import systemd
from actors.kernel.supervision import Supervisor
from actors.plan import plan
from actors.terminal.opening import Terminal, open_terminal
from supervisor import main, tree

_ROOT = Path(__file__).parents[1]
_MATRIX = {
    "MATRIX_HOMESERVER": "http://127.0.0.1:1",
    "MATRIX_USER_ID": "@bot:here",
    "MATRIX_PASSWORD": "hunter2",
}
_OUTSIDE = {"OPS_ALERTS": "telegram:42", "NOTIFY_SOCKET": "@here"}
_TELEGRAM = {"TELEGRAM_BOT_TOKEN": "42:token"}


def _rows(environment: dict[str, str], terminal: Terminal | None) -> list[tuple[str, str]]:
    s = load_settings(environment)
    specs = tree(s, terminal, s.seen_from_outside(systemd(environment)), Supervisor([]))
    return [(spec.id, spec.role) for spec in specs]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setattr("sys.stdout", None)
    return open_terminal(None, "nobody")


def test_the_plan_is_the_tree(terminal: Terminal) -> None:
    assert plan({}) == _rows({}, terminal)
    assert plan(_MATRIX) == _rows(_MATRIX, None)
    assert plan({"OPS_BIND": ""}) == _rows({"OPS_BIND": ""}, terminal)
    assert plan(_OUTSIDE) == _rows(_OUTSIDE, terminal)
    assert plan(_MATRIX | _TELEGRAM, with_terminal=True) == _rows(_MATRIX | _TELEGRAM, terminal)


def test_the_architecture_shows_the_tree_as_it_is() -> None:
    text = (_ROOT / "docs" / "architecture.md").read_text()

    shown = re.findall(r"^[├└]── (\S+) +(\S+) ", text, re.MULTILINE)

    assert shown == plan(_MATRIX | _TELEGRAM, with_terminal=True)


def test_the_architecture_lists_the_modules_of_the_kernel() -> None:
    text = (_ROOT / "docs" / "architecture.md").read_text()

    shown = set(re.findall(r"^\| `(\w+\.py)` \|", text, re.MULTILINE))

    kernel = {path.name for path in (_ROOT / "actors" / "kernel").glob("*.py")}
    assert shown == kernel - {"__init__.py"}


def test_supervisor_py_stays_a_table_of_contents() -> None:
    assert len((_ROOT / "supervisor.py").read_text().splitlines()) <= 150


def test_the_readme_holds_the_two_commands() -> None:
    readme = (_ROOT / "README.md").read_text()

    for lock, then in (("requirements", "supervisor.py"), ("requirements-dev", "-m pytest")):
        command = (
            "python3 -m venv .venv && "
            f".venv/bin/pip install -q -r {lock}.lock && .venv/bin/python {then}"
        )
        assert f"\n{command}\n" in readme


@pytest.mark.parametrize("name", ["README.md", "docs/operations.md"])
def test_the_documents_name_only_variables_that_exist(name: str) -> None:
    example = (_ROOT / ".env.example").read_text()
    known = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) | {"MATRIX_DB_PATH"}

    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", (_ROOT / name).read_text()))

    assert named <= known


def test_the_operator_finds_every_debug_command_in_the_manual(
    capsys: pytest.CaptureFixture[str],
) -> None:
    manual = (_ROOT / "docs" / "operations.md").read_text()

    assert main(["debug", "--help"]) == 0

    commands = re.findall(r"^    ([a-z-]+) ", capsys.readouterr().out, re.MULTILINE)
    assert len(commands) >= 9
    for command in commands:
        assert f"`debug {command}" in manual


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_locks_hold_names_and_hashes_and_no_address(name: str) -> None:
    assert "://" not in (_ROOT / name).read_text()
