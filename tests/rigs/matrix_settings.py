"""The settings of a program that talks on a Matrix homeserver of the tests."""

from tests.rigs.synapse import Synapse


def matrix_settings(synapse: Synapse, **more: str) -> dict[str, str]:
    """A fresh bot account on *synapse*; everybody may write, and the mock agent is quick."""
    bot = synapse.register("bot")
    return {
        "MATRIX_HOMESERVER": synapse.url,
        "MATRIX_USER_ID": bot.user_id,
        "MATRIX_PASSWORD": bot.password,
        "ACCESS_MODE": "open",
        "MOCK_LATENCY": "off",
    } | more
