"""Ids of one and the same chat: a group that becomes a supergroup gets another one. Pure."""

from collections.abc import Mapping

from attrs import field, frozen


@frozen
class Aliases:
    """What is known of groups that have another id now.

    A group keeps for ever the room that it began with, and so its slot and its order.
    """

    _before: Mapping[int, int] = field(factory=dict)
    """By a chat's id, the one that it had before."""

    def oldest(self, chat_id: int) -> int:
        """The id that the chat *chat_id* began with."""
        while chat_id in self._before:
            chat_id = self._before[chat_id]
        return chat_id

    def has_moved(self, chat_id: int) -> bool:
        """Whether the chat goes on under another id than *chat_id*."""
        return chat_id in self._before.values()

    def after(self, old: int, new: int) -> "Aliases":
        """The same, when chat *old* has become *new*; what was said first of *new* stands."""
        if new in self._before or self.oldest(old) == new:
            return self
        return Aliases({**self._before, new: old})
