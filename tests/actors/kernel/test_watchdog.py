import io
import threading

import pytest

from actors.kernel.watchdog import Watchdog


def test_a_stop_that_does_not_end_ends_the_process() -> None:
    ended = threading.Event()
    codes: list[int] = []
    stream = io.StringIO()

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    Watchdog(0.0, lambda: "matrix is stuck", end, stream).arm()

    assert ended.wait(10)
    assert codes == [70]
    assert stream.getvalue() == "watchdog: not stopped after 0 s, ends now; matrix is stuck\n"


def test_a_watchdog_that_is_called_off_does_nothing() -> None:
    codes: list[int] = []
    watchdog = Watchdog(600.0, lambda: "", codes.append)
    watchdog.arm()
    watchdog.arm()

    watchdog.call_off()

    for thread in threading.enumerate():
        if thread.name == "watchdog":
            thread.join(10)
    assert codes == []


def test_a_watchdog_ends_the_process_also_where_its_word_cannot_be_written() -> None:
    codes: list[int] = []
    stream = io.StringIO()
    stream.close()

    with pytest.raises(ValueError, match="closed"):
        Watchdog(0.0, lambda: "", codes.append, stream)._watch()

    assert codes == [70]
