"""A person edits a message on Telegram before, during and after its answer."""

from pathlib import Path

from tests.e2e.telegram_chat import ANN, telegram_chat


async def test_an_edit_before_its_turn_replaces_the_text(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)
        ann.writes("mock:hang")
        await chat.hears(ann, "I begin to answer")
        waiting = ann.writes("the-first-text")
        ann.edits(waiting.message_id, "the-second-text")

        ann.writes("/stop")

        said = await chat.hears(ann, "the-second-text")
        await chat.end()
    assert not any("the-first-text" in text for text in said)


async def test_an_edit_during_its_turn_offers_a_new_answer(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)
        running = ann.writes("mock:hang first-text")
        await chat.hears(ann, "I begin to answer")

        ann.edits(running.message_id, "the-second-text")
        offer = await chat.sees_button(ann, "Answer the new text")
        ann.presses_button(offer, "Answer the new text")
        ann.writes("/stop")

        await chat.hears(ann, "the-second-text", "answered below")
        await chat.end()
    assert not offer.buttons


async def test_an_edited_command_and_an_old_message_change_nothing(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)
        command = ann.writes("/status")
        old = ann.writes("an-old-message")
        await chat.hears(ann, "an-old-message")
        ann.writes("a-newer-message")
        await chat.hears(ann, "a-newer-message")
        before = len(chat.api.answers(ann))

        ann.edits(command.message_id, "/debug")
        ann.edits(old.message_id, "an-old-message, corrected")
        ann.writes("the-last-word")

        said = await chat.hears(ann, "the-last-word")
        await chat.end()
    assert len(said) == before + 1
