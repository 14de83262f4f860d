"""A running agent for each mode, and what a mode can promise."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

from attrs import define, field, frozen

from actors.platform.settings import AgentSettings
from tests.actors.platform.raw_server import EVENTS
from tests.rigs.agui_pydantic import PydanticAgent
from tests.rigs.lambda_platform import LambdaPlatform, lambda_platform
from tests.rigs.openai_server import OpenAIServer, delta, event, says_and_closes, says_and_hangs

BEGINS = "Once upon"


@frozen
class Promises:
    """What is the same whatever agent a mode speaks to.

    Args:
        knows_runs: A repeated request is the same run: the work is done once, and another message
            under the same id is refused. ``cancel_run`` ends it.
        keeps_history: The agent remembers a chat; one that does not is told of it by each run.
        takes: The modes of files that reach the agent; others are refused before anything goes
            out.
        asks: The agent may ask before it goes on.
    """

    knows_runs: bool
    keeps_history: bool
    takes: frozenset[str]
    asks: bool


PROMISES: Mapping[str, Promises] = MappingProxyType(
    {
        "mock": Promises(
            knows_runs=True,
            keeps_history=True,
            takes=frozenset({"binary", "url", "s3"}),
            asks=True,
        ),
        # A key is that of an upload, which only the client itself makes (``attachments="s3"``).
        "production": Promises(
            knows_runs=True, keeps_history=True, takes=frozenset({"binary", "url"}), asks=True
        ),
        # Chat Completions have no ids, no memory, no questions, and a model fetches no addresses.
        "openai": Promises(
            knows_runs=False, keeps_history=False, takes=frozenset({"binary"}), asks=False
        ),
        # AG-UI names runs, but no agent has to know them again; a key in our own store is nothing
        # to an agent that is not ours.
        "agui": Promises(
            knows_runs=False, keeps_history=False, takes=frozenset({"binary", "url"}), asks=True
        ),
    }
)


@define(eq=False)
class Agent:
    """A running agent.

    Args:
        settings: How our client reaches it.
        breaks: Lets it break behind some words; gives the message that makes it.
        hangs: Lets it say something and then nothing more, or much, very slowly; the same.
        told: What was said before, as its newest run heard it, whose answer is given.
        asks: What makes it ask, where it can; ``done`` is in what it says to a yes.
        recalls: What makes it say what was said before, where it says it.
    """

    settings: AgentSettings = field(repr=False)
    breaks: Callable[[], str]
    hangs: Callable[[], str]
    told: Callable[[str], list[str]]
    asks: str = "mock:confirm"
    done: str = "it is done"
    recalls: str = "and now?"

    @property
    def mode(self) -> str:
        """By what ``PLATFORM_MODE`` it is reached."""
        return self.settings.mode

    @property
    def promises(self) -> Promises:
        """What its mode can promise."""
        return PROMISES[self.mode]


@asynccontextmanager
async def agent_of(mode: str, pydantic_agent: PydanticAgent | None) -> AsyncIterator[Agent]:
    """An agent that runs while the block lasts; that of ``agui`` runs already."""
    match mode:
        case "mock":
            settings = AgentSettings("mock", mock_latency=False)
            yield Agent(settings, lambda: "mock:cut", lambda: "mock:hang", lambda _: [])
        case "production":
            async with lambda_platform() as platform:
                yield _production(platform)
        case "openai":
            async with OpenAIServer(key="k").running() as server:
                yield _openai(server)
        case _:
            assert pydantic_agent is not None
            yield _agui(pydantic_agent)


def _production(platform: LambdaPlatform) -> Agent:
    def told(_: str) -> list[str]:
        return [str(message["content"]) for message in platform.inputs()[-1]["messages"][:-1]]

    settings = AgentSettings("production", url=platform.url, secret=platform.gate.token)
    return Agent(settings, lambda: "mock:error", lambda: "mock:hang", told)


def _openai(server: OpenAIServer) -> Agent:
    begun = (EVENTS, event(delta(BEGINS)))

    def breaks() -> str:
        server.faults.append(says_and_closes(*begun))
        return "break"

    def hangs() -> str:
        server.faults.append(says_and_hangs(*begun))
        return "hang"

    def told(_: str) -> list[str]:
        return [str(message["content"]) for message in server.chats[-1]["messages"][:-1]]

    settings = AgentSettings("openai", url=server.address, secret="k", model="parrot")
    return Agent(settings, breaks, hangs, told)


def _agui(agent: PydanticAgent) -> Agent:
    def told(answer: str) -> list[str]:
        return [line.partition(": ")[2] for line in answer.splitlines()]

    return Agent(
        AgentSettings("agui", url=agent.url),
        lambda: "fail",
        lambda: "answer slowly",
        told,
        asks="delete notes.txt",
        done="notes.txt is deleted",
        recalls="say before",
    )
