"""A person edits or takes back a message on Matrix, before, during and after its answer."""

from pathlib import Path

from tests.e2e.matrix_chat import EITHER, matrix_chat
from tests.rigs.synapse import Synapse


@EITHER
async def test_what_waits_is_answered_as_edited_or_dropped_when_taken_back(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        await chat.say("mock:hang")
        await chat.hears("I begin to answer")
        edited = await chat.person.send(chat.room, "the-first-text")
        taken_back = await chat.person.send(chat.room, "the-secret-text")
        await chat.person.edit(chat.room, edited, "the-second-text")
        await chat.person.redact(chat.room, taken_back)
        await chat.say("!status")
        await chat.hears("Waiting after it")
        await chat.say("!stop", "the-last-word")
        said = await chat.hears("the-last-word")
        journal = await chat.end()

    assert any("the-second-text" in text for text in said)
    assert not any("the-first-text" in text or "the-secret-text" in text for text in said)
    assert "the-secret-text" not in str([row.text for row in journal.rows])
    assert [row.reason for row in journal.rows if "redacted" in row.reason] != []


@EITHER
async def test_an_edit_during_its_turn_offers_a_new_answer(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        running = await chat.person.send(chat.room, "mock:hang first-text")
        await chat.hears("I begin to answer")

        await chat.person.edit(chat.room, running, "the-second-text")
        offer = await chat.finds("You changed your message")
        (anew,) = await chat.offers(offer)
        await chat.person.react(chat.room, offer.event_id, anew)
        await chat.say("!stop")

        await chat.hears("the-second-text")
        await chat.hears("answered below")
        await chat.say("a-newer-message")
        before = len(await chat.hears("a-newer-message"))
        await chat.person.edit(chat.room, running, "too late for anything")
        await chat.say("the-last-word")
        said = await chat.hears("the-last-word")
        await chat.end()
    assert len(said) == before + 1
