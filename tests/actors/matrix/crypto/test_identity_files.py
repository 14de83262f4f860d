import contextlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.matrix.crypto.identity import Identity
from actors.matrix.crypto.identity_files import IdentityFiles, given_recovery_key
from actors.matrix.crypto.recovery import recovery_key_text
from actors.matrix.crypto.signing import SigningKey

ME = "@bot:here"
KEY = bytes(range(32))


def identity(letter: bytes = b"a", user_id: str = ME) -> Identity:
    keys = [SigningKey(letter * 31 + bytes([number])) for number in range(3)]
    return Identity(user_id, keys[0], keys[1], keys[2], "storage key")


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    files = IdentityFiles(tmp_path / "m")

    files.keep_made(identity(), KEY)

    assert files.identity(ME) == identity()
    assert files.pending_recovery_key() == KEY
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.folder.iterdir()} == {0o600}


def test_nothing_is_kept_at_first(tmp_path: Path) -> None:
    assert IdentityFiles(tmp_path / "m").identity(ME) is None
    assert IdentityFiles(tmp_path / "m").pending_recovery_key() is None


def test_a_recovery_key_can_be_printed_once_it_opens_something(tmp_path: Path) -> None:
    files = IdentityFiles(tmp_path)
    files.keep_made(identity(), KEY)

    files.recovery_key_is_whole()

    assert files.pending_recovery_key() is None
    assert (tmp_path / "recovery_key").read_text() == f"{recovery_key_text(KEY)}\n"


def test_the_keys_of_another_account_are_not_used_and_not_lost(tmp_path: Path) -> None:
    files = IdentityFiles(tmp_path)
    files.keep_made(identity(b"o", "@other:here"), KEY)
    others = (tmp_path / "cross_signing.json").read_text()
    assert files.identity(ME) is None

    files.keep_made(identity(), KEY)

    assert files.identity(ME) == identity()
    (aside,) = tmp_path.glob("cross_signing.before-*.json")
    assert aside.read_text() == others


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", "{}", "7", '{"user_id": "@bot:here"}', "\udcff"],
)
def test_seeds_that_cannot_be_read_are_none_and_are_not_overwritten(
    tmp_path: Path, text: str
) -> None:
    files, path = IdentityFiles(tmp_path), tmp_path / "cross_signing.json"
    path.write_bytes(text.encode(errors="surrogateescape"))

    assert files.identity(ME) is None
    files.keep_restored(identity())

    (aside,) = tmp_path.glob("cross_signing.before-*.json")
    assert aside.read_bytes() == text.encode(errors="surrogateescape")


def test_seeds_without_the_name_of_their_storage_key_are_none(tmp_path: Path) -> None:
    files = IdentityFiles(tmp_path)
    words = {"user_id": ME, "storage_key_id": 7, **identity().secrets()}
    (tmp_path / "cross_signing.json").write_text(json.dumps(words))

    assert files.identity(ME) is None


def test_seeds_that_may_not_be_read_are_no_reason_to_make_new_ones(tmp_path: Path) -> None:
    (tmp_path / "cross_signing.json").mkdir()

    with pytest.raises(OSError, match="directory"):
        IdentityFiles(tmp_path).identity(ME)


@pytest.mark.parametrize("step", range(20))
def test_a_kill_at_any_step_of_keeping_leaves_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    files = IdentityFiles(tmp_path)
    left = iter(range(step))

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def call(*words: object, **more: object) -> object:
            if next(left, None) is None:
                raise KeyboardInterrupt
            return function(*words, **more)

        return call

    for name in ("open", "fsync"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    for name in ("replace", "unlink", "mkdir"):
        monkeypatch.setattr(Path, name, counted(getattr(Path, name)))
    with contextlib.suppress(KeyboardInterrupt):
        files.keep_made(identity(), KEY)
    monkeypatch.undo()

    kept = files.identity(ME)

    # Keys without their recovery key would never get one.
    assert kept is None or (kept == identity() and files.pending_recovery_key() == KEY)
    files.keep_made(identity(b"b"), KEY)
    assert files.identity(ME) == identity(b"b")


@pytest.mark.parametrize("text", [recovery_key_text(KEY), f"\n {recovery_key_text(KEY)}\r\n"])
def test_a_recovery_key_is_read_from_a_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)

    assert given_recovery_key(path) == KEY


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\xfe", b"E" * 1_000_000])
def test_a_file_that_holds_no_recovery_key_gives_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(data)

    assert given_recovery_key(path) is None
