"""The platform's contract beside the stream of a run: what is sent, and what it means; pure.

Source:
    docs/platform-api.yaml.
"""

from enum import StrEnum
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from attrs import field, frozen

from actors.platform.agui_parts import attachments_of, usage_of
from actors.platform.agui_questions import question_of
from actors.platform.agui_wire import failure_of
from actors.platform.json_values import count_of, list_of, object_of, text_of
from actors.platform.web_failures import StatusError
from protocols.ids import RunId, TraceId
from protocols.platform import (
    Attachment,
    FailureKind,
    PlatformFailedError,
    SettingsAction,
    StreamFinished,
    StreamPart,
    StreamStopped,
    Usage,
    User,
    UserSettings,
    UserUnknownError,
)

Json = dict[str, Any]

VERSION = "2026-11-01"
RUNS = "/v1/runs"
FILES = "/v1/files"
CAPABILITIES = "/v1/capabilities"

MOST_INLINE_BYTES = 4 * 2**20
_MOST_SKILLS = 100
_HEX = frozenset("0123456789abcdef")


class RunStatus(StrEnum):
    """How far a run has come."""

    QUEUED = "queued"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@frozen
class RunResult:
    """A run as the platform knows it now.

    Args:
        interrupts: As ``RUN_FINISHED`` has them.
        problem: The name of what went wrong, such as ``overloaded``; empty for nothing.
    """

    status: RunStatus
    text: str = field(repr=False, default="")
    attachments: tuple[Attachment, ...] = ()
    interrupts: list[Any] = field(repr=False, factory=list)
    usage: Usage | None = None
    problem: str = ""

    @property
    def is_over(self) -> bool:
        """It has come to its end, whichever."""
        return self.status not in {RunStatus.QUEUED, RunStatus.RUNNING}

    def last_part(self) -> StreamPart:
        """What its stream ends with, once it is over.

        Raises:
            PlatformFailedError: It failed, or is not over.
        """
        match self.status:
            case RunStatus.SUCCEEDED:
                return StreamFinished(self.attachments, self.usage)
            case RunStatus.INTERRUPTED:
                return question_of(self.interrupts)
            case RunStatus.CANCELLED:
                return StreamStopped()
            case RunStatus.FAILED:
                raise failure_of(self.problem)
            case RunStatus.QUEUED | RunStatus.RUNNING:
                raise PlatformFailedError(FailureKind.CUT, is_retryable=False)


@frozen
class Upload:
    """Where the bytes of a file go, with exactly these headers."""

    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)


@frozen
class FileTicket:
    """A file at the platform: how a message names it, and where its bytes still have to go."""

    source: Json = field(repr=False)
    upload: Upload | None = None


@frozen
class Capabilities:
    """What the platform takes.

    Args:
        max_inline_bytes: Of one file within a message.
        max_file_bytes: Of any file; None where it does not say.
    """

    max_inline_bytes: int = MOST_INLINE_BYTES
    max_file_bytes: int | None = None


def key_header(key: str) -> str:
    """An idempotency key as a structured-field string."""
    return f'"{key}"'


def traceparent_of(trace: TraceId, run_id: RunId) -> str | None:
    """The W3C header for a run; None where *trace* is no trace. The same run is the same span."""
    if len(trace) != 32 or not _HEX.issuperset(trace) or not trace.strip("0"):  # noqa: PLR2004
        return None
    span = sha256(f"{trace}:{run_id}".encode()).hexdigest()[:16]
    return f"00-{trace}-{span}-01"


def user_path(platform: str, external_id: str) -> str:
    """Where a person on a surface is got or created."""
    return f"/v1/users/{quote(platform, safe='')}/{quote(external_id, safe='')}"


def settings_path(user_id: str) -> str:
    """Where a person's settings are."""
    return f"/v1/users/{quote(user_id, safe='')}/settings"


