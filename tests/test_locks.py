"""What the lock files say, so that an install is the same next year."""

from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT = Path(__file__).parents[1]


def _locked(lock: str) -> dict[str, Requirement]:
    lines = (_ROOT / lock).read_text("utf-8").splitlines()
    pins = (Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalnum())
    return {canonicalize_name(pin.name): pin for pin in pins}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_extra_that_a_locked_package_asks_for_is_locked(lock: str) -> None:
    # pip reads an extra that no line pins from the index, and refuses a newer release's hash.
    locked = _locked(lock)

    missing = [
        f"{name}: {wanted}"
        for name in locked
        for wanted in _wanted_with_extras(name)
        if not wanted.extras <= locked[canonicalize_name(wanted.name)].extras
    ]

    assert not missing


def _wanted_with_extras(name: str) -> list[Requirement]:
    try:
        wanted = [Requirement(line) for line in requires(name) or ()]
    except PackageNotFoundError:
        return []  # for another system
    return [one for one in wanted if one.extras and _is_wanted(one)]


def _is_wanted(one: Requirement) -> bool:
    return one.marker is None or one.marker.evaluate({"extra": ""})


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_no_lock_names_an_address(lock: str) -> None:
    assert "://" not in (_ROOT / lock).read_text("utf-8")
