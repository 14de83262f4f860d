"""Shows an answer while it grows: one event, edited now and then, never after its answer."""

import json
from uuid import uuid4

import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.matrix.outgoing.outcomes import NotNow, Posted
from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.render import Content, contents, draft_text
from actors.matrix.outgoing.turns import Desk, Turn, pause_after
from actors.matrix.outgoing.whereabouts import Whereabouts
from actors.matrix.settings import Pace
from actors.matrix.txns import draft_txn
from protocols.changes import Change, DeleteKey, PutKey, ShowRow
from protocols.ids import RemoteId, RoomId, RowId
from protocols.journal import OutboxState, RowState, Voice
from protocols.mail import Address
from protocols.store import Commit, Conflict, FinalOutgoing, FindKeys, FindRow, StoreMessage

DRAFT_PREFIX = "matrix_draft:"
"""The keys that say which event shows a row's answer, where the row itself cannot."""


@define
class Drafts:
    """The way of a draft into the room; nobody insists on one: the answer comes anyway.

    Args:
        noted: The events that show answers which are not settled yet.
    """

    store: Address[StoreMessage]
    post: Post
    whereabouts: Whereabouts
    pace: Pace
    noted: dict[RowId, RemoteId] = field(factory=dict)

    async def begin(self) -> None:
        """Know what an earlier life noted."""
        for key, text in await ask_until_answered(self.store, FindKeys(DRAFT_PREFIX)):
            row = RowId(int(key.removeprefix(DRAFT_PREFIX)))
            self.noted[row] = RemoteId(json.loads(text))

    async def note(self, row: RowId, event_id: RemoteId) -> None:
        """The answer of *row* takes the place of *event_id*, in our next life too."""
        self.noted[row] = event_id
        shown = await ask_until_answered(self.store, Commit((ShowRow(row, event_id),)))
        if not isinstance(shown, Conflict):
            return
        # The turn is over, and its row takes no more; but its answer may still wait.
        final = await ask_until_answered(self.store, FinalOutgoing(row))
        if final is None or final.state is not OutboxState.PENDING:
            self.noted.pop(row, None)
            return
        note = PutKey(f"{DRAFT_PREFIX}{row}", json.dumps(event_id))
        await ask_until_answered(self.store, Commit((note,)))

    def forgotten(self, row: RowId | None) -> tuple[Change, ...]:
        """The changes that forget what was noted of *row*."""
        return (DeleteKey(f"{DRAFT_PREFIX}{row}"),) if row in self.noted else ()

    async def show(self, room: RoomId, desk: Desk, turn: Turn) -> None:
        """Show the newest draft of *turn*, unless its row is finished."""
        draft, turn.draft = turn.draft, None
        if draft is None or not (turn.txn or await self._is_running(room, turn)):
            desk.turns.pop(turn.row, None)
            return
        content = next(contents(draft_text(draft.text, draft.status), Voice.AGENT))
        if content != turn.shown:
            await self._post(room, turn, content)
        turn.next_at = trio.current_time() + pause_after(turn.edits, self.pace)

    async def _is_running(self, room: RoomId, turn: Turn) -> bool:
        """Whether the row still wants to be shown, and where."""
        row = await ask_until_answered(self.store, FindRow(turn.row))
        if row is None or row.state is not RowState.RUNNING:
            return False
        turn.tie = await self.whereabouts.tie(room, row)
        turn.txn, turn.shown_id = draft_txn(row.id, row.run_id), row.shown_id
        return True

    async def _post(self, room: RoomId, turn: Turn, content: Content) -> None:
        if turn.shown_id is None:
            await self._post_first(room, turn, content)
            return
        edit, txn = turn.tie.edit(content, turn.shown_id), f"edit-{uuid4().hex}"
        outcome = await self.post.attempt(self._native(room), txn, edit)
        if isinstance(outcome, Posted):
            turn.shown = content
            turn.edits += 1

    async def _post_first(self, room: RoomId, turn: Turn, content: Content) -> None:
        tied = turn.tie.first(content)
        match await self.post.attempt(self._native(room), turn.txn, tied):
            case Posted(event_id):
                turn.shown, turn.shown_id, turn.is_unsure = content, event_id, False
                await self.note(turn.row, event_id)
            case NotNow(is_unsure=True):
                turn.shown, turn.is_unsure = content, True
            case _:
                pass

    def _native(self, room: RoomId) -> str:
        return self.whereabouts.places.find(room).room
