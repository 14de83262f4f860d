"""What is in a mailbox, as its senders, its supervisor and the census see it."""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar, cast

import trio
from trio.lowlevel import Task, reschedule

from actors.kernel.letters import DeadLetters
from actors.kernel.questions import OpenReply
from protocols.mail import Question

M = TypeVar("M")

CRASHES_TO_SET_ASIDE = 3
KINDS_KEPT = 16

Entry = tuple[float, M, int]
"""When it was sent, the message, and how many lives crashed with it in hand."""


class Box(Generic[M]):
    """The queue of one actor.

    Args:
        reader: The name of the actor that reads here.
        capacity: How many messages may wait before senders wait.
    """

    __slots__ = (
        "_bound_trace",
        "_hand",
        "_is_life_over",
        "_kinds",
        "_line",
        "_open",
        "_queue",
        "_taken_at",
        "_waiter",
        "_withdrawn",
        "accepted",
        "capacity",
        "handled",
        "idle_since",
        "is_parked",
        "letters",
        "lost",
        "on_first_wait",
        "peak",
        "reader",
        "refusal",
        "taken",
    )

    def __init__(self, reader: str, *, capacity: int = 64) -> None:
        self.reader = reader
        self.capacity = capacity
        self.letters: DeadLetters | None = None
        self.on_first_wait: Callable[[], None] | None = None
        self.accepted = self.taken = self.handled = self.lost = self.peak = 0
        self.idle_since = 0.0
        self._queue: deque[Entry[M]] | None = None
        self._line: OrderedDict[Task | OpenReply, Entry[M]] | None = None
        self._open: set[OpenReply] | None = None
        self._kinds: list[type | None] | None = None
        self._hand: tuple[Entry[M], ...] = ()
        self._taken_at = 0.0
        self._waiter: Task | None = None
        self._withdrawn = 0
        self._is_life_over = False
        self.refusal = ""
        """Why new mail is refused; empty while it is taken."""
        self.is_parked = False
        """It is refused until a person has changed something."""
        self._bound_trace = ""

    # The senders' side.

    def close(self, reason: str = "closed") -> None:
        """Refuse new mail from now on; what waits is still read."""
        self.refusal = reason
        self._wake()

    @property
    def has_room(self) -> bool:
        """A message would be queued at once."""
        return self._queue is None or len(self._queue) < self.capacity

    def put(self, message: M) -> None:
        """Queue *message*; the caller has seen that there is room."""
        self._enqueue((trio.current_time(), message, 0))

    def stand_in_line(self, who: Task | OpenReply, message: M) -> None:
        """Queue *message* as soon as there is room, then wake *who* if it is a sender."""
        if self._line is None:
            self._line = OrderedDict()
        self._line[who] = (trio.current_time(), message, 0)

    def leave_line(self, who: Task) -> None:
        """Give up the place in line."""
        cast("OrderedDict[Task | OpenReply, Entry[M]]", self._line).pop(who)

    def forget(self, reply: OpenReply) -> None:
        """The question is no longer open."""
        if self._open and reply in self._open:
            self._open.remove(reply)
        elif self._line and reply in self._line:
            del self._line[reply]
        else:
            self._withdrawn += 1  # it waits; the reader drops it

    def refuse(self, message: object, reason: str) -> None:
        """Make *message*, which nobody takes, a dead letter."""
        if self.letters is not None:
            trace = getattr(message, "trace", "")
            self.letters.add(self.reader, type(message).__name__, reason, trace)

    def _enqueue(self, entry: Entry[M]) -> None:
        self.accepted += 1
        if self._waiter is not None:
            self._hand = (entry,)
            self._taken_at = entry[0]
            self._mark_taken(entry[1])
            self._wake()
            return
        queue = self._queue
        if queue is None:
            queue = self._queue = deque()
        queue.append(entry)
        used = len(queue)
        if used > self.peak:  # noqa: PLR1730  # on every message's path
            self.peak = used

    def _mark_taken(self, message: M) -> None:
        kinds = self._kinds
        if kinds is None:
            kinds = self._kinds = [None] * KINDS_KEPT
        kinds[self.taken % KINDS_KEPT] = type(message)
        self.taken += 1
        reply = getattr(message, "reply_to", None)
        if type(reply) is OpenReply and reply.is_open:
            if self._open is None:
                self._open = set()
            self._open.add(reply)

    def _drop_withdrawn(self) -> None:
        """Lose the questions whose askers gave up while they waited."""
        waiting, self._queue, self._withdrawn = self._queue, deque(), 0
        for entry in waiting or ():
            reply = getattr(entry[1], "reply_to", None)
            if isinstance(reply, OpenReply) and not reply.is_open:
                self._lose(entry[1], "its asker gave up")
            else:
                self._queue.append(entry)
        self._admit()

    def _admit(self) -> None:
        while self._line and self.has_room:
            who, entry = self._line.popitem(last=False)
            self._enqueue(entry)
            if isinstance(who, Task):
                reschedule(who)

    def _wake(self) -> None:
        if self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            reschedule(waiter)

    # The supervisor's side.

    def begin_life(self, on_first_wait: Callable[[], None]) -> None:
        """A new life reads from here on."""
        self.on_first_wait = on_first_wait
        self._is_life_over = False
        self._bound_trace = ""

    def end_life(self) -> None:
        """Let the reader's iteration end at the next message; mail is still taken and kept."""
        self._is_life_over = True
        self._wake()

    def put_back(self, *, crashed: bool, reason: str, is_parked: bool = False) -> None:
        """The life is over unexpectedly: what was in hand goes back to the front, in order.

        Questions are never tried twice: their askers are told at once.
        """
        hand, self._hand = self._hand, ()
        for sent_at, message, crashes in reversed(hand):
            count = crashes + crashed
            if getattr(message, "reply_to", None) in (self._open or ()):
                self._lose(message, reason)
            elif isinstance(message, Question) and hasattr(message, "reply_to"):
                self.handled += 1
            elif count >= CRASHES_TO_SET_ASIDE:
                self._lose(message, f"set aside after {count} crashes")
            else:
                if self._queue is None:
                    self._queue = deque()
                self._queue.appendleft((sent_at, message, count))
        self.put_down(reason, is_parked=is_parked)

    def put_down(self, reason: str, *, is_parked: bool = False) -> None:
        """The life is over: what is in hand is handled, and who still waits for an answer told."""
        self._waiter = None
        self.handled += len(self._hand)
        self._hand = ()
        for reply in tuple(self._open or ()):
            reply.callee_died(reason, is_parked=is_parked)
        self._open = None

    def park(self, reason: str) -> None:
        """Refuse new mail and tell the askers; what else waits stays queued."""
        self._refuse_all(reason, is_parked=True)

    def _refuse_all(self, reason: str, *, is_parked: bool) -> None:
        self.refusal, self.is_parked = reason, is_parked
        entries = [*(self._queue or ()), *self._leave_all()]
        self._queue = None
        for entry in entries:
            reply = getattr(entry[1], "reply_to", None)
            if isinstance(reply, OpenReply):
                self._lose(entry[1], reason)
                reply.callee_died(reason, is_parked=is_parked)
            elif self._queue is None:
                self._queue = deque([entry])
            else:
                self._queue.append(entry)
        self._withdrawn = 0

    def bury(self, reason: str) -> None:
        """Refuse new mail for good; all that waits becomes dead letters."""
        self._refuse_all(reason, is_parked=False)
        for _, message, _ in self._queue or ():
            self._lose(message, reason)
        self._queue = None

    def reopen(self) -> None:
        """Take mail again."""
        self.refusal, self.is_parked = "", False

    def _leave_all(self) -> list[Entry[M]]:
        """Empty the line; its senders go on."""
        line, self._line = self._line or OrderedDict(), None
        for who in line:
            if isinstance(who, Task):
                reschedule(who)
        self.accepted += len(line)
        return list(line.values())

    def _lose(self, message: M, reason: str) -> None:
        self.lost += 1
        self.refuse(message, reason)

    # The census' side.

    @property
    def used(self) -> int:
        """Messages that wait."""
        return len(self._queue) if self._queue else 0

    @property
    def in_line(self) -> int:
        """Senders that wait for room."""
        return len(self._line) if self._line else 0

    @property
    def in_hand(self) -> int:
        """Messages that are being handled."""
        return len(self._hand)

    @property
    def message_in_hand(self) -> M | None:
        """The first of them."""
        return self._hand[0][1] if self._hand else None

    @property
    def is_waiting(self) -> bool:
        """The reader waits for mail."""
        return self._waiter is not None

    @property
    def is_idle(self) -> bool:
        """The reader waits for mail and owes no answer."""
        return self._waiter is not None and not self._open

    def oldest_age(self, now: float) -> float | None:
        """How long the oldest waiting message has waited."""
        return now - self._queue[0][0] if self._queue else None

    def in_hand_age(self, now: float) -> float | None:
        """How long the message in hand has been handled."""
        return now - self._taken_at if self._hand else None

    def newest_kinds(self) -> tuple[str, ...]:
        """Class names of the last messages that were taken, oldest first."""
        kinds = self._kinds or []
        start = self.taken % KINDS_KEPT
        return tuple(k.__name__ for k in (*kinds[start:], *kinds[:start]) if k is not None)
