import re
from collections.abc import Iterator

import pytest
from attrs import define, field
from structlog.typing import EventDict

from actors.kernel.child import Wait, current_life
from actors.matrix.api.status import Status


@define
class Life:
    """What the tree shows."""

    notes: list[str] = field(factory=list)

    def ready(self) -> None:
        raise AssertionError

    def note(self, text: str) -> None:
        self.notes.append(text)

    def beat(self) -> None:
        raise AssertionError

    def wait_began(self, wait: Wait) -> None:
        raise AssertionError(wait)

    def wait_ended(self, wait: Wait) -> None:
        raise AssertionError(wait)


@pytest.fixture
def life() -> Iterator[Life]:
    life = Life()
    before = current_life.set(life)
    yield life
    current_life.reset(before)


def test_the_last_sync_is_shown(life: Life) -> None:
    Status().synced()

    assert re.fullmatch(r"last sync \d\d:\d\d:\d\d", life.notes[-1])


def test_trouble_is_shown_until_the_next_sync_and_logged_once(
    life: Life, logs: list[EventDict]
) -> None:
    status = Status()

    status.unreachable("502", 4.0)
    status.unreachable("502", 8.0)
    status.synced()

    assert life.notes[0] == "server unreachable: 502, next try in 4 s"
    assert life.notes[2].startswith("last sync")
    assert "unreachable" not in life.notes[2]
    assert [one["event"] for one in logs] == ["server.lost", "server.reached"]


def test_a_penalty_is_shown_beside_the_last_sync(life: Life) -> None:
    status = Status()
    status.synced()

    status.limited(30.0)

    assert re.fullmatch(r"last sync \S+; waits until \d\d:\d\d:\d\d: rate limited", life.notes[-1])


def test_messages_that_wait_for_their_keys_are_counted(life: Life) -> None:
    status = Status()

    status.sealed(2)
    status.sealed(2)
    status.sealed(1)
    status.sealed(0)

    assert life.notes == ["2 messages wait for their keys", "1 message waits for its key", ""]


def test_what_a_person_has_to_see_to_is_shown_until_it_is_done(life: Life) -> None:
    status = Status()

    status.remark("set MATRIX_PASSWORD")
    status.synced()
    shown = life.notes[-1]
    status.remark("")

    assert re.fullmatch(r"last sync \S+; set MATRIX_PASSWORD", shown)
    assert re.fullmatch(r"last sync \S+", life.notes[-1])
