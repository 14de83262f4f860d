from pathlib import Path

from tests.rigs.openai_server import OpenAIServer
from tests.rigs.program import program


def said_in(body: dict[str, list[dict[str, str]]]) -> list[str]:
    return [message["content"] for message in body["messages"]]


async def test_a_model_without_a_memory_is_told_all_again_also_after_a_kill(tmp_path: Path) -> None:
    async with OpenAIServer(key="secret-key").running() as server:
        settings = {
            "PLATFORM_MODE": "openai",
            "OPENAI_BASE_URL": server.address,
            "OPENAI_API_KEY": "secret-key",
            "OPENAI_SYSTEM_PROMPT": "Be kind.",
        }
        async with program(tmp_path, **settings) as it:
            await it.start()
            await it.say("one fish")
            await it.says("You said: one fish")
            await it.kill()
            await it.start()
            await it.say("two fish")
            await it.says("You said: two fish")

            assert await it.end() == 0

    last = said_in(server.chats[-1])
    assert last[-1] == "two fish"
    assert last[:3] == ["Be kind.", "one fish", "You said: one fish"]
    assert server.chats[-1]["model"] == "parrot"  # the only one that it lists
    assert "secret-key" not in f"{it.said} {it.log}"
