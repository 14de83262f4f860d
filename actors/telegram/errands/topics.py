"""Opens topics in private chats, where the bot has them: each a room of its own."""

import structlog
import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.telegram.api.outcomes import Failure, Me, Opened
from actors.telegram.incoming.origin import room_id
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.posting import Post
from protocols.changes import DeleteKey, PutKey
from protocols.ids import RoomId, RowId
from protocols.journal import UNFINISHED
from protocols.mail import Address, Reply
from protocols.store import Commit, FindKeys, FindRow, GetKey, StoreMessage
from protocols.surfaces import OpenRoom

log = structlog.get_logger("telegram.topics")

TOPIC_PREFIX = "telegram_topic:"
"""The keys that say which topic was opened for a row."""

_NAMELESS = "💬"
_LONGEST_NAME = 128
_WITHIN = 8.0
"""Seconds that a request may wait until it may be sent; its answer has the client's limit."""

_KEPT_WITHIN = 5.0  # a store that is gone for good holds up no stop


@define
class Topics:
    """The way of a new room into a private chat; all of it runs in *nursery*."""

    store: Address[StoreMessage]
    post: Post
    nursery: trio.Nursery
    _has_topics: bool | None = None
    _askers: dict[RowId, list[Reply[RoomId | None]]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.nursery.start_soon(self.tidy)

    def take(self, question: OpenRoom) -> None:
        """Open what *question* asks for; never waits."""
        if (askers := self._askers.get(question.row)) is not None:
            askers.append(question.reply_to)
            return
        self._askers[question.row] = [question.reply_to]
        self.nursery.start_soon(self._serve, question)

    async def tidy(self) -> None:
        """Forget the topics of rows that are over: nobody asks for them again."""
        for key, _ in await ask_until_answered(self.store, FindKeys(TOPIC_PREFIX)):
            row = RowId(int(key.removeprefix(TOPIC_PREFIX)))
            found = await ask_until_answered(self.store, FindRow(row))
            if found is None or found.state not in UNFINISHED:
                await ask_until_answered(self.store, Commit((DeleteKey(key),)))

    async def _serve(self, question: OpenRoom) -> None:
        room = await self._room(question)
        for asker in self._askers.pop(question.row):
            asker.send(room)

    async def _room(self, question: OpenRoom) -> RoomId | None:
        target = self.post.targets.find(question.room)
        if target is None or target.chat < 0:
            return None
        key = f"{TOPIC_PREFIX}{question.row}"
        known = await ask_until_answered(self.store, GetKey(key))
        if known is not None:
            return room_id(target.chat, int(known))
        thread_id = await self._open(target.chat, _topic_name(question.name), key)
        return None if thread_id is None else room_id(target.chat, thread_id)

    async def _open(self, chat: int, name: str, key: str) -> int | None:
        until = trio.current_time() + _WITHIN
        is_possible = False
        with trio.move_on_at(until):
            is_possible = await self._is_possible()
        if not is_possible:
            return None
        outcome = await self.post.aside(
            Urgency.NOTICE, lambda: self._create(chat, name, key), chat=chat, until=until
        )
        if isinstance(outcome, Opened):
            self.post.tally.count("topics opened")
            return outcome.thread_id
        log.warning("topic.failed", outcome=type(outcome).__name__)
        return None

    async def _create(self, chat: int, name: str, key: str) -> Opened | Failure:
        """Open a topic and keep which; a stop in between would leave one of no use."""
        with trio.CancelScope(shield=True):
            outcome = await self.post.bot.create_topic(chat, name)
            if not isinstance(outcome, Opened):
                return outcome
            keep = Commit((PutKey(key, str(outcome.thread_id)),))
            with trio.move_on_after(_KEPT_WITHIN):
                await ask_until_answered(self.store, keep)
                return outcome
        await ask_until_answered(self.store, keep)
        return outcome

    async def _is_possible(self) -> bool:
        """Whether the bot has topics in private chats: its owner decides that at BotFather."""
        if self._has_topics is None:
            me = await self.post.aside(Urgency.NOTICE, self.post.bot.get_me)
            self._has_topics = me.has_topics if isinstance(me, Me) else None
        return bool(self._has_topics)


def _topic_name(name: str) -> str:
    return " ".join(name.split())[:_LONGEST_NAME] or _NAMELESS
