"""Whatever is pushed in whatever order, and whoever dies meanwhile: each end is said once."""

from collections.abc import Sequence

import trio
from attrs import define, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from actors.chats.tasks import OPEN, read_all_open
from protocols.journal import OutboxState, RowState
from protocols.pushes import AgentEventKind
from tests.actors.chats.pushes import DONE, ERROR, PROGRESS, a_user, arrival_of, event, used_last
from tests.actors.chats.test_every_step import EveryStep
from tests.actors.chats.world import ME, OTHER_ROOM, ROOM, World
from tests.fakes import MemoryJournal
from tests.invariants import journal_faults

VICTIMS = ("chats", "store", "matrix")


@frozen
class Pushed:
    """The platform pushes; the same *webhook* again is the same push, delivered again."""

    kind: AgentEventKind
    task: str
    seq: int | None
    webhook: int


@frozen
class Killed:
    """*victim* is killed after so many steps from now."""

    victim: str
    step: int


@frozen
class Died:
    """The whole program dies, and lives again."""


@frozen
class Wrote:
    """The person writes, maybe elsewhere."""

    is_elsewhere: bool


@frozen
class Waited:
    seconds: float


Happening = Pushed | Killed | Died | Wrote | Waited

PUSHES = st.builds(
    Pushed,
    st.sampled_from([PROGRESS, PROGRESS, DONE, ERROR]),
    st.sampled_from("tu"),
    st.none() | st.integers(1, 9),
    st.integers(0, 30),
)
HAPPENINGS: st.SearchStrategy[Happening] = st.one_of(
    PUSHES,
    PUSHES,
    st.builds(Killed, st.sampled_from(VICTIMS), st.integers(1, 60)),
    st.just(Died()),
    st.builds(Wrote, st.booleans()),
    st.builds(Waited, st.sampled_from([0.0, 0.1, 10.0])),
)


@define
class Lives:
    """The lives of one program, one after the other."""

    clock: MockClock
    journal: MemoryJournal

    async def go_through(self, happenings: Sequence[Happening]) -> None:
        rest = list(happenings)
        while True:
            is_last = Died() not in rest
            now = rest if is_last else rest[: rest.index(Died())]
            world = World(self.clock, journal=self.journal)
            with trio.CancelScope() as life:
                async with world.running():
                    for happening in now:
                        await happen(world, happening)
                    if is_last:
                        await trio.sleep(200)
                    else:
                        life.cancel()
            if is_last:
                return
            rest = rest[len(now) + 1 :]


async def happen(world: World, happening: Happening) -> None:
    match happening:
        case Pushed(kind, task, seq, webhook):
            what = event(kind, f"{kind} of {task}", task_id=task, seq=seq)
            # Whoever delivers again delivers the same.
            await world.arrive(arrival_of(what, f"msg-{kind}-{task}-{webhook}"))
        case Killed(victim, step):
            kill_at(world, victim, step)
        case Wrote(is_elsewhere):
            await world.write("hello", room=OTHER_ROOM if is_elsewhere else ROOM)
        case Waited(seconds):
            await trio.sleep(seconds)
        case Died():
            raise AssertionError("a life ends elsewhere")


def kill_at(world: World, victim: str, step: int) -> None:
    def at(number: int) -> None:
        if number == step:
            trio.lowlevel.remove_instrument(killer)
            if victim in {view.path for view in world.tree.census()}:
                world.tree.kill(victim)

    killer = EveryStep(at)
    trio.lowlevel.add_instrument(killer)


def ends_in_order(happenings: Sequence[Happening], task: str) -> list[str]:
    """What must be said of *task*: each end once, the first of a kind first."""
    pushed = (it for it in happenings if isinstance(it, Pushed) and it.task == task)
    ends = [it.kind for it in pushed if it.kind is not PROGRESS]
    return [words(kind, task) for kind in dict.fromkeys(ends)]


def words(kind: AgentEventKind, task: str) -> str:
    text = f"{kind} of {task}".replace("_", "\\_")
    return f"{kind} of {task}" if kind is DONE else f"failed: {text}"


def assert_is_said_once(journal: MemoryJournal, happenings: Sequence[Happening]) -> None:
    outbox = list(journal.outbox.values())
    assert {out.state for out in outbox} <= {OutboxState.SENT}
    for task in "tu":
        said = [word for out in outbox if (word := said_of(out.text, task)) is not None]
        assert said == ends_in_order(happenings, task)


def said_of(text: str, task: str) -> str | None:
    return next((end for kind in (DONE, ERROR) if text.endswith(end := words(kind, task))), None)


def assert_is_whole(journal: MemoryJournal) -> None:
    """Only the rows that own the line of an open task are unfinished."""
    tasks = read_all_open((key, text) for key, text in journal.keys.items() if key.startswith(OPEN))
    running = {row.id for row in journal.rows.values() if row.state is RowState.RUNNING}
    assert running == {task.row for task in tasks}
    others = [row for row in journal.rows.values() if row.id not in running]
    assert journal_faults(others, journal.outbox.values()) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(HAPPENINGS, max_size=25))
def test_each_end_of_a_task_is_said_exactly_once_and_in_order(
    happenings: list[Happening],
) -> None:
    clock = MockClock(autojump_threshold=0)
    journal = MemoryJournal()
    a_user(journal, ME)
    used_last(journal, ME, ROOM)

    trio.run(Lives(clock, journal).go_through, happenings, clock=clock)

    assert_is_said_once(journal, happenings)
    assert_is_whole(journal)
