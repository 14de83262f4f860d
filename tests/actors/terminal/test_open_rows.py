"""Which rows want their answer."""

from actors.terminal.open_rows import OpenRows
from protocols.ids import RowId


def test_a_row_is_open_until_its_answer_is_shown() -> None:
    rows = OpenRows()
    rows.add([RowId(1), RowId(2)])

    rows.close(RowId(1))

    assert len(rows) == 1
    assert RowId(1) not in rows
    assert RowId(2) in rows


def test_whoever_waits_hears_of_the_next_row_that_closes() -> None:
    rows = OpenRows()
    rows.add([RowId(1), RowId(2)])
    change = rows.change

    rows.close(RowId(2))

    assert change.is_set()
    assert not rows.change.is_set()


def test_words_that_nobody_asked_for_close_nothing() -> None:
    rows = OpenRows()
    rows.add([RowId(1)])
    change = rows.change

    rows.close(None)

    assert len(rows) == 1
    assert not change.is_set()
