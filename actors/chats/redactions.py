"""What becomes of the taking back of a message: pure, with all that is known of its page.

A message that waits is dropped: nobody wants its answer any more. One whose turn has begun is
left alone, since what it says stands in the room already, or soon will: it ends as any turn does,
and ``/stop`` ends it earlier. Whoever the server lets take a message back may do so here.
"""

from attrs import define, evolve

from actors.chats.commands import Command, typed
from actors.chats.decisions import Decision, ignored
from actors.chats.notes import closing_notes
from actors.chats.page import REDACTED, Page
from actors.chats.presses import EDIT_OFFERED
from protocols.changes import Change, FinishRow, RewordRow
from protocols.journal import Row, RowState

DROPPED = "redaction; what it takes back was dropped"
IN_VAIN = "redaction of nothing that waits"


@define
class RedactionSorter:
    """Decides redactions; they say nothing, whoever sent them."""

    page: Page

    def decide(self, row: Row) -> Decision:
        """What becomes of the redaction *row*."""
        named = self._named(row)
        if row.room in self.page.paused and all(one.room == row.room for one in named):
            return Decision(row, is_paused=True)
        changes = tuple(change for one in named for change in self._taken_back(one))
        return Decision(row, (*ignored(row, DROPPED if changes else IN_VAIN), *changes))

    def _named(self, redaction: Row) -> tuple[Row, ...]:
        """What *redaction* takes back, as it is now: an event, or a message with its edits."""
        page, known = self.page, self.page.known
        event = known.event(redaction)
        if event is not None and (event.edits or event.press or event.redacts):
            found = [event]
        else:
            room, message_id = known.place_of(redaction)
            again = known.message(room, message_id)  # the operator may have had it run again
            edits = [row for row in known.recent(room) if row.edits == message_id]
            found = [row for row in (event, again, *edits) if row is not None]
        before = {row.id: page.as_it_is(row) for row in found if row.id < redaction.id}
        return tuple(before.values())

    def _taken_back(self, named: Row) -> tuple[Change, ...]:
        if self._waits(named):
            return self._dropped(named)
        if named.reason == EDIT_OFFERED:
            return self.page.offer_withdrawn(named, named)
        return ()

    def _waits(self, named: Row) -> bool:
        """Whether *named* is a message that waits for its turn, or behind a ``/new``.

        A press has had its effect, and a command that is not over yet soon will have. Part of an
        answer may be shown that was put back when the program stopped.
        """
        if named.press is not None or named.shown_id is not None:
            return False
        if named.state is RowState.QUEUED:
            return True
        prefixes = self.page.surface(named).command_prefixes
        is_command = isinstance(typed(named.text, prefixes), Command)
        is_kept = named.room in self.page.paused or self.page.known.is_held(named)
        return is_kept and not is_command and named.state is RowState.RECEIVED

    def _dropped(self, message: Row) -> tuple[Change, ...]:
        """What ends *message* without its turn; it conflicts where that has begun meanwhile."""
        page, notes = self.page, self.page.known.notes_of(message.room)
        page.becomes(evolve(message, state=RowState.IGNORED, reason=REDACTED, text=""))
        if message.state is RowState.QUEUED and message.room in page.known.unfinished:
            page.known.unfinished[message.room] -= 1
        closing = closing_notes(message, notes, RowState.IGNORED)
        notes.remember(message.room, closing)
        ended = FinishRow(message.id, RowState.IGNORED, REDACTED)
        return (RewordRow(message.id, ""), ended, *closing)
