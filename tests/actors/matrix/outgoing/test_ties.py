from attrs import evolve

from actors.matrix.outgoing.render import contents
from actors.matrix.outgoing.ties import Tie, tie_of
from actors.matrix.places import Place
from protocols.ids import EventId, PersonId, RemoteId, RoomId, RowId, TraceId
from protocols.journal import Press, Row, Voice

WORDS = next(contents("words", Voice.AGENT))
ROW = Row(
    id=RowId(1),
    event_id=EventId("$asked"),
    room=RoomId("matrix/!r:s"),
    sender=PersonId("matrix:@alice:s"),
    sender_name="Alice",
    text="hello",
    sent_at=0.0,
    received_at=0.0,
    trace=TraceId("0" * 32),
    message_id=RemoteId("$asked"),
)
SHARED = evolve(ROW, is_shared=True)


def test_in_a_direct_chat_an_answer_is_no_reply_and_calls_nobody() -> None:
    tie = tie_of(Place("!r:s"), ROW)

    assert tie.first(WORDS) == WORDS
    assert tie.further(WORDS) == WORDS


def test_in_a_group_the_first_event_replies_to_the_person_and_calls_them() -> None:
    tie = tie_of(Place("!r:s"), SHARED)

    first = tie.first(WORDS)

    assert first["m.relates_to"] == {"m.in_reply_to": {"event_id": "$asked"}}
    assert first["m.mentions"] == {"user_ids": ["@alice:s"]}
    assert tie.further(WORDS) == WORDS


def test_an_answer_stays_in_its_thread() -> None:
    tie = tie_of(Place("!r:s"), evolve(ROW, thread_id=RemoteId("$root")))

    relation = {
        "rel_type": "m.thread",
        "event_id": "$root",
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": "$asked"},
    }
    assert tie.first(WORDS)["m.relates_to"] == relation
    assert tie.further(WORDS)["m.relates_to"] == relation
    assert tie.first(WORDS)["m.mentions"] == {}


def test_in_a_thread_of_a_group_the_person_is_called_once() -> None:
    tie = tie_of(Place("!r:s"), evolve(SHARED, thread_id=RemoteId("$root")))

    assert tie.first(WORDS)["m.mentions"] == {"user_ids": ["@alice:s"]}
    assert tie.further(WORDS)["m.mentions"] == {}


def test_words_that_nobody_asked_for_stay_in_a_session_that_is_a_thread() -> None:
    tie = tie_of(Place("!r:s", "$root"), None)

    assert tie.first(WORDS)["m.relates_to"]["m.in_reply_to"] == {"event_id": "$root"}


def test_a_press_is_answered_without_a_reply_to_it() -> None:
    pressed = evolve(SHARED, press=Press("$p", "x", RemoteId("$place")))

    assert tie_of(Place("!r:s"), pressed) == Tie()


def test_an_edit_keeps_its_mention_but_calls_nobody_again() -> None:
    tie = Tie(thread="$root", asked="$asked", person="@alice:s")

    edit = tie.edit(tie.first(WORDS), "$first")

    assert edit["m.mentions"] == {}
    assert edit["m.new_content"]["m.mentions"] == {"user_ids": ["@alice:s"]}
    assert "m.relates_to" not in edit["m.new_content"]
    assert edit["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$first"}
