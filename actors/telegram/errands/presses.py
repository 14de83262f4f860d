"""Answers the presses of buttons: the app of whoever pressed one waits, and not for long."""

import random
from typing import assert_never

import structlog
import trio
from attrs import define

from actors.kernel.backoff import Backoff
from actors.telegram.api.outcomes import Ambiguous, Done, Forbidden, Refused, Unreachable
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.posting import NotNow, Post
from protocols.surfaces import AnswerPress

log = structlog.get_logger("telegram.presses")

_TROUBLE = Backoff(first=0.5, longest=10.0)


@define
class Presses:
    """The way of an answer to whoever pressed; it may be given twice, and must not be.

    Args:
        lasts: For so many seconds after a press Telegram takes its answer.
    """

    post: Post
    lasts: float

    async def answer(self, press: AnswerPress) -> None:
        """Answer *press* at once, or when a penalty is over; in the end nobody waits any more."""
        until, streak = trio.current_time() + self.lasts, 1
        while trio.current_time() < until:
            outcome = await self.post.aside(
                Urgency.FINAL,
                lambda: self.post.bot.answer_callback(press.press_id, press.text),
                until=until,
            )
            match outcome:
                case Done():
                    self.post.tally.count("presses")
                    return
                case Refused(reason=reason) | Forbidden(reason=reason):
                    log.info("press.expired", reason=reason)
                    return
                case NotNow():
                    pass
                case Unreachable() | Ambiguous():
                    streak += 1
                    delay = _TROUBLE.delay_before(streak, draw=random.random())  # noqa: S311  # no secret
                    await trio.sleep(delay)
                case _:
                    assert_never(outcome)
        log.info("press.unanswered")
