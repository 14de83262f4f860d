"""A person switches the agent's skills on Telegram."""

from pathlib import Path

from tests.e2e.telegram_chat import ANN, telegram_chat


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
    assert labels == ["⬜ code", "⬜ images", "✅ memory", "✅ web_search"]
    assert [button["text"] for button in settings.buttons] == labels
