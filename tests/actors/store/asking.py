"""Short ways to ask a store and to say what it should remember."""

from protocols.changes import AddOutgoing, Change, FinishRow, QueueRow, StartRow
from protocols.ids import EventId, PersonId, RoomId, RowId, RunId, SlotId, SurfaceName, TraceId
from protocols.journal import Arrival, Row, RowState, Voice
from protocols.mail import Address
from protocols.store import Commit, Committed, Conflict, FindRow, Journal, StoreMessage

MATRIX = SurfaceName("matrix")
ROOM = RoomId("matrix/!r:s")
OTHER_ROOM = RoomId("matrix/!other:s")
NOW = 1_700_000_000.0


class Asking:
    """Short ways to ask a store."""

    def __init__(self, address: Address[StoreMessage]) -> None:
        self.ask = address.ask

    async def arrive(self, *events: str, room: RoomId = ROOM, sender: str = "matrix:@u:s") -> None:
        arrivals = tuple(arrival(event, room=room, sender=sender) for event in events)
        await self.ask(Journal(MATRIX, arrivals))

    async def commit(self, *changes: Change) -> Committed | Conflict:
        return await self.ask(Commit(changes))

    async def row(self, row: int) -> Row:
        found = await self.ask(FindRow(RowId(row)))
        assert found is not None
        return found


def arrival(
    event: str, *, room: RoomId = ROOM, sender: str = "matrix:@u:s", text: str = "hello"
) -> Arrival:
    return Arrival(
        event_id=EventId(event),
        room=room,
        sender=PersonId(sender),
        sender_name="U",
        text=text,
        sent_at=NOW - 5,
        trace=TraceId("0" * 32),
    )


def queue(row: int, text: str | None = None) -> QueueRow:
    return QueueRow(RowId(row), SlotId("C1"), RunId(f"run-{row}"), text)


def start(row: int) -> StartRow:
    return StartRow(RowId(row))


def finish(row: int, state: RowState = RowState.ANSWERED, reason: str = "") -> FinishRow:
    return FinishRow(RowId(row), state, reason)


def words(text: str = "answer", *, room: RoomId = ROOM, row: int | None = None) -> AddOutgoing:
    return AddOutgoing(room, Voice.AGENT, text, None if row is None else RowId(row))
