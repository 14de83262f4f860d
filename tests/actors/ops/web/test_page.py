"""The page as HTML, whole and in parts."""

from html.parser import HTMLParser
from typing import Any

from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from actors.ops.picture import Picture
from actors.ops.web.markup import Html, element, joined
from actors.ops.web.page import Parts, document, parts_of
from actors.ops.words import JournalGlance, Tree
from protocols.lifecycle import ActorState, ActorView
from tests.actors.ops.rig import actor

CALM = JournalGlance({"answered": 3}, {"sent": 3}, 0, None)
AGES = st.floats(min_value=-1e9, max_value=1e9)


def tree(*views: ActorView, **differences: Any) -> Tree:
    picture = Picture()
    picture.add(views)
    usual = {
        "pid": 7,
        "total": picture.total,
        "undelivered": 0,
        "journal": CALM,
        "folded": picture.folded(),
        "actors": picture.actors(),
    }
    return Tree(**(usual | differences))  # type: ignore[arg-type]  # keywords of many types


def page(*views: ActorView, **differences: Any) -> "Seen":
    seen = Seen()
    seen.feed(document(parts_of(tree(*views, **differences))))
    seen.close()
    assert seen.open == []
    return seen


@define(eq=False)
class Seen(HTMLParser):
    """What a browser would make of the page; tags that do not match are a fault."""

    open: list[str] = field(factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(factory=list)
    words: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_who_needs_attention_is_told_before_all_others_with_the_reason() -> None:
    broken = actor("matrix", state=ActorState.BACKOFF, last_error="LoginError")

    seen = page(actor("store"), broken)

    assert "! running, pid 7: 2 actors, 1 needs attention" in seen.words
    assert seen.text.index("Needs attention") < seen.text.index("Skip to the actors") + 400
    assert seen.text.index(": backoff, LoginError") < seen.text.index("StoreActor")


def test_a_calm_page_has_no_alarm() -> None:
    seen = page(actor("store"))

    assert "✓ running, pid 7: 1 actor, all up" in seen.words
    assert "Needs attention" not in seen.text
    assert "!" not in seen.text


def test_what_is_left_over_is_marked() -> None:
    journal = JournalGlance({"failed": 2, "set_aside": 1}, {"failed": 4}, 5, 60.0)

    seen = page(actor("store"), journal=journal, undelivered=6)

    assert [word for word in seen.words if word.startswith("! ")] == ["! 2", "! 1", "! 4", "! 5"]
    assert ": 6; see supervisor.py debug dead-letters" in seen.words
    assert "set aside" in seen.words


def test_a_silent_store_is_said_in_place_of_the_journal() -> None:
    seen = page(actor("store"), journal=None, problem="store does not answer")

    assert seen.words.count("store does not answer") == 1
    assert ": store does not answer" in seen.words


def test_a_state_is_told_by_a_sign_and_a_word_and_not_by_colour_alone() -> None:
    slow = actor("platform", in_hand="RunTurn", in_hand_age=200.0)
    parked = actor("matrix", state=ActorState.PARKED, note="set MATRIX_PASSWORD")

    seen = page(actor("store"), slow, parked)

    assert {"✓ up", "? up, slow", "! parked"} <= set(seen.words)
    assert ": parked, set MATRIX_PASSWORD" in seen.words


def test_a_thousand_idle_sessions_are_a_line_under_their_pool() -> None:
    views = [actor("sessions"), *(actor(f"sessions/telegram/{n}") for n in range(1000))]

    seen = page(*views, actor("chats"))

    assert seen.words.index("1,000 idle") < seen.words.index("chats")
    assert len(seen.all("tr")) == 4


def test_more_than_ten_troubles_are_counted() -> None:
    views = [actor(f"sessions/telegram/{n}", state=ActorState.BACKOFF) for n in range(150)]

    assert "and 140 more" in page(actor("sessions"), *views).words


def test_screen_readers_find_landmarks_headings_and_a_table_with_headers() -> None:
    seen = page(actor("store"), actor("sessions"), actor("sessions/telegram/42"))

    names = [tag for tag, _ in seen.tags]
    assert [names.count(tag) for tag in ("header", "main", "h1", "table")] == [1, 1, 1, 1]
    assert seen.all("html") == [{"lang": "en"}]
    scopes = [(one["scope"], one["role"]) for one in seen.all("th")]
    assert scopes.count(("col", "columnheader")) == 8
    assert scopes.count(("row", "rowheader")) == 3
    (summary,) = (one for one in seen.all("p") if one.get("id") == "summary")
    assert (summary["role"], summary["aria-live"]) == ("status", "polite")
    ids = [one["id"] for _, one in seen.tags if "id" in one]
    assert len(ids) == len(set(ids))
    labels = [one["aria-labelledby"] for _, one in seen.tags if "aria-labelledby" in one]
    assert set(labels) <= set(ids)
    assert seen.all("a")[0]["href"] == "#actors-heading"


def test_nothing_comes_from_elsewhere_and_nothing_runs_in_the_page() -> None:
    seen = page(actor("store"))

    for tag, attributes in seen.tags:
        for name in ("src", "href"):
            assert (attributes.get(name) or "/").startswith(("/static/", "/", "#")), tag
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
    assert [one["src"] for one in seen.all("script")] == ["/static/page.js"]
    assert not seen.all("style")


HOSTILE = st.text(alphabet="<>&\"'/=a \u202e\x1b\n", max_size=20)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_whatever_actors_say_stays_text(path: str, note: str, error: str) -> None:
    views = [
        actor("sessions"),
        actor(f"sessions/{path}", note=note, last_error=error, state=ActorState.STUCK),
    ]

    usual = [tag for tag, _ in page(*views[:1], views[0]).tags if tag in {"script", "link", "meta"}]
    seen = page(*views)

    assert [tag for tag, _ in seen.tags if tag in {"script", "link", "meta"}] == usual
    assert "\u202e" not in seen.text
    assert "\x1b" not in seen.text


@given(st.lists(st.builds(ActorView, uptime=AGES, oldest_age=AGES, in_hand_age=AGES), max_size=4))
def test_whatever_actors_are_the_page_is_whole(views: list[ActorView]) -> None:
    page(*views)


def parts(*views: ActorView, **differences: Any) -> Parts:
    return parts_of(tree(*views, **differences))


def test_of_a_page_that_changed_a_little_only_that_is_sent() -> None:
    before = parts(actor("store"), actor("matrix"))
    after = parts(actor("store"), actor("matrix", handled=13))

    assert after.since(before) == {"row-1": after.rows[1]}
    assert after.since(after) == {}


def test_an_actor_more_is_a_new_table_body() -> None:
    before = parts(actor("store"), actor("sessions"))
    after = parts(actor("store"), actor("sessions"), actor("sessions/telegram/42"))

    changes = after.since(before)

    assert set(changes) == {"actors", "summary"}
    assert changes["actors"].count("<tr ") == 3


def test_the_journals_change_leaves_the_tree_alone() -> None:
    before = parts(actor("store"))
    after = parts(actor("store"), journal=evolve(CALM, dead_letters=1))

    assert set(after.since(before)) == {"journal"}
    assert set(after.whole()) == {"summary", "attention", "actors", "journal"}


def test_markup_escapes_what_is_not_markup() -> None:
    piece = element("p", "a < b", Html("<br>"), id="x", aria_label='"', hidden=False, class_="c")

    assert piece == '<p id="x" aria-label="&quot;" class="c">a &lt; b<br></p>'
    assert joined("&", piece).startswith("&amp;<p")
