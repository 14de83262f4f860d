"""Opens topics in private chats, where the bot has them: each a room of its own."""

import structlog
import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.telegram.api.outcomes import Me, Opened
from actors.telegram.incoming.origin import room_id
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.posting import Post
from protocols.ids import RoomId, RowId
from protocols.mail import Address, Reply
from protocols.store import Commit, GetKey, PutKey, StoreMessage
from protocols.surfaces import OpenRoom

log = structlog.get_logger("telegram.topics")

TOPIC_PREFIX = "telegram_topic:"
"""The keys that say which topic was opened for a row."""

_NAMELESS = "💬"
_LONGEST_NAME = 128
_WITHIN = 8.0  # below the 10 s that a question waits by default


@define
class Topics:
    """The way of a new room into a private chat; all of it runs in *nursery*."""

    store: Address[StoreMessage]
    post: Post
    nursery: trio.Nursery
    _has_topics: bool | None = None
    _askers: dict[RowId, list[Reply[RoomId | None]]] = field(factory=dict)

    def take(self, question: OpenRoom) -> None:
        """Open what *question* asks for; never waits."""
        if (askers := self._askers.get(question.row)) is not None:
            askers.append(question.reply_to)
            return
        self._askers[question.row] = [question.reply_to]
        self.nursery.start_soon(self._serve, question)

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
        thread_id = await self._open(target.chat, _topic_name(question.name))
        if thread_id is None:
            return None
        await ask_until_answered(self.store, Commit((PutKey(key, str(thread_id)),)))
        return room_id(target.chat, thread_id)

    async def _open(self, chat: int, name: str) -> int | None:
        with trio.move_on_after(_WITHIN):
            if not await self._is_possible():
                return None
            outcome = await self.post.aside(
                Urgency.NOTICE, lambda: self.post.bot.create_topic(chat, name), chat=chat
            )
            if isinstance(outcome, Opened):
                self.post.tally.count("topics opened")
                return outcome.thread_id
            log.warning("topic.failed", outcome=type(outcome).__name__)
        return None

    async def _is_possible(self) -> bool:
        """Whether the bot has topics in private chats: its owner decides that at BotFather."""
        if self._has_topics is None:
            me = await self.post.aside(Urgency.NOTICE, self.post.bot.get_me)
            self._has_topics = me.has_topics if isinstance(me, Me) else None
        return bool(self._has_topics)


def _topic_name(name: str) -> str:
    return " ".join(name.split())[:_LONGEST_NAME] or _NAMELESS
