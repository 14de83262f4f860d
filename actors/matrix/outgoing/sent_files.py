"""Remembers which files of a message were sent, so that a kill does not bring them once more."""

import json

from attrs import define

from actors.kernel.asking import ask_until_answered
from protocols.changes import Change, DeleteKey, PutKey
from protocols.ids import RemoteId
from protocols.journal import OutboxRow
from protocols.mail import Address
from protocols.store import Commit, GetKey, StoreMessage

FILES_PREFIX = "matrix_files:"
"""The keys that say what the first files of a message became, by the message's uid."""


@define
class SentFiles:
    """Of messages with several files: a single one is settled together with its message."""

    store: Address[StoreMessage]

    async def of(self, row: OutboxRow) -> list[RemoteId]:
        """The events that the first files of *row* became."""
        if not _is_kept(row):
            return []
        text = await ask_until_answered(self.store, GetKey(_key(row)))
        return [RemoteId(event_id) for event_id in json.loads(text)] if text else []

    async def keep(self, row: OutboxRow, events: list[RemoteId]) -> None:
        """The first files of *row* became *events*."""
        if _is_kept(row) and len(events) < len(row.files):
            text = json.dumps(events)
            await ask_until_answered(self.store, Commit((PutKey(_key(row), text),)))


def forgotten(row: OutboxRow) -> tuple[Change, ...]:
    """The changes that forget *row*."""
    return (DeleteKey(_key(row)),) if _is_kept(row) else ()


def _is_kept(row: OutboxRow) -> bool:
    return len(row.files) > 1


def _key(row: OutboxRow) -> str:
    return FILES_PREFIX + row.uid
