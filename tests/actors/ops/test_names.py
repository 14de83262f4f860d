import pytest

from actors.ops.names import Found, Unclear, actor_named

PATHS = (
    "store",
    "matrix",
    "telegram.in",
    "telegram.out",
    "sessions",
    "sessions/matrix/!abc:one.org",
    "sessions/matrix/!abd:one.org",
    "sessions/matrix/!same:one.org",
    "sessions/matrix/!same:two.org",
    "sessions/telegram/42",
    "sessions/telegram/142",
    "chats",
)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("store", "store"),
        ("matrix", "matrix"),
        ("sessions/telegram/42", "sessions/telegram/42"),
        ("telegram/42", "sessions/telegram/42"),
        ("42", "sessions/telegram/42"),
        ("!abc:one.org", "sessions/matrix/!abc:one.org"),
        ("!abc", "sessions/matrix/!abc:one.org"),
        ("matrix/!abc", "sessions/matrix/!abc:one.org"),
        ("sessions/matrix/!abc", "sessions/matrix/!abc:one.org"),
        ("!same:two.org", "sessions/matrix/!same:two.org"),
    ],
)
def test_a_path_or_its_end_names_an_actor(name: str, path: str) -> None:
    assert actor_named(name, PATHS) == Found(path)


def test_a_name_that_two_actors_have_names_none_of_them() -> None:
    assert actor_named("!same", PATHS) == Unclear(
        "2 actors are called so",
        ("sessions/matrix/!same:one.org", "sessions/matrix/!same:two.org"),
    )


@pytest.mark.parametrize("name", ["mat", "st", "s", "telegram", "!ab", "one.org", ""])
def test_the_start_of_a_name_is_not_enough_to_kill_somebody(name: str) -> None:
    assert isinstance(actor_named(name, PATHS), Unclear)


def test_names_that_hold_what_was_typed_are_near() -> None:
    unclear = actor_named("telegram.", PATHS)

    assert unclear == Unclear("no actor is called so", ("telegram.in", "telegram.out"))


def test_a_slip_of_the_finger_finds_what_is_near() -> None:
    unclear = actor_named("stoer", PATHS)

    assert isinstance(unclear, Unclear)
    assert unclear.near[0] == "store"


def test_what_is_like_nothing_has_nothing_near() -> None:
    assert actor_named("xyzzy", PATHS) == Unclear("no actor is called so", ())
