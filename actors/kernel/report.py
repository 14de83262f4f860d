"""One report for each crash, with every fact and no person's words.

What is told of an exception is its type and its places in the code; its text only where
``exits.describe`` allows it. Of a message it is the class and an id, never the content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
import trio

from actors.kernel.exits import Exit, describe

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from trio.lowlevel import Task

    from actors.kernel.ending import Endable

_FRAMES_TOLD = 30

log = structlog.get_logger("kernel.supervision")


def report_crash(child: Endable, exit_: Exit, next_action: str) -> None:
    """Log why the life of *child* ended and what happens now."""
    facts: dict[str, object] = {
        "path": child.path,
        "life": child.life,
        "error": exit_.text,
        "errors": [_told(leaf) for leaf in exit_.leaves],
        "next_action": next_action,
        "restarts_in_window": len(child.recent),
        "restarts": child.restarts,
        "uptime": round(trio.current_time() - child.since, 3),
    }
    log.error("actor.crashed", **facts, **_mail_facts(child))


def report_stuck(child: Endable) -> None:
    """Log where *child* stands that does not end."""
    log.error("actor.stuck", path=child.path, life=child.life, stack=child.stack())


def _told(leaf: BaseException) -> dict[str, object]:
    told: dict[str, object] = {
        "error": describe(leaf),
        "frames": frames_of(leaf.__traceback__)[-_FRAMES_TOLD:],
    }
    cause = leaf.__cause__ or leaf.__context__
    if cause is not None:
        told["cause"] = describe(cause)
        told["cause_frames"] = frames_of(cause.__traceback__)[-_FRAMES_TOLD:]
    return told


def _mail_facts(child: Endable) -> dict[str, object]:
    box = child.mailbox
    if box is None:
        return {}
    message = box.message_in_hand
    return {
        "in_hand": type(message).__name__ if message is not None else "",
        "in_hand_id": id_of(message),
        "trace": getattr(message, "trace", ""),
        "last_kinds": list(box.newest_kinds()),
        "mailbox": box.used,
    }


def id_of(message: object) -> str:
    """What names *message* in logs: its first field that is an id."""
    for name in ("id", "row", "run_id"):
        value = getattr(message, name, None)
        if isinstance(value, (int, str)):
            return str(value)
    return ""


def stack_of(task: Task, *, depth: int = 0) -> str:
    """The stack of *task* and of the tasks that it started, innermost call last."""
    indent = "  " * depth
    lines = [f"{indent}task {task.name}"]
    lines += [f"{indent}  {_place(frame, line)}" for frame, line in task.iter_await_frames()]
    text = "\n".join(lines) + "\n"
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            text += stack_of(child, depth=depth + 1)
    return text


def frames_of(traceback: TracebackType | None) -> list[str]:
    """The places of a traceback, outermost first."""
    places: list[str] = []
    while traceback is not None:
        places.append(_place(traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    return places


def _place(frame: FrameType, line: int) -> str:
    code = frame.f_code
    folder, _, name = code.co_filename.rpartition("/")
    return f"{folder.rpartition('/')[2]}/{name}:{line} in {code.co_qualname}"
