"""What the chats say to a surface, and what a surface is to them."""

from attrs import field, frozen

from protocols.ids import RoomId, RowId, SurfaceName
from protocols.mail import Address


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
    """

    room: RoomId
    row: RowId
    text: str = field(repr=False)
    status: str = field(repr=False, default="")


@frozen
class ShowTyping:
    """A turn runs in *room*: show it until ``Deliver`` names *row*, or a minute has passed."""

    room: RoomId
    row: RowId


SurfaceMessage = Deliver | ShowDraft | ShowTyping


@frozen
class Surface:
    """One surface, as the chats see it.

    Args:
        command_prefixes: What a command may start with: ``("/",)``, on Matrix ``("/", "!")``.
        draft_every: Least seconds between two drafts of one answer that are worth sending on.
    """

    name: SurfaceName
    address: Address[SurfaceMessage]
    command_prefixes: tuple[str, ...] = ("/",)
    draft_every: float = 0.25
