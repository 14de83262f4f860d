"""The questions of the agent: the first answer to each counts."""

import time
from datetime import datetime

from attrs import define, field

from tests.rigs.lambda_platform_contract import Json
from tests.rigs.lambda_platform_problems import invalid, problem
from tests.rigs.lambda_platform_run import Run


@define
class Question:
    """One question, and the run that answers it.

    Args:
        answered_by: The run's id; empty while nobody did.
    """

    run: Run
    expires_at: float | None
    answered_by: str = ""


@define
class Interrupts:
    """All questions, by the interrupt's id."""

    asked: dict[str, Question] = field(factory=dict)

    def note(self, run: Run) -> None:
        """*run* has ended; it may have asked something."""
        for one in run.interrupts:
            ends = one.get("expiresAt")
            expires_at = None if ends is None else datetime.fromisoformat(ends).timestamp()
            self.asked[one["id"]] = Question(run, expires_at)

    def claim(self, entries: tuple[Json, ...], thread: str, run_id: str) -> None:
        """Let the run *run_id* answer; another one that has not been cancelled was first."""
        questions = [self._open(entry, thread) for entry in entries]
        named = {entry["interruptId"] for entry in entries}
        for question in questions:
            if not {one["id"] for one in question.run.interrupts} <= named:
                raise invalid("/resume", "all interrupts of a run are answered at once")
        for question in questions:
            question.answered_by = run_id

    def release(self, run: Run) -> None:
        """*run* was cancelled: what it answered may be answered again."""
        for question in self.asked.values():
            if question.answered_by == run.id:
                question.answered_by = ""

    def _open(self, entry: Json, thread: str) -> Question:
        question = self.asked.get(entry["interruptId"])
        if question is None or question.run.thread != thread or question.answered_by:
            raise problem("interrupt-expired")
        is_late = question.expires_at is not None and time.time() > question.expires_at
        if is_late and entry["status"] != "cancelled":
            raise problem("interrupt-expired")
        return question
