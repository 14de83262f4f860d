"""Telegram's limits on how much a bot may say, and who broke them."""

from collections import deque
from math import ceil, inf
from typing import Literal

from attrs import define, field, frozen

Rule = Literal["chat", "group", "bot"]


@frozen
class Limits:
    """How much is allowed.

    Telegram publishes one message a second in a chat with short bursts, 20 a minute in a group
    and 30 a second over all; edits count as messages, an album as one for each of its files,
    everything else only over all.

    Args:
        slack: Share of each limit that the network's jitter may use up.
        retry_after: The penalty of a violation.
        grace: A call on another connection, which was under way when a penalty began, is not
            counted as inside it; nor does a call overlap one that ended so little later.
    """

    chat_per_second: float = 1.0
    chat_burst: int = 5
    group_per_minute: int = 20
    bot_per_second: int = 30
    slack: float = 0.1
    retry_after: int = 5
    grace: float = 0.3


LIMITLESS = Limits(
    chat_per_second=inf, chat_burst=10**9, group_per_minute=10**9, bot_per_second=10**9
)


@frozen
class Violation:
    """A call too many; *chat* is None where the limit over all was broken."""

    at: float
    chat: int | None
    rule: Rule


@frozen
class Penalty:
    """Nothing may be sent from *since* until *until*; it was told on connection *line*."""

    since: float
    until: float
    line: object = field(default=None, repr=False)


@frozen
class InsidePenalty:
    """A call that came although Telegram had said to wait.

    Args:
        scope: The chat, or the method where a call names none.
    """

    at: float
    scope: int | str
    method: str
    penalty: Penalty


@define
class Flood:
    """Counts the calls that say something and punishes what is too much."""

    limits: Limits
    violations: list[Violation] = field(factory=list)
    inside: list[InsidePenalty] = field(factory=list)
    _penalties: dict[int | str | None, Penalty] = field(factory=dict)
    _tokens: dict[int, tuple[float, float]] = field(factory=dict)
    _groups: dict[int, deque[float]] = field(factory=dict)
    _bot: deque[float] = field(factory=deque)

    def penalise(
        self, scope: int | str | None, *, seconds: int, now: float, line: object = None
    ) -> None:
        """Begin a penalty for a chat, for a method that names no chat, or for all chats."""
        self._penalties[scope] = Penalty(now, now + seconds, line)

    def wait_of_penalty(
        self, method: str, scope: int | str, *, now: float, line: object = None
    ) -> int:
        """Whole seconds that the penalty still lasts, 0 without one; the call is counted."""
        for where in (scope, None) if isinstance(scope, int) else (scope,):
            penalty = self._penalties.get(where)
            if penalty is None or now >= penalty.until:
                continue
            if line is penalty.line or now >= penalty.since + self.limits.grace:
                self.inside.append(InsidePenalty(now, scope, method, penalty))
            return ceil(penalty.until - now)
        return 0

    def wait_of_rates(
        self, chat: int, *, messages: int, is_group: bool, now: float, line: object = None
    ) -> int:
        """Whole seconds of the penalty that this call has earned; 0 if it was allowed.

        Args:
            messages: How many it sends or edits; a call without any counts only over all.
        """
        rule = self._broken(chat, messages, is_group=is_group, now=now)
        if rule is None:
            return 0
        scope = None if rule == "bot" else chat
        self.violations.append(Violation(now, scope, rule))
        self.penalise(scope, seconds=self.limits.retry_after, now=now, line=line)
        return self.limits.retry_after

    def _broken(self, chat: int, messages: int, *, is_group: bool, now: float) -> Rule | None:
        limits, share = self.limits, 1.0 - self.limits.slack
        calls = max(messages, 1)
        if not _fits(self._bot, calls, limit=limits.bot_per_second, window=share, now=now):
            return "bot"
        if messages and not self._has_token(chat, messages, now):
            return "chat"
        said = self._groups.setdefault(chat, deque())
        if messages and is_group:
            window = 60.0 * share
            if not _fits(said, messages, limit=limits.group_per_minute, window=window, now=now):
                return "group"
            said.extend([now] * messages)
        self._bot.extend([now] * calls)
        return None

    def _has_token(self, chat: int, messages: int, now: float) -> bool:
        """Whether the chat takes more; an album goes through whole and is paid for later."""
        burst, rate = float(self.limits.chat_burst), self.limits.chat_per_second
        if rate == inf:
            return True
        tokens, at = self._tokens.get(chat, (burst, now))
        tokens = min(burst, tokens + (now - at) * rate * (1.0 + self.limits.slack))
        has_one = tokens >= 1.0
        self._tokens[chat] = (tokens - messages * has_one, now)
        return has_one


def _fits(said: deque[float], more: int, *, limit: int, window: float, now: float) -> bool:
    while said and said[0] <= now - window:
        said.popleft()
    return len(said) + more <= limit
