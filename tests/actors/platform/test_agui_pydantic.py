"""Our AG-UI client against pydantic-ai's server, which is not ours."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest
import trio

from protocols.journal import Exchange
from protocols.platform import (
    Attachment,
    FailureKind,
    PlatformFailedError,
    ReasoningDelta,
    Resume,
    SettingsAction,
    StreamAsks,
    StreamFinished,
    TextDelta,
    ToolCall,
)
from tests.actors.platform.agui_chat import RUN, AguiChat, agui_chat_with, text_of
from tests.rigs.agui_pydantic import PydanticAgent, pydantic_agent_or_skip

KEY = "key-of-a-test"


@pytest.fixture(scope="module")
def agent(request: pytest.FixtureRequest) -> Iterator[PydanticAgent]:
    yield from pydantic_agent_or_skip(request, key=KEY)


@pytest.fixture
async def chat(agent: PydanticAgent) -> AsyncIterator[AguiChat]:
    async with agui_chat_with(agent.url, secret=KEY) as opened:
        yield opened


async def test_an_answer_comes_word_by_word_with_what_it_cost(chat: AguiChat) -> None:
    parts = await chat.parts("good morning, agent")

    assert text_of(parts) == "You said: good morning, agent "
    assert sum(isinstance(part, TextDelta) for part in parts) > 2
    last = parts[-1]
    assert isinstance(last, StreamFinished)
    assert last.usage is not None
    assert last.usage.model == "function-1"
    assert (last.usage.input_tokens or 0) > (last.usage.output_tokens or 0) > 0


async def test_a_tool_is_named_and_the_empty_message_around_it_is_nothing(chat: AguiChat) -> None:
    parts = await chat.parts("use tool")

    assert parts[0] == ToolCall("count_words")
    assert text_of(parts) == "success: 2\n"


async def test_thoughts_are_apart_from_the_answer(chat: AguiChat) -> None:
    parts = await chat.parts("think")

    thoughts = [part.text for part in parts if isinstance(part, ReasoningDelta)]
    assert ("".join(thoughts), text_of(parts)) == ("Let me see.", "Now I know.")


@pytest.mark.parametrize("text", ["fail", "fail at once", "say nothing"])
async def test_an_agent_that_breaks_says_no_word_of_its_own_in_our_error(
    chat: AguiChat, text: str
) -> None:
    with pytest.raises(PlatformFailedError) as caught:
        await chat.parts(text)

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.BROKEN, False)
    assert "secret" not in repr(caught.value)


async def test_what_was_said_before_goes_along(chat: AguiChat) -> None:
    history = (Exchange("I am Ann", "Hello Ann"), Exchange("I like tea", "So do I"))

    parts = await chat.parts("say before", history=history)

    assert text_of(parts).splitlines() == [
        "person: I am Ann",
        "agent: Hello Ann",
        "person: I like tea",
        "agent: So do I",
    ]


async def test_the_agent_is_told_how_the_person_wants_to_be_answered(chat: AguiChat) -> None:
    await chat.client.update_settings(
        chat.user_id, SettingsAction("toggle_skill", {"skill": "concise"})
    )

    parts = await chat.parts("say context")

    language, manner = text_of(parts).splitlines()
    assert language == "The language of the person's app: en"
    assert manner.startswith("How the person wants to be answered: Answer in a few sentences")


async def test_files_come_by_their_names_with_their_content(chat: AguiChat) -> None:
    notes = Attachment("notes.txt", "text/plain", 2, data=b"hi")
    cat = Attachment("cat.png", "image/png", 9, mode="url", location="https://example.org/cat")

    parts = await chat.parts("look", notes, cat)

    assert text_of(parts).strip() == (
        "You said: look\nnotes.txt\n[text/plain, 2 bytes]\n"
        "cat.png\n[image/png at https://example.org/cat]"
    )


async def test_a_tool_that_needs_an_approval_is_a_question(chat: AguiChat) -> None:
    asks = await chat.question("delete notes.txt")

    assert asks.question == 'Approve delete_file({"path":"notes.txt"})?'
    assert asks.choices == ("approve", "reject")


@pytest.mark.parametrize(
    ("words", "choice", "outcome"),
    [
        ("approve", "approve", "success: notes.txt is deleted"),
        ("reject", "reject", "denied: The tool call was denied."),
        ("rather the other one", None, "denied: rather the other one"),
    ],
)
async def test_the_answer_decides_what_the_tool_does(
    chat: AguiChat, words: str, choice: str | None, outcome: str
) -> None:
    asks = await chat.question("delete notes.txt")

    parts = await chat.answered(asks, words, choice)

    assert text_of(parts).strip() == outcome
    assert isinstance(parts[-1], StreamFinished)


async def test_two_approvals_are_one_question_and_one_answer(chat: AguiChat) -> None:
    asks = await chat.question("delete one.txt and two.txt")

    parts = await chat.answered(asks, "approve", "approve")

    assert asks.question.count("Approve") == 2
    assert text_of(parts) == "success: one.txt is deleted\nsuccess: two.txt is deleted\n"


async def test_a_question_after_a_question_is_gone_on_with_too(chat: AguiChat) -> None:
    first = await chat.question("delete one.txt then two.txt")
    parts = await chat.answered(first, "approve", "approve")
    second = parts[-1]
    assert isinstance(second, StreamAsks)

    parts = await chat.answered(second, "reject", "reject")

    assert "two.txt" in second.question
    assert text_of(parts) == "denied: The tool call was denied.\n"


async def test_a_file_with_the_answer_reaches_the_agent(chat: AguiChat) -> None:
    asks = await chat.question("delete notes.txt")
    file = Attachment("other.txt", "text/plain", 2, data=b"hi")

    parts = await chat.parts("approve", file, resume=Resume(asks.interrupt_id, "approve"))

    assert text_of(parts).startswith("success: notes.txt is deleted")


async def test_whoever_leaves_stops_the_agent(chat: AguiChat, agent: PydanticAgent) -> None:
    stream = chat.client.stream_message(chat.user_id, "C1", "answer slowly", run_id=RUN)

    async with aclosing(stream) as parts:  # type: ignore[type-var]  # every client here gives a generator
        async for _ in parts:
            break

    assert await trio.to_thread.run_sync(agent.given_up) == "answer slowly"


async def test_a_wrong_key_is_said_to_be_one(agent: PydanticAgent) -> None:
    async with agui_chat_with(agent.url, secret="another") as chat:
        with pytest.raises(PlatformFailedError) as caught:
            await chat.parts()

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.UNAUTHORIZED, False)
