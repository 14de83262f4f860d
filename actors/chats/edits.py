"""What the edit of a message comes to; pure."""

from attrs import field, frozen

from actors.chats.commands import Blank, ForAgent, Typed, cleaned
from protocols.ids import RowId
from protocols.journal import Row, RowState


@frozen
class AsMessage:
    """The edit is a message of its own: the one that it changes was never taken."""


@frozen
class Reword:
    """*message* has not begun: it gets the new *text*."""

    message: Row
    text: str = field(repr=False)


@frozen
class Offer:
    """*message* has begun or is over: its person may have the new text answered."""

    message: Row


@frozen
class LeaveIt:
    """The edit changes nothing; *reason* says why."""

    reason: str


Edited = AsMessage | Reword | Offer | LeaveIt

REPEATED = LeaveIt("edit whose words were offered before")
"""It is no newer edit, so that what was offered may still be answered."""

_NOT_TAKEN = frozenset({RowState.REFUSED, RowState.IGNORED})


def edited(
    edit: Row,
    words: Typed,
    message: Row | None,
    *,
    offered: str | None = None,
    newest: RowId | None,
    has_buttons: bool,
    is_held: bool = False,
) -> Edited:
    """What *edit* comes to, whose text is *words*.

    It changes *message*, as that is now; None where it was never journaled. The *newest* message
    of its sender in the room may be answered anew, where buttons can offer it; *offered* are the
    words for which they did that before, and which nothing has replaced since. While the message
    *is_held* back it has not begun either.
    """
    if message is None:
        # In a group it was not for us before; in private every message is.
        return AsMessage() if edit.is_shared else LeaveIt("edit of an unknown message")
    if message.sender != edit.sender:
        return LeaveIt("edit of another person's message")
    if message.state in _NOT_TAKEN:
        return AsMessage()
    if message.run_id is None and not is_held:
        return LeaveIt("edit of a command")
    if isinstance(words, ForAgent) and words.text == offered:
        return REPEATED  # an app sends a message again as it is, such as with its preview
    return _new_words(words, message, newest, has_buttons=has_buttons)


def _new_words(words: Typed, message: Row, newest: RowId | None, *, has_buttons: bool) -> Edited:
    match words:
        case ForAgent(text):
            pass
        case Blank() if message.files:
            text = ""
        case Blank():
            return LeaveIt("edit without words")
        case _:
            return LeaveIt("edit into a command")
    if text == cleaned(message.text):
        return LeaveIt("edit that changes no words")
    if message.state in {RowState.QUEUED, RowState.RECEIVED}:
        return Reword(message, text)
    if message.id != newest:
        return LeaveIt("edit of an older message")
    return Offer(message) if has_buttons else LeaveIt("edit after its turn had begun")
