"""The reference server of ``docs/platform-api.yaml``: a whole agent platform on 127.0.0.1.

In a test's own trio loop: ``async with lambda_platform() as platform``. As a process of its own,
for whoever measures: ``python -m tests.rigs.lambda_platform --port 0``; it prints its address.
The agent behind it does what the words of a message say: see ``lambda_platform_agent``.
"""

import argparse
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define, field
from hypercorn.config import Config
from hypercorn.trio import serve

from tests.rigs.lambda_platform_api import Api
from tests.rigs.lambda_platform_contract import Json
from tests.rigs.lambda_platform_faults import FaultPlan
from tests.rigs.lambda_platform_files import Files
from tests.rigs.lambda_platform_gate import Gate
from tests.rigs.lambda_platform_hooks import Delivery, Hooks, event
from tests.rigs.lambda_platform_people import People
from tests.rigs.lambda_platform_requests import Received
from tests.rigs.lambda_platform_run import Run, Stats
from tests.rigs.lambda_platform_runs import Runs
from tests.rigs.lambda_platform_streams import PING

TOKEN = "lambda-token-of-a-test"
WEBHOOK_SECRET = "whsec_" + b64encode(b"webhook secret of a test").decode()


@define
class LambdaPlatform:
    """A running platform.

    Args:
        url: For ``LAMBDA_PLATFORM_URL``.
        gate: Holds the token, which may be changed, and what broke in here.
    """

    url: str
    gate: Gate
    hooks: Hooks
    _nursery: trio.Nursery = field(repr=False)

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong from now on."""
        return self.gate.faults

    @property
    def stats(self) -> Stats:
        """What has happened so far."""
        return self.gate.stats

    @property
    def people(self) -> People:
        """Users and their settings."""
        return self.gate.api.people

    @property
    def files(self) -> Files:
        """The files that were sent, and how many bytes may be."""
        return self.gate.api.files

    @property
    def runs(self) -> Runs:
        """The runs, by id in ``known``."""
        return self.gate.api.runs

    def requests(self, method: str = "", path: str = "") -> list[Received]:
        """What came, in order: of that method, and with *path* in the path."""
        every = self.gate.requests
        return [one for one in every if one.method.startswith(method) and path in one.path]

    def inputs(self) -> list[Json]:
        """The bodies of all requests for runs, repeated ones included."""
        return [dict(one.json()) for one in self.requests("POST", "/v1/runs") if one.body]

    def the_run(self) -> Run:
        """The only run."""
        (run,) = self.runs.known.values()
        return run

    async def wait_for(self, method: str, path: str, *, times: int = 1) -> Received:
        """Wait until such a request has come so many times; gives the last of them."""
        while len(self.requests(method, path)) < times:
            await self.gate.request()
        return self.requests(method, path)[times - 1]

    def expire(self) -> None:
        """Forget the events of all runs that have ended."""
        self.runs.kept_events = 0.0

    async def push(
        self, kind: str, *, user_id: str, webhook_id: str = "", **facts: Any
    ) -> Delivery:
        """Push an event until it is taken; *facts* are those of ``event``."""
        return await self.hooks.push(event(kind, user_id=user_id, **facts), webhook_id=webhook_id)


def _tell_of(run: Run, hooks: Hooks, nursery: trio.Nursery) -> None:
    """Push the end of a run that nobody waits for."""
    if not (run.is_async and hooks.url):
        return
    is_good = run.status in {"succeeded", "interrupted"}
    said = event(
        "task_done" if is_good else "task_error",
        user_id=run.asked.user_id,
        task_id=run.id,
        run_id=run.id,
        chat_id=run.asked.chat_id,
        text=run.text if is_good else run.status,
        attachments=tuple(run.attachments),
    )
    nursery.start_soon(hooks.push, said)


def _built(hooks: Hooks, nursery: trio.Nursery, token: str, ping: float) -> Gate:
    stats, people, files = Stats(), People(), Files()
    runs = Runs(people, files, stats, nursery, lambda run: _tell_of(run, hooks, nursery))
    api = Api(people, runs, files, stats, ping)
    return Gate(api, stats, token)


@asynccontextmanager
async def lambda_platform(
    *,
    port: int = 0,
    token: str = TOKEN,
    webhook_url: str = "",
    webhook_secrets: tuple[str, ...] = (WEBHOOK_SECRET,),
    ping: float = PING,
) -> AsyncIterator[LambdaPlatform]:
    """A platform; what broke in the rig itself is raised at the end.

    Args:
        webhook_url: Where it pushes to; may be set later, in ``hooks``.
        ping: Seconds of silence in a stream before a comment.
    """
    async with trio.open_nursery() as nursery:
        hooks = Hooks(webhook_url, webhook_secrets)
        gate = _built(hooks, nursery, token, ping)
        (url,) = await nursery.start(serve, gate, _config(port))
        gate.api.files.base = url
        yield LambdaPlatform(url, gate, hooks, nursery)
        nursery.cancel_scope.cancel()
    if gate.errors:
        raise ExceptionGroup("the reference server broke", gate.errors)


def _config(port: int) -> Config:
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.backlog = 1024
    config.keep_alive_timeout = 600.0
    config.errorlog = None
    return config


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The reference server, as a process of its own.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--drop", metavar="FEWEST:MOST", help="cut streams behind so many events")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--latency", action="store_true", help="be as slow as the mock agent")
    parser.add_argument("--webhook-url", default="")
    parser.add_argument("--webhook-secret", default=WEBHOOK_SECRET)
    return parser.parse_args()


async def _main(wanted: argparse.Namespace) -> None:
    async with lambda_platform(
        port=wanted.port,
        token=wanted.token,
        webhook_url=wanted.webhook_url,
        webhook_secrets=(wanted.webhook_secret,),
    ) as platform:
        if wanted.drop:
            fewest, _, most = wanted.drop.partition(":")
            platform.faults.drop_streams(int(fewest), int(most or fewest), seed=wanted.seed)
        platform.runs.has_latency = wanted.latency
        print(json.dumps({"url": platform.url}), flush=True)  # noqa: T201
        await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(_main, _arguments())
