import json
import signal
import sys
from collections import Counter
from typing import Any

import httpx2
import pytest
import trio
from trio.testing import MockClock

from tests.rigs.telegram_api import TelegramApi
from tests.rigs.telegram_client import ANN, GROUP, Bot
from tests.rigs.telegram_content import content_of
from tests.rigs.telegram_faults import (
    Fault,
    FaultPlan,
    bad_gateway,
    conflict,
    entities_refused,
    hang,
    malformed,
    refused,
    reset,
    server_error,
    slow,
    truncated,
)
from tests.rigs.telegram_forms import Upload


async def test_a_wrong_token_is_unauthorized(api: TelegramApi, bot: Bot) -> None:
    wrong = await bot.http.post(f"{api.url}/bot1:wrong/getMe")
    broken = await bot.http.post(f"{api.url}/botwrong/getMe")

    assert (wrong.status_code, wrong.json()["description"]) == (401, "Unauthorized")
    assert broken.json()["description"] == "Unauthorized: invalid token specified"
    assert [one.status for one in api.calls] == [401, 401]


async def test_an_unknown_method_or_path_is_not_found(api: TelegramApi, bot: Bot) -> None:
    assert await bot.call("sendTelepathy") == "Not Found: method not found"
    assert (await bot.http.get(f"{api.url}/elsewhere")).status_code == 404


async def test_get_me_names_the_bot_of_the_token(bot: Bot) -> None:
    me = await bot.call("GETME")

    assert (me["id"], me["is_bot"], me["username"]) == (110201543, True, "rig_bot")
    assert (await bot.call("getChat", chat_id=ANN))["type"] == "private"


@pytest.mark.parametrize("kind", ["json", "data", "params", "files"])
async def test_every_form_of_parameters_is_read(api: TelegramApi, bot: Bot, kind: str) -> None:
    text = "first line\nёж 😀"
    entities = [{"type": "bold", "offset": 0, "length": 5}]
    params: dict[str, Any] = {"chat_id": str(ANN), "text": text, "entities": json.dumps(entities)}
    given: dict[str, Any] = {kind: params}
    if kind == "files":
        given = {"data": params, "files": {"photo": ("a.png", b"\x89PNG", "image/png")}}

    await bot.http.post(f"{api.url}/bot{api.token}/sendMessage", **given)

    (shown,) = api.messages(ANN)[1:]
    assert (shown.text, shown.entities) == (text, entities)
    assert api.calls[-1].params["text"] == text
    assert api.calls[-1].params.get("photo") == (
        Upload("a.png", "image/png", content_of(b"\x89PNG")) if kind == "files" else None
    )


async def test_a_body_that_is_no_object_has_no_parameters(api: TelegramApi, bot: Bot) -> None:
    head = {"Content-Type": "application/json"}
    address = f"{api.url}/bot{api.token}/sendMessage"

    for body in (b"[1]", b"{oops"):
        answer = await bot.http.post(address, content=body, headers=head)
        assert answer.json()["description"] == "Bad Request: message text is empty"


async def test_one_connection_serves_many_calls(bot: Bot) -> None:
    await bot.call("getMe")

    answer = await bot.ask("getMe")

    stream = answer.extensions["network_stream"]
    assert stream.get_extra_info("server_addr")[1] == bot.api.port
    assert len(bot.api.server.lines) == 1


@pytest.mark.parametrize(
    ("fault", "status", "is_shown"),
    [
        (server_error(), 500, False),
        (server_error(after=True), 500, True),
        (bad_gateway(), 502, False),
        (bad_gateway(after=True), 502, True),
        (entities_refused(), 400, False),
        (refused(403, "Forbidden: user is deactivated"), 403, False),
        (conflict(), 409, False),
        (malformed(), 200, True),
        (malformed(b"", after=False), 200, False),
    ],
)
async def test_a_fault_is_answered_with_or_without_its_effect(
    api: TelegramApi, bot: Bot, fault: Fault, status: int, *, is_shown: bool
) -> None:
    api.fail(fault, "sendMessage")

    answer = await bot.ask("sendMessage", chat_id=ANN, text="x")

    assert answer.status_code == status
    assert api.answers(ANN) == (["x"] if is_shown else [])
    assert (api.calls[-1].fault, api.calls[-1].had_effect) == (fault.name, is_shown)
    assert (await bot.send("y"))["text"] == "y"


