"""Whether the program is alive, and whether it is ready: for load balancers and alerts."""

import json
import time
from collections.abc import Callable, Sequence

import trio
from attrs import Factory, define, field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from actors.ops.web.looks import Shared, is_stuck, view_at
from protocols.changes import PutKey
from protocols.lifecycle import ActorState, ActorView
from protocols.mail import Address, NoAnswerError
from protocols.store import Commit, StoreMessage

SURFACES = ("telegram.in", "matrix")
"""The actors that poll; one that is not in the tree is not configured."""
LONGEST_SILENCE = 120.0
"""Seconds without a completed round trip: more than two long polls."""
_KEY = "ops_ready"
_COMMIT_EVERY = 5.0
_COMMIT_WITHIN = 2.0
_NO_STORE = {"Cache-Control": "no-store"}


async def healthz(_request: Request) -> Response:
    """The loop runs, as it has come here."""
    await trio.lowlevel.checkpoint()
    return JSONResponse({"status": "ok"}, headers=_NO_STORE)


@define
class Readiness:
    """Whether messages are taken, kept and answered.

    Args:
        clock: Seconds since the epoch.
    """

    census: Shared[tuple[ActorView, ...]]
    store: Address[StoreMessage]
    clock: Callable[[], float] = time.time
    _commits: Shared[str] = field(
        init=False,
        default=Factory(lambda self: Shared(self._commit, _COMMIT_EVERY), takes_self=True),
    )

    async def readyz(self, _request: Request) -> Response:
        """200, or 503 with the reasons; they name no person and quote nothing."""
        reasons = await self.reasons()
        said = {"ready": not reasons, "reasons": reasons}
        return JSONResponse(said, 503 if reasons else 200, headers=_NO_STORE)

    async def reasons(self) -> list[str]:
        """Why it is not ready."""
        views = await self.census.get()
        store = await self._commits.get()
        return [*reasons_in(views), *([store] if store else [])]

    async def _commit(self) -> str:
        """Why the store does not commit; empty where it does."""
        name = self.store.reader
        if is_stuck(view_at(await self.census.get(), name)):
            return f"{name}: does not answer"
        # Another value each time: identical ones would not be written at all.
        change = PutKey(_KEY, json.dumps({"at": self.clock()}))
        try:
            await self.store.ask(Commit((change,)), within=_COMMIT_WITHIN)
        except NoAnswerError:
            return f"{name}: does not commit within {_COMMIT_WITHIN:.0f} s"
        return ""


def reasons_in(views: Sequence[ActorView]) -> list[str]:
    """What in the tree speaks against being ready.

    A single chat's session is no reason: the others are served.
    """
    top = [view for view in views if "/" not in view.path]
    bad = [
        f"{view.path}: {view.state}"
        for view in top
        if view.state in {ActorState.PARKED, ActorState.STUCK}
    ]
    named = {line.partition(":")[0] for line in bad}
    surfaces = [view for view in top if view.path in SURFACES and view.path not in named]
    silent = (_silence(view) for view in surfaces)
    return [*bad, *(reason for reason in silent if reason)]


def _silence(view: ActorView) -> str:
    if view.state is not ActorState.UP:
        return f"{view.path}: {view.state}"
    if view.beat_age is None:
        return f"{view.path}: no completed round trip yet"
    if view.beat_age > LONGEST_SILENCE:
        return f"{view.path}: no completed round trip for {view.beat_age:.0f} s"
    return ""
