"""Logging: one format for structlog and the standard library, and the one place that redacts."""

import logging
import sys
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
_LEAST_ENCODED = 8
"""Characters of a secret from which on its encodings are hidden, too: less may be in any word."""


def configure_logs(
    *, level: str, log_format: str, secrets: Sequence[str], stream: TextIO = sys.stderr
) -> None:
    """Send every log line, ours and the libraries', to *stream*.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``; libraries log from warning on.
        log_format: ``console``, ``json``, or ``auto``: console where *stream* is a terminal.
        secrets: Values that are replaced wherever they stand in a line, also in an encoding.
        stream: Standard error, as standard output belongs to the terminal surface.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_exception_texts,
        redactor(secrets),
    ]
    handler = logging.StreamHandler(stream)
    handler.addFilter(_is_ours_or_grave)
    handler.setFormatter(_formatter(shared, _renderer(log_format, stream)))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    structlog.configure(
        processors=[
            structlog.stdlib.add_logger_name,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        cache_logger_on_first_use=True,
    )


def _is_ours_or_grave(record: logging.LogRecord) -> bool:
    # What structlog hands on has its logger with it.
    return record.levelno >= logging.WARNING or hasattr(record, "_logger")


def _formatter(shared: list[Processor], renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[without_library_texts, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def redactor(secrets: Sequence[str]) -> Processor:
    """A processor that replaces every one of *secrets*, however deep it stands in a line."""
    written = {guise for secret in secrets if secret for guise in _guises(secret)}
    known = sorted(written, key=len, reverse=True)

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return _without(value, known)
        if isinstance(value, dict):
            return {clean(key): clean(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [clean(item) for item in value]
        if isinstance(value, int | float | None):
            return value
        return _without(str(value), known)

    def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        # structlog's own entries (they start with "_") hold the record, not text.
        return {key: value if key.startswith("_") else clean(value) for key, value in event.items()}

    return redact


def _guises(secret: str) -> Iterator[str]:
    """*secret* as it may be written: plain, in an address, or within base64 as in ``Basic``."""
    yield secret
    if len(secret) < _LEAST_ENCODED:
        return
    yield quote(secret, safe="")
    yield quote_plus(secret)
    raw = secret.encode("utf-8", "surrogateescape")
    for before in range(3):
        # Only the characters that hold nothing of what stands before or behind it.
        first, end = -(-8 * before // 6), 8 * (before + len(raw)) // 6
        shifted = bytes(before) + raw
        yield b64encode(shifted).decode()[first:end]
        yield urlsafe_b64encode(shifted).decode()[first:end]


def _without(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return text


def without_library_texts(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace what a library says by where it says it: nio, for one, quotes events in full."""
    record: logging.LogRecord = event["_record"]
    event["event"] = "library.complained"
    event["library"] = record.name
    event["said_at"] = f"{record.filename}:{record.lineno} in {record.funcName}"
    return event


def without_exception_texts(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace a logged exception by its type and place: its text may hold a person's words."""
    logged = event.pop("exc_info", None)
    error = sys.exc_info()[1] if logged is True else logged
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = type(error).__qualname__
        event["raised_at"] = [
            f"{frame.filename}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-8:]
        ]
    return event


def _renderer(log_format: str, stream: TextIO) -> Processor:
    wants_console = log_format == "console" or (log_format == "auto" and stream.isatty())
    if wants_console:
        return structlog.dev.ConsoleRenderer(colors=stream.isatty())
    return structlog.processors.JSONRenderer(ensure_ascii=False)
