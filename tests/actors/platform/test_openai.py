"""An OpenAI-compatible server as the agent, over real sockets."""

from collections.abc import AsyncIterator, Callable

import pytest
import trio
from structlog.typing import EventDict

from actors.platform import openai
from actors.platform.local_settings import MANNERS
from protocols.ids import Language, RunId
from protocols.journal import Exchange
from protocols.platform import (
    Attachment,
    FailureKind,
    PlatformFailedError,
    Resume,
    RunDetails,
    SettingsAction,
    StreamFinished,
    TextDelta,
    Usage,
)
from tests.actors.platform.openai_chat import RUN, Chat, chat_with, said, text_of, thoughts_of
from tests.actors.platform.raw_server import EVENTS, answer, raw_server, saying
from tests.fakes import MemoryJournal, MemoryStoreAddress
from tests.rigs.openai_server import (
    OpenAIServer,
    delta,
    event,
    refusal,
    says,
    says_and_closes,
    says_and_hangs,
    streamed,
)


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer().running() as running:
        yield running


@pytest.fixture
async def chat(server: OpenAIServer) -> AsyncIterator[Chat]:
    async with chat_with(server.address) as opened:
        yield opened


async def failure_of(chat: Chat, text: str = "hello") -> PlatformFailedError:
    with pytest.raises(PlatformFailedError) as caught:
        await chat.parts(text)
    return caught.value


# Answers.


async def test_an_answer_comes_in_pieces_and_ends_with_its_usage(chat: Chat) -> None:
    parts = await chat.parts("good morning")

    assert said(parts) == "You said: good morning"
    assert len(parts) > 3
    assert all(part.text for part in parts if isinstance(part, TextDelta))
    assert parts[-1] == StreamFinished(usage=Usage("parrot", 1, 6))


async def test_a_piece_is_handed_over_before_the_next_one_comes(
    server: OpenAIServer, chat: Chat
) -> None:
    server.faults.append(says_and_hangs(EVENTS, event(delta("Hel"))))
    stream = chat.client.stream_message(await chat.me(), "C1", "hello", run_id=RUN)

    with trio.fail_after(5):
        assert await anext(stream) == TextDelta("Hel")
        await stream.aclose()  # type: ignore[attr-defined]  # every client here gives a generator


async def test_the_request_brings_the_key_the_prompt_the_manners_and_what_was_said_before(
    server: OpenAIServer,
) -> None:
    server.key = "secret-key"
    history = (Exchange("hi", "hello"),)

    async with chat_with(server.address, secret="secret-key", system_prompt=" Be kind. ") as chat:
        skill = SettingsAction("toggle_skill", {"skill": "concise"})
        await chat.client.update_settings(await chat.me(), skill)
        await chat.parts("now", details=RunDetails(history=history))

    assert server.asked[-1].key == "secret-key"
    assert [message["content"] for message in server.chats[0]["messages"]] == [
        f"Be kind.\n\n{MANNERS['concise']}",
        "hi",
        "hello",
        "now",
    ]


async def test_of_what_was_said_before_only_the_newest_goes_along(server: OpenAIServer) -> None:
    history = (Exchange("old", "older"), Exchange("new", "newer"))

    async with chat_with(server.address, history_chars=8) as chat:
        assert chat.client.history_chars == 8
        await chat.parts("now", details=RunDetails(history=history))

    assert [one["content"] for one in server.chats[0]["messages"]] == ["new", "newer", "now"]


async def test_without_a_key_none_is_sent(server: OpenAIServer, chat: Chat) -> None:
    await chat.parts()

    assert server.asked[-1].key == ""


async def test_thoughts_are_apart_from_the_answer(server: OpenAIServer, chat: Chat) -> None:
    thought = delta(reasoning_content="hm, ")
    server.faults.append(says(*streamed(thought, thought, delta("yes"), delta(None, "stop"))))

    parts = await chat.parts()

    assert (thoughts_of(parts), said(parts)) == ("hm, hm, ", "yes")


async def test_the_whole_answer_is_what_the_stream_says(chat: Chat) -> None:
    answer = await chat.client.send_message(await chat.me(), "C1", "hello", run_id=RUN)

    assert answer.text == "You said: hello"


async def test_the_answer_to_a_question_that_nobody_asked_is_plain_words(chat: Chat) -> None:
    stream = chat.client.stream_message(
        await chat.me(), "C1", "yes", run_id=RUN, resume=Resume("confirm-1", "yes")
    )

    assert said([part async for part in stream]) == "You said: yes"


async def test_whoever_never_wrote_is_answered_nothing(server: OpenAIServer, chat: Chat) -> None:
    with pytest.raises(PlatformFailedError) as caught:
        await chat.client.send_message("user-unknown", "C1", "hello", run_id=RUN)

    assert caught.value.kind is FailureKind.REJECTED
    assert server.asked == []


