"""Whatever goes wrong with an agent, and whoever asks from outside: no secret is ever printed."""

import json
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import httpx2
import trio

from tests.e2e.telegram_chat import ANN, BEN, TelegramChat, telegram_settings
from tests.rigs.lambda_platform import TOKEN, WEBHOOK_SECRET, LambdaPlatform, lambda_platform
from tests.rigs.lambda_platform_faults import START, USERS, refused, unauthorized
from tests.rigs.program import LIMIT, Program, program
from tests.rigs.telegram_api import TelegramApi, telegram_api

OPS_TOKEN = "ops-token-of-a-test"
OPENAI_KEY = "sk-key-of-a-test"
AGUI_TOKEN = "agui-token-of-a-test"
_PAGES = ((), ("--json",), ("journal",), ("dead-letters",), ("access",), ("stack", "platform"))
_VICTIMS = ("platform", "chats", "telegram.in", "telegram.out", "store", "web")
_ANYBODY = ("/", "/healthz", "/readyz", "/metrics", "/files/x?exp=1&sig=y", "/nowhere")


def _settings(api: TelegramApi, platform: LambdaPlatform) -> dict[str, str]:
    return telegram_settings(
        api,
        PLATFORM_MODE="production",
        LAMBDA_PLATFORM_URL=platform.url,
        LAMBDA_SERVICE_TOKEN=TOKEN,
        LAMBDA_WEBHOOK_SECRET=WEBHOOK_SECRET,
        OPENAI_API_KEY=OPENAI_KEY,
        AGUI_TOKEN=AGUI_TOKEN,
        OPS_BIND="127.0.0.1:0",
        OPS_TOKEN=OPS_TOKEN,
        OPS_ALERTS=f"telegram:{ANN}",
        ADMINS=f"telegram:{ANN}",
        LOG_LEVEL="debug",
    )


async def _address(it: Program) -> str:
    note = (await it.tree())["web"]["note"]
    return str(note.removeprefix("listens at ").rstrip("/"))


async def _asked_from_outside(address: str) -> str:
    """All that the server says to the right token, to wrong ones, and to what is no push."""
    said: list[str] = []
    basic = b64encode(f"me:{OPS_TOKEN}".encode()).decode()
    async with httpx2.AsyncClient(base_url=address, trust_env=False, timeout=10) as http:
        for who in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {basic}"}):
            for path in _ANYBODY:
                answer = await http.get(path, headers=who)
                said += [str(answer.headers), answer.text]
        for body in (b"{}", b"\xff", b"x" * 2_000_000):
            signed = {"webhook-id": "w", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
            answer = await http.post("/webhooks/agent", content=body, headers=signed)
            said += [str(answer.headers), answer.text]
            assert 400 <= answer.status_code < 500
    said.append(await _first_event(address))
    return "\n".join(said)


async def _first_event(address: str) -> str:
    """What the page's stream begins with; it goes on for ever."""
    url = httpx2.URL(address)
    async with await trio.open_tcp_stream(url.host, url.port or 80) as stream:
        await stream.send_all(
            f"GET /events HTTP/1.1\r\nHost: {url.netloc.decode()}\r\n\r\n".encode()
        )
        seen = b""
        with trio.fail_after(LIMIT):
            while b"data:" not in seen:
                seen += await stream.receive_some()
    return seen.decode()


async def test_a_refused_token_crashes_and_strangers_print_no_secret(tmp_path: Path) -> None:
    async with (
        telegram_api() as api,
        lambda_platform() as platform,
        program(tmp_path, **_settings(api, platform)) as it,
    ):
        await it.start()
        chat = TelegramChat(api, it)
        ann, ben = api.person(ANN, "Ann"), api.person(BEN, "Ben")
        ann.writes("/start")
        ann.writes("apricot")
        await chat.hears(ann, "apricot")
        platform.faults.want(unauthorized(), START)
        ann.writes("quince")
        platform.faults.want(refused("forbidden"), USERS)
        ben.writes("/start")
        ben.writes("medlar")
        shown = [await _asked_from_outside(await _address(it))]
        for victim in _VICTIMS:
            lines = len(it.log)
            assert (await it.debug("kill", victim)).returncode == 0
            await it.logged("actor.crashed", after=lines)
        platform.gate.token = "another"
        ann.writes("damson")
        await it.logged("actor.parked")
        for words in _PAGES:
            done = await it.debug(*words)
            shown.append(done.stdout + done.stderr)
        assert await it.end() == 0

    seen = "\n".join((*shown, it.said, *map(json.dumps, it.log)))
    bare = WEBHOOK_SECRET.removeprefix("whsec_")
    for secret in (api.token, TOKEN, WEBHOOK_SECRET, bare, OPS_TOKEN, OPENAI_KEY, AGUI_TOKEN):
        assert secret not in seen
        assert quote(secret, safe="") not in seen
        assert b64encode(f"me:{secret}".encode()).decode().rstrip("=") not in seen
    for word in ("apricot", "quince", "medlar", "damson"):
        assert word not in seen
    assert "actor.parked" in seen
    assert "LAMBDA_SERVICE_TOKEN" in seen
