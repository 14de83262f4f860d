"""A group becomes a supergroup while it talks with the agent."""

from pathlib import Path

from tests.e2e.telegram_chat import ANN, GROUP, telegram_chat

_NEW = -1001234567890


async def test_a_group_that_moves_keeps_its_slot_its_queue_and_its_order(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path, TELEGRAM_GROUP_MODE="all") as chat:
        ann = chat.api.person(ANN)
        group = chat.api.group(GROUP)
        ann.writes("before-it-moves", chat=group)
        await chat.hears(group, "before-it-moves")
        ann.writes("mock:hang", chat=group)
        await chat.hears(group, "I begin to answer")
        ann.writes("waiting-meanwhile", chat=group)

        moved = ann.migrates(group, _NEW)
        ann.writes("/stop", chat=moved)
        ann.writes("after-it-moved", chat=moved)
        await chat.hears(moved, "waiting-meanwhile", "after-it-moved")
        await chat.it.kill()
        await chat.it.start()
        ann.writes("after-the-kill", chat=moved)

        said = await chat.hears(moved, "after-the-kill")
        journal = await chat.end()
    turns = [row for row in journal.rows if row.run_id is not None]
    assert {row.slot for row in turns} == {"C1"}
    assert {row.room for row in turns} == {f"telegram/{GROUP}"}
    places = [
        next(at for at, text in enumerate(said) if words in text)
        for words in ("waiting-meanwhile", "after-it-moved", "after-the-kill")
    ]
    assert places == sorted(places)
