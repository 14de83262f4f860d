"""The page: the live tree and the journal's state as HTML, whole and in parts. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from actors.ops.picture import is_troubled
from actors.ops.tree import Placed, details, is_slow, placed, rest_words, summary, trouble, troubles
from actors.ops.units import age, count, duration
from actors.ops.web.markup import Html, element, joined
from actors.ops.words import JournalGlance, Tree
from protocols.lifecycle import ActorState, ActorView

_COLUMNS = ("Actor", "State", "Waiting", "Oldest", "In hand", "Handled", "Restarts", "Up")
_MESSAGES = ("received", "queued", "running", "answered", "failed", "stopped", "set_aside")
_OUTGOING = ("pending", "sent", "failed")
_SEEN_TO = frozenset({"failed", "set_aside"})
"""Counts that are worth a mark where they are not 0."""


@frozen
class Parts:
    """What changes on the page: pieces by the ids of the elements that they fill.

    Args:
        names: Who stands in the table, row by row; ``rows`` are their cells.
    """

    pieces: Mapping[str, Html]
    names: Sequence[str]
    rows: Sequence[Html]

    def whole(self) -> dict[str, str]:
        """Everything, by element."""
        return {**self.pieces, "actors": _body(self.rows)}

    def since(self, before: "Parts") -> dict[str, str]:
        """What another page than *before* needs to be this one; rows by themselves if it can be."""
        changed: dict[str, str] = {
            id_: piece for id_, piece in self.pieces.items() if before.pieces[id_] != piece
        }
        if self.names != before.names:
            return changed | {"actors": _body(self.rows)}
        both = zip(self.rows, before.rows, strict=True)
        return changed | {_row_id(n): row for n, (row, old) in enumerate(both) if row != old}


def parts_of(tree: Tree) -> Parts:
    """*tree* as it is shown."""
    rows = [*_rows(tree)]
    pieces = {
        "summary": _summary(tree),
        "attention": _attention(tree),
        "journal": _journal(tree),
    }
    return Parts(pieces, [name for name, _ in rows], [row for _, row in rows])


def document(parts: Parts) -> str:
    """The whole page."""
    head = element(
        "head",
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", "Surfaces: the live tree"),
        Html('<link rel="icon" href="/static/icon.svg">'),
        Html('<link rel="stylesheet" href="/static/page.css">'),
        element("script", src="/static/page.js", defer=True),
        element("noscript", Html('<meta http-equiv="refresh" content="5">')),
    )
    body = element("body", _header(parts), _main(parts))
    return f"<!doctype html>{element('html', head, body, lang='en')}"


def _header(parts: Parts) -> Html:
    return element(
        "header",
        element("a", "Skip to the actors", href="#actors-heading", class_="skip"),
        element("h1", "Surfaces"),
        element("p", parts.pieces["summary"], id="summary", role="status", aria_live="polite"),
        element("p", id="connection", role="status", hidden=True),
    )


def _main(parts: Parts) -> Html:
    return element(
        "main",
        element("section", parts.pieces["attention"], id="attention", aria_label="Attention"),
        element(
            "section",
            element("h2", "Actors", id="actors-heading", tabindex="-1"),
            element(
                "div", _table(parts), class_="scroll", role="region", tabindex="0",
                aria_labelledby="actors-heading",
            ),
            aria_labelledby="actors-heading",
        ),
        element(
            "section",
            element("h2", "Journal", id="journal-heading"),
            element("div", parts.pieces["journal"], id="journal"),
            aria_labelledby="journal-heading",
        ),
    )  # fmt: skip


# The roles say again what the elements are: on a phone their layout is no table's, and browsers
# would forget it.


def _table(parts: Parts) -> Html:
    heads = (element("th", name, scope="col", role="columnheader") for name in _COLUMNS)
    return element(
        "table",
        element("thead", element("tr", *heads, role="row"), role="rowgroup"),
        element("tbody", _body(parts.rows), id="actors", role="rowgroup"),
        role="table",
        aria_labelledby="actors-heading",
    )


def _body(rows: Sequence[Html]) -> Html:
    numbered = enumerate(rows)
    return joined(*(element("tr", row, id=_row_id(number), role="row") for number, row in numbered))


def _row_id(number: int) -> str:
    return f"row-{number}"


def _rows(tree: Tree) -> Iterator[tuple[str, Html]]:
    """The name and the cells of each row."""
    for one in placed(tree):
        yield one.view.path, _cells(one)
        if one.rest is not None:
            words = rest_words(one.rest, shown=one.pool is not None)
            yield (
                f"{one.rest.pool}/ and more",
                element("td", words, colspan=str(len(_COLUMNS)), role="cell", class_="rest"),
            )


def _cells(one: Placed) -> Html:
    view, said = one.view, details(one)
    name = [element("span", one.name, class_="name")]
    if said:
        name.append(element("span", said, class_="details"))
    facts = (
        f"{view.used}/{view.capacity}" if view.capacity else "-",
        age(view.oldest_age),
        age(view.in_hand_age),
        count(view.handled),
        count(view.restarts),
        duration(view.uptime) if view.state is ActorState.UP else "-",
    )
    cells = (
        element("td", fact, role="cell", data_label=label)
        for label, fact in zip(_COLUMNS[2:], facts, strict=True)
    )
    of = "child" if one.pool is not None else "top"
    return joined(
        element("th", *name, scope="row", role="rowheader", class_=of),
        element("td", _state(view), role="cell", data_label=_COLUMNS[1]),
        *cells,
    )


def _state(view: ActorView) -> Html:
    """Its state, with a sign beside the colour."""
    if is_troubled(view):
        return element("span", f"! {view.state}", class_="state bad")
    if is_slow(view):
        return element("span", f"? {view.state}, slow", class_="state slow")
    return element("span", f"✓ {view.state}", class_="state good")


def _summary(tree: Tree) -> Html:
    shown, more = troubles(tree)
    is_bad = bool(shown) or bool(more)
    return element(
        "span", ("! " if is_bad else "✓ ") + summary(tree), class_="bad" if is_bad else "good"
    )


def _attention(tree: Tree) -> Html:
    shown, more = troubles(tree)
    lines = [element("li", element("b", view.path), f": {trouble(view)}") for view in shown]
    if more:
        lines.append(element("li", f"and {more:,} more"))
    if tree.problem:
        lines.append(element("li", element("b", "journal"), f": {tree.problem}"))
    if tree.undelivered:
        said = f": {count(tree.undelivered)}; see supervisor.py debug dead-letters"
        lines.append(element("li", element("b", "undelivered mail"), said))
    if not lines:
        return Html()
    return joined(element("h2", "Needs attention"), element("ul", *lines))


def _journal(tree: Tree) -> Html:
    if tree.journal is None:
        return element("p", tree.problem, class_="bad")
    return joined(
        element("h3", "Messages"),
        _tiles(_MESSAGES, tree.journal.rows),
        element("h3", "Outgoing"),
        _tiles(_OUTGOING, tree.journal.outgoing),
        element("h3", "Left over"),
        _list(_left_over(tree.journal)),
    )


def _left_over(journal: JournalGlance) -> Iterator[Html]:
    yield _tile("oldest unfinished", age(journal.oldest_unfinished_age), is_marked=False)
    dead = journal.dead_letters
    yield _tile("dead letters", count(dead), is_marked=dead > 0)


def _tiles(states: Sequence[str], counts: Mapping[str, int]) -> Html:
    numbers = ((state, counts.get(state, 0)) for state in states)
    return _list(
        _tile(state.replace("_", " "), count(n), is_marked=n > 0 and state in _SEEN_TO)
        for state, n in numbers
    )


def _list(tiles: Iterator[Html]) -> Html:
    return element("dl", *tiles)


def _tile(name: str, value: str, *, is_marked: bool) -> Html:
    mark = "! " if is_marked else ""
    said = element("dd", f"{mark}{value}", class_="bad" if is_marked else False)
    return element("div", element("dt", name), said)
