"""The menu of commands that Telegram's apps show: set once, and again when it changes."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import assert_never

import structlog
import trio
from attrs import define, field, frozen

from actors.kernel.asking import ask_until_answered
from actors.kernel.backoff import Backoff
from actors.telegram.api.outcomes import Ambiguous, Done, Forbidden, Refused, Unreachable
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.posting import NotNow, Post
from actors.telegram.outgoing.targets import target_of
from actors.words import Word, say
from protocols.changes import PutKey
from protocols.ids import Language, RoomId
from protocols.mail import Address
from protocols.store import Commit, GetKey, StoreMessage

log = structlog.get_logger("telegram.menu")

MENU_KEY = "telegram_menu"
"""The key that holds the digests of the menus as Telegram has them."""

_MOST_ROUNDS = 6
_TROUBLE = Backoff(first=2.0, factor=4.0, longest=300.0, jitter=0.25)

_Trouble = NotNow | Unreachable | Ambiguous

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
    "link": Word.MENU_LINK,
    "unlink": Word.MENU_UNLINK,
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
    """The way of the menus to Telegram; what is refused is tried at the next start.

    An admin who never wrote has no chat, so it is refused there: it is tried once more when the
    admin's chat is first heard of.
    """

    store: Address[StoreMessage]
    post: Post
    admins: tuple[int, ...]
    _heard: set[int] = field(factory=set)
    _one_at_a_time: trio.Lock = field(factory=trio.Lock)

    async def put(self) -> None:
        """Set those that Telegram does not have yet."""
        await self._put(tuple(menus(self.admins)))

    async def put_for(self, admin: int) -> None:
        """Set those of *admin* that Telegram does not have yet."""
        own = [menu for menu in menus(self.admins) if menu.scope.get("chat_id") == admin]
        await self._put(own)

    def newly_heard(self, room: RoomId) -> int | None:
        """The admin whose chat *room* is, for the first time in this life."""
        target = target_of(room)
        if target is None or target.chat not in self.admins or target.chat in self._heard:
            return None
        self._heard.add(target.chat)
        return target.chat

    async def _put(self, wanted: Sequence[Menu]) -> None:
        for streak in range(1, _MOST_ROUNDS + 1):
            trouble = await self._round(wanted)
            if trouble is None:
                return
            if streak == 1:
                log.warning("menu.failed", outcome=type(trouble).__name__)
            delay = _TROUBLE.delay_before(streak + 1, draw=random.random())  # noqa: S311  # no secret
            await trio.sleep(delay)

    async def _round(self, wanted: Sequence[Menu]) -> _Trouble | None:
        """Set what is missing of *wanted*, up to the first that does not reach Telegram."""
        async with self._one_at_a_time:
            known = _digests(await ask_until_answered(self.store, GetKey(MENU_KEY)))
            there = known & {menu.digest for menu in menus(self.admins)}
            trouble = await self._fill(there, wanted)
            if there != known:
                kept = PutKey(MENU_KEY, json.dumps(sorted(there)))
                await ask_until_answered(self.store, Commit((kept,)))
            return trouble

    async def _fill(self, there: set[str], wanted: Sequence[Menu]) -> _Trouble | None:
        for menu in wanted:
            if menu.digest in there:
                continue
            outcome = await self._set(menu)
            match outcome:
                case Done():
                    there.add(menu.digest)
                case Forbidden() | Refused():
                    if "chat_id" not in menu.scope:  # an admin who never wrote has no chat yet
                        log.warning("menu.failed", outcome=type(outcome).__name__)
                case NotNow() | Unreachable() | Ambiguous():
                    return outcome
                case _:
                    assert_never(outcome)
        return None

    async def _set(self, menu: Menu) -> Done | Forbidden | Refused | _Trouble:
        return await self.post.aside(
            Urgency.TYPING,
            lambda: self.post.bot.set_commands(menu.commands, menu.scope, menu.language),
        )


def _digests(text: str | None) -> set[str]:
    match None if text is None else json.loads(text):
        case [*found]:
            return {digest for digest in found if isinstance(digest, str)}
        case _:
            return set()
