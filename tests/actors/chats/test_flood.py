"""How many words a room gets."""

import pytest

from actors.chats import flood
from actors.chats.flood import MOST_WORDS, PERIOD, FloodGate, Verdict
from protocols.ids import RoomId

ROOM = RoomId("matrix/!r:s")


def test_a_room_is_warned_once_and_then_met_with_silence() -> None:
    gate = FloodGate()

    verdicts = [gate.verdict(ROOM, now=1.0) for _ in range(MOST_WORDS + 3)]

    assert verdicts[:MOST_WORDS] == [Verdict.SPEAK] * MOST_WORDS
    assert verdicts[MOST_WORDS:] == [Verdict.WARN, Verdict.SILENCE, Verdict.SILENCE]


def test_after_a_pause_the_room_is_heard_again() -> None:
    gate = FloodGate()
    for _ in range(MOST_WORDS + 3):
        gate.verdict(ROOM, now=1.0)

    assert gate.verdict(ROOM, now=1.0 + PERIOD) is Verdict.SPEAK


def test_one_room_s_flood_is_not_another_s() -> None:
    gate = FloodGate()
    for _ in range(MOST_WORDS + 3):
        gate.verdict(ROOM, now=1.0)

    assert gate.verdict(RoomId("matrix/!q:s"), now=1.0) is Verdict.SPEAK


def test_rooms_of_the_past_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flood, "MOST_ROOMS", 2)
    gate = FloodGate()
    for number in range(3):
        gate.verdict(RoomId(f"matrix/!{number}:s"), now=1.0 + number * PERIOD)

    assert len(gate._said) == 1
