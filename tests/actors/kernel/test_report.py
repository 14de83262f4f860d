from typing import Any

import pytest
from attrs import frozen

from actors.kernel.report import id_of
from tests.actors.kernel.crew import Said


@frozen
class OfRow:
    row: int


@frozen
class OfRun:
    run_id: str


@frozen
class Strange:
    id: object


@pytest.mark.parametrize(
    ("message", "expected"),
    [(OfRow(7), "7"), (OfRun("r-1"), "r-1"), (Said("words"), ""), (Strange(object()), "")],
)
def test_a_message_is_named_by_its_id_only(message: Any, expected: str) -> None:
    assert id_of(message) == expected
