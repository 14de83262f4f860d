"""What an outgoing event hangs on: the thread it stays in, and the message it answers; pure.

Specification: "Threading", "Rich replies", "User and room mentions".
"""

from typing import Any

from attrs import frozen

from actors.matrix.outgoing.render import as_edit
from actors.matrix.places import Place
from protocols.ids import PersonId, RemoteId
from protocols.journal import Row

Content = dict[str, Any]


@frozen
class Tie:
    """What the events of one answer hang on.

    Args:
        thread: The event that began the thread; empty outside of threads.
        asked: The message that is answered; empty where there is none.
        person: Whose message that is, in a room where others read too; empty in a direct chat.
    """

    thread: str = ""
    asked: str = ""
    person: str = ""

    def first(self, content: Content) -> Content:
        """*content* as the first event of the answer: in a group it says whom it answers."""
        if self.thread:
            return self.mentioning(self.further(content))
        if not self.asked or not self.person:
            return content
        relation = {"m.in_reply_to": {"event_id": self.asked}}
        return self.mentioning({**content, "m.relates_to": relation})

    def further(self, content: Content) -> Content:
        """*content* as one more event of the answer."""
        if not self.thread:
            return content
        relation = {
            "rel_type": "m.thread",
            "event_id": self.thread,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": self.asked or self.thread},
        }
        return {**content, "m.relates_to": relation}

    def edit(self, content: Content, event_id: str) -> Content:
        """*content* in the place of the answer's first event; nobody is called again."""
        return as_edit(self.mentioning(content), event_id)

    def mentioning(self, content: Content) -> Content:
        """*content* with a mention of the person, where others read too."""
        if not self.person:
            return content
        return {**content, "m.mentions": {"user_ids": [self.person]}}


def tie_of(place: Place, row: Row | None) -> Tie:
    """What an answer to *row* in *place* hangs on."""
    if row is None:
        return Tie(place.thread)
    # Who pressed a button is answered below the message that has it, not below the press.
    asked = RemoteId("") if row.press is not None else row.message_id
    person = _user_id(row.sender) if row.is_shared and asked else ""
    return Tie(place.thread or row.thread_id, asked, person)


def _user_id(person: PersonId) -> str:
    return person.partition(":")[2]