async def test_settings_outlive_the_client(server: OpenAIServer) -> None:
    journal = MemoryJournal()
    for is_on in (False, True):
        async with chat_with(server.address, store=MemoryStoreAddress(journal)) as chat:
            assert (await chat.client.get_settings(await chat.me())).skills["code"] is is_on
            change = SettingsAction("set", {"skill": "code", "is_on": True})
            await chat.client.update_settings(chat.user_id, change)


# Usage.


async def test_a_server_that_knows_no_usage_is_asked_without_it_and_that_is_remembered(
    server: OpenAIServer, chat: Chat
) -> None:
    server.knows_usage = False

    first = await chat.parts("one")
    second = await chat.parts("two")

    assert (said(first), said(second)) == ("You said: one", "You said: two")
    assert first[-1] == second[-1] == StreamFinished()
    assert ["stream_options" in body for body in server.chats] == [True, False, False]


async def test_a_refusal_of_anything_else_is_one(server: OpenAIServer, chat: Chat) -> None:
    server.faults.append(says(refusal("400 Bad Request", "no such model")))

    failure = await failure_of(chat)

    assert (failure.kind, failure.is_retryable) == (FailureKind.REJECTED, False)
    assert len(server.chats) == 1


async def test_what_did_not_help_is_not_remembered(server: OpenAIServer, chat: Chat) -> None:
    server.faults += [says(refusal("400 Bad Request", "stream_options"))] * 2

    assert (await failure_of(chat)).kind is FailureKind.REJECTED
    await chat.parts("hello")

    assert ["stream_options" in body for body in server.chats] == [True, False, True]


# Models.


async def test_the_only_model_is_taken_and_asked_for_once(server: OpenAIServer) -> None:
    server.models = ("llama",)

    async with chat_with(server.address, model="") as chat:
        await chat.parts()
        await chat.parts()

    assert [body["model"] for body in server.chats] == ["llama", "llama"]
    assert [one.method for one in server.asked].count("GET") == 1


async def test_a_persons_own_model_wins(server: OpenAIServer, chat: Chat) -> None:
    choice = SettingsAction("set", {"model": "mine"})
    await chat.client.update_settings(await chat.me(), choice)

    await chat.parts()

    assert [body["model"] for body in server.chats] == ["mine"]


@pytest.mark.parametrize("models", [("a", "b"), (), None])
async def test_without_a_choice_among_models_nobody_guesses_and_the_log_says_what_to_set(
    server: OpenAIServer, models: tuple[str, ...] | None, logs: list[EventDict]
) -> None:
    server.models = models

    async with chat_with(server.address, model="") as chat:
        failure = await failure_of(chat)

    assert (failure.kind, failure.is_retryable) == (FailureKind.REJECTED, False)
    [line] = [one for one in logs if one["event"] == "model.not_chosen"]
    assert (line["set"], line["models"]) == ("OPENAI_MODEL", models or ())
    assert server.chats == []


async def test_a_list_of_models_that_is_out_of_reach_is_not_an_empty_one(
    server: OpenAIServer,
) -> None:
    server.key = "k"

    async with chat_with(server.address, model="") as chat:
        assert (await failure_of(chat)).kind is FailureKind.UNAUTHORIZED


# Access.


@pytest.mark.parametrize("models", [("a", "b"), None])
async def test_a_server_that_answers_lets_us_in_with_or_without_a_list(
    server: OpenAIServer, chat: Chat, models: tuple[str, ...] | None
) -> None:
    server.models = models

    await chat.client.check_access()


async def test_a_key_that_may_not_list_models_is_let_in_all_the_same() -> None:
    forbidden = answer(b"{}", status="403 Forbidden")

    async with raw_server(saying(forbidden)) as url, chat_with(url) as chat:
        await chat.client.check_access()


async def test_a_key_that_may_not_list_models_needs_one_to_be_named(logs: list[EventDict]) -> None:
    forbidden = answer(b"{}", status="403 Forbidden")

    async with raw_server(saying(forbidden)) as url, chat_with(url, model="") as chat:
        failure = await failure_of(chat)

    assert failure.kind is FailureKind.REJECTED
    assert "model.not_chosen" in [line["event"] for line in logs]


async def test_a_server_that_does_not_know_our_key_says_so(server: OpenAIServer) -> None:
    server.key = "another"

    async with chat_with(server.address, secret="mine") as chat:
        with pytest.raises(PlatformFailedError) as caught:
            await chat.client.check_access()

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.UNAUTHORIZED, False)


async def test_a_server_that_is_away_is_not_one_that_does_not_let_us_in() -> None:
    async with chat_with("http://127.0.0.1:1/v1") as chat:
        with pytest.raises(PlatformFailedError) as caught:
            await chat.client.check_access()

    assert caught.value.kind is FailureKind.UNREACHABLE


