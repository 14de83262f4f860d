"""An agent of pydantic-ai behind its own AG-UI server; runs in that project's environment.

``agui_pydantic`` installs that and starts this file. No model is behind it but a function that does
what the words of a message say:

==============  ===============================================================================
``say before``  lists what was said before in the chat, as it was sent along
``say context`` lists what it was told about the person
``delete X``    calls a tool that needs an approval; ``delete X and Y`` calls it twice
``use tool``    calls a tool that needs none
``think``       thinks before it answers
``answer slowly``  some words, then a word every 50 ms for a minute
``fail``        breaks behind some words; ``fail at once`` before any
``say nothing`` an empty answer
==============  ===============================================================================

Anything else is repeated, word by word.
"""

# mypy: disable-error-code="import-not-found"

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from pydantic_ai import Agent, DeferredToolRequests, RunContext, Tool
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, DeltaThinkingPart, DeltaToolCall, FunctionModel
from pydantic_ai.ui.ag_ui import AGUIAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Delta = str | dict[int, DeltaToolCall] | dict[int, DeltaThinkingPart]

stopped: list[str] = []
"""Messages whose answers were given up in the middle: whoever asked had gone."""


async def answer(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Delta]:
    """The model: what it says to the last of *messages*."""
    results = [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
    text = words(messages[-1])
    match text.split():
        case _ if results:
            for result in results:
                yield f"{result.outcome}: {result.content}\n"
        case ["say", "before"]:
            yield "\n".join(map(said, messages[:-1])) or "nothing"
        case ["say", "context"]:
            yield info.instructions or "nothing"
        case ["delete", *names]:
            yield "I have to ask. "
            for number, name in enumerate(name for name in names if name != "and"):
                yield {number: DeltaToolCall("delete_file", json.dumps({"path": name}))}
        case ["use", "tool"]:
            yield {0: DeltaToolCall("count_words", json.dumps({"text": "one two"}))}
        case ["think"]:
            yield {0: DeltaThinkingPart(content="Let me ")}
            yield {0: DeltaThinkingPart(content="see.")}
            yield "Now I know."
        case ["answer", "slowly"]:
            async for word in slowly(text):
                yield word
        case ["fail", *rest]:
            if not rest:
                yield "I begin, and then "
            raise RuntimeError("a secret of the agent's own")
        case ["say", "nothing"] | ["<system>Please", *_]:  # how it is asked for more than nothing
            yield ""
        case _:
            for word in f"You said: {text}".split(" "):
                yield f"{word} "


async def slowly(text: str) -> AsyncIterator[str]:
    """Words for a minute."""
    try:
        for number in range(1200):
            yield f"word{number} "
            await asyncio.sleep(0.05)
    except (asyncio.CancelledError, GeneratorExit):
        stopped.append(text)
        raise


def words(message: ModelMessage) -> str:
    """What a person wrote, with what came along."""
    found = []
    for part in message.parts:
        if isinstance(part, UserPromptPart):
            content = [part.content] if isinstance(part.content, str) else part.content
            found += [one if isinstance(one, str) else file_words(one) for one in content]
    return "\n".join(found)


def file_words(content: Any) -> str:
    """A file as the model is given it."""
    if hasattr(content, "data"):
        return f"[{content.media_type}, {len(content.data)} bytes]"
    return f"[{content.media_type} at {content.url}]"


def said(message: ModelMessage) -> str:
    """One message of the history in a line."""
    if isinstance(message, ModelRequest):
        return f"person: {words(message)}"
    assert isinstance(message, ModelResponse)
    return f"agent: {''.join(p.content for p in message.parts if isinstance(p, TextPart))}"


def delete_file(path: str) -> str:
    """Delete a file."""
    return f"{path} is deleted"


def count_words(text: str) -> str:
    """Count words."""
    return str(len(text.split()))


def context_lines(run: RunContext[list[str]]) -> str:
    """What the agent is told about the person."""
    return "\n".join(run.deps)


agent = Agent(
    FunctionModel(stream_function=answer, model_name="function-1"),
    deps_type=list[str],
    output_type=[str, DeferredToolRequests],
    instructions=context_lines,
    tools=[Tool(delete_file, requires_approval=True), Tool(count_words)],
)


async def run(request: Request) -> Response:
    """One run of the agent."""
    key = request.app.state.key
    if key and request.headers.get("authorization") != f"Bearer {key}":
        return JSONResponse({"detail": "no such key"}, 401)
    context = (await request.json()).get("context", [])
    told = [f"{each['description']}: {each['value']}" for each in context]
    answered: Response = await AGUIAdapter.dispatch_request(
        request, agent=agent, deps=told, include_usage=True
    )
    return answered


async def stops(request: Request) -> Response:  # noqa: ARG001  # it asks nothing
    """What was given up."""
    return JSONResponse(stopped)


def main() -> None:
    """Serve until the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", default="")
    wanted = parser.parse_args()
    app = Starlette(routes=[Route("/agent", run, methods=["POST"]), Route("/stopped", stops)])
    app.state.key = wanted.key
    uvicorn.run(app, host="127.0.0.1", port=0, log_level="info", access_log=False)


if __name__ == "__main__":
    main()
