"""Buttons on Matrix are reactions: confirmations and settings; only who was asked counts."""

from pathlib import Path

from tests.e2e.matrix_chat import BOTH, EITHER, matrix_chat
from tests.rigs.matrix_human import human
from tests.rigs.synapse import Synapse


@BOTH
async def test_a_confirmation_is_given_by_a_reaction_of_who_was_asked(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(
        tmp_path, synapse, is_encrypted=is_encrypted, MATRIX_GROUP_MODE="all"
    ) as chat:
        await chat.start()
        ben = await human(synapse, "ben")
        await chat.person.invite(chat.room, ben.user_id)
        await ben.join(chat.room)
        await chat.say("mock:confirm")
        question = await chat.finds("Shall the mock agent go on?")
        offered = await chat.offers(question, 2)

        await ben.react(chat.room, question.event_id, "❌")
        await chat.person.react(chat.room, question.event_id, "🦊")
        await chat.hears("Only the person")
        await chat.person.react(chat.room, question.event_id, "✅\N{VARIATION SELECTOR-16}")
        await chat.hears("You said **yes**")
        (decided,) = [
            one
            for one in await chat.sees(
                lambda said: any("**Yes** (" in one.text for one in said if "Shall" in one.text)
            )
            if one.event_id == question.event_id
        ]
        await chat.person.react(chat.room, question.event_id, "❌")
        await chat.say("the-last-word")
        said = await chat.hears("the-last-word")
        left = (await chat.person.reactions(chat.room)).get(question.event_id, {})
        journal = await chat.end()

    assert offered == {"✅", "❌"}
    assert "✅ Yes" in question.text
    assert "✅ Yes\n" not in decided.text
    assert decided.edits >= 1
    assert not any("You said **no**" in text for text in said)
    assert not any(chat.bot.user_id in senders for senders in left.values())
    assert sum(row.run_id is not None for row in journal.rows) == 3


@EITHER
async def test_a_confirmation_is_given_by_its_word_and_survives_a_kill(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        await chat.say("mock:confirm")
        first = await chat.finds("Shall the mock agent go on?")
        await chat.offers(first)
        await chat.say("no")
        await chat.hears("You said **no**")
        await chat.say("mock:confirm again")
        await chat.sees(
            lambda said: sum("Shall the mock agent go on?" in one.text for one in said) == 2
        )
        second = (await chat.sees(bool))[-1]
        await chat.say("!status")
        await chat.hears("Ready.")  # so the question before it is known as delivered

        await chat.it.kill()
        await chat.person.react(chat.room, second.event_id, "✅")
        await chat.it.start()

        said = await chat.hears("You said **yes**")
        await chat.end()
    assert sum("You said" in text for text in said) == 2


@EITHER
async def test_skills_are_switched_by_reactions(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        await chat.say("!settings")
        settings = await chat.finds("Your settings")
        offered = await chat.offers(settings, 6)
        memory = next(line for line in settings.text.splitlines() if "memory" in line)

        await chat.person.react(chat.room, settings.event_id, memory.split()[0])
        await chat.sees(lambda said: any("✅ memory" in one.text for one in said))
        await chat.say("!settings")
        both = await chat.sees(lambda said: sum("Your settings" in one.text for one in said) == 2)
        await chat.end()

    assert offered == {"1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣"}
    assert "⬜ memory" in memory
    assert all("✅ memory" in one.text for one in both if "Your settings" in one.text)


@EITHER
async def test_reasoning_and_usage_are_shown_to_whoever_wants_them(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        await chat.say("!settings")
        settings = await chat.finds("Your settings")
        await chat.offers(settings, 6)
        reasoning = next(line for line in settings.text.splitlines() if "reasoning" in line)
        await chat.person.react(chat.room, settings.event_id, reasoning.split()[0])
        await chat.sees(lambda said: any("✅ Show reasoning" in one.text for one in said))
        await chat.say("!settings usage on", "hello mock:think")

        answer = await chat.finds("tokens:")
        await chat.end()

    assert "⬜ Show reasoning" in reasoning
    assert answer.html.startswith("<details><summary>💭 Reasoning</summary>")
    assert answer.html.count("</details>") == 1
    assert answer.html.splitlines()[-1].startswith("<p><em>mock-1 · ")
    assert answer.text.splitlines()[-1].startswith("*mock-1 · ")


async def test_a_failed_answer_is_retried_by_its_reaction(tmp_path: Path, synapse: Synapse) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=True) as chat:
        await chat.start()
        asked = await chat.person.send(chat.room, "mock:cut")
        failed = await chat.finds("broke off")
        (again,) = await chat.offers(failed)

        await chat.person.react(chat.room, failed.event_id, again)

        await chat.hears("broke off", times=2)
        below = (await chat.person.reactions(chat.room)).get(asked, {})
        journal = await chat.end()
    assert [str(row.state) for row in journal.rows] == ["failed", "failed"]
    assert "❌" in below
