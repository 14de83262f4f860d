"""Finds the message that another one is about: a reply, an edit, a reaction."""

from typing import assert_never

import trio
from attrs import define, field, frozen

from actors.kernel.asking import ask_until_answered
from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.replies import Done, Limited, Refused, TokenRefused, Unreachable
from actors.matrix.crypto.port import Opened, Vault
from actors.matrix.incoming.media import label_of, media_in, sticker_in
from actors.matrix.incoming.opening import is_sealed, unwrapped
from actors.matrix.incoming.quotes import Quote
from actors.matrix.incoming.relations import own_words
from actors.matrix.incoming.requests import fetch_event
from actors.surfaces.shapes import Json, table, text_in
from protocols.files import LocalFile, RemoteFile
from protocols.ids import RemoteId, RoomId
from protocols.mail import Address
from protocols.quotes import without_quote
from protocols.store import FindMessage, FindOutgoing, StoreMessage

_SPOKEN = frozenset({"m.text", "m.emote", "m.notice"})
_WITHIN = 5.0
_TRIES = 3
_LONGEST_WAIT = 10.0


@frozen
class Known:
    """What is known of a message.

    Args:
        is_ours: We sent it.
    """

    is_ours: bool
    quote: Quote
    files: tuple[RemoteFile, ...] = ()


@define
class Lookup:
    """Looks at the page first, then at the journal and the outbox, and asks the server last."""

    server: Homeserver
    store: Address[StoreMessage]
    vault: Vault
    me: str
    _seen: dict[str, Json] = field(factory=dict)

    def begin(self) -> None:
        """Another page is read: what an event says may have changed."""
        self._seen.clear()

    def note(self, event: Json) -> None:
        """Know *event*, as it is in the open."""
        self._seen[str(event.get("event_id"))] = event

    async def event(self, room: str, event_id: str) -> Json | None:
        """The event, opened where that is possible now; None where the server does not give it."""
        if event_id not in self._seen:
            found = await self._fetch(room, event_id)
            if found is None:
                return None
            self._seen[event_id] = self._open(room, found)
        return self._seen[event_id]

    async def known(self, room: str, here: RoomId, event_id: str) -> Known | None:
        """What is known of a message of *room*, which the journal calls *here*."""
        if event_id in self._seen:
            return self._from_event(self._seen[event_id])
        message_id = RemoteId(event_id)
        row = await ask_until_answered(self.store, FindMessage(here, message_id))
        if row is not None:
            quote = Quote(without_quote(row.text), _label(row.files))
            return Known(is_ours=False, quote=quote, files=row.files)
        out = await ask_until_answered(self.store, FindOutgoing(here, message_id))
        if out is not None:
            return Known(is_ours=True, quote=Quote(out.text, _label(out.files)))
        event = await self.event(room, event_id)
        return None if event is None else self._from_event(event)

    async def _fetch(self, room: str, event_id: str) -> Json | None:
        # Not for ever: all rooms wait meanwhile, and a message without its quotation is one still.
        for _ in range(_TRIES):
            reply = await fetch_event(self.server, room, event_id, within=_WITHIN)
            match reply:
                case Done(event):
                    return event
                case Limited(wait):
                    await trio.sleep(min(wait, _LONGEST_WAIT))
                case Unreachable():
                    await trio.sleep(1)
                case Refused() | TokenRefused():
                    return None
                case _:
                    assert_never(reply)
        return None

    def _open(self, room: str, event: Json) -> Json:
        if is_sealed(event, me=""):  # our own, too
            match self.vault.unseal(room, event):
                case Opened(inner):
                    return unwrapped(event, inner) or event
                case _:
                    pass
        return event

    def _from_event(self, event: Json) -> Known:
        content = _newest_content(event)
        is_sticker = event.get("type") == "m.sticker"
        media = sticker_in(content) if is_sticker else media_in(content)
        is_spoken = content.get("msgtype") in _SPOKEN
        body = own_words(text_in(content.get("body")), content) if is_spoken else media.caption
        label = media.words or _label(media.files)
        return Known(event.get("sender") == self.me, Quote(body, label), media.files)


def _newest_content(event: Json) -> Json:
    """The content of *event*, or what its sender has replaced it with, where the server says so."""
    relations = table(table(event.get("unsigned")).get("m.relations"))
    edit = table(relations.get("m.replace"))
    new = table(table(edit.get("content")).get("m.new_content"))
    is_own = edit.get("sender") == event.get("sender") and edit.get("type") == event.get("type")
    return new if new and is_own else table(event.get("content"))


def _label(files: tuple[RemoteFile, ...] | tuple[LocalFile, ...]) -> str:
    return label_of(files[0]) if files else ""