async def test_a_502_is_html(api: TelegramApi, bot: Bot) -> None:
    api.fail(bad_gateway())

    answer = await bot.ask("getMe")

    assert answer.headers["Content-Type"] == "text/html"
    assert "<h1>502 Bad Gateway</h1>" in answer.text


@pytest.mark.parametrize("is_after", [True, False])
async def test_a_connection_may_break_before_or_after_the_effect(
    api: TelegramApi, bot: Bot, *, is_after: bool
) -> None:
    api.fail(reset(after=is_after), "sendMessage")

    with pytest.raises(httpx2.ReadError):
        await bot.send("x")

    assert api.answers(ANN) == (["x"] if is_after else [])
    assert (await bot.send("y"))["text"] == "y"


async def test_a_body_may_end_in_its_middle(api: TelegramApi, bot: Bot) -> None:
    api.fail(truncated(), "sendMessage")

    with pytest.raises(httpx2.RemoteProtocolError):
        await bot.send("x")

    assert api.answers(ANN) == ["x"]


@pytest.mark.parametrize("is_after", [True, False])
async def test_a_call_may_hang_until_its_client_gives_up(
    api: TelegramApi, bot: Bot, autojump_clock: MockClock, *, is_after: bool
) -> None:
    del autojump_clock  # time passes by itself
    api.fail(hang(after=is_after), "sendMessage")

    with trio.move_on_after(60) as scope:
        await bot.send("x")
    call = await api.called("sendMessage")

    assert scope.cancelled_caught
    assert (call.status, call.had_effect) == (0, is_after)
    assert call.ended_at == pytest.approx(call.at + 60, abs=1)


async def test_an_answer_may_be_late(api: TelegramApi, bot: Bot, autojump_clock: MockClock) -> None:
    del autojump_clock  # time passes by itself
    api.fail(slow(20))

    assert (await bot.send("x"))["text"] == "x"
    assert trio.current_time() == pytest.approx(20, abs=1)


async def test_a_lost_answer_to_a_poll_confirms_all_the_same(api: TelegramApi, bot: Bot) -> None:
    (start,) = await bot.poll()
    api.fail(reset(after=True), "getUpdates")

    with pytest.raises(httpx2.ReadError):
        await bot.poll(start["update_id"] + 1)

    assert await bot.poll() == []


async def test_a_wanted_fault_hits_only_the_calls_it_is_meant_for(
    api: TelegramApi, bot: Bot
) -> None:
    api.group(GROUP)
    api.fail(server_error(), "sendMessage", "editMessageText", chat=GROUP, times=2)
    api.fail(conflict(), "sendMessage", when=lambda params: params["text"] == "odd")

    assert (await bot.send("x"))["text"] == "x"
    assert await bot.send("x", GROUP) == "Internal Server Error"
    assert await bot.edit(1, "x", GROUP) == "Internal Server Error"
    assert (await bot.send("x", GROUP))["text"] == "x"
    assert (await bot.send("odd")).startswith("Conflict")


def test_chance_is_the_same_for_the_same_seed() -> None:
    def drawn(seed: int) -> list[str]:
        plan = FaultPlan()
        plan.by_chance({reset(): 0.1, server_error(): 0.2}, seed=seed)
        found = [plan.next("sendMessage", {}) for _ in range(1000)]
        return [fault.name if fault else "" for fault in found]

    assert drawn(1) == drawn(1) != drawn(2)
    counts = Counter(drawn(1))
    assert counts["reset"] == pytest.approx(100, abs=40)
    assert counts["500"] == pytest.approx(200, abs=50)