# Ends.


@pytest.mark.parametrize(
    ("finish_reason", "language", "mark"),
    [
        ("length", "en", "\n\n*The answer ends here: the model has reached its limit.*"),
        ("length", "ru", "\n\n*Ответ обрывается здесь: модель достигла своего предела.*"),
        (
            "content_filter",
            "en",
            "\n\n*The answer ends here: the model's provider filtered the rest.*",
        ),
        ("stop", "en", ""),
        ("tool_calls", "en", ""),
        ("eos", "en", ""),
    ],
)
async def test_an_answer_that_ends_early_says_so_below_what_came(
    server: OpenAIServer, chat: Chat, finish_reason: str, language: str, mark: str
) -> None:
    server.faults.append(says(*streamed(delta("Once"), delta(None, finish_reason), "[DONE]")))

    parts = await chat.parts(details=RunDetails(language=Language(language)))

    assert said(parts) == f"Once{mark}"


@pytest.mark.parametrize("end", [(), ("[DONE]",)])
async def test_a_stream_without_a_finish_reason_is_cut(
    server: OpenAIServer, chat: Chat, end: tuple[str, ...]
) -> None:
    server.faults.append(says(*streamed(delta("half an ans"), *end)))

    failure = await failure_of(chat)

    assert (failure.kind, failure.is_retryable) == (FailureKind.CUT, True)


@pytest.mark.parametrize("end", [says_and_closes, says_and_hangs])
async def test_a_complete_answer_does_not_wait_for_what_a_server_never_says(
    server: OpenAIServer,
    chat: Chat,
    end: Callable[..., Callable[[trio.abc.Stream], object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(openai, "_TAIL", 0.1)
    server.faults.append(end(EVENTS, event(delta("done", "stop"))))  # type: ignore[arg-type]  # each is a fault

    with trio.fail_after(5):
        parts = await chat.parts()

    assert (said(parts), parts[-1]) == ("done", StreamFinished())


async def test_an_error_in_the_tail_takes_nothing_away(server: OpenAIServer, chat: Chat) -> None:
    late = {"error": {"message": "accounting is down", "code": 500}}
    server.faults.append(says(*streamed(delta("done", "stop"), late)))

    assert said(await chat.parts()) == "done"


async def test_an_error_in_the_stream_is_a_failure(server: OpenAIServer, chat: Chat) -> None:
    error = {"error": {"message": "out of memory", "code": 503}}
    server.faults.append(says(*streamed(delta("Once"), error)))

    failure = await failure_of(chat)

    assert (failure.kind, failure.is_retryable) == (FailureKind.OVERLOADED, True)


async def test_leaving_the_stream_closes_its_connection(server: OpenAIServer, chat: Chat) -> None:
    gone = trio.Event()

    async def generate(stream: trio.abc.Stream) -> None:
        await stream.send_all(EVENTS + event(delta("Once")))
        while await stream.receive_some():
            pass
        gone.set()

    server.faults.append(generate)

    with trio.move_on_after(0.2):
        await chat.parts()

    with trio.fail_after(1):
        await gone.wait()


async def test_cancelling_a_run_asks_the_server_nothing(server: OpenAIServer, chat: Chat) -> None:
    await chat.client.cancel_run(RUN)
    await chat.client.cancel_run(RunId("never was"))

    assert server.asked == []


# Files.


async def test_a_picture_goes_along_only_where_the_model_looks(server: OpenAIServer) -> None:
    picture = Attachment("cat.png", "image/png", 3, data=b"PNG")
    async with chat_with(server.address, has_vision=True) as chat:
        assert said(await chat.parts("look", picture)) == "You said: look <image_url>"

    async with chat_with(server.address) as chat:
        with pytest.raises(PlatformFailedError) as caught:
            await chat.parts("look", picture)

    assert caught.value.kind is FailureKind.FILE_REFUSED
    assert len(server.chats) == 1


async def test_a_text_file_is_read_out_to_the_model(chat: Chat) -> None:
    notes = Attachment("notes.txt", "text/plain", 3, data=b"1+1")

    assert text_of(await chat.parts("look", notes)) == "You said: look\n\nnotes.txt:\n```\n1+1\n```"


async def test_nothing_that_a_person_wrote_or_a_secret_is_logged(
    server: OpenAIServer, logs: list[EventDict]
) -> None:
    server.faults.append(says(refusal("400 Bad Request", "you wrote: private words")))
    async with chat_with(server.address, secret="secret-key", system_prompt="hush") as chat:
        failure = await failure_of(chat, "private words")
        shown = f"{chat.client!r} {failure!r} {logs}"

    assert not [word for word in ("private", "secret-key", "hush") if word in shown]
