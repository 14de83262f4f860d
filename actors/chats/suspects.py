"""Which message may be what crashes the directory; pure.

A message that the directory cannot sort would crash every life of it, and in the end the
program. So a new life takes what it finds one by one, and notes each before it touches it.
"""

import json

from protocols.changes import PutKey
from protocols.ids import RowId

SUSPECT_KEY = "suspect"
"""Where the message is kept that is being sorted with care."""

MOST_TRIES = 3
"""A message that crashed the directory so often is set aside; the first time is not noted."""


def tries_before(row: RowId, kept: str | None) -> int:
    """How often *row* crashed the directory, as the stored text *kept* says, from 1."""
    facts = None if kept is None else json.loads(kept)
    return facts["tries"] if facts is not None and facts["row"] == row else 1


def remember_suspect(row: RowId, tries: int) -> PutKey:
    """The change that notes that *row* is sorted now, with *tries* before."""
    return PutKey(SUSPECT_KEY, json.dumps({"row": row, "tries": tries + 1}))
