from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.matrix.incoming.decode import (
    History,
    Invite,
    OwnDraft,
    Unreadable,
    clean,
    decode,
    draft_txn,
    has_invite,
    is_known,
    person_id,
    read_history,
    read_page,
    room_id,
    since_invited,
)
from protocols.ids import EventId, PersonId, RoomId, RowId, RunId, TraceId
from protocols.store import Arrival, Row

Json = dict[str, Any]

ME = "@bot:here"
ROOM = "!room:here"

_KEYS = [
    *("next_batch", "rooms", "join", "invite", "leave", "timeline", "events", "limited", "state"),
    *("invite_state", "type", "content", "sender", "event_id", "origin_server_ts", "unsigned"),
    *("body", "msgtype", "membership", "state_key", "chunk", "end", "displayname", ROOM),
    *("m.relates_to", "m.in_reply_to", "transaction_id", "prev_batch", "redacted_because"),
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5)
    ),
    max_leaves=20,
)
_EVENT = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["m.room.message", "m.room.member"]) | _JSON,
        "event_id": st.sampled_from(["$a", "$\ud800"]) | _JSON,
        "sender": st.sampled_from([ME, "@a:b", "@\ud800"]) | _JSON,
        "origin_server_ts": st.integers() | _JSON,
        "content": st.fixed_dictionaries(
            {}, optional={"msgtype": st.just("m.text") | _JSON, "body": st.text() | _JSON}
        )
        | _JSON,
        "unsigned": _JSON,
        "state_key": st.just(ME) | _JSON,
    },
)


def message(body: Any = "hello", msgtype: Any = "m.text", **more: Any) -> Json:
    event = {
        "event_id": "$one",
        "type": "m.room.message",
        "sender": "@alice:here",
        "origin_server_ts": 1_700_000_000_123,
        "content": {"msgtype": msgtype, "body": body, **more.pop("content", {})},
    }
    return {**event, **more}


def member(step: str, *, user: str = ME, sender: str = ME, before: str = "") -> Json:
    unsigned = {"unsigned": {"prev_content": {"membership": before}}} if before else {}
    return {
        "type": "m.room.member",
        "sender": sender,
        "state_key": user,
        "content": {"membership": step},
        **unsigned,
    }


INVITE = member("invite", sender="@alice:here")


def read(event: Json) -> Arrival | Unreadable | OwnDraft | None:
    return decode(event, room=ROOM, me=ME, names={"@alice:here": "Alice"}, is_backlog=False)


@given(_EVENT)
def test_no_event_can_raise_and_what_is_read_can_be_stored(event: Json) -> None:
    found = read(event)

    if isinstance(found, Arrival):
        f"{found.text}{found.event_id}{found.sender}{found.sender_name}".encode()


@given(_JSON)
def test_no_answer_can_raise(found: Any) -> None:
    raw = found if isinstance(found, dict) else {"next_batch": "s1", "rooms": found}

    read_page(raw, ME)
    read_history(raw)


@given(st.lists(_EVENT, max_size=5))
def test_no_timeline_can_raise(events: list[Json]) -> None:
    rooms = {"join": {ROOM: {"timeline": {"events": events}, "state": {"events": events}}}}

    page = read_page({"next_batch": "s", "rooms": rooms}, ME)

    assert page is not None
    assert since_invited(page.joined[0].events, ME) is None or has_invite(events, ME) or events


def test_a_message_becomes_an_arrival() -> None:
    found = read(message())

    assert isinstance(found, Arrival)
    assert found == Arrival(
        event_id=EventId("$one"),
        room=RoomId("matrix/!room:here"),
        sender=PersonId("matrix:@alice:here"),
        sender_name="Alice",
        text="hello",
        sent_at=1_700_000_000.123,
        trace=found.trace,
    )


def test_a_trace_is_32_digits_and_the_same_each_time() -> None:
    first, second = read(message()), read(message())

    assert isinstance(first, Arrival)
    assert len(first.trace) == 32
    assert first == second


def test_somebody_without_a_name_is_called_by_their_id() -> None:
    found = read(message(sender="@bob:here"))

    assert isinstance(found, Arrival)
    assert found.sender_name == "bob"


@pytest.mark.parametrize(
    "event",
    [
        message(msgtype="m.notice"),
        message(msgtype="m.key.verification.request"),
        message(content={"m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}}),
        message(sender=ME),
        {"type": "m.room.message", "content": {}, "unsigned": {"redacted_because": {}}},
        {"type": "m.reaction"},
        {},
    ],
)
def test_what_is_not_for_us_is_nothing(event: Json) -> None:
    assert read(event) is None


@pytest.mark.parametrize("msgtype", ["m.image", "m.file", "m.audio", "m.location", "org.other"])
def test_what_is_no_text_is_a_message_without_words(msgtype: str) -> None:
    found = read(message(msgtype=msgtype))

    assert isinstance(found, Arrival)
    assert found.text == ""


def test_a_state_event_is_no_message() -> None:
    assert read(message() | {"state_key": ""}) is None


def test_an_event_too_deep_to_be_written_is_kept_without_its_body() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]

    found = read(message(body=deep))

    assert found == Unreadable("a message without its kind or text", "")
    while deep:  # taken apart here: as one it is too deep for the interpreter to free
        deep = deep.pop()


@pytest.mark.parametrize(
    ("event", "known"),
    [
        ({"event_id": "$newest", "origin_server_ts": 9_000_000_000}, True),
        ({"event_id": "$other", "origin_server_ts": 1_000_000}, True),
        ({"event_id": "$other", "origin_server_ts": 1_999_000}, False),
        ({"event_id": "$other", "origin_server_ts": "yesterday"}, False),
        ({}, False),
    ],
)
def test_what_is_the_newest_row_or_much_older_is_known(event: Json, *, known: bool) -> None:
    row = Row(
        id=RowId(1),
        event_id=EventId("$newest"),
        room=room_id(ROOM),
        sender=person_id("@alice:here"),
        sender_name="Alice",
        text="hello",
        sent_at=2000.0,
        received_at=2000.0,
        trace=TraceId("0" * 32),
    )

    assert is_known(event, row) is known


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (message(body=None), "a message without its kind or text"),
        (message(msgtype=7), "a message without its kind or text"),
        (message() | {"content": []}, "a message without its kind or text"),
        (message(event_id=7), "an event without its id or sender"),
        (message(event_id="$\ud800"), "an event without its id or sender"),
        (message(sender="alice"), "an event without its id or sender"),
        (message(origin_server_ts="now"), "a message from no possible time"),
        (message(origin_server_ts=-1), "a message from no possible time"),
        (message(origin_server_ts=10**400), "a message from no possible time"),
    ],
)
def test_what_is_not_what_the_specification_says_is_unreadable(event: Json, reason: str) -> None:
    found = read(event)

    assert isinstance(found, Unreadable)
    assert found.reason == reason
    assert "hello" not in repr(found)