def test_chance_hits_only_the_methods_that_are_named() -> None:
    plan = FaultPlan()
    plan.by_chance({reset(): 1.0}, seed=1, methods=frozenset({"sendmessage"}))

    assert plan.next("getMe", {}) is None
    assert plan.next("sendMessage", {}) is not None


async def test_chance_ends_when_it_is_taken_away(api: TelegramApi, bot: Bot) -> None:
    api.fail_by_chance({server_error(): 1.0}, seed=1, methods=["sendMessage"])
    assert await bot.send("x") == "Internal Server Error"

    api.fail_by_chance({}, seed=1)

    assert (await bot.send("x"))["text"] == "x"


async def test_an_outage_breaks_what_is_open_and_what_comes(api: TelegramApi, bot: Bot) -> None:
    api.world.updates.drop()
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail_to_poll, bot)
            await api.until(lambda: api.world.updates.is_polled)
            api.go_down()
    with pytest.raises(httpx2.TransportError):
        await bot.call("getMe")

    api.come_back()

    assert (await bot.call("getMe"))["is_bot"]


async def test_a_server_that_does_not_listen_refuses(api: TelegramApi, bot: Bot) -> None:
    await bot.call("getMe")

    await api.stop_listening()

    for _ in range(2):
        with pytest.raises(httpx2.ConnectError):
            await bot.call("getMe")
    await api.start_listening()
    assert (await bot.call("getMe"))["is_bot"]
    assert len(api.calls) == 2


async def fail_to_poll(bot: Bot) -> None:
    with pytest.raises(httpx2.TransportError):
        await bot.poll(timeout=50)


POLLER = """
import http.client, sys
line = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
line.request("GET", f"/bot{sys.argv[2]}/getUpdates?timeout=50")
line.getresponse()
"""


async def test_a_client_that_is_killed_is_no_conflict_and_no_noise(
    api: TelegramApi, bot: Bot, capfd: pytest.CaptureFixture[str]
) -> None:
    api.world.updates.drop()
    command = [sys.executable, "-c", POLLER, str(api.port), api.token]
    with trio.fail_after(20):
        process = await trio.lowlevel.open_process(command)
        await api.until(lambda: api.world.updates.is_polled)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        killed = await api.called("getUpdates")

    api.person(ANN).writes("still here")

    assert (killed.status, api.world.updates.is_polled) == (0, False)
    assert [one["message"]["text"] for one in await bot.poll(1)] == ["still here"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("sent", [b"", b"nonsense\r\n\r\n", b"POST /bot1:x/getMe HTTP/1.1\r\n"])
async def test_half_a_request_is_no_noise(api: TelegramApi, bot: Bot, sent: bytes) -> None:
    stream = await trio.open_tcp_stream("127.0.0.1", api.port)
    await stream.send_all(sent)
    await stream.aclose()

    assert (await bot.call("getMe"))["is_bot"]


async def test_a_client_may_ask_to_go_on_first(api: TelegramApi) -> None:
    stream = await trio.open_tcp_stream("127.0.0.1", api.port)
    head = f"POST /bot{api.token}/getMe HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"

    await stream.send_all(f"{head}Expect: 100-continue\r\n\r\n".encode())
    with trio.fail_after(5):
        assert b"100" in await stream.receive_some()
        await stream.send_all(b"{}")
        assert b'"ok": true' in await stream.receive_some()
    await stream.aclose()


async def test_a_call_is_logged_with_its_times(api: TelegramApi, bot: Bot) -> None:
    before = trio.current_time()
    await bot.send("x")

    call = await api.called("sendMessage", text="x")

    assert (call.chat, call.status, call.had_effect, call.fault) == (ANN, 200, True, "")
    assert before <= call.at <= (call.ended_at or 0.0) <= trio.current_time()
    assert api.calls_of("sendMessage", chat=ANN) == [call]
    assert api.token not in repr(api)
