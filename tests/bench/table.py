"""What a benchmark found, and the table of it."""

import os
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from attrs import frozen

_WIDTHS = (42, 12, 15, 10, 6)


@frozen
class Target:
    """What a figure must reach: ``at least`` or ``at most`` *limit*."""

    limit: float
    is_ceiling: bool = False

    def is_met(self, figure: float) -> bool:
        return figure <= self.limit if self.is_ceiling else figure >= self.limit


def at_least(limit: float) -> Target:
    return Target(limit)


def at_most(limit: float) -> Target:
    return Target(limit, is_ceiling=True)


@frozen
class Finding:
    """One figure: the median of *samples*, which were taken one after the other in one run.

    Without a target it is only told.
    """

    name: str
    samples: Sequence[float]
    unit: str = ""
    digits: int = 2
    target: Target | None = None
    remark: str = ""

    @property
    def figure(self) -> float:
        return median(self.samples)

    @property
    def is_short(self) -> bool:
        return self.target is not None and not self.target.is_met(self.figure)


_CLOCKS = """\
Times are those of the loop's own thread by its CPU clock, which stands still while other
programs run; crashes and journal are by the wall clock. CPU on Telegram and Matrix is that of a
whole process, and everything else there is by the wall clock.
"""


def head() -> str:
    titles = ("what", "median", "min - max", "target", "")
    rule = "-" * (sum(_WIDTHS) + len(_WIDTHS) - 1)
    return f"{_line(titles)} remarks\n{rule}\n"


def row(finding: Finding) -> str:
    def told(figure: float) -> str:
        return f"{figure:,.{finding.digits}f}"

    spread = f"{told(min(finding.samples))} - {told(max(finding.samples))}"
    figure = f"{told(finding.figure)}{finding.unit}"
    target, verdict = "-", ""
    if finding.target is not None:
        sign = "<=" if finding.target.is_ceiling else ">="
        target = f"{sign} {finding.target.limit:,g}"
        verdict = "short" if finding.is_short else "ok"
    return f"{_line((finding.name, figure, spread, target, verdict))} {finding.remark}".rstrip()


def foot(findings: Iterable[Finding]) -> str:
    short = [finding.name for finding in findings if finding.is_short]
    verdict = f"short: {'; '.join(short)}" if short else "nothing falls short"
    one, five, _ = os.getloadavg()
    load = f"load average {one:.1f} (1 min), {five:.1f} (5 min) on {os.cpu_count()} CPUs"
    return f"\n{verdict}\n{_CLOCKS}{load}\n"


def _line(cells: Sequence[str]) -> str:
    return " ".join(_padded(cells))


def _padded(cells: Sequence[str]) -> Iterator[str]:
    for number, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True)):
        yield cell.rjust(width) if number in {1, 2, 3} else cell.ljust(width)