def test_an_emote_is_words_too() -> None:
    assert isinstance(read(message(msgtype="m.emote")), Arrival)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("> <@a:b> old\n> older\n\nnew", "new"),
        ("> <@a:b> old\n\nnew\n\n> kept", "new\n\n> kept"),
        ("> * <@a:b> waves\n\nnew", "new"),
        ("> <@a:b> only a quotation", ""),
        ("> a quotation of my own", "> a quotation of my own"),
        ("plain", "plain"),
    ],
)
def test_the_quotation_before_a_reply_is_left_out(body: str, text: str) -> None:
    relation = {"m.relates_to": {"m.in_reply_to": {"event_id": "$old"}}}

    found = read(message(body, content=relation))

    assert isinstance(found, Arrival)
    assert found.text == text


def test_a_quotation_that_is_no_reply_is_kept() -> None:
    found = read(message("> <@a:b> old\n\nnew"))

    assert isinstance(found, Arrival)
    assert found.text == "> <@a:b> old\n\nnew"


def test_half_a_surrogate_is_replaced() -> None:
    assert clean("a\ud800b") == "a?b"


def test_our_own_draft_is_recognised_by_its_transaction() -> None:
    txn = draft_txn(RowId(7), RunId("run"))

    found = read(message(sender=ME, unsigned={"transaction_id": txn}))

    assert found == OwnDraft(RowId(7), txn, "$one")


def test_drafts_of_two_databases_do_not_share_a_transaction() -> None:
    assert draft_txn(RowId(1), RunId("a")) != draft_txn(RowId(1), RunId("b"))


def test_a_page_tells_rooms_names_invitations_and_ends() -> None:
    raw = {
        "next_batch": "s1",
        "rooms": {
            "join": {
                ROOM: {
                    "timeline": {"events": [message()], "limited": True, "prev_batch": "p"},
                    "state": {
                        "events": [
                            {
                                "type": "m.room.member",
                                "state_key": "@alice:here",
                                "content": {"displayname": "Alice"},
                            }
                        ]
                    },
                },
                "no room": {},
            },
            "invite": {
                "!i:here": {
                    "invite_state": {"events": [{}, member("invite", sender="@alice:here")]}
                },
                "!none:here": {},
            },
            "leave": {"!l:here": {}},
        },
    }

    page = read_page(raw, ME)

    assert page is not None
    (joined,) = page.joined
    assert (joined.prev_batch, joined.is_limited, joined.is_encrypted) == ("p", True, False)
    assert joined.names == {"@alice:here": "Alice"}
    assert page.invites == (Invite("!i:here", "@alice:here", is_encrypted=False),)
    assert page.left == ("!l:here",)


@pytest.mark.parametrize("kind", ["m.room.encryption", "m.room.encrypted"])
@pytest.mark.parametrize("place", ["timeline", "state"])
def test_encryption_is_seen_wherever_it_stands(kind: str, place: str) -> None:
    rooms = {"join": {ROOM: {place: {"events": [{"type": kind, "state_key": ""}]}}}}

    page = read_page({"next_batch": "s", "rooms": rooms}, ME)

    assert page is not None
    assert page.joined[0].is_encrypted


@pytest.mark.parametrize("raw", [{}, {"next_batch": ""}, {"next_batch": 7}])
def test_an_answer_without_a_token_is_no_page(raw: Json) -> None:
    assert read_page(raw, ME) is None


def test_an_answer_without_events_is_no_history() -> None:
    assert read_history({"end": "x"}) is None
    assert read_history({"chunk": []}) == History((), "", {})


def test_only_what_came_after_the_invitation_is_for_us() -> None:
    old, new = message("old"), message("new")

    assert since_invited([old, INVITE, new, member("join")], ME) == [new, member("join")]
    assert since_invited([old, member("join"), new], ME) == [new]
    assert since_invited([old, new], ME) is None


def test_a_new_name_of_ours_is_no_new_join() -> None:
    renamed = member("join", before="join")

    assert since_invited([message("old"), renamed], ME) is None


def test_somebody_elses_join_is_not_ours() -> None:
    assert since_invited([member("join", user="@bob:here"), message()], ME) is None
    assert not has_invite([member("invite", user="@bob:here")], ME)
