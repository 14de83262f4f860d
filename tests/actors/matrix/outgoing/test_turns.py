from hypothesis import given
from hypothesis import strategies as st

from actors.matrix.outgoing.turns import (
    Desk,
    DoChore,
    SetMark,
    SetTyping,
    ShowNow,
    Step,
    next_step,
    pause_after,
)
from actors.matrix.settings import Pace
from actors.surfaces.desks import Rest, SendAnswers, WaitUntil
from protocols.ids import RoomId, RowId
from protocols.surfaces import AnswerPress, Deliver, RoomMessage, ShowDraft, ShowTyping

PACE = Pace()
ROOM = RoomId("matrix/!r:s")
ONE, TWO = RowId(1), RowId(2)
LONG_AGO = float("-inf")


def desk_with(*messages: RoomMessage, at: float = 0.0) -> Desk:
    desk = Desk()
    for message in messages:
        desk.take(message, at, PACE)
    return desk


def step(desk: Desk, now: float, *, drafts_from: float = LONG_AGO) -> Step:
    return next_step(desk, now, PACE, drafts_from=drafts_from)


def typing(desk: Desk, since: float = 0.0) -> Desk:
    desk.typing_since = since
    return desk


def test_a_sign_comes_with_the_draft_but_after_it() -> None:
    desk = typing(desk_with(ShowDraft(ROOM, ONE, "a")))
    desk.turns[ONE].wants_mark = True

    assert step(desk, 1.0) == WaitUntil(2.0)
    assert step(desk, 2.0) == ShowNow(desk.turns[ONE])
    desk.turns[ONE].draft = None
    assert step(desk, 2.0) == SetMark(desk.turns[ONE])
    assert step(desk, 2.0, drafts_from=7.0) == WaitUntil(7.0)


def test_only_a_desk_with_signs_wants_them() -> None:
    desk = Desk(has_signs=True)
    desk.take(ShowTyping(ROOM, ONE), 0.0, PACE)

    assert desk.turns[ONE].wants_mark
    assert not desk_with(ShowTyping(ROOM, ONE)).turns[ONE].wants_mark


def test_chores_are_done_when_there_is_nothing_else_and_never_near_a_penalty() -> None:
    desk = typing(desk_with(ShowDraft(ROOM, ONE, "a")))
    desk.chores.append(AnswerPress(ROOM, "$p", "no"))

    assert step(desk, 3.0) == ShowNow(desk.turns[ONE])
    desk.turns[ONE].draft = None
    assert step(desk, 3.0, drafts_from=9.0) == WaitUntil(9.0)
    assert step(desk, 9.0, drafts_from=9.0) == DoChore()


def test_in_a_penalty_not_even_typing_is_sent() -> None:
    desk = desk_with(ShowTyping(ROOM, ONE))

    found = next_step(desk, 0.0, PACE, drafts_from=15.0, silent_until=5.0)

    assert found == WaitUntil(5.0)


def test_an_empty_desk_rests() -> None:
    assert step(Desk(), 0.0) == Rest()


def test_answers_come_before_all_else() -> None:
    desk = desk_with(ShowDraft(ROOM, ONE, "a"), Deliver(ROOM))

    assert step(desk, 100.0) == SendAnswers()


def test_typing_comes_at_once_and_the_draft_after_two_seconds() -> None:
    desk = desk_with(ShowDraft(ROOM, ONE, "a"))

    assert step(desk, 0.0) == SetTyping(is_typing=True)
    assert step(typing(desk), 0.0) == WaitUntil(2.0)
    assert step(typing(desk), 2.0) == ShowNow(desk.turns[ONE])


def test_a_draft_waits_for_the_end_of_a_penalty() -> None:
    desk = typing(desk_with(ShowDraft(ROOM, ONE, "a")))

    assert step(desk, 5.0, drafts_from=9.0) == WaitUntil(9.0)


def test_typing_is_renewed_before_the_server_forgets_it() -> None:
    desk = typing(desk_with(ShowTyping(ROOM, ONE)))

    assert step(desk, 0.0) == WaitUntil(20.0)
    assert step(desk, 20.0) == SetTyping(is_typing=True)


def test_typing_ends_a_minute_after_the_last_word_of_the_turn() -> None:
    desk = typing(desk_with(ShowTyping(ROOM, ONE)), since=50.0)

    assert step(desk, 55.0) == WaitUntil(60.0)
    assert step(desk, 60.0) == SetTyping(is_typing=False)
    desk.typing_since = None
    assert step(desk, 60.0) == Rest()


def test_the_end_of_a_turn_ends_its_typing_and_its_draft() -> None:
    desk = typing(desk_with(ShowDraft(ROOM, ONE, "a"), Deliver(ROOM, row_done=ONE)))
    desk.has_outgoing = False

    assert step(desk, 3.0) == SetTyping(is_typing=False)
    assert desk.turns[ONE].draft is None


def test_a_late_draft_of_a_turn_that_is_over_is_not_taken() -> None:
    desk = desk_with(
        ShowTyping(ROOM, ONE), Deliver(ROOM, row_done=ONE), ShowDraft(ROOM, ONE, "late")
    )

    assert desk.turns[ONE].draft is None
    desk.forget_over()
    assert desk.turns == {}


def test_the_end_of_an_unknown_turn_is_no_turn() -> None:
    assert desk_with(Deliver(ROOM, row_done=ONE)).turns == {}


def test_an_empty_draft_is_only_typing() -> None:
    desk = typing(desk_with(ShowDraft(ROOM, ONE, " ", status="")))

    assert step(desk, 10.0) == WaitUntil(20.0)


def test_only_the_newest_draft_is_kept() -> None:
    desk = desk_with(ShowDraft(ROOM, ONE, "a"), ShowDraft(ROOM, ONE, "ab"))

    assert desk.turns[ONE].draft == ShowDraft(ROOM, ONE, "ab")


def test_the_newest_turn_is_the_one_that_is_shown() -> None:
    desk = desk_with(ShowTyping(ROOM, ONE), ShowTyping(ROOM, TWO))

    assert desk.current is desk.turns[TWO]
    desk.take(Deliver(ROOM, row_done=TWO), 0.0, PACE)
    assert desk.current is desk.turns[ONE]


def test_after_the_last_edit_no_draft_is_due() -> None:
    desk = typing(desk_with(ShowDraft(ROOM, ONE, "a")))
    desk.turns[ONE].edits = PACE.most_edits

    assert step(desk, 10.0) == WaitUntil(20.0)


def test_twenty_edits_last_for_two_minutes() -> None:
    assert sum(pause_after(number, PACE) for number in range(20)) == 120.0
    assert pause_after(0, PACE) == 2.0


@given(
    st.lists(
        st.sampled_from(
            [
                *(ShowTyping(ROOM, row) for row in (ONE, TWO)),
                *(ShowDraft(ROOM, row, "x") for row in (ONE, TWO)),
                *(Deliver(ROOM, row_done=row) for row in (ONE, TWO, None)),
            ]
        ),
        max_size=12,
    ),
    st.floats(0, 100),
)
def test_a_wait_is_always_for_later(messages: list[RoomMessage], now: float) -> None:
    desk = desk_with(*messages)

    found = step(desk, now)

    assert not isinstance(found, WaitUntil) or found.at > now
