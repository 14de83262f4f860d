from math import isfinite

import pytest

from tests.bench.__main__ import main
from tests.bench.benchmarks import BENCHMARKS, found_apart
from tests.bench.table import Finding, at_least, at_most, foot, row


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_runs_and_finds_something(name: str) -> None:
    findings = found_apart(name, share=0.001)

    assert findings
    assert all(isfinite(finding.figure) for finding in findings)


def test_the_figure_is_the_median_and_the_spread_is_told() -> None:
    finding = Finding("mail", [0.7, 0.9, 0.8], target=at_least(0.75), remark="9/s against 10/s")

    text = row(finding)

    assert " 0.80 " in text
    assert "0.70 - 0.90" in text
    assert text.endswith(">= 0.75 ok     9/s against 10/s")


def test_a_figure_beyond_its_target_is_short() -> None:
    late = Finding("stop", [2000.0], target=at_most(1500))

    assert late.is_short
    assert "short: stop\n" in foot([late])


def test_an_unknown_benchmark_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["speed"])

    assert "unknown: speed; known: messages, " in capsys.readouterr().err
