"""Values of several parts as the JSON text of one column."""

import json
from typing import Any

from attrs import astuple

from protocols.files import FileKind, LocalFile, RemoteFile
from protocols.journal import Amends, Button, Keyboard, Press


def files_text(files: tuple[RemoteFile, ...] | tuple[LocalFile, ...]) -> str:
    """*files* as text."""
    return _text([astuple(file) for file in files])


def remote_files(text: str) -> tuple[RemoteFile, ...]:
    """The files that came with a message."""
    return tuple(RemoteFile(FileKind(kind), *rest) for kind, *rest in json.loads(text))


def local_files(text: str) -> tuple[LocalFile, ...]:
    """The files that go along with an outgoing message."""
    return tuple(LocalFile(FileKind(kind), *rest) for kind, *rest in json.loads(text))


def keyboard_text(keyboard: Keyboard) -> str:
    """*keyboard* as text."""
    return _text([[astuple(button) for button in line] for line in keyboard])


def keyboard(text: str) -> Keyboard:
    """The buttons of an outgoing message."""
    return tuple(tuple(Button(*button) for button in line) for line in json.loads(text))


def part_text(part: Press | Amends | None) -> str | None:
    """*part* as text, if there is one."""
    return None if part is None else _text(astuple(part))


def press(text: str | None) -> Press | None:
    """The press that a row is, if it is one."""
    return None if text is None else Press(*json.loads(text))


def amends(text: str | None) -> Amends | None:
    """What an outgoing message changes, if it does."""
    return None if text is None else Amends(*json.loads(text))


def _text(parts: Any) -> str:
    return json.dumps(parts, ensure_ascii=False)
