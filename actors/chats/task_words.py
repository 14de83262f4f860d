"""What people read about the platform's tasks; pure."""

import re

from actors.chats.commands import is_blank
from actors.chats.endings import Ending, ending_of
from actors.chats.manner import Manner
from actors.words import Word, plain, say
from protocols.ids import Language
from protocols.journal import Row, RowState, Voice
from protocols.pushes import AgentEvent
from protocols.turns import TurnFinished

LONGEST_LINE = 200
"""Characters of what a task's line says."""

LONGEST_NAME = 64
LONGEST_TITLE = 120

_CODE = re.compile(r"[\w.:@/+=-]+")
_NO_TITLE = re.compile(r"[<>{}\[\]`\\|]|://|Traceback")


def line_of(event: AgentEvent, language: Language) -> str:
    """The one line about a task that goes on."""
    words = _one_line(event.text, LONGEST_LINE)
    share = "" if event.fraction is None else f"{event.fraction:.0%}"
    if words and share:
        return f"{words} ({share})"
    return words or share or say(Word.TASK_RUNS, language)


def done(event: AgentEvent, row: Row, manner: Manner, *, line: str) -> Ending:
    """The ending of *row* for a task that is done: the agent's own words, and its files as links.

    *line* is what was last said of the task; empty for nothing.
    """
    text = event.text
    if is_blank(text) and not event.attachments:
        words = manner.say(Word.TASK_DONE, task=task_label(event.task_id, line))
        return Ending(RowState.ANSWERED, Voice.GATEWAY, words, "the task is done")
    return ending_of(TurnFinished(text, event.attachments), row, manner)


def failed(event: AgentEvent, manner: Manner, *, line: str) -> Ending:
    """The ending of a row for a task that failed, in the gateway's words."""
    task, why = task_label(event.task_id, line), safe_title(event.text)
    if why:
        words = manner.say(Word.TASK_FAILED_WHY, task=task, why=plain(why))
    else:
        words = manner.say(Word.TASK_FAILED, task=task)
    return Ending(RowState.FAILED, Voice.GATEWAY, words, "the task failed")


def given_up(task_id: str, language: Language, *, line: str) -> str:
    """What is said of a task that nothing was heard of for too long."""
    return say(Word.TASK_SILENT, language, task=task_label(task_id, line))


def task_label(task_id: str, line: str) -> str:
    """Which task it is, as Markdown: what was last said of it; its id tells people less."""
    said = _one_line(line, LONGEST_LINE)
    if said:
        return f"*{plain(said)}*"
    name = _one_line(task_id, LONGEST_NAME)
    return f"`{name}`" if _CODE.fullmatch(name) else plain(name)


def safe_title(text: str) -> str:
    """*text*, if it is a title and no body: one short line of words; else nothing."""
    title = text.strip()
    is_line = 0 < len(title) <= LONGEST_TITLE and len(title.splitlines()) == 1
    is_words = is_line and title.isprintable() and not _NO_TITLE.search(title)
    return title if is_words else ""


def _one_line(text: str, longest: int) -> str:
    words = " ".join(text.split())
    return words if len(words) <= longest else f"{words[: longest - 1].rstrip()}…"
