import signal

import pytest
import trio
import trio.testing

from actors.kernel.signals import StopSignals


async def test_the_first_signal_stops_in_order() -> None:
    reasons: list[str] = []
    codes: list[int] = []
    before = signal.getsignal(signal.SIGTERM)

    with StopSignals(reasons.append, end=codes.append).heard():
        signal.raise_signal(signal.SIGTERM)
        await trio.testing.wait_all_tasks_blocked()

    assert (reasons, codes) == (["SIGTERM"], [])
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(("second", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_the_second_signal_ends_at_once(second: signal.Signals, code: int) -> None:
    codes: list[int] = []

    with StopSignals(lambda _: None, end=codes.append).heard():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(second)
        await trio.testing.wait_all_tasks_blocked()

    assert codes == [code]


async def test_an_interrupt_can_be_meant_for_something_smaller() -> None:
    reasons: list[str] = []
    answers = [True, True, False]

    with StopSignals(reasons.append, lambda: answers.pop(0), end=int).heard():
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
            await trio.testing.wait_all_tasks_blocked()

    assert reasons == ["SIGINT"]


async def test_a_termination_is_never_offered_to_the_interrupt() -> None:
    reasons: list[str] = []

    with StopSignals(reasons.append, lambda: True, end=int).heard():
        signal.raise_signal(signal.SIGTERM)
        await trio.testing.wait_all_tasks_blocked()

    assert reasons == ["SIGTERM"]
