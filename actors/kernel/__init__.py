"""Supervised actors: mailboxes, lives, restarts; knows nothing of chats."""

from actors.kernel.census import tree_text
from actors.kernel.mailbox import Mailbox
from actors.kernel.pool import Pool
from actors.kernel.spec import ChildSpec, permanent, transient
from actors.kernel.supervision import Supervisor

__all__ = ["ChildSpec", "Mailbox", "Pool", "Supervisor", "permanent", "transient", "tree_text"]
