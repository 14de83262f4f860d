"""What is wrong right now, in words for the operator; and what of it is news. Pure."""

import json
from collections.abc import Iterable, Mapping

from attrs import define, field, frozen

from protocols.chats import AccessList
from protocols.lifecycle import ActorState, ActorView

LEAST_PAUSE = 60.0
"""Seconds between two messages."""

MOST_LINES = 20
"""Lines of one message; what is more is counted."""

QUIET_AFTER = 600.0
"""Seconds without a further dead letter after which the growth is over."""

_KEYS = {ActorState.PARKED: "cannot work", ActorState.STUCK: "hangs and does not end"}


def in_tree(views: Iterable[ActorView]) -> dict[str, str]:
    """The incidents that the live tree shows, by key."""
    return {
        f"{view.state}:{view.path}": f"**{view.path}** {_KEYS[view.state]}: {_why(view)}"
        for view in views
        if view.state in _KEYS
    }


def _why(view: ActorView) -> str:
    return view.note or view.last_error or "see `debug`"


def at_the_door(access: AccessList) -> dict[str, str]:
    """The strangers who may be let in now, by key."""
    return {
        f"knock:{one.person}": f"{_plain(one.person)} has no access and wrote:"
        f" `debug pair {one.code}`"
        for one in access.strangers
        if one.code
    }


def _plain(person: str) -> str:
    """*person* as code: on Matrix a stranger chooses most of it, and may mean it as Markdown."""
    return "`" + person.replace("`", "'") + "`"


@define
class DeadLetterWatch:
    """Notices that dead letters become more.

    Args:
        known: How many there were when all was quiet; None before the first look.
    """

    known: int | None = None
    _highest: int = 0
    _grew_at: float = 0.0

    def look(self, count: int, now: float) -> dict[str, str]:
        """The incident, if there is one, with *count* dead letters at *now* (monotonic)."""
        if self.known is None or count < self.known:
            self.known = self._highest = count
        if count > self._highest:
            self._highest, self._grew_at = count, now
        if self._highest == self.known:
            return {}
        if now - self._grew_at >= QUIET_AFTER:
            self.known = self._highest = count
            return {}
        more = self._highest - self.known
        return {"dead-letters": f"could not be handled: {more} more, see `debug dead-letters`"}


@define
class News:
    """Tells each incident once when it begins and once when it ends, a message a minute at most.

    An incident that begins and ends between two messages is told as both.

    Args:
        last_life: How the program's last life ended, where that is news.
    """

    told: dict[str, str] = field(factory=dict)
    last_life: str = ""
    _not_before: float = field(default=0.0)
    _began: dict[str, str] = field(factory=dict)
    _ended: dict[str, str] = field(factory=dict)
    _current: dict[str, str] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self._current = dict(self.told)

    def look(self, current: Mapping[str, str]) -> None:
        """Take in what is wrong now."""
        for key, text in current.items():
            if key not in self._current:
                self._began[key] = text
                self._ended.pop(key, None)
        for key, text in self._current.items():
            if key not in current:
                self._ended[key] = text
        self._current = dict(current)

    def is_due(self, now: float) -> bool:
        """Whether a message may be sent at *now* (monotonic)."""
        return now >= self._not_before

    def message(self, now: float) -> str:
        """The Markdown that is due at *now* (monotonic), or nothing; ``delivered`` comes next."""
        if not self.is_due(now):
            return ""
        before = [f"⚠️ {self.last_life}"] if self.last_life else []
        # What was told and is back before its end was told has not ended.
        began = [f"⚠️ {text}" for key, text in self._began.items() if key not in self.told]
        ended = [
            f"✅ over: {text}"
            for key, text in self._ended.items()
            if key in self.told or key in self._began
        ]
        lines = [*before, *began, *ended]
        left_out = len(lines) - MOST_LINES
        if left_out > 0:
            lines = [*lines[:MOST_LINES], f"… and {left_out} more: see `debug`"]
        return "\n\n".join(lines)

    def delivered(self, now: float) -> None:
        """The message is on its way."""
        self.last_life = ""
        self._began.clear()
        self._ended.clear()
        self.told = dict(self._current)
        self._not_before = now + LEAST_PAUSE


@frozen
class Told:
    """What earlier lives told.

    Args:
        lines: Of what was wrong when they last said something, by the incidents' keys.
        at: When that was, in seconds since the epoch.
    """

    lines: dict[str, str] = field(factory=dict)
    at: float = 0.0

    def pause_left(self, now: float) -> float:
        """Seconds until something may be said again; a clock that was set back costs a pause."""
        return max(0.0, min(LEAST_PAUSE, self.at + LEAST_PAUSE - now))


def told_text(told: Told) -> str:
    """*told* as the store keeps it."""
    return json.dumps({"lines": told.lines, "at": told.at}, ensure_ascii=False)


def read_told(text: str | None) -> Told:
    """What the store kept."""
    return Told() if text is None else Told(**json.loads(text))
