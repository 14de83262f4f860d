import io
import json
import logging
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

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


@pytest.mark.parametrize("name", ["asyncio", "hpack.hpack", "of.nobody.knows.whom"])
def test_libraries_log_from_warning_on(name: str) -> None:
    stream = _lines(level="debug")

    logging.getLogger(name).info("chatter")
    assert not stream.getvalue()

    logging.getLogger(name).warning("chatter")
    assert stream.getvalue()


_SECRET = "p/ß+very secret&42"


@pytest.mark.parametrize(
    "text",
    [
        f"https://me:{quote(_SECRET, safe='')}@x/?a={quote_plus(_SECRET)}",
        *(f"Basic {b64encode(f'{user}:{_SECRET}'.encode()).decode()}" for user in ("", "m", "me")),
        *(urlsafe_b64encode(f"{user}{_SECRET}!".encode()).decode() for user in ("", "m", "me")),
    ],
)
def test_a_secret_is_redacted_in_every_encoding(text: str) -> None:
    stream = io.StringIO()
    configure_logs(level="info", log_format="json", secrets=(_SECRET,), stream=stream)

    structlog.get_logger("x").info("thing.done", text=text)

    said = json.loads(stream.getvalue())["text"]
    assert "[redacted]" in said
    assert len(said.replace("[redacted]", "").replace("https://me:@x/?a=", "")) < 15


def test_a_short_secret_hides_no_words_that_look_like_its_encoding() -> None:
    stream = io.StringIO()
    configure_logs(level="info", log_format="json", secrets=("ab",), stream=stream)

    structlog.get_logger("x").info("thing.done", text="YW or FiX or hY")

    assert json.loads(stream.getvalue())["text"] == "YW or FiX or hY"


def test_the_console_format_is_for_people() -> None:
    stream = _lines("console")

    structlog.get_logger("x").info("thing.done", count=3)

    assert "thing.done" in stream.getvalue()
    assert "count=3" in stream.getvalue()


def test_auto_is_json_where_no_terminal_listens() -> None:
    stream = _lines("auto")

    structlog.get_logger("x").info("thing.done")

    assert json.loads(stream.getvalue())["level"] == "info"
