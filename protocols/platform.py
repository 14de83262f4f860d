"""The agent platform: the port that every mode implements."""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any, Protocol

from attrs import field, frozen

from protocols.ids import Language, RunId, SurfaceName, TraceId
from protocols.journal import Exchange


@frozen
class Attachment:
    """A file that goes along with a message, in one of the platform's modes.

    Args:
        mode: ``binary`` (``data``), ``url`` (``location``) or ``s3`` (``location`` is the key).
        sha256: Of the content, 64 hexadecimal digits; empty where whoever sends it does not say.
    """

    name: str
    mime_type: str
    size_bytes: int
    mode: str = "binary"
    data: bytes = field(repr=False, default=b"")
    location: str = field(repr=False, default="")
    sha256: str = ""


@frozen
class User:
    """A person as the platform knows them."""

    user_id: str
    external_id: str
    platform: str
    display_name: str = field(repr=False, default="")


@frozen
class UserSettings:
    """A person's settings: skills that are on or off, and the model's name."""

    skills: dict[str, bool]
    model: str = ""


@frozen
class SettingsAction:
    """A change of settings: ``toggle_skill``, ``set`` or ``reset``, with its payload."""

    type: str
    payload: dict[str, Any] = field(factory=dict)


@frozen
class Answer:
    """A whole answer, as ``send_message`` gives it."""

    text: str = field(repr=False)
    attachments: tuple[Attachment, ...] = ()


@frozen
class Usage:
    """What a run cost, as the agent says; a number is None where it does not.

    Args:
        input_tokens: Read by the model; ``output_tokens`` were written by it.
    """

    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None


@frozen
class RunDetails:
    """What a run may know beside its message; an agent may do without.

    Args:
        surface: Where the person writes.
        language: That of the person's app.
        history: What was said in this chat before, oldest first; only for a client that wants it.
    """

    surface: SurfaceName = SurfaceName("")
    language: Language = Language("")
    trace: TraceId = TraceId("")
    history: tuple[Exchange, ...] = field(repr=False, default=())


class FailureKind(StrEnum):
    """Why a turn failed; each has its words for the person."""

    UNREACHABLE = "unreachable"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    CUT = "cut"
    """The stream ended in the middle."""
    EMPTY = "empty"
    """The agent answered nothing."""
    UNAUTHORIZED = "unauthorized"
    REJECTED = "rejected"
    """The agent refused this message."""
    BROKEN = "broken"
    """It answered something that is not the protocol."""
    GONE = "gone"
    """Our own bridge died with the turn in hand."""
    FILE_REFUSED = "file refused"
    """The agent does not take a file of this kind or size."""
    FILE_LOST = "file lost"
    """A file on its way is not there any more, or our disk does not take it."""


# What a stream is made of; it ends with exactly one of StreamFinished, StreamAsks, StreamStopped.


@frozen
class TextDelta:
    """More of the answer's text."""

    text: str = field(repr=False)


@frozen
class WholeText:
    """The answer's text from its start, in the place of all that came: a stream was lost."""

    text: str = field(repr=False)


@frozen
class ReasoningDelta:
    """More of what the agent thought before it answers."""

    text: str = field(repr=False)


@frozen
class StatusLine:
    """What the agent is doing now; replaces the line before."""

    text: str = field(repr=False)


@frozen
class ToolCall:
    """The agent uses the tool *name*; replaces the status line."""

    name: str = field(repr=False)


@frozen
class StreamBroke:
    """The stream broke and is gone on with where it stood: no sign of life, and no end."""

    kind: FailureKind


@frozen
class StreamFinished:
    """The answer is complete."""

    attachments: tuple[Attachment, ...] = ()
    usage: Usage | None = None


@frozen
class StreamStopped:
    """The run was cancelled at the platform."""


@frozen
class StreamAsks:
    """The agent asks the person before it goes on; the answer starts a new run.

    Args:
        interrupt_id: Whatever the client needs to go on; only it knows what is in there, it is
            kept and comes back in ``Resume``. At most 64 KiB.
        choices: The words that a person may answer with, such as ``("yes", "no")``; the words
            ``yes``, ``no``, ``approve`` and ``reject`` are shown in the person's language. Empty
            where any words are an answer.
        expires_at: Seconds since the epoch, after which no answer counts; None where it is not
            said.
    """

    interrupt_id: str = field(repr=False)
    question: str = field(repr=False)
    choices: tuple[str, ...] = ("yes", "no")
    expires_at: float | None = None


StreamPart = (
    TextDelta
    | WholeText
    | ReasoningDelta
    | StatusLine
    | ToolCall
    | StreamBroke
    | StreamFinished
    | StreamAsks
    | StreamStopped
)


@frozen
class Resume:
    """The person's answer to ``StreamAsks``; ``choice`` is None where they wrote something else.

    The words themselves are the text of the message that resumes.
    """

    interrupt_id: str = field(repr=False)
    choice: str | None


class PlatformFailedError(Exception):
    """The platform did not do what was asked.

    Args:
        kind: Why, in one word.
        is_retryable: The same request may succeed later.
        retry_after: Seconds that the platform asked us to wait, if it did.
    """

    def __init__(
        self, kind: FailureKind, *, is_retryable: bool, retry_after: float | None = None
    ) -> None:
        """Keep the three facts; the text carries no word of the platform's answer."""
        super().__init__(f"the platform failed: {kind}")
        self.kind = kind
        self.is_retryable = is_retryable
        self.retry_after = retry_after


class UserUnknownError(PlatformFailedError):
    """The platform does not know this user id, or not any more; the person can be asked for."""

    def __init__(self) -> None:
        """Be a refusal, for whoever does not ask for the person again."""
        super().__init__(FailureKind.REJECTED, is_retryable=False)


NO_DETAILS = RunDetails()


class PlatformClient(Protocol):
    """The port: what each ``PLATFORM_MODE`` implements.

    Every method raises ``PlatformFailedError``. A run's id makes a repeated request the same run.
    """

    @property
    def history_chars(self) -> int:
        """Characters of the chat's history that each run needs; 0 where the agent keeps it."""

    async def check_access(self) -> None:
        """Ask whether we may use the agent at all; ``UNAUTHORIZED`` says that nobody is let in."""

    async def get_or_create_user(self, external_id: str, platform: str, display_name: str) -> User:
        """The platform's user for a person on a surface; the same one every time."""

    async def send_message(
        self,
        user_id: str,
        chat_id: str,
        text: str,
        *,
        run_id: RunId,
        attachments: tuple[Attachment, ...] = (),
        details: RunDetails = NO_DETAILS,
    ) -> Answer:
        """Run the agent and wait for the whole answer."""

    def stream_message(
        self,
        user_id: str,
        chat_id: str,
        text: str,
        *,
        run_id: RunId,
        attachments: tuple[Attachment, ...] = (),
        resume: Resume | None = None,
        details: RunDetails = NO_DETAILS,
    ) -> AsyncIterator[StreamPart]:
        """Run the agent and hand over its answer as it comes.

        An end without one of the last parts is a cut stream.
        """

    async def cancel_run(self, run_id: RunId) -> None:
        """Stop a run; one that is over or unknown is no error."""

    async def get_settings(self, user_id: str) -> UserSettings:
        """The person's settings."""

    async def update_settings(self, user_id: str, action: SettingsAction) -> UserSettings:
        """Change the person's settings; gives them as they are afterwards."""
