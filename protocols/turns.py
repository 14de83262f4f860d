"""What sessions and directory ask of the bridge to the agent: turns and settings."""

from attrs import field, frozen

from protocols.files import LocalFile
from protocols.ids import Language, PersonId, RowId, RunId, SlotId, SurfaceName, TraceId
from protocols.mail import Question, Sink
from protocols.platform import (
    Attachment,
    FailureKind,
    Resume,
    SettingsAction,
    Usage,
    UserSettings,
)


@frozen
class Turn:
    """One message to the agent, with all that a run needs.

    Args:
        sender: Who the platform knows the person as: of two linked identities the first.
        language: What the bridge itself says is said in it; empty where nobody knows it.
    """

    run_id: RunId
    row: RowId
    surface: SurfaceName
    sender: PersonId
    sender_name: str
    slot: SlotId
    text: str = field(repr=False)
    trace: TraceId
    resume: Resume | None = None
    files: tuple[LocalFile, ...] = ()
    language: Language = Language("")


@frozen
class TurnProgress:
    """How far an answer has come: the whole text so far, and what the agent is doing."""

    row: RowId
    text: str = field(repr=False)
    status: str = field(repr=False, default="")


@frozen
class TurnFinished:
    """The agent answered.

    Args:
        files: What it made and sent along, on this machine's disk until it is delivered.
        attachments: What it only named an address of.
        reasoning: What the agent thought before it answered.
    """

    text: str = field(repr=False)
    attachments: tuple[Attachment, ...] = ()
    files: tuple[LocalFile, ...] = ()
    reasoning: str = field(repr=False, default="")
    usage: Usage | None = None


@frozen
class TurnAsks:
    """The agent asks the person; ``text`` is what it said before. The rest is ``StreamAsks``'."""

    text: str = field(repr=False)
    interrupt_id: str = field(repr=False)
    question: str = field(repr=False)
    choices: tuple[str, ...]
    expires_at: float | None = None


@frozen
class TurnFailed:
    """The agent failed; ``text`` is what came before."""

    text: str = field(repr=False)
    kind: FailureKind


@frozen
class TurnStopped:
    """The turn was cancelled on request; ``text`` is what came before."""

    text: str = field(repr=False)


TurnOutcome = TurnFinished | TurnAsks | TurnFailed | TurnStopped


@frozen
class RunTurn(Question[TurnOutcome]):
    """Run one turn; ``progress`` is told, newest only, while it runs."""

    turn: Turn
    progress: Sink[TurnProgress]


@frozen
class CancelTurn:
    """Stop the turn of *run_id*; its question is answered with ``TurnStopped``."""

    run_id: RunId


@frozen
class FetchSettings(Question[UserSettings | TurnFailed]):
    """A person's settings."""

    surface: SurfaceName
    sender: PersonId


@frozen
class ChangeSettings(Question[UserSettings | TurnFailed]):
    """Change a person's settings."""

    surface: SurfaceName
    sender: PersonId
    action: SettingsAction


PlatformMessage = RunTurn | CancelTurn | FetchSettings | ChangeSettings
