from actors.ops.picture import MOST_CHILDREN, Picture
from actors.ops.words import Folded
from protocols.lifecycle import ActorState, ActorView
from tests.actors.ops.rig import actor


def _picture(*views: ActorView) -> Picture:
    picture = Picture()
    for view in views:
        picture.add([view])
    return picture


def _sessions(number: int, **differences: object) -> list[ActorView]:
    start = len(differences)
    return [actor(f"sessions/telegram/{start}{n}", **differences) for n in range(number)]


def test_a_small_tree_is_shown_whole_and_in_start_order() -> None:
    picture = _picture(actor("store"), actor("sessions"), *_sessions(100), actor("chats"))

    shown = [view.path for view in picture.actors()]

    assert shown[:3] == ["store", "sessions", "sessions/telegram/00"]
    assert shown[-1] == "chats"
    assert len(shown) == picture.total == 103
    assert picture.folded() == ()


def test_among_more_than_a_hundred_sessions_the_idle_ones_are_folded() -> None:
    picture = _picture(actor("sessions"), *_sessions(1000), actor("chats"))

    assert [view.path for view in picture.actors()] == ["sessions", "chats"]
    assert picture.folded() == (Folded("sessions", idle=1000),)
    assert picture.total == 1002


def test_sessions_in_trouble_come_first_and_then_those_at_work() -> None:
    busy = actor("sessions/busy", in_hand="WorkArrived")
    queued = actor("sessions/queued", used=1)
    waiting = actor("sessions/waiting", waits_for="platform: answer to RunTurn")
    stuck = actor("sessions/stuck", state=ActorState.STUCK)

    picture = _picture(actor("sessions"), *_sessions(200), busy, queued, waiting, stuck)

    assert [view.path for view in picture.actors()] == [
        "sessions",
        "sessions/stuck",
        "sessions/busy",
        "sessions/queued",
        "sessions/waiting",
    ]
    assert picture.folded() == (Folded("sessions", idle=200),)


def test_even_sessions_in_trouble_are_folded_when_they_are_many() -> None:
    troubled = _sessions(150, state=ActorState.BACKOFF)

    picture = _picture(actor("sessions"), *troubled, *_sessions(10, used=1, in_hand="A"))

    assert len(picture.actors()) == MOST_CHILDREN + 1
    assert picture.folded() == (Folded("sessions", busy=10, troubled=50),)


def test_a_name_that_only_begins_alike_is_no_child() -> None:
    picture = _picture(actor("telegram"), actor("telegram.out"), actor("telegram/42"))

    assert [view.path for view in picture.actors()] == ["telegram", "telegram.out", "telegram/42"]
    assert picture.folded() == ()
