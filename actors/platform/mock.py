"""The mock platform: an agent that needs no account, and fails on request.

The words that make it misbehave are ``FAULT_WORDS``, explained in ``mock_script``.
It forgets everything when the program ends, so it must outlive the bridge's lives as a real
platform does: open it once, with ``platform_opener``.
"""

import hashlib
import random
from collections import Counter
from collections.abc import AsyncGenerator

import trio
from attrs import define, evolve, field, frozen

from actors.platform.local_settings import changed
from actors.platform.mock_files import taken
from actors.platform.mock_script import (
    FAULT_WORDS,
    Fail,
    Script,
    script_for,
    timed_parts,
)
from actors.platform.mock_settings import DEFAULT_SETTINGS
from actors.platform.whole import whole_answer
from protocols.ids import RunId
from protocols.platform import (
    NO_DETAILS,
    Answer,
    Attachment,
    FailureKind,
    PlatformFailedError,
    Resume,
    RunDetails,
    SettingsAction,
    StreamAsks,
    StreamFinished,
    StreamPart,
    StreamStopped,
    User,
    UserSettings,
    UserUnknownError,
)
from protocols.pushes import AgentEvent, AgentEventKind, WebhookReceiver

__all__ = ["FAULT_WORDS", "MockPlatformClient", "MockStats", "NoReceiverError"]

_SMALL_CALL = (0.010, 0.080)
_MESSAGE = (0.200, 0.600)
_KEPT_RUNS = 2_000


@frozen
class MockStats:
    """What the mock platform has done so far.

    Args:
        requests: For runs, repeated ones included.
        runs: Distinct runs that were requested.
        executed: Runs that the agent worked on; a repeated request is no further work.
    """

    users: int = 0
    requests: int = 0
    runs: int = 0
    executed: int = 0
    finished: int = 0
    asked: int = 0
    failed: int = 0
    cancelled: int = 0
    settings_changes: int = 0
    events: int = 0


class NoReceiverError(Exception):
    """An event was simulated, and nobody was named who receives it."""


_Request = tuple[str, str, str, tuple[Attachment, ...], Resume | None]


@define(eq=False)
class _Run:
    request: _Request = field(repr=False)
    script: Script = field(repr=False)
    requests: int = 0
    is_executed: bool = False
    is_over: bool = False
    cancelled: trio.Event = field(factory=trio.Event)


def _ending(part: StreamPart | None) -> str:
    """What is counted of a run that ends with *part*; nothing if it goes on."""
    match part:
        case StreamFinished():
            return "finished"
        case StreamAsks():
            return "asked"
        case StreamStopped():
            return "cancelled"
        case _:
            return ""


def _rejected() -> PlatformFailedError:
    return PlatformFailedError(FailureKind.REJECTED, is_retryable=False)


async def _goes_on(run: _Run, seconds: float) -> bool:
    if seconds:
        with trio.move_on_after(seconds):
            await run.cancelled.wait()
    else:
        await trio.lowlevel.checkpoint()
    return not run.cancelled.is_set()


