"""What an AG-UI agent is shown of a chat."""

import json
from typing import Any

import pytest

from actors.platform.agui_conversation import Conversation, conversation
from actors.platform.agui_questions import question_of
from protocols.ids import RunId
from protocols.journal import Exchange
from protocols.platform import Resume

RUN = RunId("r2")
MINE: Any = {"id": "r1", "role": "user", "content": "delete it"}
ITS: Any = {"id": "m", "role": "assistant", "content": "", "toolCalls": [{"id": "t"}]}
FILE: Any = {"type": "image", "source": {"type": "url", "value": "https://x"}}
NAME: Any = {"type": "text", "text": "cat.png"}
APPROVED: Any = {"properties": {"approved": {"type": "boolean"}}}


def asked(*messages: Any, schema: Any = APPROVED) -> str:
    """What goes along with a question of a run with *messages*."""
    interrupt = {"id": "i", "message": "May I?", "responseSchema": schema}
    return question_of([interrupt], messages).interrupt_id


def goes_on(
    token: str, *history: Exchange, words: str = "approve", parts: tuple[Any, ...] = ()
) -> Conversation:
    return conversation(RUN, words, list(parts), resume=Resume(token, None), history=history)


def told(messages: list[Any]) -> list[Any]:
    return [message["content"] for message in messages]


def test_a_message_comes_behind_the_history() -> None:
    shown = conversation(RUN, "now", [], resume=None, history=(Exchange("hi", "hello"),))

    assert told(shown.messages) == ["hi", "hello", "now"]
    assert told(shown.newest) == ["now"]
    assert shown.resume == []


HELLO = Exchange("hi", "hello")
ASKED = Exchange("delete it", "May I?")


@pytest.mark.parametrize(
    ("history", "kept"),
    [
        ((), []),
        ((ASKED,), []),
        ((HELLO, ASKED), ["hi", "hello"]),
        ((HELLO, ASKED, Exchange("approve", "it broke off")), ["hi", "hello"]),
        ((ASKED, HELLO, ASKED), ["delete it", "May I?", "hi", "hello"]),
        ((HELLO, Exchange("in other words", "May I?")), ["hi", "hello"]),
    ],
)
def test_the_history_ends_before_the_run_that_asked(
    history: tuple[Exchange, ...], kept: list[str]
) -> None:
    shown = goes_on(asked(MINE, ITS), *history)

    assert told(shown.history) == kept
    assert shown.newest == [MINE, ITS]
    assert [entry["payload"] for entry in shown.resume] == [{"approved": True}]


def test_a_question_that_could_not_keep_its_messages_keeps_the_history() -> None:
    shown = goes_on(asked(), HELLO, ASKED)

    assert told(shown.messages) == ["hi", "hello", "delete it", "May I?"]


def test_words_that_are_no_answer_and_files_are_a_message_of_their_own() -> None:
    shown = goes_on(asked(MINE, ITS), words="rather not", parts=(NAME, FILE))

    assert shown.newest[2:] == [
        {
            "id": RUN,
            "role": "user",
            "content": [{"type": "text", "text": "rather not"}, NAME, FILE],
        }
    ]
    assert [entry["payload"] for entry in shown.resume] == [{"approved": False}]


@pytest.mark.parametrize("text", ["", "delete it"])
def test_a_question_about_files_is_found_in_the_history_and_keeps_their_names(text: str) -> None:
    first = conversation(RUN, text, [NAME, FILE], resume=None, history=(HELLO,))

    shown = goes_on(asked(*first.kept, ITS), HELLO, Exchange(text, "May I?"))

    assert told(shown.history) == ["hi", "hello"]
    mine, its = shown.newest
    assert mine["content"] == ([{"type": "text", "text": text}] if text else []) + [NAME]
    assert its == ITS


def test_what_a_question_keeps_is_what_it_was_but_for_files() -> None:
    first = conversation(RUN, "look", [], resume=None, history=())

    assert first.kept == first.newest
    assert json.loads(asked(*first.kept))["m"] == first.kept
