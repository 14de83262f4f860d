"""What the Telegram surface is configured with."""

from enum import StrEnum
from pathlib import Path

from attrs import field, frozen

PUBLIC_API = "https://api.telegram.org"


class GroupMode(StrEnum):
    """Which messages of a group are for the bot."""

    MENTION = "mention"
    """Those that mention it, reply to it, or hold a command for it."""
    ALL = "all"
    """All of them, but those that are a command for another bot."""


class Streaming(StrEnum):
    """How an answer is shown while it grows."""

    EDIT = "edit"
    """A message of ours is edited; the answer takes its place, which may be repeated."""
    DRAFT = "draft"
    """In private chats Telegram's own draft, in groups as ``EDIT``; the answer is a new message."""
    OFF = "off"
    """Typing only; the answer is a new message."""

    def in_chat(self, chat_id: int) -> "Streaming":
        """What it comes to in this chat: groups, whose ids are negative, have no drafts."""
        return Streaming.EDIT if self is Streaming.DRAFT and chat_id < 0 else self


@frozen
class Pace:
    """How patient the surface is, and how often it speaks. All in seconds.

    Args:
        poll: How long Telegram holds a poll when nothing is new; at most 50.
        answer_within: What an answer may take; that of a poll, beyond ``poll``.
        connect_within: What a connection may take.
        draft_private: Least time between two edits of a draft in a private chat.
        draft_group: The same in a group.
        draft_renewed: Telegram shows a draft of its own for 30 s.
        signs_after: An answer that comes sooner gets no reaction and, beside its placeholder, no
            typing: each is one more request.
        typing_renewed: Telegram shows typing for 5 s.
        typing_lasts: Without news from the turn, typing ends.
        transfer_within: What the largest file may take on its way out. On its way in a try is
            shorter: it costs nothing to repeat, and the session waits.
        press_lasts: Telegram takes the answer to the press of a button for so long.
        drain: How long a stop may take to deliver what is pending.
    """

    poll: float = 30.0
    answer_within: float = 15.0
    connect_within: float = 10.0
    draft_private: float = 1.5
    draft_group: float = 3.0
    draft_renewed: float = 20.0
    signs_after: float = 1.0
    typing_renewed: float = 4.0
    typing_lasts: float = 60.0
    transfer_within: float = 300.0
    press_lasts: float = 150.0
    drain: float = 5.0


@frozen
class TelegramSettings:
    """One bot on one Bot API server.

    Args:
        token: ``123456:ABC…``, from @BotFather.
        api_base: The server's address, without ``/bot<token>``.
        files: The folder for files on their way in and out.
        has_reactions: A reaction on a person's message shows that it was taken.
        admins: Users who see ``/debug`` in the menu.
    """

    token: str = field(repr=False)
    api_base: str = PUBLIC_API
    group_mode: GroupMode = field(default=GroupMode.MENTION, converter=GroupMode)
    streaming: Streaming = field(default=Streaming.EDIT, converter=Streaming)
    has_reactions: bool = True
    files: Path = Path("surfaces.files")
    admins: tuple[int, ...] = ()
    pace: Pace = field(factory=Pace)
