"""Telegram: the whole program against a bare echo bot, both real processes on the rig.

For each message the program journals it, has the mock agent answer, and shows a placeholder,
typing and the answer, which is longer and formatted; the bare bot says the same words again.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import trio
from attrs import define, field

from tests.bench.pairs import scaled
from tests.bench.table import Finding, Target, at_most
from tests.bench.telegram_bots import BARE, OURS, Bot, a_bot
from tests.bench.telegram_load import Round, Start, Writer, started, warm_up
from tests.bench.telegram_requests import WAYS, Sending, sendings

_STARTS = 3
_WARM_UP = 30
_ROUNDS = 5
_MESSAGES = 50
_SENDINGS = 9
_REQUESTS = 300


@define
class Figures:
    """What one bot took.

    Args:
        resident_mb: After all messages; ``peak_mb`` is the most until then.
    """

    starts: list[Start] = field(factory=list)
    rounds: list[Round] = field(factory=list)
    resident_mb: float = 0.0
    peak_mb: float = 0.0


def measure_telegram(share: float) -> Iterator[Finding]:
    """The two bots, then the ways to send."""
    with TemporaryDirectory() as folder:
        yield from bot_findings(*trio.run(_bots, Path(folder), share))
    yield from sending_findings(trio.run(sendings, *_parts(_SENDINGS, _REQUESTS, share)))


async def _bots(folder: Path, share: float) -> tuple[Figures, Figures]:
    found = Figures(), Figures()
    async with a_bot(OURS, folder) as ours, a_bot(BARE, folder) as bare:
        for bot in (ours, bare):
            await warm_up(bot)
        for number in range(scaled(_STARTS, share)):
            for place in (0, 1) if number % 2 else (1, 0):
                found[place].starts.append(await started((ours, bare)[place], number))
        await _load((ours, bare), found, share)
        for bot, figures in zip((ours, bare), found, strict=True):
            figures.resident_mb, figures.peak_mb = bot.resident_mb(), bot.peak_mb()
    return found


async def _load(bots: tuple[Bot, Bot], found: tuple[Figures, Figures], share: float) -> None:
    writer = Writer(bots)
    await writer.round(scaled(_WARM_UP, share))
    rounds, count = _parts(_ROUNDS, _MESSAGES, share)
    for _ in range(rounds):
        for figures, round_ in zip(found, await writer.round(count), strict=True):
            figures.rounds.append(round_)


def _parts(rounds: int, count: int, share: float) -> tuple[int, int]:
    """*share* of *rounds* of *count*: fewer rounds first, then a smaller one."""
    whole = scaled(rounds * count, share)
    return max(1, whole // count), min(count, whole)


def bot_findings(ours: Figures, bare: Figures) -> Iterator[Finding]:
    """The figures of the two bots."""
    yield from _cpu_findings(ours.rounds, bare.rounds)
    yield from _wait_findings(ours.rounds, bare.rounds)
    cold = [each.answer for each in ours.starts], [each.answer for each in bare.starts]
    yield _against("cold start to first answer", *cold, unit=" s", target=at_most(3))
    cpu = [each.cpu for each in ours.starts], [each.cpu for each in bare.starts]
    yield _against("cold start to first answer, CPU", *cpu, unit=" s")
    again = [each.poll for each in ours.starts], [each.poll for each in bare.starts]
    yield _against("kill -9 to next life's first poll", *again, unit=" s", target=at_most(3))
    idle = [each.resident_mb for each in ours.starts], [each.resident_mb for each in bare.starts]
    yield _against("idle memory, after the first answer", *idle, unit=" MB", target=at_most(150))
    after = [ours.resident_mb], [bare.resident_mb]
    yield _against("idle memory, after all messages", *after, unit=" MB", target=at_most(150))
    yield _against("most memory until then", [ours.peak_mb], [bare.peak_mb], unit=" MB")


def _wait_findings(ours: Sequence[Round], bare: Sequence[Round]) -> Iterator[Finding]:
    p50 = _waits(ours, 0.5), _waits(bare, 0.5)
    yield _against("message to answer, p50 of each round", *p50, unit=" ms")
    # A round is too small for it.
    p99 = _waits([_joined(ours)], 0.99), _waits([_joined(bare)], 0.99)
    yield _against("message to answer, p99 of all", *p99, unit=" ms")


def _joined(rounds: Sequence[Round]) -> Round:
    return Round(waits=tuple(wait for each in rounds for wait in each.waits))


def _cpu_findings(ours: Sequence[Round], bare: Sequence[Round]) -> Iterator[Finding]:
    cpu = [each.cpu * 1000 for each in ours], [each.cpu * 1000 for each in bare]
    yield Finding("CPU per answer, ours / bare bot", _ratios(*cpu), target=at_most(1))
    yield _against("CPU per answer", *cpu, unit=" ms")
    requests = [each.requests for each in ours], [each.requests for each in bare]
    yield _against("requests to Telegram per answer", *requests)


def _waits(rounds: Sequence[Round], share: float) -> list[float]:
    """This quantile of the waits of each round, in ms."""
    return [1000 * _quantile(each.waits, share) for each in rounds]


def _quantile(values: Sequence[float], share: float) -> float:
    """The smallest that is no smaller than *share* of all."""
    return sorted(values)[ceil(share * len(values)) - 1]


def _against(
    name: str,
    ours: Sequence[float],
    bare: Sequence[float],
    *,
    unit: str = "",
    target: Target | None = None,
) -> Finding:
    ratio = median(_ratios(ours, bare))
    spread = f"{min(bare):,.2f} - {max(bare):,.2f}"
    remark = f"bare bot {median(bare):,.2f}{unit} ({spread}), ratio {ratio:.2f}"
    return Finding(name, ours, unit, target=target, remark=remark)


def _ratios(ours: Sequence[float], bare: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(ours, bare, strict=True)]


def sending_findings(found: Mapping[str, Sequence[Sending]]) -> Iterator[Finding]:
    """The figures of the ways to send."""
    ours = found["trio"]
    for way, name in WAYS.items():
        cpu = [each.cpu * 1000 for each in found[way]]
        ratio = median(_ratios(cpu, [each.cpu * 1000 for each in ours]))
        rate = median(each.rate for each in found[way])
        remark = f"{rate:,.0f} requests/s, {ratio:.2f} of the first one's CPU"
        yield Finding(f"sendMessage CPU, {name}", cpu, " ms", remark=remark)
