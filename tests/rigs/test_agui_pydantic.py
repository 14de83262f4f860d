"""What pydantic-ai's AG-UI server really says and needs: our client is built on it."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.rigs.agui_pydantic import PydanticAgent, pydantic_agent_or_skip

DELETE: Any = {"id": "u1", "role": "user", "content": "delete notes.txt"}


@pytest.fixture(scope="module")
def agent(request: pytest.FixtureRequest) -> Iterator[PydanticAgent]:
    yield from pydantic_agent_or_skip(request, key="k")


def ask(agent: PydanticAgent, *messages: Any, key: str = "k", **more: Any) -> httpx2.Response:
    body = {
        "threadId": "t",
        "runId": "r",
        "protocolVersion": "1.0",
        "state": {},
        "messages": messages,
        "tools": [],
        "context": [],
        "forwardedProps": {},
    }
    headers = {"Authorization": f"Bearer {key}"}
    return httpx2.post(agent.url, json=body | more, headers=headers, trust_env=False, timeout=20)


def events(answer: httpx2.Response) -> list[Any]:
    lines = answer.raise_for_status().text.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line]


def kinds(answer: httpx2.Response) -> list[str]:
    return [event["type"] for event in events(answer)]


def approval(agent: PydanticAgent) -> tuple[Any, list[Any]]:
    """What the agent said when it was to delete something, as a message; and yes to that."""
    said = events(ask(agent, DELETE))
    (start,) = (event for event in said if event["type"] == "TOOL_CALL_START")
    (arguments,) = (event["delta"] for event in said if event["type"] == "TOOL_CALL_ARGS")
    function = {"name": start["toolCallName"], "arguments": arguments}
    call = {"id": start["toolCallId"], "type": "function", "function": function}
    its = {"id": start["parentMessageId"], "role": "assistant", "content": "", "toolCalls": [call]}
    (interrupt,) = said[-1]["outcome"]["interrupts"]
    yes = {"interruptId": interrupt["id"], "status": "resolved", "payload": {"approved": True}}
    return its, [yes]


def test_an_empty_message_stands_before_a_tool_call(agent: PydanticAgent) -> None:
    said = ask(agent, {"id": "u", "role": "user", "content": "use tool"})

    assert kinds(said) == [
        "RUN_STARTED",
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_END",
        "TOOL_CALL_START",
        "TOOL_CALL_ARGS",
        "TOOL_CALL_END",
        "TOOL_CALL_RESULT",
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_CONTENT",
        "TEXT_MESSAGE_END",
        "RUN_FINISHED",
    ]


def test_a_tool_that_needs_an_approval_ends_the_run_with_an_interrupt(
    agent: PydanticAgent,
) -> None:
    *_, last = events(ask(agent, DELETE))

    assert last["type"] == "RUN_FINISHED"
    assert last["outcome"]["type"] == "interrupt"
    (interrupt,) = last["outcome"]["interrupts"]
    assert interrupt["message"] == 'Approve delete_file({"path":"notes.txt"})?'
    properties = interrupt["responseSchema"]["properties"]
    assert {name: of["type"] for name, of in properties.items()} == {
        "approved": "boolean",
        "editedArgs": "object",
        "reason": "string",
    }


def test_a_run_goes_on_only_where_it_sees_its_own_call_again(agent: PydanticAgent) -> None:
    its, yes = approval(agent)

    goes_on = events(ask(agent, DELETE, its, resume=yes))
    forgets = events(ask(agent, DELETE, resume=yes))

    assert [event["content"] for event in goes_on if event["type"] == "TOOL_CALL_RESULT"] == [
        "notes.txt is deleted"
    ]
    assert forgets[-1]["type"] == "RUN_ERROR"


def test_a_failed_run_has_no_code_and_the_exceptions_own_words(agent: PydanticAgent) -> None:
    *_, last = events(ask(agent, {"id": "u", "role": "user", "content": "fail at once"}))

    assert last["type"] == "RUN_ERROR"
    assert "code" not in last
    assert "secret" in last["message"]


def test_nobody_comes_in_without_the_key(agent: PydanticAgent) -> None:
    assert ask(agent, DELETE, key="another").status_code == 401


def test_what_is_no_run_is_refused(agent: PydanticAgent) -> None:
    assert ask(agent, {"id": "u", "role": "user"}).status_code == 422
