from pathlib import Path

import trio

from tests.rigs.matrix_human import human
from tests.rigs.nio_person import nio_person
from tests.rigs.synapse import Synapse


async def test_a_client_made_with_nio_and_the_rigs_own_understand_each_other(
    tmp_path: Path, synapse: Synapse
) -> None:
    ann = await human(synapse, "ann")
    with trio.fail_after(60):
        async with nio_person(synapse, tmp_path) as nio:
            ben = nio.person
            room = await ann.create_room([ben.user_id], is_encrypted=True)
            await ben.join(room)
            await nio.say(room, "from nio")
            shown = await ann.watch(room, lambda seen: bool(seen) and seen[-1].is_readable)
            await ann.send(room, "to nio")
            seen = await nio.sees("to nio", by=ann.user_id)

    assert [one.text for one in shown] == ["from nio"]
    assert shown[0].is_encrypted
    assert seen["is_encrypted"]
    assert ann.device.complaints == []
