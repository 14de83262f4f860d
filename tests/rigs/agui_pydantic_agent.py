"""An agent of pydantic-ai behind its own AG-UI server; runs in that project's environment.

``agui_pydantic`` installs that and starts this file. No model is behind it but a function that does
what the words of a message say:

==============  ===============================================================================
``say before``  lists what was said before in the chat, as it was sent along
``say context`` lists what it was told about the person
``delete X``    calls a tool that needs an approval; ``delete X and Y`` calls it twice at once,
                ``delete X then Y`` asks for the second when the first is done
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
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
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
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

Delta = str | dict[int, DeltaToolCall] | dict[int, DeltaThinkingPart]

SLOWLY = "answer slowly"
PAUSE = 0.05

given_up: asyncio.Queue[str] = asyncio.Queue()
"""Messages whose answers were given up in the middle: whoever asked had gone."""


@dataclass
class Asked:
    """What the model is given.

    Attributes:
        text: What the person wrote last, with what came along; empty where only a tool returned.
    """

    messages: list[ModelMessage]
    info: AgentInfo
    text: str


async def answer(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Delta]:
    """The model: what it says to the last of *messages*."""
    asked = Asked(messages, info, words(messages[-1]))
    has_results = any(isinstance(part, ToolReturnPart) for part in messages[-1].parts)
    try:
        for delta in after_tools(asked) if has_results else reply(asked):
            yield delta
            await asyncio.sleep(PAUSE if asked.text == SLOWLY else 0)
    except (asyncio.CancelledError, GeneratorExit):
        given_up.put_nowait(asked.text)
        raise


def reply(asked: Asked) -> Iterator[Delta]:
    """What is said to the person's words."""
    if asked.text.startswith("delete "):
        return delete(asked)
    if asked.text.startswith("<system>"):  # it is asked for more than nothing
        return iter([""])
    return REPLIES.get(asked.text, repeat)(asked)


def after_tools(asked: Asked) -> Iterator[Delta]:
    """What is said when tools have returned, or were not allowed to be called."""
    for part in asked.messages[-1].parts:
        if isinstance(part, ToolReturnPart):
            yield f"{part.outcome}: {part.content}\n"
    for name in left_to_delete(asked.messages):
        yield {0: deletion(name)}


def repeat(asked: Asked) -> Iterator[Delta]:
    """The words again."""
    for word in f"You said: {asked.text}".split(" "):
        yield f"{word} "


def before(asked: Asked) -> Iterator[Delta]:
    """What was said before."""
    yield "\n".join(map(said, asked.messages[:-1])) or "nothing"


def context(asked: Asked) -> Iterator[Delta]:
    """What it was told about the person."""
    yield asked.info.instructions or "nothing"


def use_tool(asked: Asked) -> Iterator[Delta]:  # noqa: ARG001  # one shape for all replies
    """A call that needs nobody."""
    yield {0: DeltaToolCall("count_words", json.dumps({"text": "one two"}))}


def delete(asked: Asked) -> Iterator[Delta]:
    """Calls that need an approval."""
    _, *names = asked.text.split()
    first = names[: names.index("then")] if "then" in names else names
    yield "I have to ask. "
    for number, name in enumerate(name for name in first if name != "and"):
        yield {number: deletion(name)}


def think(asked: Asked) -> Iterator[Delta]:  # noqa: ARG001  # one shape for all replies
    """Thoughts, then an answer."""
    yield {0: DeltaThinkingPart(content="Let me ")}
    yield {0: DeltaThinkingPart(content="see.")}
    yield "Now I know."


def slowly(asked: Asked) -> Iterator[Delta]:  # noqa: ARG001  # one shape for all replies
    """Words for a minute."""
    yield from (f"word{number} " for number in range(round(60 / PAUSE)))


def fail(asked: Asked) -> Iterator[Delta]:
    """Nothing good."""
    if asked.text == "fail":
        yield "I begin, and then "
    raise RuntimeError("a secret of the agent's own")


REPLIES: dict[str, Callable[[Asked], Iterator[Delta]]] = {
    "say before": before,
    "say context": context,
    "say nothing": lambda _: iter([""]),
    "use tool": use_tool,
    "think": think,
    SLOWLY: slowly,
    "fail": fail,
    "fail at once": fail,
}


def deletion(name: str) -> DeltaToolCall:
    """The call of the tool that deletes a file."""
    return DeltaToolCall("delete_file", json.dumps({"path": name}))


def left_to_delete(messages: list[ModelMessage]) -> list[str]:
    """What is to be deleted once the first is done."""
    asked = next(text for message in reversed(messages) if (text := words(message)))
    *first, last = asked.split()
    is_done = any(last in str(part) for part in messages[-1].parts)
    return [last] if "then" in first and not is_done else []


def words(message: ModelMessage) -> str:
    """What a person wrote, with what came along."""
    found = []
    for part in message.parts:
        if isinstance(part, UserPromptPart):  # others are the agent's own
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


async def next_given_up(request: Request) -> Response:  # noqa: ARG001  # it asks nothing more
    """The next message whose answer is given up."""
    return PlainTextResponse(await given_up.get())


def main() -> None:
    """Serve until the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", default="")
    wanted = parser.parse_args()
    run_route = Route("/agent", run, methods=["POST"])
    app = Starlette(routes=[run_route, Route("/given-up", next_given_up)])
    app.state.key = wanted.key
    uvicorn.run(app, host="127.0.0.1", port=0, log_level="info", access_log=False)


if __name__ == "__main__":
    main()
