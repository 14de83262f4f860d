"""Over HTTP: whether the program is ready, and that nobody who looks holds up its end."""

import contextlib
from pathlib import Path

import httpx2
import trio

from tests.e2e.telegram_chat import telegram_chat
from tests.rigs.lambda_platform import TOKEN, WEBHOOK_SECRET, lambda_platform
from tests.rigs.program import LIMIT, Program, program


async def _address(it: Program) -> str:
    return str((await it.tree())["web"]["note"]).removeprefix("listens at ")


async def _reasons(address: str) -> tuple[int, list[str]]:
    async with httpx2.AsyncClient(trust_env=False, timeout=LIMIT) as http:
        answer = await http.get(f"{address}/readyz")
    return answer.status_code, answer.json()["reasons"]


async def _says(address: str, *reasons: str) -> None:
    """Wait until it says just these *reasons*; none: that it is ready."""
    expected = (503 if reasons else 200, list(reasons))
    with trio.move_on_after(LIMIT):
        while await _reasons(address) != expected:  # noqa: ASYNC110  # nobody tells it
            await trio.sleep(0.2)
    assert await _reasons(address) == expected


async def test_it_is_not_ready_while_the_agent_lets_nobody_in(tmp_path: Path) -> None:
    async with (
        lambda_platform() as platform,
        telegram_chat(
            tmp_path,
            PLATFORM_MODE="production",
            LAMBDA_PLATFORM_URL=platform.url,
            LAMBDA_SERVICE_TOKEN=TOKEN,
            OPS_BIND="127.0.0.1:0",
        ) as chat,
    ):
        address, ann = await _address(chat.it), chat.api.person(4211)
        await _says(address)
        platform.gate.token = "another token"
        ann.writes("apricot")
        await chat.hears(ann, "does not accept my key")
        await _says(address, "platform: parked")
        platform.gate.token = TOKEN
        assert (await chat.it.debug("restart", "platform")).returncode == 0
        await _says(address)
        for victim in ("store", "telegram.in"):
            assert (await chat.it.debug("kill", victim)).returncode == 0
        await _says(address)
        await chat.end()


async def test_viewers_and_a_half_sent_push_do_not_hold_up_the_end(tmp_path: Path) -> None:
    settings = {"OPS_BIND": "127.0.0.1:0", "LAMBDA_WEBHOOK_SECRET": WEBHOOK_SECRET}
    async with program(tmp_path, **settings) as it, contextlib.AsyncExitStack() as stack:
        await it.start()
        url = httpx2.URL(await _address(it))
        host = f"Host: {url.netloc.decode()}\r\n"
        push = f"POST /webhooks/agent HTTP/1.1\r\n{host}Content-Length: 9\r\n\r\nhalf"
        viewers = []
        for request in [*5 * [f"GET /events HTTP/1.1\r\n{host}\r\n"], push, "GET /hea"]:
            stream = await trio.open_tcp_stream(url.host, url.port or 80)
            viewers.append(await stack.enter_async_context(stream))
            await stream.send_all(request.encode())
        assert await viewers[0].receive_some()
        began = trio.current_time()

        assert await it.end() == 0

        assert trio.current_time() - began < 10
        for stream in viewers:
            with contextlib.suppress(trio.BrokenResourceError):
                async for _ in stream:
                    pass
    assert not [line for line in it.log if line.get("level") in {"error", "warning"}]
