"""An AG-UI agent over real sockets, one that says what a test wants."""

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest
import trio
from structlog.typing import EventDict

from actors.platform.agui_files import MOST_INLINE_BYTES
from actors.platform.local_settings import MANNERS
from protocols.ids import RunId
from protocols.journal import Exchange
from protocols.platform import (
    Attachment,
    FailureKind,
    PlatformFailedError,
    Resume,
    SettingsAction,
    StreamFinished,
    StreamStopped,
    TextDelta,
)
from tests.actors.platform.agui_chat import RUN, AguiChat, agui_chat_with, text_of
from tests.actors.platform.raw_server import EVENTS, answer
from tests.fakes import MemoryJournal, MemoryStoreAddress
from tests.rigs.agui_server import (
    AguiServer,
    Serve,
    answers,
    call,
    event,
    interrupt,
    says,
    says_and_closes,
    says_and_hangs,
    spoken,
    streamed,
)


@pytest.fixture
async def server() -> AsyncIterator[AguiServer]:
    async with AguiServer().running() as running:
        yield running


@pytest.fixture
async def chat(server: AguiServer) -> AsyncIterator[AguiChat]:
    async with agui_chat_with(server.address) as opened:
        yield opened


async def failure_of(chat: AguiChat, *more: Any, **named: Any) -> PlatformFailedError:
    with pytest.raises(PlatformFailedError) as caught:
        await chat.parts(*more, **named)
    return caught.value


# Answers.


async def test_an_answer_comes_in_pieces_and_ends_once(chat: AguiChat) -> None:
    parts = await chat.parts("good morning")

    assert text_of(parts) == "You said: good morning"
    assert len(parts) > 3
    assert parts[-1] == StreamFinished()


async def test_a_piece_is_handed_over_before_the_next_one_comes(
    server: AguiServer, chat: AguiChat
) -> None:
    first, piece, *_ = spoken("Hello")
    server.scripts.append(says_and_hangs(EVENTS, event(first), event(piece)))
    stream = chat.client.stream_message(chat.user_id, "C1", "hello", run_id=RUN)

    with trio.fail_after(5):
        assert await anext(stream) == TextDelta("Hell")
        await stream.aclose()  # type: ignore[attr-defined]  # every client here gives a generator


async def test_the_run_says_who_asks_where_and_how_they_want_to_be_answered(
    server: AguiServer,
) -> None:
    server.key = "secret-key"

    async with agui_chat_with(server.address, secret="secret-key") as chat:
        for skill in ("concise", "code"):
            change = SettingsAction("set", {"skill": skill, "is_on": True})
            await chat.client.update_settings(chat.user_id, change)
        model = SettingsAction("set", {"model": "mine"})
        await chat.client.update_settings(chat.user_id, model)
        await chat.parts("now")

    assert server.last.key == "secret-key"
    body = server.last.body
    assert (body["threadId"], body["runId"]) == (f"{chat.user_id}:C1", RUN)
    assert body["forwardedProps"] == {
        "user_id": chat.user_id,
        "surface": "matrix",
        "model": "mine",
    }
    assert [each["value"] for each in body["context"]] == [
        "en",
        f"{MANNERS['concise']} {MANNERS['code']}",
    ]


async def test_who_wants_nothing_special_is_told_of_by_nothing(
    server: AguiServer, chat: AguiChat
) -> None:
    await chat.client.send_message(chat.user_id, "C1", "hello", run_id=RUN)

    assert server.last.key == ""
    assert server.last.body["context"] == []
    assert server.last.body["forwardedProps"] == {"user_id": chat.user_id}


async def test_what_was_said_before_goes_along_in_its_order(
    server: AguiServer, chat: AguiChat
) -> None:
    await chat.parts("now", history=(Exchange("hi", "hello"), Exchange("and?", "well")))

    assert chat.client.history_chars == 24_000
    assert server.last.messages == [
        ("user", "hi"),
        ("assistant", "hello"),
        ("user", "and?"),
        ("assistant", "well"),
        ("user", "now"),
    ]


