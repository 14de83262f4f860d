"""``GET /metrics``: the program's own figures, those of the tree, and those of the journal."""

import time
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

import trio
from attrs import Factory, define, field
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, REGISTRY, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

import actors.metrics  # noqa: F401  # all of them are there from the first scrape on
from actors.ops.web.looks import Shared, summary_of
from actors.ops.web.tally import Tally, Totals
from protocols.journal import OutboxState, RowState
from protocols.lifecycle import ActorState, ActorView, Control
from protocols.mail import Address
from protocols.store import JournalSummary, StoreMessage

_LOOK_EVERY = 1.0


@define
class _Both(Collector):
    """The counters of the default registry, and *more*."""

    more: list[Metric]

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        yield from REGISTRY.collect()
        yield from self.more


@define
class Figures:
    """Where a scrape is answered.

    Args:
        clock: Seconds since the epoch.
    """

    control: Control
    census: Shared[tuple[ActorView, ...]]
    store: Address[StoreMessage]
    clock: Callable[[], float] = time.time
    _tally: Tally = field(factory=Tally)
    _texts: Shared[bytes] = field(
        init=False, default=Factory(lambda self: Shared(self._write, _LOOK_EVERY), takes_self=True)
    )

    async def metrics(self, _request: Request) -> Response:
        """All figures in Prometheus' text format."""
        return Response(await self._texts.get(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    async def _write(self) -> bytes:
        # It takes some 2 ms, which need not be the loop's.
        return await trio.to_thread.run_sync(generate_latest, _Both(await self._look()))

    async def _look(self) -> list[Metric]:
        views = await self.census.get()
        totals = await self._tally.take(views)
        summary = await summary_of(self.store, views)
        return [
            *tree_families(totals),
            _one("undelivered_mail", "Messages no actor handled.", len(self.control.undelivered())),
            _one("store_answers", "1 where the journal could be asked.", summary is not None),
            *(journal_families(summary, self.clock()) if summary is not None else []),
        ]


def tree_families(totals: Mapping[str, Totals]) -> list[Metric]:
    """The tree; a pool's children are counted under its name."""
    states = GaugeMetricFamily(
        "surfaces_actors", "Actors by state; a pool with its children.", labels=["actor", "state"]
    )
    restarts = CounterMetricFamily(
        "surfaces_actor_restarts", "Restarts of an actor.", labels=["actor"]
    )
    handled = CounterMetricFamily(
        "surfaces_actor_handled", "Messages that an actor has handled.", labels=["actor"]
    )
    waiting = _by_actor("mailbox_messages", "Messages that wait in the mailbox.")
    oldest = _by_actor("actor_oldest_seconds", "Age of the oldest message, waiting or in hand.")
    beats = _by_actor("actor_beat_age_seconds", "Since the last completed round trip.")
    for name, one in totals.items():
        for state in ActorState:
            states.add_metric([name, state], one.states[state])
        restarts.add_metric([name], one.restarts)
        handled.add_metric([name], one.handled)
        waiting.add_metric([name], one.waiting)
        oldest.add_metric([name], one.oldest_age)
        if one.beat_age is not None:
            beats.add_metric([name], one.beat_age)
    return [states, restarts, handled, waiting, oldest, beats]


def journal_families(summary: JournalSummary, now: float) -> list[Metric]:
    """The journal; *now* is seconds since the epoch."""
    oldest_at = summary.oldest_unfinished_at
    age = 0.0 if oldest_at is None else max(0.0, now - oldest_at)
    return [
        _by_state("journal_rows", "Messages of people by state.", summary.rows, RowState),
        _by_state("outbox_messages", "Outgoing messages by state.", summary.outgoing, OutboxState),
        _one("journal_oldest_unfinished_seconds", "Age of the oldest unfinished message.", age),
        _one("dead_letters", "Things that could not be handled, kept.", summary.dead_letters),
    ]


def _one(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"surfaces_{name}", documentation, value=value)


def _by_actor(name: str, documentation: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"surfaces_{name}", documentation, labels=["actor"])


def _by_state(
    name: str, documentation: str, counts: Mapping[str, int], states: type[StrEnum]
) -> Metric:
    family = GaugeMetricFamily(f"surfaces_{name}", documentation, labels=["state"])
    for state in states:
        family.add_metric([state], counts.get(state, 0))
    return family
