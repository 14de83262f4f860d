"""What a request sends, and that every end of it is a value."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from io import StringIO
from typing import Any, cast

import httpx2
import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.kernel.logs import redactor
from actors.telegram.api.client import TelegramClient, TrioSession, open_client
from actors.telegram.api.outcomes import (
    Ambiguous,
    Conflict,
    Done,
    Forbidden,
    Me,
    Migrated,
    NotModified,
    Opened,
    RateLimited,
    Refusal,
    Refused,
    Sent,
    Unauthorized,
    Unreachable,
    Updates,
)
from actors.telegram.api.vocabulary import GetMe
from actors.telegram.settings import TelegramSettings
from protocols.journal import Button
from tests.actors.telegram.fake_bot_api import (
    BOT,
    SETTINGS,
    TOKEN,
    Answer,
    FakeBotApi,
    failure,
    plain,
    raising,
    silence,
)

Request = Callable[[TelegramClient], Awaitable[object]]

REQUESTS: dict[str, Request] = {
    "getMe": lambda client: client.get_me(),
    "getUpdates": lambda client: client.get_updates(1, ("message",), wait=0),
    "sendMessage": lambda client: client.send_message(7, "hello"),
    "editMessageText": lambda client: client.edit_message(7, 1, "hello"),
    "sendChatAction": lambda client: client.send_typing(7),
    "answerCallbackQuery": lambda client: client.answer_callback("9", "no"),
    "deleteMessage": lambda client: client.delete_message(7, 1),
    "sendMessageDraft": lambda client: client.send_draft(7, 17, "hel"),
    "setMessageReaction": lambda client: client.react(7, 1, "👀"),
    "createForumTopic": lambda client: client.create_topic(7, "Plans"),
    "setMyCommands": lambda client: client.set_commands({"new": "New"}, {"type": "default"}, ""),
    "getFile": lambda client: client.download("abc", _nothing),
}
TIMED_OUT = Ambiguous("no answer in time")


async def _nothing(_chunk: bytes) -> bool:
    raise AssertionError("nothing comes")


FAULTS: list[tuple[Answer, object]] = [
    (failure(401, "Unauthorized"), Unauthorized()),
    (failure(403, "Forbidden: blocked"), Forbidden("Forbidden: blocked")),
    (failure(409, "Conflict: two"), Conflict("Conflict: two")),
    (failure(429, "Too Many Requests", retry_after=9), RateLimited(9.0)),
    (failure(400, "moved", migrate_to_chat_id=-5), Migrated(-5)),
    (failure(500, "Oops"), Ambiguous("500 Oops")),
    (plain(500, '{"ok": false}'), Ambiguous("500")),
    (
        plain(502, "<html>Bad Gateway</html>"),
        Ambiguous("HTTP 502 without an answer of the Bot API"),
    ),
    (plain(200, ""), Ambiguous("HTTP 200 without an answer of the Bot API")),
    (plain(200, '{"ok": true, "resu'), Ambiguous("HTTP 200 without an answer of the Bot API")),
    (plain(200, "[" * 100_000), Ambiguous("HTTP 200 without an answer of the Bot API")),
    (plain(200, '{"ok": true}'), Ambiguous("HTTP 200 without an answer of the Bot API")),
    (plain(200, '{"ok": true, "result": 5}'), Ambiguous("an answer of no known shape")),
    (raising(httpx2.ConnectError("refused")), Unreachable("ConnectError")),
    (raising(httpx2.ConnectTimeout("late")), Unreachable("ConnectTimeout")),
    (raising(httpx2.ReadError("reset")), Ambiguous("ReadError")),
    (raising(httpx2.RemoteProtocolError("cut")), Ambiguous("RemoteProtocolError")),
    (raising(httpx2.DecodingError("gzip")), Ambiguous("DecodingError")),
    (raising(OSError("network is down")), Ambiguous("OSError")),
    (silence, TIMED_OUT),
]


@pytest.mark.parametrize("method", REQUESTS)
async def test_every_end_of_every_request_is_a_value(
    autojump_clock: MockClock, method: str
) -> None:
    api = FakeBotApi()
    api.fail(method, *(answer for answer, _ in FAULTS))

    async with api.connect(SETTINGS) as client:
        ends = [await REQUESTS[method](client) for _ in FAULTS]

    assert ends == [end for _, end in FAULTS]
    assert autojump_clock.current_time() < 60.0
    assert TOKEN not in str(ends)


async def test_a_poll_may_take_as_long_as_it_asks_for_and_a_little_more(
    autojump_clock: MockClock,
) -> None:
    api = FakeBotApi()
    api.fail("getUpdates", silence)

    async with api.connect(SETTINGS) as client:
        began = autojump_clock.current_time()
        end = await client.get_updates(1, ("message",), wait=30)

    assert end == TIMED_OUT
    assert autojump_clock.current_time() - began == pytest.approx(45)


async def test_the_bot_learns_its_name() -> None:
    api = FakeBotApi()
    api.me |= {"can_read_all_group_messages": True, "has_topics_enabled": True}

    async with api.connect(SETTINGS) as client:
        assert await client.get_me() == Me(4242, "agent_bot", reads_all=True, has_topics=True)


async def test_updates_come_raw_whatever_they_are() -> None:
    api = FakeBotApi()
    api.pending = [{"update_id": 5, "of the future": {}}, 7, None]

    async with api.connect(SETTINGS) as client:
        found = await client.get_updates(5, ("message",), wait=0, limit=2)

    assert found == Updates(({"update_id": 5, "of the future": {}}, 7))
    [(fields, _)] = api.polls()
    assert fields == {
        "offset": "5",
        "timeout": "0",
        "limit": "2",
        "allowed_updates": ["message"],
    }  # fmt: skip


async def test_a_message_is_sent_although_its_answer_holds_unknown_things() -> None:
    api = FakeBotApi()
    bold = {"type": "bold", "offset": 0, "length": 2}

    async with api.connect(SETTINGS) as client:
        end = await client.send_message(-7, "hé 🙂 & <b>", [bold], thread_id=3, reply_to=5)

    assert end == Sent(99)
    [(_, fields, _)] = api.calls
    assert fields == {
        "chat_id": "-7",
        "text": "hé 🙂 & <b>",
        "entities": [bold],
        "message_thread_id": "3",
        "reply_parameters": {"message_id": 5, "allow_sending_without_reply": True},
    }


async def test_an_edit_that_changes_nothing_says_so() -> None:
    api = FakeBotApi()
    api.fail("editMessageText", failure(400, "Bad Request: message is not modified: …"))
    link = {"type": "text_link", "offset": 0, "length": 2, "url": "https://example.org/"}

    async with api.connect(SETTINGS) as client:
        ends = [await client.edit_message(7, 5, "hey", [link]) for _ in range(2)]

    assert ends == [NotModified(), Sent(99)]
    assert api.calls[0][1] == {
        "chat_id": "7", "message_id": "5", "text": "hey", "entities": [link]
    }  # fmt: skip


async def test_entities_that_are_none_are_refused_before_they_are_sent() -> None:
    api = FakeBotApi()

    async with api.connect(SETTINGS) as client:
        sent = await client.send_message(7, "hello", [{"type": "bold"}])
        edited = await client.edit_message(7, 1, "hello", [{"offset": "x"}])

    assert isinstance(sent, Refused)
    assert sent.why is Refusal.ENTITIES
    assert edited == sent
    assert api.calls == []


async def test_half_a_surrogate_is_no_reason_to_fail() -> None:
    api = FakeBotApi()

    async with api.connect(SETTINGS) as client:
        assert await client.send_message(7, "\ud83d!") == Sent(99)

    assert api.calls[0][1]["text"] == "?!"


async def test_typing_and_callbacks_are_done() -> None:
    api = FakeBotApi()

    async with api.connect(SETTINGS) as client:
        assert await client.send_typing(7, 3) == Done()
        assert await client.answer_callback("id", "x" * 300) == Done()

    assert [fields for _, fields, _ in api.calls] == [
        {"chat_id": "7", "action": "typing", "message_thread_id": "3"},
        {"callback_query_id": "id", "text": "x" * 200},
    ]


@pytest.mark.parametrize("token", ["", "nonsense", "1:", "1: 2"])
async def test_a_token_that_is_none_is_refused_without_a_request(token: str) -> None:
    api = FakeBotApi()

    async with api.connect(evolve(SETTINGS, token=token)) as client:
        assert await client.get_me() == Unauthorized()

    assert api.calls == []


@pytest.mark.parametrize("base", ["", "no address", "ftp://x", "http://", "http://[", "http://{x}"])
async def test_a_wrong_address_is_said_and_raises_nothing(base: str) -> None:
    async with open_client(evolve(SETTINGS, api_base=base)) as client:
        end = await client.get_me()

    assert isinstance(end, Unreachable)
    assert TOKEN not in end.reason


async def test_a_refused_connection_is_unreachable_and_a_cut_one_ambiguous() -> None:
    async def cut(stream: trio.SocketStream) -> None:
        await stream.receive_some()

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, cut, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        async with open_client(evolve(SETTINGS, api_base=f"http://127.0.0.1:{port}")) as client:
            assert await client.send_message(7, "x") == Ambiguous("RemoteProtocolError")
            nursery.cancel_scope.cancel()
    async with open_client(evolve(SETTINGS, api_base=f"http://127.0.0.1:{port}")) as client:
        assert await client.send_message(7, "x") == Unreachable("ConnectError")


async def test_the_token_stands_in_no_log_line_and_no_text() -> None:
    lines = StringIO()
    handler = logging.StreamHandler(lines)
    redact = redactor([TOKEN])

    def clean(record: logging.LogRecord) -> bool:
        event = cast("dict[str, str]", redact(None, "", {"event": record.getMessage()}))
        record.msg, record.args = event["event"], ()
        return True

    handler.addFilter(clean)
    root = logging.getLogger("httpx2")
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        async with FakeBotApi().connect(SETTINGS) as client:
            shown: list[Any] = [SETTINGS, client, await client.get_me()]
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

    assert "getMe" in lines.getvalue()
    assert "the-secret" not in lines.getvalue()
    assert "the-secret" not in repr(shown)


async def test_buttons_are_sent_and_an_edit_without_them_says_nothing_of_them() -> None:
    api = FakeBotApi()
    keyboard = ((Button("⏹ Stop", "stop:17"),),)

    async with api.connect(SETTINGS) as client:
        await client.send_message(7, "…", keyboard=keyboard)
        await client.edit_message(7, 99, "hel", keyboard=keyboard)
        await client.edit_message(7, 99, "hello")

    markup = {"inline_keyboard": [[{"text": "⏹ Stop", "callback_data": "stop:17"}]]}
    assert [fields.get("reply_markup") for _, fields, _ in api.calls] == [markup, markup, None]


async def test_a_draft_thinks_before_it_says_something_and_can_be_stopped() -> None:
    api = FakeBotApi()
    bold = {"type": "bold", "offset": 0, "length": 3}

    async with api.connect(SETTINGS) as client:
        ends = [
            await client.send_draft(7, 17, "", thread_id=3),
            await client.send_draft(7, 17, "hel", [bold]),
            await client.send_draft(7, 17, "hel", [{"type": "bold"}]),
        ]

    assert ends[:2] == [Done(), Done()]
    assert isinstance(ends[2], Refused)
    assert [fields for _, fields, _ in api.calls] == [
        {
            "chat_id": "7",
            "draft_id": "17",
            "text": "",
            "can_stop": "true",
            "message_thread_id": "3",
        },
        {"chat_id": "7", "draft_id": "17", "text": "hel", "can_stop": "true", "entities": [bold]},
    ]


async def test_reactions_topics_and_menus_are_as_the_bot_api_has_them() -> None:
    api = FakeBotApi()
    api.fail("createForumTopic", plain(200, '{"ok": true, "result": {"message_thread_id": 5}}'))

    async with api.connect(SETTINGS) as client:
        assert await client.react(7, 1, "👀") == Done()
        assert await client.react(7, 1, "") == Done()
        assert await client.create_topic(7, "Plans") == Opened(5)
        menu = await client.set_commands({"new": "Neu"}, {"type": "chat", "chat_id": 7}, "de")
        assert menu == Done()
        assert await client.delete_message(7, 1) == Done()

    assert [(method, fields) for method, fields, _ in api.calls] == [
        ("setMessageReaction", {"chat_id": "7", "message_id": "1",
                                "reaction": [{"type": "emoji", "emoji": "👀"}]}),
        ("setMessageReaction", {"chat_id": "7", "message_id": "1", "reaction": []}),
        ("createForumTopic", {"chat_id": "7", "name": "Plans"}),
        ("setMyCommands", {"commands": [{"command": "new", "description": "Neu"}],
                           "scope": {"type": "chat", "chat_id": 7}, "language_code": "de"}),
        ("deleteMessage", {"chat_id": "7", "message_id": "1"}),
    ]  # fmt: skip


async def test_the_session_ends_with_whoever_opened_it_and_is_one_of_aiograms() -> None:
    async with FakeBotApi().connect(SETTINGS) as client:
        session = client._session
        assert isinstance(session, TrioSession)
        await session.close()
        assert client._bot is not None
        found = cast("object", await session(client._bot, GetMe()))

    assert found == BOT


def test_settings_do_not_show_the_token() -> None:
    assert "the-secret" not in repr(TelegramSettings(TOKEN))
