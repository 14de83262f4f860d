"""Which rows of the terminal still want their answer."""

from collections.abc import Iterable

import trio
from attrs import Factory, define

from protocols.ids import RowId


@define
class OpenRows:
    """The rows whose final answer was not shown yet."""

    _rows: set[RowId] = Factory(set)
    _changed: trio.Event = Factory(trio.Event)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, row: object) -> bool:
        return row in self._rows

    def add(self, rows: Iterable[RowId]) -> None:
        """They want an answer."""
        self._rows.update(rows)

    def close(self, row: RowId | None) -> None:
        """Its answer was shown."""
        if row in self._rows:
            self._rows.discard(row)
            changed, self._changed = self._changed, trio.Event()
            changed.set()

    @property
    def change(self) -> trio.Event:
        """Set when the next row closes."""
        return self._changed
