"""The live tree: one look at each actor, and as plain text."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence

import trio

from actors.kernel.lives import Child
from actors.kernel.mailbox import Mailbox
from protocols.lifecycle import ActorState, ActorView

CHUNK = 100

Find = Callable[[str], Child | None]
_NO_MAILBOX: Mailbox[None] = Mailbox("", capacity=0)


def view_of(child: Child, now: float, find: Find) -> ActorView:
    """What *child* is doing at *now*; *find* gives the actor at a path."""
    box = child.mailbox or _NO_MAILBOX
    message = box.message_in_hand
    pool = child.spec.pool
    return ActorView(
        child.path,
        child.spec.role,
        child.state,
        child.life,
        child.restarts,
        now - child.since if child.is_alive else 0.0,
        box.used,
        box.capacity,
        box.peak,
        box.oldest_age(now),
        type(message).__name__ if message is not None else "",
        box.in_hand_age(now),
        box.handled,
        child.last_error,
        _waits_for(child, now, find),
        child.said if pool is None else pool.summary,
        None if child.beat_at is None else now - child.beat_at,
    )


def _waits_for(child: Child, now: float, find: Find) -> str:
    if child.state is ActorState.BACKOFF:
        return f"backoff {max(0.0, child.since + child.pause - now):.1f} s"
    if child.waits:
        wait = next(iter(child.waits))
        more = f" (+{len(child.waits) - 1})" if len(child.waits) > 1 else ""
        return f"{wait.reader}: {wait.why}{more}{_loop_of(child, find)}"
    if child.mailbox is not None and child.mailbox.is_waiting:
        return "its inbox"
    return ""


def _loop_of(child: Child, find: Find) -> str:
    """The loop of actors that wait for each other, if *child* is in one."""
    names = [child.path]
    reader = _waits_on(child)
    while reader and reader not in names:
        names.append(reader)
        reader = _waits_on(find(reader))
    if reader == child.path:
        return f", a loop: {' → '.join([*names, child.path])}"
    return ""


def _waits_on(child: Child | None) -> str:
    return next(iter(child.waits)).reader if child is not None and child.waits else ""


async def read_in_chunks(children: Sequence[Child], find: Find) -> tuple[ActorView, ...]:
    """All views; others run in between, so that no look at many actors holds the loop.

    The garbage collector waits meanwhile: ten thousand views would set off a full collection,
    and with as many actors alive that one stop is longer than all the rest.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        views: list[ActorView] = []
        for start in range(0, len(children), CHUNK):
            await trio.lowlevel.checkpoint()
            now = trio.current_time()
            views += [view_of(child, now, find) for child in children[start : start + CHUNK]]
        return tuple(views)
    finally:
        if was_enabled:
            gc.enable()


def tree_text(views: Iterable[ActorView]) -> str:
    """The tree as plain text, an actor on each line, children behind their pool."""
    return "\n".join(_lines(views))


def _lines(views: Iterable[ActorView]) -> Iterator[str]:
    rows = [("actor", "state", "life", "mail", "in hand", "handled", "waits for, notes")]
    rows += [_row(view) for view in views]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row[:6], widths, strict=True))
        yield f"{'  '.join(cells)}  {row[6]}".rstrip()


def _row(view: ActorView) -> tuple[str, str, str, str, str, str, str]:
    indent = "  " * ("/" in view.path)
    mail = f"{view.used}/{view.capacity}" if view.capacity else "-"
    if view.oldest_age is not None:
        mail += f" {view.oldest_age:.1f} s"
    hand = f"{view.in_hand} {view.in_hand_age or 0.0:.1f} s" if view.in_hand else "-"
    words = [view.waits_for, view.note, f"last error {view.last_error}" if view.last_error else ""]
    remarks = "; ".join(filter(None, words))
    return indent + view.path, view.state, str(view.life), mail, hand, str(view.handled), remarks
