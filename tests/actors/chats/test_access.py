"""Who may write: codes, lists, limits."""

import json
from itertools import count
from typing import Literal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from actors.chats import access
from actors.chats.access import (
    CODE_LENGTH,
    CODE_LETTERS,
    CODE_LIFE,
    FAILURE_PERIOD,
    HOUR,
    MOST_FAILURES,
    OWNER,
    AccessBook,
    AccessPolicy,
    new_code,
)
from protocols.changes import DeleteKey, PutKey
from protocols.chats import Paired, PairingRefused
from protocols.ids import EventId, Language, PersonId, RoomId, RowId, TraceId
from protocols.journal import Row

Mode = Literal["pairing", "allowlist", "open"]

ME = PersonId("matrix:@me:s")
BOSS = PersonId("matrix:@boss:s")
FRIEND = PersonId("matrix:@friend:s")


def row(sender: PersonId = ME, number: int = 1) -> Row:
    return Row(
        id=RowId(number),
        event_id=EventId(f"${number}"),
        room=RoomId("matrix/!r:s"),
        sender=sender,
        sender_name="Me",
        text="hello",
        sent_at=0.0,
        received_at=0.0,
        trace=TraceId("t"),
    )


def book(mode: Mode = "pairing", **settings: tuple[PersonId, ...]) -> AccessBook:
    numbers = count(1)
    policy = evolve(AccessPolicy(admins=(BOSS,), allowed=(FRIEND,)), mode=mode, **settings)
    return AccessBook(policy, lambda: f"CODE{next(numbers):04d}")


def kept(*changes: PutKey | DeleteKey, start: dict[str, str] | None = None) -> dict[str, str]:
    stored = dict(start or {})
    for change in changes:
        match change:
            case PutKey(key, value):
                stored[key] = value
            case DeleteKey(key):
                stored.pop(key, None)
    return stored


def test_a_code_has_no_letters_that_look_alike() -> None:
    code = new_code()

    assert len(code) == CODE_LENGTH
    assert set(code) <= set(CODE_LETTERS)
    assert not set("ILO01") & set(CODE_LETTERS)
    assert new_code() != code


@pytest.mark.parametrize("mode", ["pairing", "allowlist", "open"])
def test_admins_the_allowed_and_the_owner_always_may(mode: Mode) -> None:
    people = book(mode)

    assert all(people.may_write(person) for person in (BOSS, FRIEND, OWNER))
    assert people.may_write(ME) is (mode == "open")
    assert people.is_admin(BOSS)
    assert people.is_admin(OWNER)
    assert not people.is_admin(FRIEND)


def test_a_stranger_gets_a_code_and_whoever_has_it_may_write() -> None:
    people = book()

    heard = people.hear(row(), now=0.0)
    outcome = people.pair("code-0001", now=10.0)

    assert "debug pair CODE0001" in heard.words
    assert outcome.answer == Paired(ME)
    assert people.may_write(ME)


def test_a_code_works_once() -> None:
    people = book()
    people.hear(row(), now=0.0)
    people.pair("CODE0001", now=1.0)

    assert isinstance(people.pair("CODE0001", now=2.0).answer, PairingRefused)


def test_an_expired_code_lets_nobody_in_and_the_next_word_brings_a_new_one() -> None:
    people = book()
    people.hear(row(), now=0.0)

    outcome = people.pair("CODE0001", now=CODE_LIFE)
    heard = people.hear(row(), now=CODE_LIFE)

    assert isinstance(outcome.answer, PairingRefused)
    assert "expired" in outcome.answer.reason
    assert "CODE0002" in heard.words
    assert not people.may_write(ME)


def test_a_stranger_is_told_three_times_an_hour_and_then_not_heard() -> None:
    people = book()

    heard = [people.hear(row(), now=float(second)) for second in range(100)]

    assert [bool(one.words) for one in heard[:4]] == [True, True, True, False]
    assert not any(one.words for one in heard[3:])
    assert all("CODE0001" in one.words for one in heard[:3])
    assert people.hear(row(), now=HOUR).words


def test_a_list_refuses_once_an_hour() -> None:
    people = book("allowlist")

    heard = [people.hear(row(), now=at).words for at in (0.0, 1.0, HOUR)]

    assert [bool(words) for words in heard] == [True, False, True]
    assert "matrix:@me:s" in heard[0]
    assert isinstance(people.pair("CODE0001", now=2.0).answer, PairingRefused)


def test_wrong_codes_are_limited_also_over_a_restart() -> None:
    people = book()
    people.hear(row(), now=0.0)
    stored: dict[str, str] = {}
    for number in range(MOST_FAILURES):
        stored = kept(*people.pair("WRONG", now=float(number)).changes, start=stored)

    again = book()
    again.load((*stored.items(), *kept(*people.hear(row(), now=1.0).changes).items()))
    locked = again.pair("CODE0001", now=MOST_FAILURES + 1.0).answer
    later = again.pair("CODE0001", now=FAILURE_PERIOD + MOST_FAILURES).answer

    assert isinstance(locked, PairingRefused)
    assert "too many" in locked.reason
    assert later == Paired(ME)


@pytest.mark.parametrize("code", ["", " - ", "é" * 8])
def test_no_code_is_a_wrong_code(code: str) -> None:
    people = book("pairing")
    people._knocks[ME] = access.Knock(ME, RoomId("matrix/!r:s"), "", 0.0, 0.0)

    assert isinstance(people.pair(code, now=0.0).answer, PairingRefused)


