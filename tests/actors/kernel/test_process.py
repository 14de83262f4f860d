"""What only a process of its own can show: signals that end it, and the watchdog."""

import signal
import subprocess
import sys
import threading

import pytest

TREE = """
import sys, time, trio
from attrs import define
from actors.kernel import ending, supervision
from actors.kernel.child import ready
from actors.kernel.spec import permanent
from actors.kernel.supervision import Supervisor

ending.CANCEL_GRACE = supervision.CANCEL_GRACE = 0.01
supervision.WATCHDOG_SLACK = 0.2

@define
class Actor:
    how: str

    async def run(self):
        ready()
        print("up", flush=True)
        if self.how == "busy":
            while True:
                pass
        with trio.CancelScope(shield=self.how == "stuck"):
            await trio.sleep_forever()

spec = permanent("a", Actor, sys.argv[1]).with_options(shutdown=0.0)
sys.exit(trio.run(Supervisor([spec], signals=True).run))
"""


def ended(how: str, *signals: signal.Signals) -> tuple[int, str]:
    """Exit code and standard error of a tree that gets *signals* once it is up."""
    command = [sys.executable, "-c", TREE, how]
    with subprocess.Popen(  # noqa: S603  # our own interpreter and script
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tree:
        limit = threading.Timer(60, tree.kill)
        limit.start()
        assert tree.stdout is not None
        assert tree.stdout.readline() == "up\n"
        for number in signals:
            tree.send_signal(number)
        _, errors = tree.communicate()
        limit.cancel()
        return tree.returncode, errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_ends_the_program_in_order(number: signal.Signals) -> None:
    code, _ = ended("good", number)

    assert code == 0


def test_a_second_signal_ends_a_program_whose_loop_hangs() -> None:
    code, _ = ended("busy", signal.SIGTERM, signal.SIGINT)

    assert code in {130, 143}


def test_a_program_whose_loop_hangs_ends_after_the_last_deadline() -> None:
    code, errors = ended("busy", signal.SIGTERM)

    assert code == 70
    assert "watchdog: not stopped" in errors


def test_a_stuck_actor_does_not_keep_the_program_from_ending() -> None:
    code, errors = ended("stuck", signal.SIGTERM)

    assert code == 70
    assert "a is stuck" in errors