async def test_a_request_that_is_repeated_is_the_same(server: AguiServer, chat: AguiChat) -> None:
    file = Attachment("a.txt", "text/plain", 2, data=b"hi")

    for _ in range(2):
        await chat.parts("now", file, history=(Exchange("hi", "hello"),))

    assert server.asked[0] == server.asked[1]


async def test_the_whole_answer_is_what_the_stream_says(server: AguiServer, chat: AguiChat) -> None:
    server.scripts.append(answers(*call("look", "t"), *spoken("It "), *spoken("is.", "m2")))

    answer = await chat.client.send_message(chat.user_id, "C1", "hello", run_id=RUN)

    assert answer.text == "It \n\nis."


async def test_the_whole_answer_of_an_agent_that_asks_is_its_question(
    server: AguiServer, chat: AguiChat
) -> None:
    server.scripts.append(answers(*spoken("Wait."), outcome=interrupt("go")))

    answer = await chat.client.send_message(chat.user_id, "C1", "hello", run_id=RUN)

    assert answer.text == "Wait.\n\nMay I go?"


async def test_a_run_that_was_stopped_over_there_has_no_whole_answer(
    server: AguiServer, chat: AguiChat
) -> None:
    server.scripts += [answers(*spoken("Once"), outcome={"type": "cancelled"})] * 2

    with pytest.raises(PlatformFailedError) as caught:
        await chat.client.send_message(chat.user_id, "C1", "hello", run_id=RUN)

    assert caught.value.kind is FailureKind.CUT
    assert (await chat.parts())[-1] == StreamStopped()


# Questions.


async def test_a_run_that_goes_on_brings_its_question_and_the_answer(
    server: AguiServer, chat: AguiChat
) -> None:
    asking = (*spoken("Wait."), *call("delete", "t", '{"path": "x"}'))
    server.scripts.append(answers(*asking, outcome=interrupt("int-t")))
    asks = await chat.question("delete x")

    history = (Exchange("hi", "hello"), Exchange("delete x", "Wait.\n\nMay I?"))
    await chat.answered(asks, "approve", "approve", history=history)

    roles = [role for role, _ in server.last.messages]
    assert roles == ["user", "assistant", "user", "assistant"]
    *_, mine, its = server.last.body["messages"]
    assert mine["content"] == "delete x"
    assert its["content"] == "Wait."
    assert its["toolCalls"][0]["function"] == {"name": "delete", "arguments": '{"path": "x"}'}
    assert server.last.body["resume"] == [
        {"interruptId": "int-t", "status": "resolved", "payload": {"approved": True}}
    ]


async def test_a_question_behind_a_question_and_a_failed_answer_is_told_once(
    server: AguiServer, chat: AguiChat
) -> None:
    for name in ("one", "two"):
        server.scripts.append(answers(*call("delete", name), outcome=interrupt(name)))
    first = await chat.question("delete both")
    *_, second = await chat.answered(first, "approve", "approve")

    history = (
        Exchange("hi", "hello"),
        Exchange("delete both", "May I one?"),
        Exchange("approve", "May I two?"),
        Exchange("approve", "I begin, and\n\n*it broke off*"),
    )
    await chat.parts("approve", resume=Resume(second.interrupt_id, "approve"), history=history)  # type: ignore[union-attr]  # it is a question, or the test fails

    messages = server.last.body["messages"]
    assert [each["content"] for each in messages if each["role"] == "user"] == ["hi", "delete both"]
    calls = [each["toolCalls"][0]["id"] for each in messages if "toolCalls" in each]
    assert calls == ["one", "two"]


async def test_a_question_that_the_history_does_not_hold_leaves_out_the_newest(
    server: AguiServer, chat: AguiChat
) -> None:
    server.scripts.append(answers(*call("delete", "t"), outcome=interrupt("t")))
    asks = await chat.question("delete x")

    await chat.answered(
        asks, "approve", "approve", history=(Exchange("a", "b"), Exchange("c", "d"))
    )

    assert [each for each in server.last.messages if each[0] == "user"] == [
        ("user", "a"),
        ("user", "delete x"),
    ]


