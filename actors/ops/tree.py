"""The live tree as a page for the operator. Pure."""

from collections.abc import Mapping, Sequence

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


def _attention(tree: Tree, *, width: int) -> list[Line]:
    troubled = [view for view in tree.actors if is_troubled(view)]
    hidden = sum(rest.troubled for rest in tree.folded)
    number = len(troubled) + hidden
    who = "all up" if not number else f"{number:,} need{'s' * (number == 1)} attention"
    actors = "1 actor" if tree.total == 1 else f"{tree.total:,} actors"
    lines = [Line(f"running, pid {tree.pid}: {actors}, {who}", Look.HEAD)]
    for view in troubled[:_MOST_TROUBLES]:
        lines += [Line(text, Look.BAD) for text in _trouble(view, width=width)]
    if number > _MOST_TROUBLES:
        lines.append(Line(f"! and {number - min(len(troubled), _MOST_TROUBLES):,} more", Look.BAD))
    return lines


def _trouble(view: ActorView, *, width: int) -> list[str]:
    why = view.note if view.state is ActorState.PARKED else view.last_error or view.note
    text = f"! {view.path}: {view.state}" + (f", {why}" if why else "")
    first, *rest = wrapped(plain(text), width=width, indent="")
    return [first, *wrapped(" ".join(rest), width=width, indent="    ")]


def _actors(tree: Tree, *, width: int) -> list[Line]:
    pools = _pools(tree.actors)
    rows = [_HEADING, *(_cells(view, pools.get(view.path)) for view in tree.actors)]
    heading, *aligned = columns(rows, width=width, right=_NUMBERS)
    folded = {rest.pool: rest for rest in tree.folded}
    lines = [Line(text, Look.FAINT) for text in heading]
    for place, (view, texts) in enumerate(zip(tree.actors, aligned, strict=True)):
        lines += [Line(text, _look(view)) for text in texts]
        pool = pools.get(view.path)
        lines += _details(view, pool, width=width)
        of = pool or view.path
        is_last = place + 1 == len(tree.actors) or pools.get(tree.actors[place + 1].path) != of
        if of in folded and is_last:
            lines.append(_rest(folded[of], shown=pool is not None))
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


def _cells(view: ActorView, pool: str | None) -> tuple[str, ...]:
    mark = "!" if is_troubled(view) else "?" if _is_slow(view) else " "
    name = view.path if pool is None else f"  {view.path.removeprefix(f'{pool}/')}"
    return (
        f"{mark} {plain(name)}",
        view.state,
        f"{view.used}/{view.capacity}" if view.capacity else "-",
        age(view.oldest_age),
        age(view.in_hand_age),
        count(view.handled),
        count(view.restarts),
        duration(view.uptime) if view.state is ActorState.UP else "-",
    )


def _is_slow(view: ActorView) -> bool:
    return max(view.oldest_age or 0.0, view.in_hand_age or 0.0) >= _LONG


def _look(view: ActorView) -> Look:
    if is_troubled(view):
        return Look.BAD
    return Look.SLOW if _is_slow(view) else Look.PLAIN


def _details(view: ActorView, pool: str | None, *, width: int) -> list[Line]:
    is_calm = not is_busy(view) and not is_troubled(view) and not view.last_error
    if pool is not None and is_calm and not view.note:
        return []
    facts = [
        view.role,
        f"handles {view.in_hand}" if view.in_hand else "",
        f"waits for {view.waits_for}" if view.waits_for else "",
        view.note,
        f"last round trip {duration(view.beat_age)} ago" if view.beat_age is not None else "",
        f"last error: {view.last_error}" if view.last_error else "",
    ]
    text = plain("; ".join(fact for fact in facts if fact))
    indent = "    " if pool is None else "      "
    return [Line(part, Look.FAINT) for part in wrapped(text, width=width, indent=indent)]


def _rest(rest: Folded, *, shown: bool) -> Line:
    sorts = ((rest.troubled, "in trouble"), (rest.busy, "busy"), (rest.idle, "idle"))
    words = ", ".join(f"{number:,} {sort}" for number, sort in sorts if number)
    text = f"    and {words}" if shown else f"    {words}"
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
