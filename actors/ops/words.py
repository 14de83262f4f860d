"""What is said over the debug socket: requests of the client, answers of the program."""

from pathlib import PurePath

from attrs import Attribute, field, frozen, validators

from protocols.lifecycle import ActorView

MOST_ROWS = 200
"""The longest list that one answer holds."""
_LONGEST_WORD = 4096
_PAST_IDS = 2**63
"""SQLite's integers end here."""


def _is_whole(_request: object, _field: "Attribute[int]", number: object) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number < _PAST_IDS:
        raise ValueError("not a whole number from 1 on")


def _is_word(_request: object, _field: "Attribute[str]", text: object) -> None:
    if not isinstance(text, str) or not 1 <= len(text) <= _LONGEST_WORD:
        raise ValueError("not a text, empty, or too long")


def _is_absolute(_request: object, _field: "Attribute[str]", path: str) -> None:
    path.encode("utf-8", "surrogateescape")
    if "\0" in path or not PurePath(path).is_absolute():
        raise ValueError("not an absolute path")


# Requests.


@frozen
class ShowTree:
    """The live tree."""


@frozen
class RestartActor:
    """End an actor in good order and start it again now."""

    name: str = field(validator=_is_word)


@frozen
class KillActor:
    """Crash an actor where it stands."""

    name: str = field(validator=_is_word)


@frozen
class ShowStack:
    """Where an actor stands now."""

    name: str = field(validator=_is_word)


@frozen
class ShowJournal:
    """The newest *limit* journal rows."""

    limit: int = field(default=20, validator=[_is_whole, validators.le(MOST_ROWS)])


@frozen
class ShowDeadLetters:
    """What nobody handled: kept by the store, or left over in mailboxes."""


@frozen
class RetryFinished:
    """Run the failed, stopped or set aside journal row *id* again."""

    id: int = field(validator=_is_whole)


@frozen
class ShowAccess:
    """Who may write, and who knocked."""


@frozen
class LetIn:
    """Let in whoever was given *code*."""

    code: str = field(validator=_is_word, repr=False)


@frozen
class MakeBackup:
    """Copy the database to the absolute path *file*."""

    file: str = field(validator=[_is_word, _is_absolute])


Request = (
    ShowTree
    | RestartActor
    | KillActor
    | ShowStack
    | ShowJournal
    | ShowDeadLetters
    | RetryFinished
    | ShowAccess
    | LetIn
    | MakeBackup
)


# Answers. Ages are seconds.


@frozen
class JournalGlance:
    """Rows by state, outgoing messages by state, dead letters."""

    rows: dict[str, int]
    outgoing: dict[str, int]
    dead_letters: int
    oldest_unfinished_age: float | None


@frozen
class Folded:
    """Children of *pool* that the tree leaves out because there are so many."""

    pool: str
    idle: int = 0
    busy: int = 0
    troubled: int = 0


@frozen
class Tree:
    """The live tree.

    Args:
        total: All actors, with those that are folded away.
        undelivered: Messages that no actor handled, as far as they are remembered.
        journal: None where *problem* says why.
    """

    pid: int
    total: int
    undelivered: int
    journal: JournalGlance | None
    problem: str = ""
    folded: tuple[Folded, ...] = ()
    actors: tuple[ActorView, ...] = ()


@frozen
class Restarted:
    """*path* starts again."""

    path: str


@frozen
class Killed:
    """*path* was crashed."""

    path: str


@frozen
class Stack:
    """Where *path* stands."""

    path: str
    text: str


@frozen
class JournalLine:
    """One journal row, without anything that a person wrote."""

    id: int
    age: float
    room: str
    sender: str
    state: str
    attempts: int
    reason: str
    trace: str


@frozen
class Journal:
    """The newest journal rows, newest first."""

    rows: tuple[JournalLine, ...]
    summary: JournalGlance


@frozen
class DeadLetterLine:
    """One dead letter, without its body.

    Args:
        kept: By the store; otherwise it is remembered until the program ends.
    """

    source: str
    kind: str
    reason: str
    age: float
    kept: bool
    trace: str = ""


@frozen
class DeadLetters:
    """Dead letters, newest first; *problem* says which ones could not be had."""

    letters: tuple[DeadLetterLine, ...]
    problem: str = ""


@frozen
class Retried:
    """What was asked for runs again, as the journal row *id*."""

    id: int


@frozen
class StrangerLine:
    """Somebody without access; *code* is what ``pair`` takes, empty once it is spent."""

    person: str
    code: str
    attempts: int
    age: float


@frozen
class Access:
    """Who may write, and the strangers who knocked last; *left_out* counts the earlier ones."""

    mode: str
    admins: tuple[str, ...]
    allowed: tuple[str, ...]
    strangers: tuple[StrangerLine, ...]
    left_out: int = 0


@frozen
class LetInDone:
    """*person* may write from now on."""

    person: str


@frozen
class BackupDone:
    """A copy stands at *file*."""

    file: str
    size_bytes: int


@frozen
class Refused:
    """Nothing was done; *near* are names that may have been meant."""

    problem: str
    near: tuple[str, ...] = ()


Answer = (
    Tree
    | Restarted
    | Killed
    | Stack
    | Journal
    | DeadLetters
    | Retried
    | Access
    | LetInDone
    | BackupDone
    | Refused
)
