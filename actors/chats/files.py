"""Files that come with a message: brought here before its turn, or told of as missing."""

from collections.abc import Mapping
from types import MappingProxyType

import trio
from attrs import define, field, frozen

from actors.chats.manner import Manner
from actors.words import Word, plain, size_text
from protocols.files import FileKind, FileMissing, LocalFile, Missing, RemoteFile
from protocols.ids import RoomId, RowId
from protocols.mail import Address, AnswerLateError, CalleeDiedError
from protocols.surfaces import FetchFile, SurfaceMessage

LONGEST_FETCH = 3000.0
"""Seconds for one file, with its waiting for others and for a surface's penalties.

Below the hour that a turn may take; the surface gives a silent download up much earlier.
"""

FORGOTTEN = RemoteFile(FileKind.DOCUMENT, "", "", None, "")
"""Stands for the files of an earlier message which is not in the journal any more."""

_WORDS: Mapping[Missing, Word] = MappingProxyType(
    {why: Word[f"FILE_{why.name}"] for why in Missing}
)


@frozen
class Fetched:
    """What came of bringing one file here."""

    file: RemoteFile
    result: LocalFile | FileMissing


@define
class Fetcher:
    """Brings the files of one row here, all at once.

    Args:
        restarts: Seconds before each further try where the surface died with the question.
    """

    surface: Address[SurfaceMessage]
    room: RoomId
    row: RowId
    restarts: tuple[float, ...]
    _results: dict[int, LocalFile | FileMissing] = field(factory=dict)

    async def fetch(self, files: tuple[RemoteFile, ...]) -> tuple[Fetched, ...]:
        """What came of each of *files*, in order."""
        async with trio.open_nursery() as nursery:
            for number, file in enumerate(files):
                nursery.start_soon(self._fetch, number, file)
        return tuple(Fetched(file, self._results[number]) for number, file in enumerate(files))

    async def _fetch(self, number: int, file: RemoteFile) -> None:
        if file == FORGOTTEN:
            self._results[number] = FileMissing(Missing.GONE)
            return
        self._results[number] = FileMissing(Missing.UNREACHABLE)
        for wait in (0.0, *self.restarts):
            await trio.sleep(wait)
            question = FetchFile(self.room, self.row, number, file)
            try:
                self._results[number] = await self.surface.ask(question, within=LONGEST_FETCH)
            except CalleeDiedError:
                continue
            except AnswerLateError:
                pass
            return


def local_files(fetched: tuple[Fetched, ...]) -> tuple[LocalFile, ...]:
    """Those that are here."""
    return tuple(one.result for one in fetched if isinstance(one.result, LocalFile))


def lines_for_person(fetched: tuple[Fetched, ...], manner: Manner) -> tuple[str, ...]:
    """One line of Markdown for each file that is missing."""
    return tuple(
        _line(one.file, one.result, manner)
        for one in fetched
        if isinstance(one.result, FileMissing)
    )


def _line(file: RemoteFile, missing: FileMissing, manner: Manner) -> str:
    limit = size_text(missing.limit_bytes, manner.language)
    return manner.say(_WORDS[missing.why], name=plain(_name(file)), limit=limit)


def text_for_agent(text: str, fetched: tuple[Fetched, ...]) -> str:
    """The person's *text*, with a line for each file that the agent does not get."""
    lines = (
        f"[A {one.file.kind} that came with this message is missing: "
        f"{_name(one.file)} ({one.result.why})]"
        for one in fetched
        if isinstance(one.result, FileMissing)
    )
    return "\n\n".join(part for part in (text, *lines) if part)


def _name(file: RemoteFile) -> str:
    """What the file is called, in one line; its kind where it has no name."""
    return " ".join(file.name.split()) or file.kind
