from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.rigs.journal import read_journal
from tests.rigs.matrix_settings import matrix_settings
from tests.rigs.program import program
from tests.rigs.synapse import Synapse, prepare_synapse, run_synapse
from tests.rigs.wire import wire_to


@pytest.mark.parametrize("backlog", [120, pytest.param(250, marks=pytest.mark.full)])
async def test_what_was_written_while_the_server_was_out_of_reach_is_answered_in_order(
    tmp_path: Path, synapse: Synapse, backlog: int
) -> None:
    settings = matrix_settings(synapse)
    bot = settings["MATRIX_USER_ID"]
    person = await trio.to_thread.run_sync(synapse.person)
    room = await person.create_room([bot])
    said = ["at first", *(f"number-{number:03}" for number in range(backlog))]

    with trio.fail_after(240):
        async with wire_to(synapse.port) as wire:
            here = {"MATRIX_HOMESERVER": wire.url}
            async with program(tmp_path, **settings | here) as it:
                await it.start()
                await it.logged("server.lost")
                at_start = await it.tree()
                wire.mend()
                await person.watch_member(room, bot, "join")
                await person.send(room, said[0])
                await person.watch_answers(room, bot, 1)

                seen = len(it.log)
                wire.cut()
                await it.logged("server.lost", after=seen)
                await person.send_many(room, said[1:])
                in_between = await it.tree()
                wire.mend()
                answers = await person.watch_answers(room, bot, len(said))
                after = await it.tree()
                assert await it.end() == 0

    assert all(words in answer for words, answer in zip(said, answers, strict=True))
    assert read_journal(tmp_path / "surfaces.db").faults == []
    for tree in (at_start, in_between):
        assert tree["matrix"]["state"] == "up"
        assert "server unreachable: ClientConnectorError" in tree["matrix"]["note"]
    assert "unreachable" not in after["matrix"]["note"]
    for path in at_start:
        assert after[path]["life"] == 1


async def test_a_server_that_is_restarted_finds_the_conversation_going_on(tmp_path: Path) -> None:
    directory, folder = tmp_path / "homeserver", tmp_path / "program"
    directory.mkdir()
    folder.mkdir()
    prepare_synapse(directory)

    with trio.fail_after(120):
        async with wire_to(0) as wire, AsyncExitStack() as homeserver:
            wire.mend()
            server = await homeserver.enter_async_context(_life_of(directory))
            wire.port = server.port
            settings = matrix_settings(server) | {"MATRIX_HOMESERVER": wire.url}
            bot, person = settings["MATRIX_USER_ID"], server.person()
            room = await person.create_room([bot])
            async with program(folder, **settings) as it:
                await it.start()
                await person.watch_member(room, bot, "join")
                await person.send(room, "before mock:slow")
                await person.watch_answers(room, bot, 1)  # its draft

                await homeserver.aclose()
                person.server = await homeserver.enter_async_context(_life_of(directory))
                wire.port = person.server.port
                await person.send(room, "!stop")
                await person.send(room, "behind")
                answers = await person.watch_answers(room, bot, 3)
                tree = await it.tree()
                assert await it.end() == 0

    assert "before mock:slow" in answers[0] or "mock:slow" in answers[0]
    assert "behind" in answers[-1]
    assert len(answers) == 3
    assert read_journal(folder / "surfaces.db").faults == []
    assert tree["matrix"]["life"] == 1


@asynccontextmanager
async def _life_of(directory: Path) -> AsyncIterator[Synapse]:
    """One life of the homeserver in *directory*."""
    life = run_synapse(directory)
    homeserver = await trio.to_thread.run_sync(life.__enter__)
    try:
        yield homeserver
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(life.__exit__, None, None, None)