@pytest.mark.parametrize("mode", ["allowlist", "open"])
def test_who_was_paired_counts_only_while_pairing(mode: Mode) -> None:
    people = book(mode, allowed=())
    people.load(((f"person:{ME}", "{}"),))

    assert people.may_write(ME) is (mode == "open")
    assert people.listing(0.0).allowed == ()


def test_what_is_remembered_outlives_the_directory() -> None:
    people = book()
    stored = kept(*people.hear(row(FRIEND), now=0.0).changes)
    stored = kept(*people.hear(row(), now=1.0).changes, start=stored)
    stored = kept(*people.pair("CODE0001", now=2.0).changes, start=stored)

    again = book(allowed=())
    again.load(tuple(stored.items()))

    assert again.may_write(FRIEND)
    assert again.listing(3.0) == people.listing(3.0).__class__(
        "pairing", (BOSS, OWNER), (FRIEND,), people.listing(3.0).strangers
    )


def test_the_operator_sees_who_knocked_and_how_often() -> None:
    people = book()
    for second in range(5):
        people.hear(row(), now=float(second))

    listing = people.listing(now=5.0)
    (stranger,) = listing.strangers

    assert (stranger.person, stranger.code, stranger.attempts) == (ME, "CODE0001", 5)
    assert (stranger.first_at, stranger.last_at) == (0.0, 4.0)
    assert people.listing(now=CODE_LIFE).strangers[0].code == ""
    assert "CODE0001" not in repr(people)


def test_the_strangers_that_are_kept_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MOST_KNOCKS", 2)
    people = book()
    heard = [
        people.hear(row(PersonId(f"matrix:@{number}:s")), now=float(number)) for number in range(3)
    ]

    assert heard[-1].changes[-1] == DeleteKey("knock:matrix:@0:s")
    assert [knock.person for knock in people.listing(3.0).strangers] == [
        "matrix:@1:s",
        "matrix:@2:s",
    ]


def test_two_strangers_never_have_the_same_code() -> None:
    codes = iter(["SAME", "SAME", "OTHER"])
    people = AccessBook(AccessPolicy(), lambda: next(codes))
    people.hear(row(ME), now=0.0)

    assert "OTHER" in people.hear(row(FRIEND), now=0.0).words


@given(st.lists(st.tuples(st.sampled_from([ME, FRIEND, BOSS]), st.floats(0.0, 900.0)), max_size=60))
def test_nobody_is_told_more_than_three_times_in_any_hour(
    knocks: list[tuple[PersonId, float]],
) -> None:
    people = AccessBook(AccessPolicy())
    now = 0.0
    told: dict[PersonId, list[float]] = {}
    for person, pause in knocks:
        now += pause
        if people.hear(row(person), now).words:
            told.setdefault(person, []).append(now)

    for times in told.values():
        assert all(later - first >= HOUR for first, later in zip(times, times[3:], strict=False))


def test_who_asks_us_into_a_room_is_shown_with_a_code_and_can_be_let_in() -> None:
    it = book()

    it.asked_into_room(ME, 0.0)

    (stranger,) = it.listing(1.0).strangers
    assert (stranger.person, stranger.code, stranger.attempts) == (ME, "CODE0001", 0)
    assert it.pair(stranger.code, 2.0).answer == Paired(ME)
    assert it.may_write(ME)


def test_who_asks_us_in_again_and_again_gets_a_new_code_only_when_the_old_one_has_expired() -> None:
    it = book()

    first = it.asked_into_room(ME, 0.0)
    again = it.asked_into_room(ME, 60.0)
    later = it.asked_into_room(ME, CODE_LIFE)

    assert (len(first), len(again), len(later)) == (1, 0, 1)
    assert it.listing(CODE_LIFE).strangers[0].code == "CODE0002"


def test_the_first_message_after_an_invitation_is_greeted_with_the_same_code() -> None:
    it = book()
    it.asked_into_room(ME, 0.0)

    heard = it.hear(row(), 1.0)

    assert heard.words.startswith("Hello!")
    assert "CODE0001" in heard.words


def test_on_a_list_who_asks_us_in_is_shown_without_a_code() -> None:
    it = book("allowlist")

    assert len(it.asked_into_room(ME, 0.0)) == 1
    assert it.asked_into_room(ME, 60.0) == ()
    assert it.listing(61.0).strangers[0].code == ""


def test_a_stranger_s_language_is_kept_for_the_word_that_lets_them_in() -> None:
    it = book()
    stored = kept(*it.hear(evolve(row(), language=Language("ru")), 0.0).changes)

    again = book()
    again.load(tuple(stored.items()))
    knock = again.pair("CODE0001", 1.0).knock

    assert knock is not None
    assert knock.language == "ru"


def test_knocks_of_an_older_and_of_a_newer_program_are_read() -> None:
    facts = {"room": "matrix/!r:s", "name": "", "first_at": 0, "last_at": 0, "attempts": 1}
    facts |= {"code": "CODE", "expires_at": 60, "told_at": [0.0]}
    newer = facts | {"code": "EDOC", "language": "ru", "mood": "fine"}
    it = book()

    it.load(((f"knock:{ME}", json.dumps(facts)), (f"knock:{FRIEND}", json.dumps(newer))))

    assert it.pair("CODE", 1.0).answer == Paired(ME)
    assert it.pair("EDOC", 1.0).answer == Paired(FRIEND)
