"""Somebody whose client is made with nio; see ``nio_client.py``."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import define, field

from tests.rigs.program import LIMIT, ROOT
from tests.rigs.synapse import Json, Person, Synapse


@define(eq=False)
class NioPerson:
    """What they write, and what their client shows; waiting has a limit.

    Args:
        person: The same account without encryption, to enter rooms with.
        seen: What their client showed, as ``nio_client`` tells it.
    """

    person: Person
    _process: trio.Process
    seen: list[Json] = field(factory=list)
    _sent: list[str] = field(factory=list)
    _is_ready: bool = False
    _is_over: bool = False
    _changed: trio.Condition = field(factory=trio.Condition)

    async def send(self, room: str, content: Json, kind: str = "m.room.message") -> str:
        """Send an event, encrypted where *room* is; its id."""
        number = len(self._sent)
        assert self._process.stdin is not None
        asked = json.dumps({"room": room, "type": kind, "content": content})
        await self._process.stdin.send_all(f"{asked}\n".encode())
        async with self._changed:
            with trio.fail_after(LIMIT):
                while len(self._sent) == number:
                    await self._news()
        return self._sent[-1]

    async def say(self, room: str, text: str) -> str:
        """Write *text*; the event's id."""
        return await self.send(room, {"msgtype": "m.text", "body": text})

    async def sees(self, words: str, *, by: str) -> Json:
        """The first message of *by* that has *words*, waiting for it."""
        async with self._changed:
            with trio.fail_after(LIMIT):
                while True:
                    for one in self.seen:
                        if one["sender"] == by and words in (one["body"] or ""):
                            return one
                    await self._news()

    async def follow(self) -> None:
        """Read what the client tells until it ends."""
        assert self._process.stdout is not None
        rest = b""
        async for chunk in self._process.stdout:
            *lines, rest = (rest + chunk).split(b"\n")
            async with self._changed:
                for line in lines:
                    self._take(json.loads(line))
                self._changed.notify_all()
        async with self._changed:
            self._is_over = True
            self._changed.notify_all()

    async def until_ready(self) -> None:
        """Wait until the client follows its rooms."""
        async with self._changed:
            with trio.fail_after(LIMIT):
                while not self._is_ready:
                    await self._news()

    async def _news(self) -> None:
        assert not self._is_over, "the client has ended"
        await self._changed.wait()

    def _take(self, told: Json) -> None:
        if "sent" in told:
            self._sent.append(told["sent"])
        elif "ready" in told:
            self._is_ready = True
        else:
            self.seen.append(told)


@asynccontextmanager
async def nio_person(synapse: Synapse, folder: Path) -> AsyncIterator[NioPerson]:
    """Somebody with a fresh account, whose client runs; it keeps its keys in *folder*."""
    person = await trio.to_thread.run_sync(synapse.person, "nio")
    process = await trio.lowlevel.open_process(
        [
            sys.executable,
            str(ROOT / "tests" / "rigs" / "nio_client.py"),
            synapse.url,
            person.user_id,
            person.account.password,
        ],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    found = NioPerson(person, process)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(found.follow)
        try:
            await found.until_ready()
            yield found
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
            nursery.cancel_scope.cancel()
