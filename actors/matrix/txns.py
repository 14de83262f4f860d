"""Transaction ids that are read again when our own events come back; pure."""

import re
from hashlib import sha256

from protocols.ids import RowId, RunId

_DRAFT = re.compile(r"draft-(\d{1,18})-[0-9a-f]{16}")


def draft_txn(row: RowId, run: RunId | None) -> str:
    """The transaction id of a draft's first event: the same in every life, of no other row."""
    return f"draft-{row}-{sha256(str(run).encode()).hexdigest()[:16]}"


def drafted_row(txn: str) -> RowId | None:
    """The row whose draft has *txn*, if one may."""
    found = _DRAFT.fullmatch(txn)
    return None if found is None else RowId(int(found[1]))
