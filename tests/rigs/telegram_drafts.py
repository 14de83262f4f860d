"""What a bot is seen to type in a private chat.

Source:
    Telegram, "Bots: live drafts": a draft is known by its id, chat and topic; each disappears
    30 s after it came or when a message comes in the same chat and topic.
"""

from typing import Any

import trio
from attrs import define, evolve, field, frozen

DRAFT_LIVES = 30.0


@frozen
class Draft:
    """One state of a draft; the next one with its id and topic takes its place.

    Args:
        text: What is typed so far; none shows that the bot is thinking.
        thread: Topic, 0 without one.
        can_stop: Whether the person has a button to stop it.
        keep_on_stop: Whether it stays for its time when it is stopped.
    """

    at: float
    draft_id: int
    text: str
    entities: list[dict[str, Any]] = field(factory=list, repr=False)
    thread: int = 0
    can_stop: bool = False
    keep_on_stop: bool = False


@define
class Drafts:
    """The drafts of one chat.

    Args:
        history: Every state of every draft that came, oldest first.
    """

    history: list[Draft] = field(factory=list)
    _shown: dict[tuple[int, int], Draft] = field(factory=dict)
    _stopped: set[tuple[int, int]] = field(factory=set)

    def put(self, draft: Draft) -> None:
        """Show a draft, unless the person has stopped it."""
        self.history.append(draft)
        key = (draft.thread, draft.draft_id)
        if key not in self._stopped:
            self._shown[key] = draft

    def shown(self) -> list[Draft]:
        """What is seen now, in the order in which it began."""
        now = trio.current_time()
        return [one for one in self._shown.values() if now < one.at + DRAFT_LIVES]

    def stop(self, draft: Draft) -> None:
        """Take the button away and, unless it is to be kept, the draft."""
        key = (draft.thread, draft.draft_id)
        self._stopped.add(key)
        if draft.keep_on_stop:
            self._shown[key] = evolve(draft, can_stop=False)
        else:
            del self._shown[key]

    def end(self, thread: int) -> None:
        """Forget what is seen in a topic: the bot has sent a message there."""
        self._shown = {key: it for key, it in self._shown.items() if it.thread != thread}
