"""What the homeserver is asked to show."""

import json

import pytest

from actors.matrix.api.filters import history_filter, sync_filter


@pytest.mark.parametrize(
    "kind",
    [
        "m.room.message",
        "m.room.encrypted",
        "m.sticker",
        "m.reaction",
        "m.room.redaction",
        "m.room.tombstone",
        "m.room.encryption",
        "m.room.member",
    ],
)
def test_what_is_read_is_shown_in_the_present_and_in_the_past(kind: str) -> None:
    assert kind in json.loads(sync_filter(100))["room"]["timeline"]["types"]
    assert kind in json.loads(history_filter())["types"]


def test_the_end_of_a_room_and_its_encryption_are_shown_however_much_was_said_since() -> None:
    state = json.loads(sync_filter(100))["room"]["state"]

    assert {"m.room.tombstone", "m.room.encryption"} <= {*state["types"]}


def test_of_the_account_only_its_direct_chats_are_shown() -> None:
    assert json.loads(sync_filter(1))["account_data"] == {"types": ["m.direct"]}


def test_what_is_said_of_keys_is_not_filtered() -> None:
    assert not {"to_device", "device_lists"} & json.loads(sync_filter(1)).keys()
