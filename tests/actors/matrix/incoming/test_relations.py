"""What one event says about another."""

from typing import Any

import pytest
from hypothesis import given

from actors.matrix.incoming.relations import (
    Relation,
    own_words,
    reaction_in,
    redacted_by,
    relation_of,
)
from tests.actors.matrix.incoming.events import JSON, Json

REPLY = {"m.in_reply_to": {"event_id": "$old"}}


@pytest.mark.parametrize(
    ("relates", "relation"),
    [
        (REPLY, Relation(reply_to="$old")),
        ({"rel_type": "m.replace", "event_id": "$old"}, Relation(edits="$old")),
        ({"rel_type": "m.thread", "event_id": "$root"}, Relation(thread="$root")),
        (
            {"rel_type": "m.thread", "event_id": "$root", **REPLY},
            Relation(reply_to="$old", thread="$root"),
        ),
        (
            {"rel_type": "m.thread", "event_id": "$root", "is_falling_back": True, **REPLY},
            Relation(thread="$root"),
        ),
        ({"rel_type": "m.thread", "event_id": 7}, Relation()),
        ({"rel_type": ["m.thread"], **REPLY}, Relation(reply_to="$old")),
        ({"m.in_reply_to": {"event_id": "old"}}, Relation()),
        ({"m.in_reply_to": "$old"}, Relation()),
        ([], Relation()),
    ],
)
def test_a_message_is_about_what_it_names(relates: Any, relation: Relation) -> None:
    assert relation_of({"m.relates_to": relates}) == relation


@given(JSON)
def test_no_relation_can_raise(found: Any) -> None:
    content: Json = {"m.relates_to": found}

    relation_of(content)
    reaction_in(content)
    redacted_by({"content": found, "redacts": found})
    assert own_words("> <@a:b> x", content) in {"> <@a:b> x", ""}