async def test_words_that_are_no_answer_go_along_as_the_reason(
    server: AguiServer, chat: AguiChat
) -> None:
    server.scripts.append(answers(*call("delete", "t"), outcome=interrupt("t")))
    asks = await chat.question("delete x")

    await chat.answered(asks, "rather y")

    (entry,) = server.last.body["resume"]
    assert entry["payload"] == {"approved": False, "reason": "rather y"}
    assert [role for role, _ in server.last.messages] == ["user", "assistant"]


async def test_a_question_keeps_the_names_of_files_and_no_more_of_them(
    server: AguiServer, chat: AguiChat
) -> None:
    server.scripts.append(answers(*call("delete", "t"), outcome=interrupt("t")))
    file = Attachment("notes.txt", "text/plain", 2**17, data=bytes(2**17))
    *_, asks = await chat.parts("delete this", file)

    history = (Exchange("hi", "hello"), Exchange("delete this", "May I?"))
    await chat.answered(asks, "approve", "approve", history=history)  # type: ignore[arg-type]  # it is a question, or the test fails

    user = [content for role, content in server.last.messages if role == "user"]
    assert user == [
        "hi",
        [{"type": "text", "text": "delete this"}, {"type": "text", "text": "notes.txt"}],
    ]


async def test_an_answer_to_no_question_of_ours_is_refused(
    server: AguiServer, chat: AguiChat
) -> None:
    failure = await failure_of(chat, "yes", resume=Resume("from another mode", "yes"))

    assert (failure.kind, failure.is_retryable) == (FailureKind.REJECTED, False)
    assert server.asked == []


# Files.


async def test_a_file_goes_in_the_message_behind_its_name(
    server: AguiServer, chat: AguiChat
) -> None:
    digest = sha256(b"hi").hexdigest()
    notes = Attachment("notes.txt", "text/plain", 2, data=b"hi", sha256=digest)

    await chat.parts("", notes)

    _, content = server.last.messages[-1]
    assert content == [
        {"type": "text", "text": "notes.txt"},
        {
            "type": "document",
            "source": {"type": "data", "value": "aGk=", "mimeType": "text/plain"},
            "metadata": {"filename": "notes.txt", "size": 2, "sha256": digest},
        },
    ]


@pytest.mark.parametrize(
    "attachment",
    [
        Attachment("big.bin", "x/y", MOST_INLINE_BYTES + 1, data=bytes(MOST_INLINE_BYTES + 1)),
        Attachment("short.txt", "text/plain", 3, data=b"hi"),
        Attachment("other.txt", "text/plain", 2, data=b"hi", sha256="0" * 64),
        Attachment("cat.png", "image/png", 9, mode="url"),
        Attachment("film.mp4", "video/mp4", 9, mode="s3", location="films/1"),
    ],
    ids=lambda attachment: attachment.name,
)
async def test_a_file_that_no_agent_could_read_is_refused_before_anything_goes_out(
    server: AguiServer, chat: AguiChat, attachment: Attachment
) -> None:
    failure = await failure_of(chat, "look", attachment)

    assert (failure.kind, failure.is_retryable) == (FailureKind.FILE_REFUSED, False)
    assert server.asked == []


# What an agent or a network does.