@define(eq=False)
class MockPlatformClient:
    """A whole platform in memory: users, settings, runs and pushed events.

    Args:
        latency: Take as long as a real platform would: 10 to 80 ms, for messages 200 to 600 ms.
        random: Where the latencies come from.
        receiver: Whom ``simulate_agent_event`` tells.
    """

    latency: bool = field(default=True, kw_only=True)
    _random: random.Random = field(factory=random.Random, kw_only=True)
    receiver: WebhookReceiver | None = field(default=None, kw_only=True)
    _users: dict[str, User] = field(init=False, factory=dict, repr=False)
    _settings: dict[str, UserSettings] = field(init=False, factory=dict, repr=False)
    _runs: dict[RunId, _Run] = field(init=False, factory=dict, repr=False)
    _resumed: dict[str, RunId] = field(init=False, factory=dict, repr=False)
    _counts: Counter[str] = field(init=False, factory=Counter)

    @property
    def history_chars(self) -> int:
        """It keeps its own history."""
        return 0

    async def check_access(self) -> None:
        """Everybody may use the mock."""
        await trio.lowlevel.checkpoint()

    async def get_or_create_user(self, external_id: str, platform: str, display_name: str) -> User:
        """The user of a person on a surface; its id is the same in every life of the program."""
        await self._pause(*_SMALL_CALL)
        digest = hashlib.sha256(f"{platform}:{external_id}".encode()).hexdigest()
        user_id = f"user-{digest[:16]}"
        known = self._users.get(user_id)
        name = display_name or (known.display_name if known else "")
        self._users[user_id] = User(user_id, external_id, platform, name)
        self._settings.setdefault(user_id, DEFAULT_SETTINGS)
        return self._users[user_id]

    async def send_message(
        self,
        user_id: str,
        chat_id: str,
        text: str,
        *,
        run_id: RunId,
        attachments: tuple[Attachment, ...] = (),
        details: RunDetails = NO_DETAILS,  # noqa: ARG002  # the mock agent makes nothing of them
    ) -> Answer:
        """Run the agent and wait for the whole answer; a question of the agent is part of it."""
        stream = self.stream_message(user_id, chat_id, text, run_id=run_id, attachments=attachments)
        return await whole_answer(stream)

    async def stream_message(
        self,
        user_id: str,
        chat_id: str,
        text: str,
        *,
        run_id: RunId,
        attachments: tuple[Attachment, ...] = (),
        resume: Resume | None = None,
        details: RunDetails = NO_DETAILS,  # noqa: ARG002  # the mock agent makes nothing of them
    ) -> AsyncGenerator[StreamPart, None]:
        """Run the agent and hand over its answer word by word, from the start at every request."""
        await self._pause(*_MESSAGE)
        self._known_settings(user_id)
        attachments = await taken(attachments)  # from here on nobody holds what is in them
        run = self._requested(run_id, (user_id, chat_id, text, attachments, resume))
        self._start(run)
        for seconds, part in timed_parts(run.script, has_latency=self.latency):
            if not await _goes_on(run, seconds):
                return
            if how := _ending(part):
                self._end(run, how)
            if part is not None:
                yield part

    async def cancel_run(self, run_id: RunId) -> None:
        """Stop a run; one that is over or unknown is no error."""
        await self._pause(*_SMALL_CALL)
        run = self._runs.get(run_id)
        if run is not None and not run.is_over:
            self._end(run, "cancelled")
            run.cancelled.set()

    async def get_settings(self, user_id: str) -> UserSettings:
        """The settings of a known user; an unknown one is rejected."""
        await self._pause(*_SMALL_CALL)
        return self._known_settings(user_id)

    async def update_settings(self, user_id: str, action: SettingsAction) -> UserSettings:
        """Change the settings by one of the actions that ``changed`` knows."""
        await self._pause(*_SMALL_CALL)
        known = self._known_settings(user_id)
        self._settings[user_id] = changed(known, action, at_first=DEFAULT_SETTINGS)
        self._counts["settings_changes"] += 1
        return self._known_settings(user_id)

    async def simulate_agent_event(
        self,
        kind: AgentEventKind,
        *,
        user_id: str,
        task_id: str = "task-1",
        chat_id: str | None = None,
        text: str = "",
    ) -> AgentEvent:
        """Push an event as the platform would; the receiver has it safe once this returns."""
        if self.receiver is None:
            raise NoReceiverError
        await self._pause(*_SMALL_CALL)
        event = AgentEvent(kind, task_id, user_id, chat_id, text)
        await self.receiver.on_agent_event(event)
        self._counts["events"] += 1
        return event

    def get_stats(self) -> MockStats:
        """What has happened so far."""
        return MockStats(users=len(self._users), **self._counts)

    async def _pause(self, shortest: float, longest: float) -> None:
        await trio.sleep(self._random.uniform(shortest, longest) if self.latency else 0)

    def _known_settings(self, user_id: str) -> UserSettings:
        settings = self._settings.get(user_id)
        if settings is None:
            raise UserUnknownError
        return evolve(settings, skills=dict(settings.skills))

    def _requested(self, run_id: RunId, request: _Request) -> _Run:
        """The run of that id: a new one, or the known one if it is the same request."""
        *_, text, attachments, resume = request
        if resume is not None:
            self._claim(resume.interrupt_id, run_id)
        run = self._runs.get(run_id)
        if run is None:
            script = script_for(
                text, interrupt_id=f"confirm-{run_id}", attachments=attachments, resume=resume
            )
            run = self._runs[run_id] = _Run(request, script)
            self._counts["runs"] += 1
            if len(self._runs) > _KEPT_RUNS:
                del self._runs[next(iter(self._runs))]
        elif run.request != request or run.cancelled.is_set():
            raise _rejected()
        return run

    def _claim(self, interrupt_id: str, run_id: RunId) -> None:
        """The first answer to a question wins, unless its run was cancelled."""
        first_id = self._resumed.setdefault(interrupt_id, run_id)
        first = self._runs.get(first_id)
        if first_id != run_id and first is not None and not first.cancelled.is_set():
            raise _rejected()
        self._resumed[interrupt_id] = run_id

    def _start(self, run: _Run) -> None:
        """Count the request; the work is done once, and not at all where the script fails it."""
        run.requests += 1
        self._counts["requests"] += 1
        first = run.script[0]
        if isinstance(first, Fail) and (run.requests == 1 or not first.is_once):
            self._counts["failed"] += 1
            raise PlatformFailedError(first.kind, is_retryable=True)
        if not run.is_executed:
            run.is_executed = True
            self._counts["executed"] += 1

    def _end(self, run: _Run, how: str) -> None:
        if not run.is_over:
            run.is_over = True
            self._counts[how] += 1
