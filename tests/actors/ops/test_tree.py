from hypothesis import given
from hypothesis import strategies as st

from actors.ops.page import Line, Look
from actors.ops.picture import Picture
from actors.ops.tree import glance, plan_page, tree_page
from actors.ops.words import JournalGlance, Tree
from protocols.lifecycle import ActorState, ActorView
from tests.actors.ops.rig import actor

AGES = st.floats(min_value=-1e9, max_value=1e9)
CALM = JournalGlance({}, {}, 0, None)


def _page(*views: ActorView, width: int = 80, **differences: object) -> list[Line]:
    picture = Picture()
    picture.add(views)
    usual = {"pid": 7, "total": picture.total, "undelivered": 0, "journal": CALM}
    tree = Tree(
        folded=picture.folded(),
        actors=picture.actors(),
        **(usual | differences),  # type: ignore[arg-type]  # keywords of many types
    )
    return tree_page(tree, width=width)


def _text(*views: ActorView, width: int = 80, **differences: object) -> str:
    return "\n".join(line.text for line in _page(*views, width=width, **differences))


def test_a_calm_tree_reads_like_this() -> None:
    store = actor("store", handled=1204, uptime=12_000.0)
    matrix = actor("matrix", role="MatrixSyncer", note="last sync 2 s ago", waits_for="")
    sessions = actor("sessions", role="Pool", capacity=0, waits_for="")
    room = actor("sessions/matrix/!abc:server", role="ChatSession", uptime=0.5)

    assert _text(store, matrix, sessions, room) == (
        "running, pid 7: 4 actors, all up\n"
        "\n"
        "  NAME                 STATE MAIL OLDEST IN HAND HANDLED RESTARTS       UP\n"
        "  store                up    0/64      -       -   1,204        0 3 h 20 m\n"
        "    StoreActor; waits for its inbox\n"
        "  matrix               up    0/64      -       -      12        0 3 m 20 s\n"
        "    MatrixSyncer; last sync 2 s ago\n"
        "  sessions             up       -      -       -      12        0 3 m 20 s\n"
        "    Pool\n"
        "    matrix/!abc:server up    0/64      -       -      12        0   500 ms\n"
        "\n"
        "undelivered mail: 0\n"
        "journal: 0 waiting, 0 running; outbox 0 pending; dead letters 0"
    )


def test_who_is_not_up_is_named_first_and_marked() -> None:
    matrix = actor(
        "matrix", state=ActorState.BACKOFF, last_error="LoginError", waits_for="backoff 4.0 s"
    )

    lines = _page(actor("store"), matrix)

    assert lines[0].text == "running, pid 7: 2 actors, 1 needs attention"
    assert lines[1] == Line("! matrix: backoff, LoginError", Look.BAD)
    marked = [line for line in lines[2:] if line.text.startswith("! matrix")]
    assert [line.look for line in marked] == [Look.BAD]
    assert "waits for backoff 4.0 s; last error: LoginError" in _text(matrix)


def test_a_parked_actor_says_first_what_it_needs() -> None:
    parked = actor(
        "matrix", state=ActorState.PARKED, note="set MATRIX_ACCESS_TOKEN", last_error="ParkedError"
    )

    assert "! matrix: parked, set MATRIX_ACCESS_TOKEN" in _text(parked)


def test_a_message_that_is_in_hand_for_long_is_marked() -> None:
    slow = actor("platform", in_hand="RunTurn", in_hand_age=200.0, waits_for="the agent")

    lines = _page(slow)

    assert Look.SLOW in {line.look for line in lines if line.text.startswith("? platform")}
    assert "handles RunTurn; waits for the agent" in _text(slow)
    assert "1 actor, all up" in lines[0].text


def test_many_troubles_are_counted_rather_than_listed() -> None:
    troubled = [
        actor(f"sessions/telegram/{n}", state=ActorState.BACKOFF, last_error="A")
        for n in range(150)
    ]

    text = _text(actor("sessions"), *troubled, actor("chats"))

    assert "152 actors, 150 need attention" in text
    assert "! and 140 more" in text
    assert "    and 50 in trouble" in text


def test_a_thousand_idle_sessions_are_a_line_under_their_pool() -> None:
    sessions = [actor(f"sessions/telegram/{n}") for n in range(1000)]

    lines = _text(actor("sessions"), *sessions, actor("chats")).splitlines()

    place = lines.index("    1,000 idle")
    assert lines[place - 2].startswith("  sessions ")
    assert lines[place + 1].startswith("  chats ")


def test_every_line_fits_80_columns_where_names_do() -> None:
    session = actor(
        "sessions/matrix/!OGEhHVWSdvArJzumhm:matrix.example.org",
        role="ChatSession",
        used=64,
        oldest_age=3599.0,
        in_hand="WorkArrived",
        in_hand_age=86_399.0,
        handled=99_999,
        restarts=12,
        last_error="ServerDisconnectedError: " + "the homeserver hung up " * 5,
        note="it is told to wait " * 6,
        state=ActorState.STOPPING,
        uptime=86_399.0,
    )

    lines = _page(actor("sessions"), session)

    assert max(len(line.text) for line in lines) <= 80


def test_a_silent_store_is_said_in_place_of_the_journal() -> None:
    lines = _page(actor("store"), journal=None, problem="store does not answer", undelivered=3)

    assert lines[-1] == Line("journal: store does not answer", Look.BAD)
    assert lines[-2] == Line("undelivered mail: 3 (see debug dead-letters)", Look.SLOW)


def test_the_journal_is_one_line() -> None:
    journal = JournalGlance(
        {"received": 1, "queued": 2, "running": 2, "answered": 900}, {"sent": 9}, 0, 4.0
    )

    assert glance(journal) == (
        "journal: 3 waiting, 2 running, oldest 4 s; outbox 0 pending; dead letters 0"
    )


def test_how_long_ago_an_actor_did_its_work_is_said() -> None:
    assert "StoreActor; waits for its inbox; last round trip 4 s ago" in _text(
        actor("telegram.in", beat_age=4.2)
    )


def test_outgoing_messages_that_failed_are_mentioned() -> None:
    journal = JournalGlance({}, {"pending": 2, "failed": 1}, 4, None)

    assert glance(journal) == (
        "journal: 0 waiting, 0 running; outbox 2 pending, 1 failed; dead letters 4"
    )


def test_names_and_notes_cannot_steer_the_terminal() -> None:
    bad = "\x1b[2J\u202e"

    text = _text(
        actor(f"matrix{bad}", note=bad, last_error=bad, waits_for=bad, state=ActorState.STUCK),
        journal=None,
        problem=bad,
    )

    assert text.replace("\n", "").isprintable()


@given(st.lists(st.builds(ActorView, uptime=AGES, oldest_age=AGES, in_hand_age=AGES)))
def test_whatever_actors_say_the_page_is_plain_text(views: list[ActorView]) -> None:
    assert all(line.text.isprintable() for line in _page(*views))


def test_the_plan_names_everyone_in_start_order() -> None:
    lines = plan_page([("store", "StoreActor"), ("telegram.out", "TelegramSender")])

    assert [line.text for line in lines] == [
        "this would start, from top to bottom:",
        "  store         StoreActor",
        "  telegram.out  TelegramSender",
    ]


def test_an_empty_plan_is_only_its_heading() -> None:
    assert len(plan_page([])) == 1
