"""The figures of the program, as Prometheus reads them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from actors.ops.web.figures import journal_families
from protocols.lifecycle import ActorState, ActorView
from protocols.store import JournalSummary
from tests.actors.ops.rig import SilentAddress, actor
from tests.actors.ops.web.web_rig import PausingControl, Web, serving

NOBODY = ("telegram/42", "!room", "matrix.example.org")


def session(number: int, **differences: object) -> ActorView:
    return actor(f"sessions/matrix/!room{number}:matrix.example.org", **differences)


VIEWS = (
    actor("store", handled=1204, restarts=2, used=3, oldest_age=4.0),
    actor("matrix", beat_age=7.0, state=ActorState.BACKOFF, used=1),
    actor("sessions", used=0, handled=0),
    session(1, used=2, oldest_age=1.0, in_hand="WorkArrived", in_hand_age=9.0),
    session(2, used=1, restarts=1, state=ActorState.PARKED),
    actor("sessions/telegram/42"),
)


async def scraped(web: Web) -> dict[tuple[str, ...], float]:
    """The samples of a scrape, by name and labels."""
    answer = await web.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_each_actor_is_counted_and_a_pool_with_its_children() -> None:
    async with serving(control=PausingControl(VIEWS)) as web:
        found = await scraped(web)

    assert found["surfaces_actor_handled_total", "store"] == 1204
    assert found["surfaces_actor_restarts_total", "store"] == 2
    assert found["surfaces_mailbox_messages", "store"] == 3
    assert found["surfaces_actor_oldest_seconds", "store"] == 4.0
    assert found["surfaces_actor_beat_age_seconds", "matrix"] == 7.0
    assert ("surfaces_actor_beat_age_seconds", "store") not in found
    assert found["surfaces_actors", "matrix", "backoff"] == 1
    assert found["surfaces_actors", "sessions", "up"] == 3
    assert found["surfaces_actors", "sessions", "parked"] == 1
    assert found["surfaces_mailbox_messages", "sessions"] == 3
    assert found["surfaces_actor_oldest_seconds", "sessions"] == 9.0
    assert found["surfaces_actor_handled_total", "sessions"] == 36


async def test_no_person_and_no_room_is_in_any_figure() -> None:
    async with serving(control=PausingControl(VIEWS)) as web:
        text = (await web.get("/metrics")).text

    assert not [word for word in NOBODY if word in text]


async def test_the_programs_own_counters_are_there_too() -> None:
    async with serving() as web:
        found = await scraped(web)

    assert ("surfaces_turn_seconds_count",) in found
    assert ("surfaces_store_batch_messages_count",) in found
    assert any(name.startswith("process_") for name, *_ in found)


async def test_a_store_that_is_silent_costs_only_the_figures_of_the_journal() -> None:
    async with serving(store=SilentAddress("store")) as web:
        without = await scraped(web)
    async with serving() as web:
        found = await scraped(web)

    assert without["surfaces_store_answers",] == 0
    assert ("surfaces_dead_letters",) not in without
    assert found["surfaces_store_answers",] == 1
    assert found["surfaces_journal_rows", "running"] == 0
    assert found["surfaces_outbox_messages", "pending"] == 0


async def test_many_scrapes_in_a_second_cost_as_much_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[object] = []

    def write(figures: Collector) -> bytes:
        written.append(figures)
        return b"quince 1"

    monkeypatch.setattr("actors.ops.web.figures.generate_latest", write)
    monkeypatch.setattr("actors.ops.web.figures._LOOK_EVERY", 60.0)
    async with serving() as web:
        texts = {(await web.get("/metrics")).text for _ in range(5)}

    assert texts == {"quince 1"}
    assert len(written) == 1


async def test_odd_headers_of_a_scraper_are_no_fault_of_ours() -> None:
    async with serving() as web:
        for accept in ("text/plain;version=abc", "application/openmetrics-text;version=x", ""):
            assert (await web.get("/metrics", accept=accept)).status_code == 200


def test_the_journal_is_told_by_state_and_age() -> None:
    summary = JournalSummary({"running": 2}, {"failed": 1}, 3, 100.0)

    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in journal_families(summary, now=104.5)
        for sample in family.samples
    }

    assert samples["surfaces_journal_rows", "running"] == 2
    assert samples["surfaces_journal_rows", "answered"] == 0
    assert samples["surfaces_outbox_messages", "failed"] == 1
    assert samples["surfaces_dead_letters",] == 3
    assert samples["surfaces_journal_oldest_unfinished_seconds",] == 4.5
