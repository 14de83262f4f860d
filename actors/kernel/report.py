"""One report for each crash, with every fact and no person's words.

What is told of an exception is its type and its places in the code; its text only where
``exits.describe`` allows it. Of a message it is the class and an id, never the content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
import trio

from actors.kernel.exits import Exit, describe
from actors.kernel.stacks import frames_of

if TYPE_CHECKING:
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