HTML = answer(b"<html>raw words</html>", kind="text/html")
FAILURES: dict[str, tuple[Serve, FailureKind, bool]] = {
    "500": (says(answer(b"raw words", status="500 Oh")), FailureKind.OVERLOADED, True),
    "422": (says(answer(b"raw words", status="422 No")), FailureKind.REJECTED, False),
    "413": (says(answer(b"raw words", status="413 No")), FailureKind.FILE_REFUSED, False),
    "a redirect": (says(answer(b"", status="307 Go")), FailureKind.REJECTED, False),
    "a page": (says(HTML), FailureKind.BROKEN, True),
    "no JSON": (says(*streamed("{raw words")), FailureKind.BROKEN, True),
    "no event": (says(*streamed("[]")), FailureKind.BROKEN, True),
    "a cut": (says_and_closes(EVENTS, event({"type": "RUN_STARTED"})), FailureKind.CUT, True),
    "a failed run": (
        says(*streamed({"type": "RUN_ERROR", "message": "raw words"})),
        FailureKind.BROKEN,
        False,
    ),
    "a busy agent": (
        says(*streamed({"type": "RUN_ERROR", "message": "raw words", "code": "rate_limited"})),
        FailureKind.OVERLOADED,
        True,
    ),
    "an outcome that nobody knows": (
        answers(outcome={"type": "raw words"}),
        FailureKind.BROKEN,
        False,
    ),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_a_failure_says_of_which_kind_it_is_and_nothing_else(
    server: AguiServer, chat: AguiChat, logs: list[EventDict], name: str
) -> None:
    script, kind, is_retryable = FAILURES[name]
    server.scripts.append(script)

    failure = await failure_of(chat, "hello")

    assert (failure.kind, failure.is_retryable) == (kind, is_retryable)
    assert "raw words" not in f"{failure!r} {failure} {logs}"


async def test_the_end_of_a_stream_is_no_last_part(server: AguiServer, chat: AguiChat) -> None:
    server.scripts.append(says(*streamed(*spoken("half an ans"))))

    parts = await chat.parts()

    assert {type(part) for part in parts} == {TextDelta}


async def test_the_address_is_taken_to_the_letter(server: AguiServer) -> None:
    async with agui_chat_with(server.address.rstrip("/")) as chat:
        failure = await failure_of(chat)

    assert failure.kind is FailureKind.REJECTED


async def test_an_agent_that_is_away_is_unreachable() -> None:
    async with agui_chat_with("http://127.0.0.1:1/agent") as chat:
        failure = await failure_of(chat)

    assert (failure.kind, failure.is_retryable) == (FailureKind.UNREACHABLE, True)


async def test_leaving_the_stream_closes_its_connection(server: AguiServer, chat: AguiChat) -> None:
    begun, gone = trio.Event(), trio.Event()

    async def generate(stream: trio.abc.Stream) -> None:
        await stream.send_all(EVENTS + b"".join(map(event, spoken("Once"))))
        begun.set()
        while await stream.receive_some():
            pass
        gone.set()

    server.scripts.append(generate)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(chat.parts)
        await begun.wait()
        nursery.cancel_scope.cancel()

    with trio.fail_after(1):
        await gone.wait()


async def test_cancelling_a_run_and_checking_access_ask_the_agent_nothing(
    server: AguiServer, chat: AguiChat
) -> None:
    await chat.client.cancel_run(RUN)
    await chat.client.cancel_run(RunId("never was"))
    await chat.client.check_access()

    assert server.asked == []


# Users and settings.


async def test_whoever_never_wrote_is_answered_nothing(server: AguiServer, chat: AguiChat) -> None:
    with pytest.raises(PlatformFailedError) as caught:
        await chat.client.send_message("user-unknown", "C1", "hello", run_id=RUN)

    assert caught.value.kind is FailureKind.REJECTED
    assert server.asked == []


async def test_settings_outlive_the_client(server: AguiServer) -> None:
    journal = MemoryJournal()
    for is_on in (False, True):
        async with agui_chat_with(server.address, store=MemoryStoreAddress(journal)) as chat:
            assert (await chat.client.get_settings(chat.user_id)).skills["code"] is is_on
            change = SettingsAction("set", {"skill": "code", "is_on": True})
            await chat.client.update_settings(chat.user_id, change)


async def test_nothing_that_a_person_wrote_or_a_secret_is_shown(
    server: AguiServer, logs: list[EventDict]
) -> None:
    server.scripts.append(says(answer(b"private words", status="400 No")))

    async with agui_chat_with(server.address, secret="secret-key") as chat:
        failure = await failure_of(chat, "private words", history=(Exchange("private", "words"),))
        shown = f"{chat.client!r} {failure!r} {logs}"

    assert not [word for word in ("private", "secret-key") if word in shown]