def run_path(run_id: RunId, what: str = "") -> str:
    """Where a run is, or one of its parts: ``/events``, ``/cancel``."""
    return f"{RUNS}/{quote(run_id, safe='')}{what}"


def upsert_json(display_name: str) -> Json:
    """What is said of a person."""
    return {"display_name": display_name} if display_name else {}


def user_of(body: object) -> User:
    """The person.

    Raises:
        PlatformFailedError: *body* is none.
    """
    said = object_of(body)
    user_id = text_of(said.get("user_id"))
    if not user_id:
        raise _broken()
    return User(
        user_id,
        text_of(said.get("external_id")),
        text_of(said.get("platform")),
        text_of(said.get("display_name")),
    )


def settings_of(body: object) -> UserSettings:
    """A person's settings; of the first hundred skills whether each is on.

    Raises:
        PlatformFailedError: *body* has none.
    """
    if not isinstance(body, dict):
        raise _broken()
    skills = object_of(body.get("skills"))
    known = {text_of(name): is_on for name, is_on in skills.items() if isinstance(is_on, bool)}
    return UserSettings(dict(list(known.items())[:_MOST_SKILLS]), text_of(body.get("model")))


def action_json(action: SettingsAction) -> Json:
    """A change of settings."""
    return {"type": action.type, "payload": dict(action.payload)}


def result_of(body: object) -> RunResult:
    """A run as it is now.

    Raises:
        PlatformFailedError: *body* says of no run.
    """
    said = object_of(body)
    try:
        status = RunStatus(text_of(said.get("status")))
    except ValueError:
        raise _broken() from None
    return RunResult(
        status,
        text_of(said.get("text")),
        attachments_of(said.get("attachments")),
        list_of(said.get("interrupts")),
        usage_of(said.get("usage")),
        problem_of(said.get("error")),
    )


def problem_of(body: object) -> str:
    """The name of a problem, such as ``thread-busy``; empty where it has none."""
    kind = text_of(object_of(body).get("type"))
    return kind.rpartition("/")[2] if "/problems/" in f"/{kind}" else ""


def unknown_user(failure: PlatformFailedError) -> PlatformFailedError:
    """*failure*, or what it means where the platform does not know whom we speak of."""
    body = failure.body if isinstance(failure, StatusError) else None
    return UserUnknownError() if problem_of(body) == "user-not-found" else failure


def presign_json(attachment: Attachment) -> Json:
    """What is said of a file that will be uploaded."""
    said: Json = {
        "mode": "presigned",
        "filename": attachment.name,
        "mimeType": attachment.mime_type,
        "size": attachment.size_bytes,
    }
    return said | ({"sha256": attachment.sha256} if attachment.sha256 else {})


def ticket_of(body: object) -> FileTicket:
    """A file's ticket.

    Raises:
        PlatformFailedError: *body* is none.
    """
    said = object_of(body)
    source, upload = object_of(said.get("source")), object_of(said.get("upload"))
    if not text_of(source.get("type")) or not text_of(source.get("value")):
        raise _broken()
    url = text_of(upload.get("url"))
    if not url:
        return FileTicket(source)
    if not url.startswith(("https://", "http://")) or upload.get("method", "PUT") != "PUT":
        raise _broken()
    headers = object_of(upload.get("headers")).items()
    kept = {name: value for name, value in headers if isinstance(value, str)}
    return FileTicket(source, Upload(url, kept))


def capabilities_of(body: object) -> Capabilities:
    """What the platform takes, as far as it says.

    Raises:
        PlatformFailedError: *body* says nothing.
    """
    if not isinstance(body, dict):
        raise _broken()
    inline = count_of(body.get("max_inline_bytes"))
    return Capabilities(
        MOST_INLINE_BYTES if inline is None else inline, count_of(body.get("max_file_bytes"))
    )


def _broken() -> PlatformFailedError:
    return PlatformFailedError(FailureKind.BROKEN, is_retryable=True)
