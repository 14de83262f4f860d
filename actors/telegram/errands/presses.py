"""Answers the presses of buttons: the app of whoever pressed one waits, and not for long.

Those of one chat are answered one after the other, so that whoever presses without end holds up
every other chat by no more than one of them.
"""

import random
from math import inf
from typing import assert_never

import structlog
import trio
from attrs import define, field

from actors.kernel.backoff import Backoff
from actors.telegram.api.outcomes import Ambiguous, Done, Forbidden, Refused, Unreachable
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.posting import Hindrance, NotNow, Post
from protocols.ids import native_id
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
    _lines: dict[str, trio.StrictFIFOLock] = field(factory=dict)

    async def answer(self, press: AnswerPress) -> None:
        """Answer *press* at once, or when a penalty is over; in the end nobody waits any more."""
        until, streak = trio.current_time() + self.lasts, 1
        while trio.current_time() < until:
            match await self._in_turn(press, until):
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
                case never:
                    assert_never(never)
        log.info("press.unanswered")

    async def _in_turn(self, press: AnswerPress, until: float) -> Done | Hindrance:
        """Ask once, after those of the chat that came before; none of them is at the gate yet."""
        chat = native_id(press.room).partition("/")[0]
        line = self._lines.setdefault(chat, trio.StrictFIFOLock())
        try:
            with trio.move_on_at(until) as waiting:
                async with line:
                    waiting.deadline = inf  # what is asked is not broken off
                    return await self._ask(press, until)
            return NotNow()
        finally:
            if not line.locked():
                self._lines.pop(chat, None)

    async def _ask(self, press: AnswerPress, until: float) -> Done | Hindrance:
        # Not before what the gateway says in other chats, or a flood would go before all of it.
        return await self.post.aside(
            Urgency.NOTICE,
            lambda: self.post.bot.answer_callback(press.press_id, press.text),
            until=until,
        )
