"""A Bot API server on 127.0.0.1 for tests, written from Telegram's own rules.

``async with telegram_api() as api`` serves at ``api.url`` for the bot with ``api.token``.
People write with ``api.person(42).writes("hello")``, send files with ``sends_photo`` and its
like, and press what is shown with ``presses_button``; what a chat shows is
``await api.shown(42, lambda messages: len(messages) == 2)``, which waits for it. All time is
trio's, so a mock clock moves the server, too.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

import trio
from attrs import define, field

from tests.rigs.telegram_drafts import Draft
from tests.rigs.telegram_faults import Fault, Json
from tests.rigs.telegram_files import FileStore, KeptFile
from tests.rigs.telegram_limits import Flood, InsidePenalty, Limits, Violation
from tests.rigs.telegram_menus import menu_of
from tests.rigs.telegram_messages import Chat, Message
from tests.rigs.telegram_methods import SENDS
from tests.rigs.telegram_params import as_int
from tests.rigs.telegram_server import Call, Server
from tests.rigs.telegram_updates import DAY
from tests.rigs.telegram_world import CallbackAnswer, Person, World

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
_TYPING_LASTS = 5.0


@define
class TelegramApi:
    """The running server.

    Args:
        port: Where it listens.
    """

    server: Server
    _nursery: trio.Nursery = field(repr=False)
    port: int = 0
    _listening: trio.CancelScope = field(factory=trio.CancelScope, repr=False)
    _ended: trio.Event = field(factory=trio.Event, repr=False)

    @property
    def token(self) -> str:
        """The bot's token."""
        return self.server.token

    @property
    def world(self) -> World:
        """People, chats, updates, the bot's menu."""
        return self.server.world

    @property
    def files(self) -> FileStore:
        """Every file that Telegram has."""
        return self.world.files

    @property
    def calls(self) -> list[Call]:
        """Every call in the order of arrival."""
        return self.server.calls

    @property
    def url(self) -> str:
        """Where Telegram would be: the ``TELEGRAM_API_BASE``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def violations(self) -> list[Violation]:
        """Every call that broke a limit."""
        return self.server.flood.violations

    @property
    def calls_in_penalty(self) -> list[InsidePenalty]:
        """Every call that came although Telegram had said to wait."""
        return self.server.flood.inside

    @property
    def overlaps(self) -> list[tuple[Call, Call]]:
        """Calls that wrote to a chat while another one was under way there."""
        return self.server.overlaps()

    def person(self, user_id: int, name: str = "", *, language: str = "en") -> Person:
        """Somebody, made at the first time together with their private chat."""
        return self.world.person(user_id, name, language=language)

    def group(self, chat_id: int, title: str = "Group") -> Chat:
        """A basic group with the bot in it."""
        return self.world.add_chat(chat_id, "group", title)

    def supergroup(
        self, chat_id: int, title: str = "Supergroup", *, topics: Mapping[int, str] | None = None
    ) -> Chat:
        """A supergroup with the bot in it; topics, even none yet, make it a forum."""
        return self.world.add_chat(chat_id, "supergroup", title, topics)

    def deliver(self, raw: object, *, has_id: bool = True, lives: float = DAY) -> int:
        """Queue any JSON as an update, asked for or not: poison, unknown kinds; gives its id."""
        until = trio.current_time() + lives
        update_id = self.world.updates.put(raw, until=until, has_id=has_id)
        self.server.tell()
        return update_id

    def fail(
        self,
        fault: Fault,
        *methods: str,
        chat: Chat | Person | int | None = None,
        times: int = 1,
        when: Callable[[Json], bool] = lambda _params: True,
    ) -> None:
        """Let *fault* happen to the next *times* calls of these methods (of any without).

        The fetch of a file is the method ``file``.
        """
        wanted = {method.lower() for method in methods}

        def fits(method: str, params: Json) -> bool:
            is_there = chat is None or as_int(params.get("chat_id")) == int(chat)
            return (not wanted or method.lower() in wanted) and is_there and when(params)

        self.server.faults.want(fault, fits, times)

    def fail_by_chance(
        self, chances: Mapping[Fault, float], *, seed: int, methods: Iterable[str] = ()
    ) -> None:
        """Let each fault happen with its probability, the same for the same seed; {} ends it."""
        lowered = frozenset(method.lower() for method in methods)
        self.server.faults.by_chance(chances, seed=seed, methods=lowered)

    def redeliver(self, number: int) -> None:
        """Hand out the last *number* confirmed updates again, whatever the poll's offset."""
        self.world.updates.redeliver(number)

    def lose_confirmations(self, times: int = 1) -> None:
        """Hand out what the next *times* polls confirm once more, in their own answers."""
        self.world.updates.confirmations_to_lose = times

    def go_down(self) -> None:
        """Reset every connection, and every new one, until it comes back."""
        self.server.go_down()

    def come_back(self) -> None:
        """End the outage."""
        self.server.is_down = False

    async def stop_listening(self) -> None:
        """End every connection and refuse every new one, as a machine without the server does."""
        self._listening.cancel()
        await self._ended.wait()

    async def start_listening(self) -> None:
        """Listen, always on the same port."""
        listeners = await trio.open_tcp_listeners(self.port, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        self._listening, self._ended = trio.CancelScope(), trio.Event()
        self._nursery.start_soon(self._listen, listeners, self._listening, self._ended)

    async def _listen(
        self, listeners: list[trio.SocketListener], until: trio.CancelScope, ended: trio.Event
    ) -> None:
        with until:
            await trio.serve_listeners(self.server.serve, listeners)
        ended.set()

    def messages(self, chat: Chat | Person | int, *, thread: int | None = None) -> list[Message]:
        """What the chat (or one topic of it, 0 for none) shows now, oldest first."""
        found = self.world.chat(chat).messages.values()
        return [one for one in found if thread is None or one.thread == thread]

    def answers(self, chat: Chat | Person | int, *, thread: int | None = None) -> list[str]:
        """The bot's texts and captions that the chat shows now, oldest first."""
        found = self.messages(chat, thread=thread)
        return [one.text for one in found if one.is_from_bot and one.text]

    def sent_files(self, chat: Chat | Person | int, *, thread: int | None = None) -> list[KeptFile]:
        """The bot's files that the chat shows now, oldest first."""
        found = self.messages(chat, thread=thread)
        return [file for one in found if one.is_from_bot for file in one.files]

    def drafts(self, chat: Chat | Person | int, *, thread: int | None = None) -> list[Draft]:
        """What the bot is seen to type in the chat now."""
        found = self.world.chat(chat).drafts.shown()
        return [one for one in found if thread is None or one.thread == thread]

    def all_drafts(self, chat: Chat | Person | int, *, thread: int | None = None) -> list[Draft]:
        """Every state of every draft that came to the chat, with its time, oldest first."""
        found = self.world.chat(chat).drafts.history
        return [one for one in found if thread is None or one.thread == thread]

    def menu(self, person: Person, chat: Chat | int | None = None) -> dict[str, str]:
        """The commands that somebody sees in a chat or, without, in private: name → words."""
        found = menu_of(self.world, person, self.world.chat(person if chat is None else chat))
        return {one["command"]: one["description"] for one in found}

    async def shown(
        self,
        chat: Chat | Person | int,
        is_there: Callable[[list[Message]], bool],
        *,
        thread: int | None = None,
    ) -> list[Message]:
        """What the chat shows, as soon as it is as *is_there* wants; callers set a limit."""
        await self.until(lambda: is_there(self.messages(chat, thread=thread)))
        return self.messages(chat, thread=thread)

    async def answered(
        self,
        chat: Chat | Person | int,
        is_there: Callable[[list[str]], bool],
        *,
        thread: int | None = None,
    ) -> list[str]:
        """The bot's texts in the chat, as soon as they are as *is_there* wants."""
        await self.until(lambda: is_there(self.answers(chat, thread=thread)))
        return self.answers(chat, thread=thread)

    async def called(self, method: str, number: int = 1, **params: object) -> Call:
        """The *number*-th ended call of *method* with these parameters; waits for it."""

        def found() -> list[Call]:
            ended = [one for one in self.calls_of(method) if one.ended_at is not None]
            return [one for one in ended if params.items() <= one.params.items()]

        await self.until(lambda: len(found()) >= number)
        return found()[number - 1]

    @property
    def callback_answers(self) -> dict[str, CallbackAnswer]:
        """The bot's answers to the presses of buttons, by the query's id."""
        return self.world.callback_answers

    async def callback_answered(self, query: str) -> CallbackAnswer:
        """The bot's answer to the press of a button; waits for it."""
        await self.until(lambda: query in self.callback_answers)
        return self.callback_answers[query]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for any condition on the server; it is judged at each change."""
        while not is_so():
            await self.server.change()

    def calls_of(self, *methods: str, chat: Chat | Person | int | None = None) -> list[Call]:
        """The calls of these methods, to one chat or all, in the order of their arrival."""
        wanted = {method.lower() for method in methods}
        return [
            one
            for one in self.calls
            if one.method.lower() in wanted and (chat is None or one.chat == int(chat))
        ]

    def is_typing(self, chat: Chat | Person | int, *, thread: int | None = None) -> bool:
        """Whether the chat shows that the bot is typing: for 5 s, or until it says something."""
        calls = self.calls_of("sendChatAction", *SENDS, chat=chat)
        done = [one for one in calls if one.had_effect and (thread is None or one.thread == thread)]
        return (
            bool(done)
            and done[-1].method.lower() == "sendchataction"
            and (trio.current_time() < done[-1].at + _TYPING_LASTS)
        )


@asynccontextmanager
async def telegram_api(
    *,
    token: str = TOKEN,
    username: str = "rig_bot",
    limits: Limits | None = None,
    has_topics: bool = False,
) -> AsyncIterator[TelegramApi]:
    """A server for one test; it is gone at the end, whoever is still connected.

    Args:
        has_topics: Whether private chats with the bot may have topics.
    """
    bot: Json = {
        "id": as_int(token.partition(":")[0]),
        "is_bot": True,
        "first_name": "Rig",
        "username": username,
    }
    server = Server(token, Flood(limits or Limits()), World(bot, has_topics))
    async with trio.open_nursery() as nursery:
        api = TelegramApi(server, nursery)
        await api.start_listening()
        try:
            yield api
        finally:
            nursery.cancel_scope.cancel()
