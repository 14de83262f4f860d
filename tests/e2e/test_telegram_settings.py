"""A person switches the agent's skills on Telegram, and what they see around its answers."""

from pathlib import Path

from tests.e2e.telegram_chat import ANN, BEN, telegram_chat


async def test_skills_are_switched_by_buttons(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)
        ann.writes("/settings")
        settings = await chat.sees_button(ann, "⬜ memory")

        on = ann.presses_button(settings, "⬜ memory")
        await chat.sees_button(ann, "✅ memory")
        await chat.api.callback_answered(on)
        ann.presses_button(settings, "✅ code")
        await chat.sees_button(ann, "⬜ code")
        ann.writes("/settings")
        newer = await chat.sees_button(ann, "memory", but=settings)
        await chat.end()
    labels = [button["text"] for button in newer.buttons]
    skills = ["⬜ code", "⬜ images", "✅ memory", "✅ web_search"]
    assert labels == [*skills, "⬜ Show token usage", "⬜ Show reasoning"]
    assert [button["text"] for button in settings.buttons] == labels


async def test_reasoning_and_usage_are_shown_to_whoever_wants_them(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann, ben = chat.api.person(ANN, language="ru"), chat.api.person(BEN)
        ann.writes("/settings")
        settings = await chat.sees_button(ann, "⬜ Показывать ход мысли")
        for wanted in ("Показывать ход мысли", "Показывать расход"):
            ann.presses_button(settings, f"⬜ {wanted}")
            await chat.sees_button(ann, f"✅ {wanted}")
        await chat.it.kill()
        await chat.it.start()

        ann.writes("first mock:think")
        ben.writes("second mock:think")
        await chat.hears(ann, "на выходе")
        said_to_ben = await chat.hears(ben, "mock agent")
        answer = await chat.sees_message(ann, "на выходе")
        ben.writes("/settings usage on")
        ben.writes("third mock:think")
        await chat.hears(ben, "out")
        await chat.end()

    first, *_, last = answer.text.splitlines()
    assert first.startswith("💭 ")
    assert last.startswith("mock-1 · токены: ")
    folded, *_, footer = answer.entities
    assert (folded["type"], folded["offset"]) == ("expandable_blockquote", 0)
    assert footer["type"] == "italic"
    assert not any("💭" in text or "mock-1" in text for text in said_to_ben)


async def test_a_long_answer_has_its_reasoning_at_its_start_and_its_usage_at_its_end(
    tmp_path: Path,
) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)
        ann.writes("/settings usage on")
        ann.writes("/settings reasoning on")
        long = "word " * 810
        ann.writes(f"mock:think {long}")
        said = await chat.hears(ann, "💭", "out")
        await chat.end()

    pieces = [text for text in said if "💭" in text or "word" in text]
    assert len(pieces) > 1
    assert [text.count("💭") for text in pieces] == [1, *[0] * (len(pieces) - 1)]
    assert pieces[-1].splitlines()[-1].endswith("out")
