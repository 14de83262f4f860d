import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from actors.kernel.logs import configure_logs

_TOKEN = "123:very-secret"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def _lines(log_format: str = "json", level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure_logs(level=level, log_format=log_format, secrets=(_TOKEN, ""), stream=stream)
    return stream


def test_a_secret_is_redacted_however_deep_it_stands() -> None:
    stream = _lines()

    structlog.get_logger("x").info(
        "thing.done",
        url=f"https://x/{_TOKEN}/y",
        deep={"a": [(_TOKEN,), 7, None]},
        error=ValueError(_TOKEN),
    )

    assert _TOKEN not in stream.getvalue()
    assert json.loads(stream.getvalue())["deep"] == {"a": [["[redacted]"], 7, None]}


def test_a_library_that_quotes_an_event_is_told_by_its_place_only() -> None:
    stream = _lines()

    logging.getLogger("nio.events.misc").warning("Error validating event: %s", "a person's words")

    line = json.loads(stream.getvalue())
    assert (line["event"], line["library"]) == ("library.complained", "nio.events.misc")
    assert line["said_at"].startswith("test_logs.py:")
    assert "words" not in stream.getvalue()


@pytest.mark.parametrize("logged", [True, "error", "tuple"])
def test_an_exception_is_logged_by_type_and_place_without_its_text(logged: object) -> None:
    stream = _lines()

    try:
        int("what a person wrote")
    except ValueError as error:
        exc_info = {"error": error, "tuple": (ValueError, error, None)}.get(str(logged), logged)
        structlog.get_logger("x").warning("thing.failed", exc_info=exc_info)

    line = json.loads(stream.getvalue())
    assert line["exception"] == "ValueError"
    assert "test_logs.py" in line["raised_at"][0]
    assert "what a person wrote" not in stream.getvalue()


def test_libraries_log_from_warning_on() -> None:
    stream = _lines(level="debug")

    logging.getLogger("asyncio").info("chatter")

    assert not stream.getvalue()


def test_the_console_format_is_for_people() -> None:
    stream = _lines("console")

    structlog.get_logger("x").info("thing.done", count=3)

    assert "thing.done" in stream.getvalue()
    assert "count=3" in stream.getvalue()


def test_auto_is_json_where_no_terminal_listens() -> None:
    stream = _lines("auto")

    structlog.get_logger("x").info("thing.done")

    assert json.loads(stream.getvalue())["level"] == "info"
