"""The tasks that the platform works at by itself: which are open, and which have ended; pure.

People see an open one as one line in a chat. A journal row owns that line: the first push about
the task that there was.
"""

import json
from collections.abc import Iterable

from attrs import asdict, field, frozen

from protocols.changes import PutKey
from protocols.ids import PLATFORM, Language, RoomId, RowId, surface_of
from protocols.journal import Row
from protocols.pushes import AgentEventKind

OPEN = "task:"
"""What the keys of open tasks start with."""

OVER = "task_over:"
"""What the keys of tasks that have ended start with; each is kept as long as its row is."""

LONGEST_SILENCE = 86_400.0
"""Seconds without a word about an open task, after which nobody waits for its end."""


@frozen
class TaskName:
    """What the platform calls a task: its id is unique among those of one user."""

    user_id: str
    task_id: str

    @property
    def key(self) -> str:
        """The end of the keys about it."""
        return json.dumps([self.user_id, self.task_id], ensure_ascii=False)


@frozen
class Task:
    """An open task.

    Args:
        row: The journal row that owns its line; the task's outcome will be that row's.
        room: Where the line stands.
        line: Plain text.
        seq: That of the newest push, where they are counted.
        heard_at: When there was last a push about it, in seconds since the epoch.
    """

    name: TaskName
    row: RowId
    room: RoomId
    language: Language
    line: str = field(repr=False)
    seq: int | None
    heard_at: float


@frozen
class EndedTask:
    """A task that has ended.

    Args:
        row: The journal row whose outcome was the task's, the last one where there are two.
        kinds: How it ended. A task that failed may be done later, but each is said once.
    """

    row: RowId
    kinds: frozenset[AgentEventKind]


def is_push(row: Row) -> bool:
    """Whether *row* is what the platform pushed."""
    return surface_of(row.room) == PLATFORM


def open_key(name: TaskName) -> str:
    """Where an open task is kept."""
    return f"{OPEN}{name.key}"


def over_key(name: TaskName) -> str:
    """Where it is kept how a task ended."""
    return f"{OVER}{name.key}"


def put_open(task: Task) -> PutKey:
    """The change that keeps *task* as it is now."""
    return PutKey(open_key(task.name), json.dumps(asdict(task), ensure_ascii=False))


def put_over(name: TaskName, ended: EndedTask) -> PutKey:
    """The change that keeps how the task *name* ended."""
    facts = {"row": ended.row, "kinds": sorted(ended.kinds)}
    return PutKey(over_key(name), json.dumps(facts))


def read_open(text: str) -> Task:
    """The open task in the stored *text*."""
    facts = json.loads(text)
    return Task(**facts | {"name": TaskName(**facts["name"])})


def read_over(text: str) -> EndedTask:
    """How a task ended, by the stored *text*."""
    facts = json.loads(text)
    return EndedTask(RowId(facts["row"]), frozenset(map(AgentEventKind, facts["kinds"])))


def read_all_open(stored: Iterable[tuple[str, str]]) -> tuple[Task, ...]:
    """The tasks in what the store has under ``OPEN``, the oldest first."""
    return tuple(sorted((read_open(text) for _, text in stored), key=lambda task: task.row))
