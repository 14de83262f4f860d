"""Puts the text of an outgoing message into its room: the first piece in the place of its draft."""

from attrs import define, frozen

from actors.matrix.outgoing.messages import shown
from actors.matrix.outgoing.outcomes import Posted, PostRefused, TooLarge
from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.render import Content, smaller_contents
from actors.matrix.outgoing.ties import Tie
from protocols.ids import RemoteId
from protocols.journal import OutboxRow

Events = list[RemoteId]
"""What the pieces became, in order."""


@frozen
class Job:
    """One outgoing message and where it goes.

    Args:
        room: By its present id.
        shown_id: The event whose place it takes.
    """

    row: OutboxRow
    room: str
    tie: Tie
    shown_id: RemoteId | None = None


@define
class Texts:
    """The way of a text into its room."""

    post: Post

    async def send(self, job: Job) -> Events | PostRefused:
        """What the pieces of its text became; none for files alone."""
        events: Events = []
        for number, content in enumerate(shown(job.row)):
            place = None if events else job.shown_id
            outcome = await self._send(
                job, f"{job.row.uid}-{number}", content, is_first=not events, place=place
            )
            if isinstance(outcome, PostRefused):
                return outcome
            events += outcome
        return events

    async def _send(
        self, job: Job, txn: str, content: Content, *, is_first: bool, place: RemoteId | None
    ) -> Events | PostRefused:
        """Send *content*, in smaller pieces if the server finds it too large."""
        match await self._send_once(job, txn, content, is_first=is_first, place=place):
            case Posted(event_id):
                return [place or event_id]
            case TooLarge():
                return await self._send_smaller(job, txn, content, is_first=is_first, place=place)
            case PostRefused() if place is not None:
                # The draft cannot be edited (any more): the answer still has to be seen.
                return await self._send(job, f"{txn}-new", content, is_first=is_first, place=None)
            case refused:
                return refused

    async def _send_once(
        self, job: Job, txn: str, content: Content, *, is_first: bool, place: RemoteId | None
    ) -> Posted | TooLarge | PostRefused:
        tie = job.tie
        if place is not None:
            return await self.post.deliver(job.room, txn, tie.edit(content, place))
        tied = tie.first(content) if is_first else tie.further(content)
        return await self.post.deliver(job.room, txn, tied)

    async def _send_smaller(
        self, job: Job, txn: str, content: Content, *, is_first: bool, place: RemoteId | None
    ) -> Events | PostRefused:
        smaller = smaller_contents(content, job.row.voice)
        if smaller == [content]:
            return PostRefused("the homeserver finds the smallest piece too large")
        events: Events = []
        for number, part in enumerate(smaller):
            outcome = await self._send(
                job,
                f"{txn}.{number}",
                part,
                is_first=is_first and not events,
                place=None if events else place,
            )
            if isinstance(outcome, PostRefused):
                return outcome
            events += outcome
        return events
