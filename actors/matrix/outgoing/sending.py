"""What goes out: one worker per room that has something to say, so that no room waits for another.

The worker does one thing at a time, and the next thing is decided by ``turns.next_step``.
"""

from typing import assert_never

import trio
from attrs import define, field

from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.replies import Limited
from actors.matrix.outgoing.answers import Answers
from actors.matrix.outgoing.chores import Chores
from actors.matrix.outgoing.drafts import Drafts
from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.reactions import Reactions
from actors.matrix.outgoing.turns import Desk, DoChore, SetMark, SetTyping, ShowNow, Step, next_step
from actors.matrix.outgoing.whereabouts import Whereabouts
from actors.matrix.places import Places
from actors.matrix.settings import MatrixSettings, Pace
from actors.surfaces.desks import Rest, SendAnswers, WaitUntil
from actors.surfaces.leftovers import Leftovers
from actors.surfaces.workers import Workers
from protocols.ids import RoomId
from protocols.mail import Address
from protocols.store import StoreMessage
from protocols.surfaces import AnswerPress, Deliver, RoomMessage


@define
class Sender:
    """All rooms' desks and the workers at them."""

    server: Homeserver
    store: Address[StoreMessage]
    post: Post
    settings: MatrixSettings
    places: Places
    leftovers: Leftovers
    answers: Answers = field(init=False)
    drafts: Drafts = field(init=False)
    reactions: Reactions = field(init=False)
    chores: Chores = field(init=False)
    _me: str = ""
    _opened: trio.Event = field(factory=trio.Event)
    _workers: Workers[Desk] = field(init=False)

    def __attrs_post_init__(self) -> None:
        store, post, places = self.store, self.post, self.places
        whereabouts = Whereabouts(self.server, post.status, store, places)
        # No earlier life marked what it had for a shorter time than that.
        marked_before = post.clock() - self.pace.draft_after
        is_on = self.settings.has_reactions
        self.reactions = Reactions(store, post, places, is_on, marked_before)
        self.drafts = Drafts(store, post, whereabouts, self.pace)
        self.answers = Answers(
            store, post, whereabouts, self.reactions, self.drafts, self.leftovers
        )
        self.chores = Chores(post, places, self.reactions)
        self._workers = Workers(lambda: Desk(has_signs=is_on), self._serve)

    @property
    def pace(self) -> Pace:
        """How often we may speak."""
        return self.settings.pace

    def take(self, message: RoomMessage | AnswerPress) -> None:
        """Note what *message* asks for; never waits."""
        match message:
            case AnswerPress(is_refused=is_refused, text=text):
                # What a press did is shown by the message that has the button.
                if is_refused and text.strip():
                    self._take_for_room(message)
            case _:
                self._take_for_room(message)

    def _take_for_room(self, message: RoomMessage | AnswerPress) -> None:
        if self._workers.is_closed:
            return  # the outbox has it, for the next start
        desk = self._workers.desk(message.room)
        if isinstance(message, AnswerPress):
            desk.chores.append(message)
        else:
            desk.take(message, trio.current_time(), self.pace)
        self._workers.call(message.room)

    def open(self, me: str) -> None:
        """Send from now on: we are logged in as *me* and have seen what is new."""
        self._me = me
        self._opened.set()

    async def opened(self) -> str:
        """Who we are, when we are logged in; empty where we are closed before that."""
        await self._opened.wait()
        return self._me

    async def run(self) -> None:
        """Send until ``close``, then what is still there."""
        await self._opened.wait()
        if not self._me:
            return  # closed before we ever came in
        await self.post.remember()
        for room in await self.answers.begin():
            self.take(Deliver(room))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.leftovers.sweep)
            await self._workers.run()

    def close(self) -> None:
        """Deliver what is pending and end; nothing is taken any more."""
        for desk in self._workers.desks.values():
            desk.chores.clear()
            desk.end_turns()
        self._workers.close()
        self._opened.set()

    async def _serve(self, room: RoomId, desk: Desk) -> None:
        while True:
            now = trio.current_time()
            match self._next_step(desk, now):
                case SendAnswers():
                    await self.answers.deliver(room, desk)
                case ShowNow(turn):
                    await self.drafts.show(room, desk, turn)
                case SetMark(turn):
                    await self.reactions.take(room, turn)
                case DoChore():
                    await self.chores.do(desk.chores.pop(0))
                case SetTyping(is_typing):
                    desk.typing_since = now if is_typing else None
                    await self._type(room, is_typing=is_typing)
                case WaitUntil(at):
                    await self._workers.wait(room, at)
                case Rest():
                    return
                case never:
                    assert_never(never)

    def _next_step(self, desk: Desk, now: float) -> Step:
        limit = self.post.penalty
        return next_step(
            desk, now, self.pace, drafts_from=limit.drafts_from, silent_until=limit.until
        )

    async def _type(self, room: RoomId, *, is_typing: bool) -> None:
        native = self.places.find(room).room
        reply = await self.server.typing(native, self._me, is_typing=is_typing)
        if isinstance(reply, Limited):
            await self.post.punish(reply.wait)
