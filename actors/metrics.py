"""Every figure that ``/metrics`` shows beside the live tree and the journal, in one place.

Labels hold a surface, an outcome or a kind; never a person, a room or a word of theirs.
They count for the life of the process, over the lives of its actors.
"""

from prometheus_client import Counter, Histogram

from protocols.ids import SurfaceName

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

ROUND_TRIPS = Counter(
    "surfaces_round_trips_total", "Completed polls or syncs of a surface.", ["surface"]
)
PENALTIES = Counter(
    "surfaces_penalties_total", "Times that a surface told us to wait.", ["surface"]
)
SENDS = Counter(
    "surfaces_sends_total", "Outgoing messages by outcome: sent, failed.", ["surface", "outcome"]
)
TURNS = Counter(
    "surfaces_turns_total",
    "Turns by outcome: finished, asks, stopped, or why it failed.",
    ["outcome"],
)
TURN_SECONDS = Histogram(
    "surfaces_turn_seconds", "From the request of a turn to its outcome.", buckets=SECONDS
)
FIRST_WORD_SECONDS = Histogram(
    "surfaces_first_word_seconds", "From the request of a turn to its first word.", buckets=SECONDS
)
STORE_BATCH = Histogram(
    "surfaces_store_batch_messages", "Messages that the store made durable at once.", buckets=SIZES
)
WEBHOOKS = Counter(
    "surfaces_webhooks_total", "Pushes of the platform by the status they got.", ["status"]
)


def count_send(surface: SurfaceName, *, is_sent: bool) -> None:
    """Count what became of one outgoing message of *surface*."""
    SENDS.labels(surface, "sent" if is_sent else "failed").inc()
