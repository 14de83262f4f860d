"""One run of the reference server: its events so far, and what they come to."""

import trio
from attrs import define, field

from tests.rigs.lambda_platform_agent import Task
from tests.rigs.lambda_platform_agui import TERMINAL, encoded
from tests.rigs.lambda_platform_contract import Json
from tests.rigs.lambda_platform_inputs import Asked
from tests.rigs.lambda_platform_problems import STATUS, Problem

_STATUS = {"success": "succeeded", "interrupt": "interrupted", "cancelled": "cancelled"}


@define
class Stats:
    """What the platform has done so far.

    Args:
        requests: That reached it, whatever became of them.
        starts: Requests to start a run, repeated ones included; ``resumes`` are for its events.
        runs: Distinct runs that were requested.
        executed: Runs that the agent worked on; a repeated request is no further work.
        streams: Streams of events that are open now.
        cuts: Lines that were cut on purpose.
        leaks: Requests that carried our token where it does not belong.
    """

    requests: int = 0
    starts: int = 0
    resumes: int = 0
    runs: int = 0
    executed: int = 0
    succeeded: int = 0
    interrupted: int = 0
    failed: int = 0
    cancelled: int = 0
    cancels: int = 0
    streams: int = 0
    cuts: int = 0
    uploads: int = 0
    leaks: int = 0


@define(eq=False)
class Run:
    """One run.

    Args:
        before: The runs of its thread that it waits for.
        is_async: Nobody waits for it: a webhook tells of its end.
        is_broken: It was cut, and never ends.
        ended_at: On trio's clock.
    """

    asked: Asked = field(repr=False)
    task: Task = field(repr=False)
    before: tuple["Run", ...] = field(repr=False)
    is_async: bool = False
    events: list[Json] = field(factory=list, repr=False)
    encoded: list[bytes] = field(factory=list, repr=False)
    status: str = "queued"
    text: str = field(default="", repr=False)
    attachments: list[Json] = field(factory=list, repr=False)
    interrupts: list[Json] = field(factory=list, repr=False)
    usage: list[Json] = field(factory=list)
    problem: Problem | None = None
    requests: int = 0
    is_executed: bool = False
    is_broken: bool = False
    ended_at: float | None = None
    scope: trio.CancelScope = field(factory=trio.CancelScope, repr=False)
    over: trio.Event = field(factory=trio.Event, repr=False)
    _changed: trio.Event = field(factory=trio.Event, repr=False)

    @property
    def id(self) -> str:
        """Its id."""
        return self.task.run_id

    @property
    def thread(self) -> str:
        """The thread that it is part of."""
        return str(self.asked.body["threadId"])

    async def change(self) -> None:
        """Wait until there is something new."""
        await self._changed.wait()

    def tell(self) -> None:
        """Wake whoever waits for a change."""
        self._changed.set()
        self._changed = trio.Event()

    def emit(self, event: Json) -> None:
        """Add *event*."""
        self.events.append(event)
        self.encoded.append(encoded(len(self.events), event))
        match event:
            case {"type": "RUN_STARTED"}:
                self.status = "running"
            case {"type": "TEXT_MESSAGE_CONTENT", "delta": str(more)}:
                self.text += more
            case {"type": "RUN_ERROR", "code": str(code)}:
                self._fail(code)
            case {"type": "RUN_FINISHED"}:
                self._finish(event)
            case _:
                pass
        if event["type"] in TERMINAL:
            self.ended_at = trio.current_time()
        self.tell()

    def as_json(self) -> Json:
        """What ``GET /v1/runs/{id}`` says."""
        said: Json = {
            "run_id": self.id,
            "thread_id": self.thread,
            "status": self.status,
            "text": self.text,
            "attachments": self.attachments,
            "interrupts": self.interrupts,
            "usage": self.usage,
            "last_event_id": str(len(self.events)),
        }
        return said if self.problem is None else said | {"error": self.problem.as_json()}

    def _fail(self, code: str) -> None:
        self.status = "failed"
        name = code if code in {"overloaded", "timeout"} else "upstream"
        self.problem = Problem(name, STATUS[name])

    def _finish(self, event: Json) -> None:
        outcome = event.get("outcome", {"type": "success"})
        self.status = _STATUS[outcome["type"]]
        self.interrupts = outcome.get("interrupts", [])
        self.attachments = event.get("result", {}).get("attachments", [])
        self.usage = event.get("usage", [])
