"""The menu of commands that Telegram's apps show: set once, and again when it changes."""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256

import structlog
from attrs import define, frozen

from actors.kernel.asking import ask_until_answered
from actors.telegram.api.outcomes import Done, Forbidden, Refused
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.posting import Post
from actors.words import Word, say
from protocols.ids import Language
from protocols.mail import Address
from protocols.store import Commit, GetKey, PutKey, StoreMessage

log = structlog.get_logger("telegram.menu")

MENU_KEY = "telegram_menu"
"""The key that holds the digests of the menus as Telegram has them."""

_LANGUAGES = {"": Language("en"), "ru": Language("ru")}
"""Telegram's language code, empty for everybody else, and what we speak then."""

_IN_GROUPS: Mapping[str, Word] = {
    "new": Word.MENU_NEW,
    "stop": Word.MENU_STOP,
    "retry": Word.MENU_RETRY,
    "status": Word.MENU_STATUS,
    "help": Word.MENU_HELP,
}
_IN_PRIVATE: Mapping[str, Word] = {
    "new": Word.MENU_NEW,
    "chats": Word.MENU_CHATS,
    "rename": Word.MENU_RENAME,
    "archive": Word.MENU_ARCHIVE,
    "stop": Word.MENU_STOP,
    "retry": Word.MENU_RETRY,
    "status": Word.MENU_STATUS,
    "settings": Word.MENU_SETTINGS,
    "help": Word.MENU_HELP,
}
_FOR_ADMINS: Mapping[str, Word] = {**_IN_PRIVATE, "debug": Word.MENU_DEBUG}


Scope = Mapping[str, str | int]
"""Who sees a menu, as the Bot API says it."""


@frozen
class Menu:
    """What somebody sees.

    Args:
        language: Whose apps speak this; empty for all without a menu of their own.
    """

    scope: Scope
    language: str
    commands: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Changes whenever it does."""
        whole = json.dumps([self.scope, self.language, self.commands], sort_keys=True)
        return sha256(whole.encode()).hexdigest()


def menus(admins: tuple[int, ...]) -> Iterator[Menu]:
    """Every menu; *admins* see ``/debug`` in their private chats."""
    shown: list[tuple[Scope, Mapping[str, Word]]] = [
        ({"type": "default"}, _IN_PRIVATE),
        ({"type": "all_private_chats"}, _IN_PRIVATE),
        ({"type": "all_group_chats"}, _IN_GROUPS),
    ]
    shown.extend(({"type": "chat", "chat_id": admin}, _FOR_ADMINS) for admin in admins)
    for scope, words in shown:
        for code, language in _LANGUAGES.items():
            commands = {name: say(word, language) for name, word in words.items()}
            yield Menu(scope, code, commands)


@define
class Menus:
    """The way of the menus to Telegram; what fails is tried at the next start."""

    store: Address[StoreMessage]
    post: Post
    admins: tuple[int, ...]

    async def put(self) -> None:
        """Set those that Telegram does not have yet."""
        known = _digests(await ask_until_answered(self.store, GetKey(MENU_KEY)))
        there = [
            menu.digest
            for menu in menus(self.admins)
            if menu.digest in known or await self._is_set(menu)
        ]
        if set(there) != known:
            await ask_until_answered(self.store, Commit((PutKey(MENU_KEY, json.dumps(there)),)))

    async def _is_set(self, menu: Menu) -> bool:
        outcome = await self.post.aside(
            Urgency.TYPING,
            lambda: self.post.bot.set_commands(menu.commands, menu.scope, menu.language),
        )
        if isinstance(outcome, Done):
            return True
        is_expected = "chat_id" in menu.scope and isinstance(outcome, Forbidden | Refused)
        if not is_expected:  # an admin who never wrote has no chat yet
            log.warning("menu.failed", outcome=type(outcome).__name__)
        return False


def _digests(text: str | None) -> set[str]:
    match None if text is None else json.loads(text):
        case [*found]:
            return {digest for digest in found if isinstance(digest, str)}
        case _:
            return set()
