"""How an answer grows on Telegram: by edits, as a draft with a Stop button, or not at all."""

from itertools import pairwise
from pathlib import Path

import pytest
import trio

from actors.telegram.text.render import PLACEHOLDER
from tests.e2e.telegram_chat import ANN, GROUP, telegram_chat
from tests.rigs.telegram_messages import Message


async def test_by_edits_the_answer_grows_in_the_place_of_its_placeholder(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)

        ann.writes("mock:slow")
        await chat.hears(ann, "You wrote")
        with trio.fail_after(20):
            await chat.api.until(lambda: chat.api.messages(ann)[-1].edits >= 4)
        ann.writes("/stop")

        await chat.hears(ann, "Stopped. /retry")
        await chat.end()
    answer = next(one for one in chat.api.messages(ann) if one.is_from_bot)
    assert answer.versions[0][1] == PLACEHOLDER
    times = [at for at, _ in answer.versions[1:-1]]
    assert all(later - earlier >= 1.4 for earlier, later in pairwise(times))


async def test_as_a_draft_the_answer_is_one_new_message_and_can_be_stopped(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path, TELEGRAM_STREAMING="draft") as chat:
        ann, group = chat.api.person(ANN), chat.api.supergroup(GROUP)

        ann.writes("mock:slow")
        await chat.sees(lambda: len(chat.api.calls_of("sendMessageDraft")) >= 3)
        nothing_yet = chat.api.answers(ann)
        ann.stops_generation()
        said = await chat.hears(ann, "Stopped. /retry")
        ann.writes("@rig_bot in-a-group", chat=group)
        await chat.hears(group, "in-a-group")
        await chat.end()
    assert nothing_yet == []
    assert len(said) == 1
    assert "You wrote" in said[0]
    assert PLACEHOLDER not in [
        call.params.get("text") for call in chat.api.calls_of("sendMessage", chat=ann)
    ]


async def test_without_streaming_there_is_only_typing_and_then_the_answer(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path, TELEGRAM_STREAMING="off", MOCK_LATENCY="on") as chat:
        ann = chat.api.person(ANN)

        ann.writes("hello-there")
        await chat.sees(lambda: chat.api.is_typing(ann))

        await chat.hears(ann, "hello-there")
        await chat.end()
    assert not chat.api.calls_of("editMessageText", "sendMessageDraft")
    assert len(chat.api.calls_of("sendMessage")) == 1


@pytest.mark.parametrize("streaming", ["draft", "off"])
async def test_of_a_plain_answer_only_what_was_in_the_air_is_repeated_over_a_kill(
    tmp_path: Path, streaming: str
) -> None:
    async with telegram_chat(tmp_path, TELEGRAM_STREAMING=streaming) as chat:
        people = [chat.api.person(ANN + number) for number in range(10)]
        for person in people:
            person.writes("hello-there")
        await chat.sees(lambda: len(chat.api.calls_of("sendMessage")) >= 3)

        await chat.it.kill()
        await chat.it.start()

        for person in people:
            await chat.hears(person, "hello-there")
        await chat.end()
    repeats = [len(chat.api.answers(person)) - 1 for person in people]
    assert all(repeat in {0, 1} for repeat in repeats)
    assert sum(repeats) < len(people)


async def test_a_reaction_shows_that_a_message_was_taken_and_how_it_ended(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)
        good, bad = ann.writes("mock:hang"), ann.writes("mock:cut")
        await chat.sees(lambda: _reactions(ann.chat.messages[good.message_id]) == ["👀"])
        ann.writes("/stop")

        await chat.sees(lambda: _reactions(ann.chat.messages[bad.message_id])[-1:] == ["💔"])
        await chat.end()
    assert _reactions(ann.chat.messages[good.message_id]) == ["👀", ""]


async def test_without_reactions_none_is_set(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path, TELEGRAM_REACTIONS="off") as chat:
        ann = chat.api.person(ANN)

        ann.writes("hello-there")

        await chat.hears(ann, "hello-there")
        await chat.end()
    assert not chat.api.calls_of("setMessageReaction")


def _reactions(message: Message) -> list[str]:
    return [emoji for _, emoji in message.reactions]
