"""A program around one terminal surface, as ``supervisor.py`` is; run by the tests in a pty.

``slow`` is answered only once it is stopped, ``crash`` ends the life of the surface while the
next line is being typed, ``unasked`` has words come to the prompt later.
"""

import fcntl
import signal
import sys
import termios
from pathlib import Path

import trio
from attrs import define

from actors.terminal.opening import open_terminal
from actors.terminal.surface import HERE
from protocols.ids import RowId
from protocols.journal import Row, Voice
from protocols.surfaces import Deliver, ShowDraft
from tests.actors.terminal.stage import Stage, stage_for


@define
class Agent:
    """Answers with Markdown; streams where it is slow."""

    stage: Stage | None = None

    def __call__(self, row: Row) -> str | None:
        assert self.stage is not None
        send = self.stage.inbox.address.try_send
        match row.text:
            case "slow":
                send(ShowDraft(HERE, row.id, "Growing **slowly**", "counting sheep"))
                return None
            case "/stop":
                self.stage.store.finish(RowId(row.id - 1), "As far as it came.")
                return "Stopped."
            case "hostile":
                return "\x1b]0;owned\x07nice &#27;]0;owned&#7; try"
            case _:
                return f"**You said:** {row.text}"


async def obey_signals(stage: Stage, program: trio.CancelScope) -> None:
    """What the supervisor does with SIGINT; SIGUSR1 and 2 are the test's hand."""
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
    with trio.open_signal_receiver(*wanted) as signals:
        async for number in signals:
            match number:
                case signal.SIGINT if stage.terminal.interrupts.pressed():
                    continue
                case signal.SIGUSR1:
                    stage.store.put_answer("Words that nobody asked for.", voice=Voice.GATEWAY)
                    stage.inbox.address.try_send(Deliver(HERE))
                case signal.SIGUSR2:
                    LIVES[-1].cancel()
                case _:
                    program.cancel()


LIVES: list[trio.CancelScope] = []


async def main(history: Path) -> None:
    agent = Agent()
    stage = agent.stage = stage_for(open_terminal(history=history, agent="the stage"), agent)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(obey_signals, stage, nursery.cancel_scope)
        while True:
            with trio.CancelScope() as life:
                LIVES.append(life)
                await stage.surface().run()
            if not life.cancelled_caught:
                break
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C is a signal to us
    trio.run(main, Path(sys.argv[1]))
