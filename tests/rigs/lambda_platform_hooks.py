"""What the reference server pushes, signed as Standard Webhooks say, until it is taken."""

import hashlib
import hmac
import json
import time
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from uuid import uuid4

import httpx2
import trio
from attrs import define, field, frozen

from tests.rigs.lambda_platform_contract import Json, flaws

_UNSUBSCRIBED = 410
_LONGEST_ANSWER = 15.0


@frozen
class Delivery:
    """What became of one push.

    Args:
        statuses: Of each attempt, in order; 0 where there was no answer.
    """

    id: str
    body: bytes = field(repr=False)
    statuses: tuple[int, ...]

    @property
    def is_taken(self) -> bool:
        """The last attempt was answered 2xx."""
        return bool(self.statuses) and 200 <= self.statuses[-1] < 300


def signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """One signature; *secret* is ``whsec_`` and base64."""
    key = b64decode(secret.removeprefix("whsec_"))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def event(
    kind: str,
    *,
    user_id: str,
    task_id: str = "task-1",
    chat_id: str | None = None,
    text: str = "",
    fraction: float | None = None,
    attachments: tuple[Json, ...] = (),
    **more: object,
) -> Json:
    """An AgentEvent; *text* is the progress, the result or what went wrong.

    Args:
        more: Further facts of it, such as ``seq`` and ``run_id``.
    """
    facts: Json = {"task_id": task_id, "user_id": user_id, "chat_id": chat_id, **more}
    match kind:
        case "task_progress":
            done = {} if fraction is None else {"fraction": fraction}
            facts["progress"] = {"message": text, **done}
        case "task_done":
            facts["result"] = {"text": text, "attachments": list(attachments)}
        case _:
            facts["error"] = {
                "type": "/problems/upstream",
                "title": "upstream",
                "status": 502,
                "detail": text,
            }
    said = {"type": kind, "timestamp": datetime.now(UTC).isoformat(), "data": facts}
    assert not flaws("AgentEvent", said), said
    return said


@define
class Hooks:
    """Pushes to *url*; nothing is pushed where it is empty.

    Args:
        secrets: Each signs; more than one while they are rotated.
        delays: Seconds before each further attempt.
        deliveries: What became of all pushes.
    """

    url: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    delays: tuple[float, ...] = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
    deliveries: list[Delivery] = field(factory=list)
    _changed: trio.Event = field(factory=trio.Event)

    async def push(self, said: Json, *, webhook_id: str = "", at: float | None = None) -> Delivery:
        """Push the AgentEvent *said* until it is taken; gives what became of it.

        Args:
            webhook_id: The same for the same event.
            at: What it says that the time is, in seconds since the epoch.
        """
        webhook_id = webhook_id or f"msg_{uuid4().hex}"
        body = json.dumps(said, ensure_ascii=False).encode()
        statuses: list[int] = []
        async with httpx2.AsyncClient(timeout=_LONGEST_ANSWER, trust_env=False) as http:
            for delay in (0.0, *self.delays):
                await trio.sleep(delay)
                statuses.append(await self._attempt(http, webhook_id, body, at))
                if 200 <= statuses[-1] < 300 or statuses[-1] == _UNSUBSCRIBED:
                    break
        delivery = Delivery(webhook_id, body, tuple(statuses))
        self.deliveries.append(delivery)
        self._changed.set()
        self._changed = trio.Event()
        return delivery

    async def delivered(self, times: int = 1) -> Delivery:
        """Wait until so many pushes have been taken or given up; gives the last of them."""
        while len(self.deliveries) < times:
            await self._changed.wait()
        return self.deliveries[times - 1]

    async def _attempt(
        self, http: httpx2.AsyncClient, webhook_id: str, body: bytes, at: float | None
    ) -> int:
        timestamp = int(time.time() if at is None else at)
        signatures = [signature(one, webhook_id, timestamp, body) for one in self.secrets]
        headers = {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        }
        try:
            answer = await http.post(self.url, content=body, headers=headers)
        except httpx2.TransportError:
            return 0
        if answer.status_code == _UNSUBSCRIBED:
            self.url = ""
        return answer.status_code
