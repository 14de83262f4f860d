from math import isfinite
from pathlib import Path

import pytest
import trio

from tests.bench import matrix_bots
from tests.bench.__main__ import asked, main
from tests.bench.benchmarks import BENCHMARKS, BY_NAME_ONLY, found_apart
from tests.bench.matrix import room_findings
from tests.bench.table import Finding, at_least, at_most, foot, row
from tests.bench.telegram import Figures, bot_findings, sending_findings
from tests.bench.telegram_bots import BARE, OURS, Kind, a_bot
from tests.bench.telegram_load import Round, Start
from tests.bench.telegram_requests import WAYS, Sending, sendings


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_runs_and_finds_something(name: str) -> None:
    findings = found_apart(name, share=0.001)

    assert findings
    assert all(isfinite(finding.figure) for finding in findings)


@pytest.mark.full
@pytest.mark.parametrize("name", BY_NAME_ONLY)
def test_what_takes_minutes_runs_and_finds_something(name: str) -> None:
    findings = found_apart(name, share=0.001)

    assert all(isfinite(finding.figure) for finding in findings)


@pytest.mark.parametrize("kind", [OURS, BARE], ids=lambda kind: kind.name)
async def test_each_bot_on_telegram_gives_the_answer_that_is_waited_for(
    tmp_path: Path, kind: Kind
) -> None:
    async with a_bot(kind, tmp_path) as bot:
        question = bot.ask(42, "Is anybody there yet?")

        began = await bot.begin()

        assert began < await bot.answered(question)
        assert bot.cpu() > 0
        resident_mb = bot.resident_mb()  # first: it still grows
        assert 1 < resident_mb <= bot.peak_mb()


async def test_each_way_to_send_sends() -> None:
    found = await sendings(1, 1)

    assert found.keys() == WAYS.keys()
    assert all(sending.cpu > 0 for ways in found.values() for sending in ways)


def test_the_telegram_table_holds_the_program_to_its_targets() -> None:
    ours = Figures(
        starts=[Start(answer=3.1, cpu=2.0, poll=2.9, resident_mb=140.0)],
        rounds=[Round(waits=(0.02, 0.03), cpu=0.002, requests=4.0)],
        resident_mb=151.0,
        peak_mb=160.0,
    )
    bare = Figures([Start(6.0, 5.5, 5.0, 180.0)], [Round((0.01, 0.01), 0.001, 2.0)], 181.0, 181.0)

    found = {finding.name: finding for finding in bot_findings(ours, bare)}

    assert [name for name, finding in found.items() if finding.is_short] == [
        "CPU per answer, ours / bare bot",
        "cold start to first answer",
        "idle memory, after all messages",
    ]
    assert [name for name, finding in found.items() if finding.target and not finding.is_short] == [
        "kill -9 to next life's first poll",
        "idle memory, after the first answer",
    ]
    assert found["message to answer, p99 of all"].figure == 30.0
    assert found["CPU per answer"].remark == "bare bot 1.00 ms (1.00 - 1.00), ratio 2.00"


def test_the_telegram_table_tells_each_way_to_send_against_ours() -> None:
    found = {way: [Sending(cpu=0.001 * place, rate=500.0)] for place, way in enumerate(WAYS, 1)}

    findings = list(sending_findings(found))

    assert [finding.figure for finding in findings] == [1.0, 2.0, 3.0]
    assert findings[1].remark == "500 requests/s, 2.00 of the first one's CPU"


@pytest.mark.parametrize("kind", [matrix_bots.OURS, matrix_bots.BARE], ids=lambda kind: kind.name)
async def test_each_bot_on_matrix_answers_in_both_rooms(
    tmp_path: Path, kind: matrix_bots.Kind
) -> None:
    with trio.fail_after(60):
        async with matrix_bots.a_bot(kind, tmp_path) as bot:
            rounds = [await bot.round(room, 2) for room in ("plain", "sealed")]

    assert all(len(each.waits) == 2 and min(each.waits) > 0 for each in rounds)
    assert all(each.cpu > 0 and each.requests >= 1 for each in rounds)


def test_the_matrix_table_tells_what_is_added_to_the_bare_bots_wait() -> None:
    ours = [matrix_bots.Round(waits=(0.02, 0.03, 0.04), cpu=0.003, requests=4.0)]
    bare = [matrix_bots.Round(waits=(0.01, 0.01, 0.09), cpu=0.002, requests=2.0)]

    ratio, cpu, added, requests = room_findings("plain room", ours, bare)

    assert (ratio.figure, cpu.figure, round(added.figure)) == (1.5, 3.0, 20)
    assert added.remark == "ours 30.00 ms, bare bot 10.00 ms"
    assert requests.remark == "bare bot 2.00 (2.00 - 2.00)"


def test_what_takes_minutes_runs_only_by_its_name() -> None:
    assert asked([]) == (list(BENCHMARKS), 1.0)
    assert not BENCHMARKS.keys() & BY_NAME_ONLY.keys()
    assert asked([*BY_NAME_ONLY]) == (["telegram", "matrix", "agent"], 1.0)


def test_a_share_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["telegram", "--share", "0"])

    assert "more than 0 and at most 1" in capsys.readouterr().err


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
