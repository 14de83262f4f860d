"""What the chats say to a surface, and what a surface is to them."""

from attrs import field, frozen

from protocols.files import FileMissing, LocalFile, RemoteFile
from protocols.ids import RoomId, RowId, SurfaceName
from protocols.mail import Address, Question


@frozen
class Deliver:
    """The outbox has something for *room*: a hint, the outbox is the truth.

    ``row_done`` names the row whose turn is over, so that its draft and its typing end.
    """

    room: RoomId
    row_done: RowId | None = None


@frozen
class ShowDraft:
    """The answer of *row* as far as it has come; a newer one replaces it.

    Args:
        text: Markdown, from the start of the answer.
        status: One line about what the agent is doing; empty for none.
        is_task: Nobody waits for it: the agent works at something of its own accord, maybe for
            hours. Other answers go on beside it, and nobody can stop it here.
    """

    room: RoomId
    row: RowId
    text: str = field(repr=False)
    status: str = field(repr=False, default="")
    is_task: bool = False


@frozen
class ShowTyping:
    """A turn runs in *room*: show it until ``Deliver`` names *row*, or a minute has passed."""

    room: RoomId
    row: RowId


@frozen
class AnswerPress:
    """The press *press_id* of a button is decided: the person's app stops waiting.

    Args:
        text: One line for the person who pressed, at most 200 characters; empty for none.
        is_refused: The press did nothing, and no other message says so.
    """

    room: RoomId
    press_id: str
    text: str = field(repr=False, default="")
    is_refused: bool = False


@frozen
class FetchFile(Question[LocalFile | FileMissing]):
    """Bring *file*, the one with this *number* (from 0) of *row*, to this machine's disk.

    It lies there until ``Deliver`` names *row* as done. Asked twice, it is fetched once.
    """

    room: RoomId
    row: RowId
    number: int
    file: RemoteFile


@frozen
class OpenRoom(Question[RoomId | None]):
    """Open a room called *name* beside *room* for the new chat that *row* asks for.

    None where this surface has no such rooms. Asked twice for one row, it is the same room.
    """

    room: RoomId
    row: RowId
    name: str = field(repr=False)


RoomMessage = Deliver | ShowDraft | ShowTyping
"""What is done in order in its room; the others have nobody to wait for."""

SurfaceMessage = RoomMessage | AnswerPress | FetchFile | OpenRoom


@frozen
class Surface:
    """One surface, as the chats see it.

    Args:
        command_prefixes: What a command may start with: ``("/",)``, on Matrix ``("/", "!")``.
        draft_every: Least seconds between two drafts of one answer that are worth sending on.
        has_buttons: Buttons can be shown and pressed there.
        opens_rooms: ``OpenRoom`` may open one.
        sends_files: The agent's files go along with an outgoing message.
        room_link: Where a person finds a room, with ``{room}`` for the surface's own id; empty
            where rooms have no address.
    """

    name: SurfaceName
    address: Address[SurfaceMessage]
    command_prefixes: tuple[str, ...] = ("/",)
    draft_every: float = 0.25
    has_buttons: bool = False
    opens_rooms: bool = False
    sends_files: bool = False
    room_link: str = ""
