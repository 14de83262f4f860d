"""The live tree as a page for the operator. Pure."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from actors.ops.page import Line, Look, columns, wrapped
from actors.ops.picture import is_busy, is_troubled
from actors.ops.units import age, count, duration, plain
from actors.ops.words import Folded, JournalGlance, Tree
from protocols.lifecycle import ActorState, ActorView

_HEADING = ("  NAME", "STATE", "MAIL", "OLDEST", "IN HAND", "HANDLED", "RESTARTS", "UP")
_NUMBERS = (2, 3, 4, 5, 6, 7)
_LONG = 60.0
"""Seconds after which a message that waits or is in hand is worth a mark."""
_MOST_TROUBLES = 10


def tree_page(tree: Tree, *, width: int) -> list[Line]:
    """*tree*: first who needs attention, then everyone in start order, then the journal."""
    return [
        *_attention(tree, width=width),
        Line(""),
        *_actors(tree, width=width),
        Line(""),
        *_last_words(tree, width=width),
    ]


def plan_page(plan: Sequence[tuple[str, str]]) -> list[Line]:
    """What would run, for want of a running program: rows of a name and a role."""
    wide = max((len(name) for name, _ in plan), default=0)
    return [
        Line("this would start, from top to bottom:"),
        *(Line(f"  {plain(name):{wide}}  {plain(role)}") for name, role in plan),
    ]


def glance(journal: JournalGlance) -> str:
    """The journal in one line: ``journal: 3 waiting, 2 running, oldest 4 s; …``."""
    waiting = journal.rows.get("received", 0) + journal.rows.get("queued", 0)
    words = [f"{count(waiting)} waiting", f"{count(journal.rows.get('running', 0))} running"]
    if journal.oldest_unfinished_age is not None:
        words.append(f"oldest {duration(journal.oldest_unfinished_age)}")
    outbox = [f"{count(journal.outgoing.get('pending', 0))} pending"]
    if journal.outgoing.get("failed", 0):
        outbox.append(f"{count(journal.outgoing['failed'])} failed")
    return (
        f"journal: {', '.join(words)}; outbox {', '.join(outbox)};"
        f" dead letters {count(journal.dead_letters)}"
    )


def troubles(tree: Tree) -> tuple[list[ActorView], int]:
    """The first of those who need attention, and how many more there are."""
    troubled = [view for view in tree.actors if is_troubled(view)]
    shown = troubled[:_MOST_TROUBLES]
    hidden = sum(rest.troubled for rest in tree.folded)
    return shown, len(troubled) - len(shown) + hidden


def summary(tree: Tree) -> str:
    """The tree in one line: ``running, pid 7: 4 actors, all up``."""
    shown, more = troubles(tree)
    number = len(shown) + more
    who = "all up" if not number else f"{number:,} need{'s' * (number == 1)} attention"
    actors = "1 actor" if tree.total == 1 else f"{tree.total:,} actors"
    return f"running, pid {tree.pid}: {actors}, {who}"


def trouble(view: ActorView) -> str:
    """What is wrong with *view*: ``backoff, LoginError``."""
    why = view.note if view.state is ActorState.PARKED else view.last_error or view.note
    return f"{view.state}, {why}" if why else f"{view.state}"


def _attention(tree: Tree, *, width: int) -> list[Line]:
    shown, more = troubles(tree)
    lines = [Line(summary(tree), Look.HEAD)]
    for view in shown:
        text = f"! {view.path}: {trouble(view)}"
        first, *rest = wrapped(plain(text), width=width, indent="")
        further = wrapped(" ".join(rest), width=width, indent="    ")
        lines += [Line(part, Look.BAD) for part in (first, *further)]
    if more:
        lines.append(Line(f"! and {more:,} more", Look.BAD))
    return lines


@frozen
class Placed:
    """An actor where it stands in the tree.

    Args:
        pool: Whose child it is; None for nobody's.
        rest: Whom the pool folds away, told behind the last one that it shows.
    """

    view: ActorView
    pool: str | None
    rest: Folded | None

    @property
    def name(self) -> str:
        """Its own name in its pool."""
        return self.view.path.removeprefix(f"{self.pool}/")


def placed(tree: Tree) -> list[Placed]:
    """Everyone who is shown, in start order."""
    pools = _pools(tree.actors)
    folded = {rest.pool: rest for rest in tree.folded}
    found = []
    for place, view in enumerate(tree.actors, start=1):
        pool = pools.get(view.path)
        of = pool or view.path
        is_last = place == len(tree.actors) or pools.get(tree.actors[place].path) != of
        found.append(Placed(view, pool, folded.get(of) if is_last else None))
    return found


def _actors(tree: Tree, *, width: int) -> list[Line]:
    everyone = placed(tree)
    rows = [_HEADING, *map(_cells, everyone)]
    heading, *aligned = columns(rows, width=width, right=_NUMBERS)
    lines = [Line(text, Look.FAINT) for text in heading]
    for one, texts in zip(everyone, aligned, strict=True):
        lines += [Line(text, _look(one.view)) for text in texts]
        lines += _details(one, width=width)
        if one.rest is not None:
            lines.append(_rest(one.rest, shown=one.pool is not None))
    return lines


def _pools(actors: Sequence[ActorView]) -> Mapping[str, str]:
    """The pool of each actor that is in one."""
    found: dict[str, str] = {}
    top = ""
    for view in actors:
        if top and view.path.startswith(f"{top}/"):
            found[view.path] = top
        else:
            top = view.path
    return found


def _cells(one: Placed) -> tuple[str, ...]:
    view = one.view
    mark = "!" if is_troubled(view) else "?" if is_slow(view) else " "
    indent = "  " if one.pool is not None else ""
    return (
        f"{mark} {indent}{plain(one.name)}",
        view.state,
        f"{view.used}/{view.capacity}" if view.capacity else "-",
        age(view.oldest_age),
        age(view.in_hand_age),
        count(view.handled),
        count(view.restarts),
        duration(view.uptime) if view.state is ActorState.UP else "-",
    )


def is_slow(view: ActorView) -> bool:
    """Whether a message has waited, or has been in hand, for so long that it is worth a mark."""
    return max(view.oldest_age or 0.0, view.in_hand_age or 0.0) >= _LONG


def _look(view: ActorView) -> Look:
    if is_troubled(view):
        return Look.BAD
    return Look.SLOW if is_slow(view) else Look.PLAIN


def _details(one: Placed, *, width: int) -> list[Line]:
    indent = "    " if one.pool is None else "      "
    text = plain(details(one))
    return [Line(part, Look.FAINT) for part in wrapped(text, width=width, indent=indent)]


def details(one: Placed) -> str:
    """What it does, says of itself, and last died of; nothing for a pool's calm child."""
    view = one.view
    is_calm = not is_busy(view) and not is_troubled(view) and not view.last_error
    if one.pool is not None and is_calm and not view.note:
        return ""
    facts = [
        view.role,
        f"handles {view.in_hand}" if view.in_hand else "",
        f"waits for {view.waits_for}" if view.waits_for else "",
        view.note,
        f"last round trip {duration(view.beat_age)} ago" if view.beat_age is not None else "",
        f"last error: {view.last_error}" if view.last_error else "",
    ]
    return "; ".join(fact for fact in facts if fact)


def rest_words(rest: Folded, *, shown: bool) -> str:
    """Who is folded away; *shown* says that some of the pool's children are not."""
    sorts = ((rest.troubled, "in trouble"), (rest.busy, "busy"), (rest.idle, "idle"))
    words = ", ".join(f"{number:,} {sort}" for number, sort in sorts if number)
    return f"and {words}" if shown else words


def _rest(rest: Folded, *, shown: bool) -> Line:
    text = f"    {rest_words(rest, shown=shown)}"
    return Line(text, Look.BAD if rest.troubled else Look.FAINT)


def _last_words(tree: Tree, *, width: int) -> list[Line]:
    mail = f"undelivered mail: {count(tree.undelivered)}"
    if tree.undelivered:
        mail += " (see debug dead-letters)"
    journal = f"journal: {tree.problem}" if tree.journal is None else glance(tree.journal)
    look = Look.BAD if tree.journal is None else Look.PLAIN
    return [
        Line(mail, Look.SLOW if tree.undelivered else Look.PLAIN),
        *(Line(text, look) for text in wrapped(plain(journal), width=width, indent="")),
    ]
