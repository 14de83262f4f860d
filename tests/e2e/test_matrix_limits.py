"""The homeserver's limits are kept: waited for as long as it says, also over a kill."""

from pathlib import Path

import pytest
import trio

from tests.e2e.matrix_chat import matrix_chat
from tests.rigs.matrix_faults import SEND, TO_DEVICE, too_many
from tests.rigs.matrix_human import human
from tests.rigs.matrix_proxy import matrix_proxy
from tests.rigs.synapse import Synapse, start_synapse

_WAIT = 6.0


async def test_under_synapses_own_limits_every_message_is_answered_and_none_too_early(
    tmp_path: Path,
) -> None:
    limited = start_synapse(has_limits=True)
    synapse = await trio.to_thread.run_sync(limited.__enter__)
    try:
        async with matrix_proxy(synapse.url) as proxy:
            here = {"MATRIX_HOMESERVER": proxy.url}
            async with matrix_chat(tmp_path, synapse, is_encrypted=True, **here) as chat:
                await chat.start()
                ben = await human(synapse, "ben")
                theirs = await ben.create_room([chat.bot.user_id])
                await chat.joined(theirs, by=ben)
                await chat.say("mock:slow", *(f"number-{number}" for number in range(2)))
                await ben.send_many(theirs, [f"number-{number}" for number in range(3)])
                await chat.sees(lambda said: bool(said) and said[0].edits >= 1)
                await chat.say("!stop")
                await chat.hears("number-1")
                await chat.finds("number-2", room=theirs, by=ben)
                said = await chat.sees(bool)
                await chat.end()
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(limited.__exit__, None, None, None)

    assert proxy.in_penalty == []
    assert [call.status for call in proxy.calls_of(SEND)].count(429) >= 1
    assert all(one.is_readable and one.is_encrypted for one in said)


@pytest.mark.parametrize("pattern", [SEND, TO_DEVICE], ids=["messages", "keys"])
async def test_a_penalty_is_kept_over_a_kill(
    tmp_path: Path, synapse: Synapse, pattern: str
) -> None:
    async with matrix_proxy(synapse.url) as proxy:
        here = {"MATRIX_HOMESERVER": proxy.url}
        async with matrix_chat(tmp_path, synapse, is_encrypted=True, **here) as chat:
            await chat.start()
            since = trio.current_time()
            proxy.fail(too_many(_WAIT), pattern)
            await chat.say("comes-later")
            await chat.it.logged("server.limited")
            tree = await chat.it.tree()
            await chat.it.kill()
            await chat.it.start()
            said = await chat.hears("comes-later")
            await chat.end()

    limited, *after = (call for call in proxy.calls_of(pattern) if call.at >= since)
    assert "rate limited" in tree["matrix"]["note"]
    assert len(said) == 1
    assert limited.fault == "429"
    assert min(call.at for call in after) >= limited.at + _WAIT
    assert proxy.in_penalty == []
