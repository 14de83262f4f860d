"""Matrix: the whole program against a bare nio echo bot, both real processes.

Each has a homeserver of its own that answers from memory. For each message the program journals
it, has the mock agent answer, and sends an answer that is longer and formatted, a receipt and
typing; the bare bot says the same words again.
"""

from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import trio

from tests.bench.matrix_bots import BARE, OURS, Bot, Round, a_bot
from tests.bench.pairs import scaled
from tests.bench.table import Finding

_ROUNDS = 7
_MESSAGES = 50
_WARM_UP = 30
_ROOMS = {"plain": "plain room", "sealed": "encrypted room"}


def measure_matrix(share: float) -> Iterator[Finding]:
    """The two bots in a plain room, then in an encrypted one."""
    with TemporaryDirectory() as folder:
        for room, (ours, bare) in trio.run(_rounds, Path(folder), share).items():
            yield from room_findings(_ROOMS[room], ours, bare)


async def _rounds(folder: Path, share: float) -> dict[str, tuple[list[Round], list[Round]]]:
    found: dict[str, tuple[list[Round], list[Round]]] = {room: ([], []) for room in _ROOMS}
    async with a_bot(OURS, folder) as ours, a_bot(BARE, folder) as bare:
        for room, (of_ours, of_bare) in found.items():
            for bot in (ours, bare):
                await bot.round(room, scaled(_WARM_UP, share))
            for number in range(scaled(_ROUNDS, share)):
                pairs: list[tuple[Bot, list[Round]]] = [(ours, of_ours), (bare, of_bare)]
                for bot, rounds in pairs if number % 2 else reversed(pairs):
                    rounds.append(await bot.round(room, scaled(_MESSAGES, share)))
    return found


def room_findings(room: str, ours: Sequence[Round], bare: Sequence[Round]) -> Iterator[Finding]:
    """The figures of the two bots in one room, round against round."""
    cpu = [each.cpu * 1000 for each in ours], [each.cpu * 1000 for each in bare]
    yield Finding(f"{room}: CPU, ours / bare bot", _ratios(*cpu))
    yield _against(f"{room}: CPU per answer", *cpu, unit=" ms")
    p50 = [_p50(each) for each in ours], [_p50(each) for each in bare]
    added = [a - b for a, b in zip(*p50, strict=True)]
    remark = f"ours {median(p50[0]):,.2f} ms, bare bot {median(p50[1]):,.2f} ms"
    yield Finding(f"{room}: added wait, p50", added, " ms", remark=remark)
    requests = [each.requests for each in ours], [each.requests for each in bare]
    yield _against(f"{room}: requests per answer", *requests)


def _p50(round_: Round) -> float:
    """In ms."""
    return 1000 * sorted(round_.waits)[ceil(len(round_.waits) / 2) - 1]


def _against(name: str, ours: Sequence[float], bare: Sequence[float], *, unit: str = "") -> Finding:
    spread = f"{min(bare):,.2f} - {max(bare):,.2f}"
    return Finding(name, ours, unit, remark=f"bare bot {median(bare):,.2f}{unit} ({spread})")


def _ratios(ours: Sequence[float], bare: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(ours, bare, strict=True)]
