"""How actors reach each other: addresses, questions and their answers."""

from typing import Generic, Protocol, TypeVar

from attrs import field, frozen

A = TypeVar("A")
A_contra = TypeVar("A_contra", contravariant=True)
M_contra = TypeVar("M_contra", contravariant=True)


class Reply(Protocol[A_contra]):
    """The reserved place for one answer."""

    def send(self, answer: A_contra, /) -> None:
        """Put the answer in its place; never blocks. A late or second answer is a dead letter."""


@frozen
class Question(Generic[A]):
    """A message that wants an answer of type ``A``; asked once, with ``Address.ask``.

    ``reply_to`` is set while it is asked.
    """

    reply_to: Reply[A] = field(init=False, repr=False, eq=False)


class Sink(Protocol[M_contra]):
    """A place for the newest value only: a new one replaces one that nobody has taken yet."""

    def put(self, value: M_contra, /) -> None:
        """Show *value*; never blocks."""


class NoAnswerError(Exception):
    """A question ended without an answer: the callee died, is parked or gone, or was too slow."""


class CalleeDiedError(NoAnswerError):
    """The actor that had the question crashed, was stopped or parked."""


class CalleeParkedError(CalleeDiedError):
    """It is parked: until a person has changed something, asking again is of no use."""


class AnswerLateError(NoAnswerError):
    """The time limit passed; what comes later becomes a dead letter."""


class Address(Protocol[M_contra]):
    """Where to send mail for one actor; stays valid over its crashes and restarts."""

    @property
    def reader(self) -> str:
        """The name of the actor that reads here."""

    async def send(self, message: M_contra, /) -> None:
        """Queue *message*, waiting for room. To a parked or ended actor it is a dead letter."""

    def try_send(self, message: M_contra, /) -> bool:
        """Queue *message* if there is room now; False if the mailbox is full."""

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        """Ask, and wait at most *within* seconds for the answer.

        Raises:
            CalleeDiedError: The callee died with the question, or has ended.
            CalleeParkedError: It is parked.
            AnswerLateError: No answer in time.
        """
