import subprocess
import sys

import pytest

from actors.telegram.api.vocabulary import METHODS, TelegramMethod

_COUNT_BUILT = """
import actors.telegram.api.client
from aiogram import types
from pydantic import BaseModel
assert BaseModel.model_rebuild.__func__.__module__ == "pydantic.main"
models = [getattr(types, name) for name in types.__all__]
built = [one for one in models if getattr(one, "__pydantic_complete__", False)]
print(len(built), len(models))
"""


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_what_is_asked_for_is_built(method: type[TelegramMethod[object]]) -> None:
    assert method.__pydantic_complete__


def test_what_is_not_asked_for_is_not_built() -> None:
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", _COUNT_BUILT], capture_output=True, text=True, check=True
    )

    built, known = map(int, done.stdout.split())
    assert known > 300
    assert built < known / 10
