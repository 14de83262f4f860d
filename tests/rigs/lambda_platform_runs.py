"""The runs of the reference server: each executed once, whoever listens."""

from collections.abc import Callable

import trio
from attrs import define, field

from tests.rigs.lambda_platform_agent import Task, performance, refusal_of, run_error
from tests.rigs.lambda_platform_agui import Writer
from tests.rigs.lambda_platform_fetch import Fetched, fetched
from tests.rigs.lambda_platform_files import Files
from tests.rigs.lambda_platform_inputs import Asked
from tests.rigs.lambda_platform_interrupts import Interrupts
from tests.rigs.lambda_platform_people import People
from tests.rigs.lambda_platform_problems import problem
from tests.rigs.lambda_platform_run import Run, Stats

KEPT_EVENTS = 600.0
NOTES = b"Notes of the agent.\n\n"


@define
class Runs:
    """All runs, by id.

    Args:
        on_end: Told of each run that has ended.
        kept_events: Seconds that the events of a run are there behind its end.
        has_latency: The agent takes as long as the mock agent does.
        fetches: The agent looks at files that are named by their address, and fails without them.
        fetched: What it got.
    """

    people: People
    files: Files
    stats: Stats
    _nursery: trio.Nursery
    on_end: Callable[[Run], None]
    kept_events: float = KEPT_EVENTS
    has_latency: bool = False
    fetches: bool = False
    fetched: list[Fetched] = field(factory=list)
    known: dict[str, Run] = field(factory=dict)
    interrupts: Interrupts = field(factory=Interrupts)
    _threads: dict[str, list[Run]] = field(factory=dict)

    def start(self, asked: Asked, *, is_async: bool) -> Run:
        """The run of that id: a new one, or the known one if it is asked the same."""
        self.stats.starts += 1
        self.people.find(asked.user_id)
        run = self.known.get(asked.body["runId"])
        if run is None:
            run = self._new(asked, is_async=is_async)
        elif run.asked.body != asked.body:
            raise problem("idempotency-key-reuse")
        run.requests += 1
        if refusal_of(run.task, run.requests) is not None:
            raise problem("overloaded", retry_after=0)
        if not run.is_executed:
            run.is_executed = True
            self._threads[run.thread].append(run)
            self._nursery.start_soon(self._execute, run)
        return run

    def find(self, run_id: str) -> Run:
        """The run of that id."""
        run = self.known.get(run_id)
        if run is None:
            raise problem("run-not-found")
        return run

    def check_kept(self, run: Run) -> None:
        """Whoever wants the events of *run* gets them for some time behind its end only."""
        if run.ended_at is not None and trio.current_time() >= run.ended_at + self.kept_events:
            raise problem("run-expired")

    def cancel(self, run: Run) -> None:
        """Stop *run*; nothing happens to one that has ended."""
        self.stats.cancels += 1
        run.scope.cancel()

    def _new(self, asked: Asked, *, is_async: bool) -> Run:
        run_id, thread_id = asked.body["runId"], asked.body["threadId"]
        open_runs = [one for one in self._threads.get(thread_id, ()) if not one.over.is_set()]
        self._threads[thread_id] = open_runs
        if open_runs and asked.on_busy == "reject":
            raise problem("thread-busy")
        self.interrupts.claim(asked.resume, thread_id, run_id)
        if asked.on_busy == "interrupt":
            for one in open_runs:
                one.scope.cancel()
        run = Run(asked, self._task(asked, run_id), tuple(open_runs), is_async)
        self.known[run_id] = run
        self.stats.runs += 1
        return run

    def _task(self, asked: Asked, run_id: str) -> Task:
        return Task(
            run_id,
            asked.text,
            asked.attachments,
            asked.resume,
            has_latency=self.has_latency,
            link=self.files.linked("notes.txt", "text/plain", NOTES),
        )

    async def _execute(self, run: Run) -> None:
        writer = Writer(run.thread, run.id, self.files.source_of)
        with run.scope:
            for one in run.before:
                await one.over.wait()
            await self._perform(run, writer)
        if run.scope.cancelled_caught:
            self._stop(run, writer)
        run.is_broken = run.ended_at is None
        run.over.set()
        run.tell()
        self._note_end(run)

    async def _perform(self, run: Run, writer: Writer) -> None:
        self.stats.executed += 1
        run.emit(writer.started())
        if self.fetches and not await self._has_files(run):
            run.emit(run_error("A file is not there.", "file_missing"))
            return
        at = trio.current_time()
        for seconds, part in performance(run.task):
            at += seconds
            await trio.sleep_until(at)
            if part is not None:
                for event in writer.events_of(part):
                    run.emit(event)

    async def _has_files(self, run: Run) -> bool:
        named = [file for file in run.task.attachments if file.mode == "url"]
        got = [await fetched(file) for file in named]
        self.fetched += got
        return all(one.is_right for one in got)

    def _stop(self, run: Run, writer: Writer) -> None:
        if run.ended_at is not None:
            return
        if not run.events:
            run.emit(writer.started())
        for event in writer.cancelled():
            run.emit(event)
        self.interrupts.release(run)

    def _note_end(self, run: Run) -> None:
        match run.status:
            case "succeeded":
                self.stats.succeeded += 1
            case "interrupted":
                self.stats.interrupted += 1
            case "failed":
                self.stats.failed += 1
            case "cancelled":
                self.stats.cancelled += 1
            case _:
                return
        self.interrupts.note(run)
        self.on_end(run)
