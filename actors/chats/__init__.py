"""People, rooms, slots and sessions: what happens to a message between journal and answer."""

from actors.chats.access import AccessPolicy
from actors.chats.directory import ChatDirectory
from actors.chats.session import ChatSession

__all__ = ["AccessPolicy", "ChatDirectory", "ChatSession"]
