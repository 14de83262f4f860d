"""All benchmarks by name, each run apart from the others."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.bench.crashes import measure_crashes
from tests.bench.journal import measure_journal
from tests.bench.mail import measure_notes, measure_questions
from tests.bench.memory import measure_memory
from tests.bench.sessions import measure_sessions
from tests.bench.table import Finding

BENCHMARKS: dict[str, Callable[[float], Iterator[Finding]]] = {
    "messages": measure_notes,
    "questions": measure_questions,
    "crashes": measure_crashes,
    "memory": measure_memory,
    "sessions": measure_sessions,
    "journal": measure_journal,
}


def _measure_telegram(share: float) -> Iterator[Finding]:
    # What it imports would lie on the heap of the others, and they measure that.
    from tests.bench.telegram import measure_telegram  # noqa: PLC0415

    return measure_telegram(share)


def _measure_matrix(share: float) -> Iterator[Finding]:
    from tests.bench.matrix import measure_matrix  # noqa: PLC0415  # as above

    return measure_matrix(share)


def _measure_agent(share: float) -> Iterator[Finding]:
    from tests.bench.agent import measure_agent  # noqa: PLC0415  # as above

    return measure_agent(share)


BY_NAME_ONLY: dict[str, Callable[[float], Iterator[Finding]]] = {
    "telegram": _measure_telegram,
    "matrix": _measure_matrix,
    "agent": _measure_agent,
}
"""What takes minutes, and so has to be asked for."""


def found_apart(name: str, *, share: float = 1.0) -> list[Finding]:
    """What a benchmark finds in a process of its own: none meets another's garbage or logs.

    Args:
        share: How much of it is done; below 1 it shows that it runs, not how fast.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as apart:
        return apart.submit(_found, name, share).result()


def _found(name: str, share: float) -> list[Finding]:
    return list((BENCHMARKS | BY_NAME_ONLY)[name](share))
