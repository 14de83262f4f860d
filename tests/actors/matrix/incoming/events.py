"""Events as a server hands them out, and anything else that it might."""

from typing import Any

from hypothesis import strategies as st

from actors.matrix.incoming.decode import decode
from actors.matrix.incoming.meaning import Decoded, Said
from actors.matrix.incoming.mentions import Me
from tests.actors.telegram.json_values import JSON

__all__ = ["EVENT", "JSON", "ME", "ROOM", "Json", "member", "message", "read", "said"]

Json = dict[str, Any]

ME = "@bot:here"
ROOM = "!room:here"
US = Me(ME, frozenset({"Robo Cop"}))

_KINDS = [
    *("m.room.message", "m.room.member", "m.room.encrypted", "m.room.redaction", "m.reaction"),
    *("m.sticker", "m.poll.start", "m.room.tombstone"),
]
_CONTENT = st.fixed_dictionaries(
    {},
    optional={
        "msgtype": st.sampled_from(["m.text", "m.image", "m.audio", "m.location"]) | JSON,
        "body": st.text() | JSON,
        "filename": st.text() | JSON,
        "url": st.just("mxc://a/b") | JSON,
        "file": JSON,
        "info": JSON,
        "geo_uri": st.just("geo:1,2") | JSON,
        "formatted_body": st.text() | JSON,
        "m.mentions": JSON,
        "m.relates_to": st.fixed_dictionaries(
            {},
            optional={
                "rel_type": st.sampled_from(["m.replace", "m.thread", "m.annotation"]) | JSON,
                "event_id": st.just("$x") | JSON,
                "key": st.text() | JSON,
                "m.in_reply_to": JSON,
            },
        )
        | JSON,
        "m.new_content": JSON,
        "membership": JSON,
    },
)
EVENT = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(_KINDS) | JSON,
        "event_id": st.sampled_from(["$a", "$\ud800"]) | JSON,
        "sender": st.sampled_from([ME, "@a:b", "@\ud800"]) | JSON,
        "origin_server_ts": st.just(1_700_000_000_000) | JSON,
        "content": _CONTENT | JSON,
        "unsigned": JSON,
        "state_key": st.sampled_from([ME, ""]) | JSON,
        "redacts": st.just("$x") | JSON,
    },
)


def message(body: Any = "hello", msgtype: Any = "m.text", **more: Any) -> Json:
    """A message of Alice's."""
    event = {
        "event_id": "$one",
        "type": "m.room.message",
        "sender": "@alice:here",
        "origin_server_ts": 1_700_000_000_123,
        "content": {"msgtype": msgtype, "body": body, **more.pop("content", {})},
    }
    return {**event, **more}


def member(step: str, *, user: str = ME, sender: str = ME, before: str = "") -> Json:
    """A step of somebody's into a room, or out of it."""
    unsigned = {"unsigned": {"prev_content": {"membership": before}}} if before else {}
    return {
        "type": "m.room.member",
        "sender": sender,
        "state_key": user,
        "content": {"membership": step},
        **unsigned,
    }


def read(event: Json) -> Decoded:
    """What *event* means to the bot."""
    return decode(event, me=US, names={"@alice:here": "Alice"})


def said(event: Json) -> Said:
    """The same, where it must be something said."""
    found = read(event)
    assert isinstance(found, Said), found
    return found
