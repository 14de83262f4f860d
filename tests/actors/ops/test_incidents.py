import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.ops.incidents import (
    LEAST_PAUSE,
    MOST_LINES,
    QUIET_AFTER,
    DeadLetterWatch,
    News,
    Told,
    at_the_door,
    in_tree,
    read_told,
    told_text,
)
from protocols.chats import AccessList, Stranger
from protocols.ids import PersonId
from protocols.lifecycle import ActorState
from tests.actors.ops.rig import actor


@pytest.mark.parametrize("state", sorted(ActorState))
def test_only_what_needs_a_person_is_an_incident(state: ActorState) -> None:
    found = in_tree([actor("matrix", state=state, note="the password is wrong")])

    assert bool(found) == (state in {ActorState.PARKED, ActorState.STUCK})
    assert all("the password is wrong" in text for text in found.values())


def test_a_parked_actor_without_a_word_of_its_own_shows_its_last_error() -> None:
    (text,) = in_tree([actor("matrix", state=ActorState.PARKED, last_error="KeyError")]).values()

    assert "KeyError" in text


def test_a_stranger_with_a_code_is_told_with_what_to_type_and_one_without_is_not() -> None:
    fresh = Stranger(PersonId("telegram:9"), "A private name", "K7QX", 2, 0.0, 0.0)
    stale = Stranger(PersonId("telegram:8"), "Another name", "", 2, 0.0, 0.0)

    (text,) = at_the_door(AccessList("pairing", (), (), (fresh, stale))).values()

    assert "debug pair K7QX" in text
    assert "private" not in text


def test_a_strangers_name_is_no_markdown() -> None:
    evil = Stranger(PersonId("matrix:@`[x](http://evil)`:s"), "", "K7QX", 1, 0.0, 0.0)

    (text,) = at_the_door(AccessList("pairing", (), (), (evil,))).values()

    assert text == "`matrix:@'[x](http://evil)':s` has no access and wrote: `debug pair K7QX`"


def test_dead_letters_that_were_there_before_are_no_incident() -> None:
    watch = DeadLetterWatch()

    assert watch.look(7, 0.0) == {}
    assert watch.look(7, 10.0) == {}


def test_dead_letters_that_become_more_are_one_incident_until_they_stay_as_many() -> None:
    watch = DeadLetterWatch()
    watch.look(7, 0.0)

    (first,) = watch.look(9, 10.0).values()
    (second,) = watch.look(10, 20.0).values()

    assert "2 more" in first
    assert "3 more" in second
    assert watch.look(10, 19.0 + QUIET_AFTER)
    assert watch.look(10, 20.0 + QUIET_AFTER) == {}
    assert watch.look(10, 30.0 + QUIET_AFTER) == {}
    assert watch.look(11, 40.0 + QUIET_AFTER)


def test_dead_letters_that_were_cleared_away_are_no_growth() -> None:
    watch = DeadLetterWatch()
    watch.look(7, 0.0)

    assert watch.look(2, 10.0) == {}
    assert watch.look(3, 20.0)


def test_an_incident_is_told_once_when_it_begins_and_once_when_it_ends() -> None:
    news = News()
    told = []
    for second in range(0, 600, 10):
        news.look({"a": "A hangs"} if 30 <= second < 300 else {})
        if message := news.message(second):
            told.append((second, message))
            news.delivered(second)

    assert told == [(30, "⚠️ A hangs"), (300, "✅ over: A hangs")]


def test_what_comes_within_a_minute_waits_and_is_one_message() -> None:
    news = News()
    news.look({"a": "A"})
    news.delivered(0.0)
    news.look({"a": "A", "b": "B", "c": "C"})

    assert news.message(LEAST_PAUSE - 1) == ""
    assert news.message(LEAST_PAUSE) == "⚠️ B\n\n⚠️ C"


def test_a_short_incident_between_two_messages_is_told_all_the_same() -> None:
    news = News()
    news.look({"a": "A"})
    news.delivered(0.0)
    news.look({"a": "A", "b": "B"})
    news.look({"a": "A"})

    assert news.message(LEAST_PAUSE) == "⚠️ B\n\n✅ over: B"


def test_what_is_back_before_its_end_was_told_has_not_ended() -> None:
    news = News()
    news.look({"a": "A"})
    news.delivered(0.0)
    news.look({})
    news.look({"a": "A"})

    assert news.message(LEAST_PAUSE) == ""


def test_a_message_that_nobody_took_is_due_again() -> None:
    news = News()
    news.look({"a": "A"})

    assert news.message(0.0) == news.message(10.0) == "⚠️ A"


def test_a_restart_repeats_nothing_and_tells_the_end() -> None:
    news = News()
    news.look({"a": "A", "b": "B"})
    news.delivered(0.0)
    again = News(read_told(told_text(Told(news.told, 7.0))).lines)
    again.look({"a": "A"})

    assert again.message(0.0) == "✅ over: B"
    assert read_told(None) == Told()


def test_a_hundred_incidents_are_one_message_of_bounded_length() -> None:
    news = News()
    news.look({str(number): f"line {number}" for number in range(100)})

    lines = news.message(0.0).split("\n\n")

    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == f"… and {100 - MOST_LINES} more: see `debug`"


@given(st.lists(st.sets(st.sampled_from("abc")), max_size=30))
def test_however_they_come_and_go_what_was_told_is_how_it_is(looks: list[set[str]]) -> None:
    news, open_, now = News(), set[str](), 0.0
    for current in [*looks, set[str](), set[str]()]:
        now += 30.0
        news.look({key: key for key in current})
        message = news.message(now)
        if not message:
            continue
        news.delivered(now)
        for line in message.split("\n\n"):
            key = line[-1]
            assert (key in open_) == line.startswith("✅")
            open_ ^= {key}
    assert open_ == set()
