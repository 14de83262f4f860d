from pathlib import Path

from tests.actors.matrix.gateway import gateway_on
from tests.rigs.synapse import Synapse


async def test_somebody_who_invites_us_and_writes_is_answered(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), synapse.person("alice")
    room = await alice.create_room(invite=[gateway.settings.user_id])
    await alice.send(room, "hello")

    async with gateway.running():
        answers = await alice.watch_answers(room, gateway.settings.user_id, 1)

    assert answers == ["echo: hello"]
