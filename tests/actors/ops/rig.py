"""A running operator's view without a program around it."""

import contextlib
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import trio
from attrs import define, field

from actors.kernel.child import Wait, current_life
from actors.kernel.mailbox import Mailbox
from actors.ops import wire
from actors.ops.command import run_debug
from actors.ops.server import OpsServer
from protocols.chats import (
    AccessList,
    DirectoryMessage,
    ListAccess,
    Pair,
    Paired,
    PairingRefused,
    Requeued,
    RetryRefused,
    RetryRow,
)
from protocols.ids import PersonId, RowId
from protocols.lifecycle import ActorState, ActorView, UndeliveredMail, UnknownActorError
from protocols.mail import Address, AnswerLateError, CalleeDiedError, Question
from protocols.store import StoreMessage
from tests.fakes import MemoryStoreAddress

A = TypeVar("A")
PLAN = [("store", "StoreActor"), ("matrix", "MatrixSyncer")]


def actor(path: str, **differences: Any) -> ActorView:
    """An actor that is up and idle, but for *differences*."""
    usual: dict[str, Any] = {
        "path": path,
        "role": "StoreActor",
        "state": ActorState.UP,
        "life": 1,
        "restarts": 0,
        "uptime": 200.0,
        "used": 0,
        "capacity": 64,
        "peak": 2,
        "oldest_age": None,
        "in_hand": "",
        "in_hand_age": None,
        "handled": 12,
        "last_error": "",
        "waits_for": "its inbox",
        "note": "",
    }
    return ActorView(**(usual | differences))


@define
class FakeControl:
    """A tree that stands still; what was done to it is written down."""

    views: tuple[ActorView, ...] = (actor("store"), actor("matrix", role="MatrixSyncer"))
    letters: tuple[UndeliveredMail, ...] = ()
    done: list[tuple[str, str]] = field(factory=list)
    on_kill: Callable[[], None] = lambda: None
    failure: str = ""
    is_stopping: bool = False

    def census(self) -> tuple[ActorView, ...]:
        return self.views

    async def census_in_chunks(self) -> tuple[ActorView, ...]:
        await trio.lowlevel.checkpoint()
        return self.views

    def restart(self, path: str) -> None:
        self.done.append(("restart", path))

    def kill(self, path: str) -> None:
        self.done.append(("kill", path))
        self.on_kill()

    def stack(self, path: str) -> str:
        self.done.append(("stack", path))
        return f"  in run of {path}\n    await receive()"

    def stop(self, reason: str) -> None:
        self.done.append(("stop", reason))

    def undelivered(self) -> tuple[UndeliveredMail, ...]:
        return self.letters


@define
class EndedControl(FakeControl):
    """Whatever it is asked to do, the actor has ended just before."""

    def restart(self, path: str) -> None:
        raise UnknownActorError(path)


@define
class SilentAddress:
    """An actor that hangs: nothing comes back."""

    reader: str

    async def send(self, _message: object, /) -> None:
        await trio.sleep_forever()

    def try_send(self, _message: object, /) -> bool:
        return False

    async def ask(self, _question: Question[A], /, *, within: float = 10.0) -> A:
        await trio.sleep(within)
        raise AnswerLateError(f"{self.reader} does not answer")


@define
class DyingStoreAddress(MemoryStoreAddress):
    """A store that answers a few times, and then dies."""

    answers_left: int = 0

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        if not self.answers_left:
            raise CalleeDiedError("store: no room on the disk (SummariseJournal)")
        self.answers_left -= 1
        return await super().ask(question, within=within)


@define
class FakeDirectory:
    """A directory with one stranger, whose code is K7QX."""

    access: AccessList = field(
        factory=lambda: AccessList("pairing", (PersonId("matrix:@me:s"),), (), ())
    )
    reader: str = "chats"

    async def send(self, message: DirectoryMessage, /) -> None:
        raise NotImplementedError

    def try_send(self, message: DirectoryMessage, /) -> bool:
        raise NotImplementedError

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        with trio.fail_after(within):
            await trio.lowlevel.checkpoint()
        answer: Any
        match question:
            case ListAccess():
                answer = self.access
            case Pair(code="K7QX"):
                answer = Paired(PersonId("telegram:42"))
            case Pair():
                answer = PairingRefused("no stranger has that code")
            case RetryRow(row=7):
                answer = Requeued(RowId(7))
            case _:
                answer = RetryRefused("it was answered")
        result: A = answer
        return result


@define
class FakeLife:
    """What a supervisor would hear of the actor."""

    started: trio.Event = field(factory=trio.Event)
    notes: list[str] = field(factory=list)

    def ready(self) -> None:
        self.started.set()

    def note(self, text: str) -> None:
        self.notes.append(text)

    def beat(self) -> None:
        raise NotImplementedError

    def wait_began(self, wait: Wait) -> None:
        raise NotImplementedError

    def wait_ended(self, wait: Wait) -> None:
        raise NotImplementedError


async def run_as(life: FakeLife, run: Callable[[], Awaitable[None]]) -> None:
    """Run an actor that *life* hears of."""
    current_life.set(life)
    await run()


@define
class Idle:
    """An actor that does nothing with its mail."""

    inbox: Mailbox[str]

    async def run(self) -> None:
        async for _ in self.inbox:
            pass


@define
class Ops:
    """A running `OpsServer`, and the command line beside it."""

    socket_path: Path
    control: FakeControl

    async def debug(self, *argv: str) -> tuple[int, str, str]:
        """The exit code, output and complaints of ``debug ARGV``."""
        return await trio.to_thread.run_sync(lambda: debug(self.socket_path, *argv))

    async def say(self, line: bytes) -> bytes:
        """Everything that comes back for *line*."""
        async with await trio.open_unix_socket(self.socket_path) as stream:
            await stream.send_all(line)
            said = b""
            with contextlib.suppress(trio.BrokenResourceError):  # it hung up on what we sent
                async for piece in stream:
                    said += piece
            return said

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer that comes back for *request*."""
        said = await self.say(json.dumps(request).encode() + b"\n")
        return wire.joined(said.splitlines())


def debug(socket_path: Path, *argv: str, **options: Any) -> tuple[int, str, str]:
    """The exit code, output and complaints of ``debug ARGV``; blocks."""
    out, err = io.StringIO(), io.StringIO()
    code = run_debug(argv, PLAN, socket_path, out=out, err=err, **options)
    return code, out.getvalue(), err.getvalue()


@contextlib.asynccontextmanager
async def running_ops(
    socket_path: Path,
    *,
    control: FakeControl | None = None,
    store: Address[StoreMessage] | None = None,
    chats: Address[DirectoryMessage] | None = None,
) -> AsyncIterator[Ops]:
    """An `OpsServer` that listens at *socket_path* while the context lasts."""
    control = control or FakeControl()
    server = OpsServer(
        control, store or MemoryStoreAddress(), chats or FakeDirectory(), socket_path
    )
    async with trio.open_nursery() as nursery:
        life = FakeLife()
        nursery.start_soon(run_as, life, server.run)
        await life.started.wait()
        yield Ops(socket_path, control)
        nursery.cancel_scope.cancel()
