"""Sends the agent's files: pictures and videos together as albums, the rest one by one.

A file is no text: it cannot be put in the place of a message that is there. So it is marked in
the journal as in the air before it is sent, and sent once more at most where nobody knows what
became of it. What cannot be sent is named in a line.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import assert_never

from attrs import define, evolve, field

from actors.surfaces.names import file_name, file_names
from actors.telegram.api.outcomes import Ambiguous, Failure, Forbidden, Refusal, Refused, Sent
from actors.telegram.outgoing.placing import Job
from actors.telegram.outgoing.posting import End, Post
from actors.telegram.outgoing.progress import Ledger, Progress
from actors.telegram.outgoing.targets import Target
from actors.telegram.text.render import pieces
from actors.words import Word, say, size_text
from protocols.files import FileKind, LocalFile
from protocols.ids import Language

PHOTO_LIMIT_BYTES = 10 * 2**20
FILE_LIMIT_BYTES = 50 * 2**20
"""Bot API, "Sending files": 10 MB for photos, 50 MB for other files."""

LARGEST_ALBUM = 10

_MOST_TRIES = 2
_IN_ALBUMS = {FileKind.PHOTO, FileKind.VIDEO}
_SAME_AS_DOCUMENT = {Refusal.FILE_GONE, Refusal.FILE_TOO_LARGE, Refusal.CHAT_GONE}


def shown_as(file: LocalFile) -> FileKind:
    """What Telegram shows *file* as."""
    is_large = file.kind is FileKind.PHOTO and file.size_bytes > PHOTO_LIMIT_BYTES
    return FileKind.DOCUMENT if is_large else file.kind


def next_run(files: Sequence[LocalFile]) -> Sequence[LocalFile]:
    """The first of *files*, or as many of them as one album takes."""
    number = size_bytes = 0
    for file in files[:LARGEST_ALBUM]:
        size_bytes += file.size_bytes
        if shown_as(file) not in _IN_ALBUMS or size_bytes > FILE_LIMIT_BYTES:
            break
        number += 1
    return files[: max(1, number)]


@define
class FilesOut:
    """The way of a file into its chat.

    Args:
        within: What the largest upload may take, in seconds.
    """

    post: Post
    ledger: Ledger
    within: float
    _apart: set[str] = field(factory=set)
    """Messages of which Telegram refused an album: their files go one by one."""

    async def send_next(self, job: Job, progress: Progress) -> Progress | Forbidden | Refused:
        """The progress with the next file, or album, or with one more try at it."""
        rest = job.row.files[progress.files :]
        if rest[0].size_bytes > FILE_LIMIT_BYTES:
            return await self._name(job, progress, rest[:1], Word.SENDING_TOO_LARGE)
        run = rest[:1] if job.row.uid in self._apart else next_run(rest)
        if progress.tries >= _MOST_TRIES:
            return await self._name(job, progress, run, Word.SENDING_REFUSED)
        if progress.tries:
            await self._reach(job)
        outcome = await self._send(job, progress, run)
        match outcome:
            case Sent(message_id):
                self.post.tally.count("files sent")
                return progress.with_files(len(run), message_id)
            case Ambiguous():
                return evolve(progress, tries=progress.tries + 1)
            case Refused(why=why) if len(run) > 1 and why is not Refusal.CHAT_GONE:
                self._apart.add(job.row.uid)
                return evolve(progress, tries=0)
            case Refused(why=Refusal.CHAT_GONE) | Forbidden():
                return outcome
            case Refused():
                return await self._name(job, progress, run, Word.SENDING_REFUSED)
            case _:
                assert_never(outcome)

    async def take_away(self, job: Job) -> None:
        """Take away what showed the answer while it grew: the files alone are the answer."""
        shown_id = job.shown_id
        if shown_id is None:
            return
        room = job.row.room
        outcome = await self.post.insist(
            room,
            job.urgency,
            lambda target: self.post.bot.delete_message(target.chat, shown_id),
            is_repeatable=True,
        )
        if isinstance(outcome, Refused) and outcome.why is not Refusal.MESSAGE_GONE:
            # It is too old to be deleted, for example.
            names = pieces(file_names(job.row.files))
            await self.post.edit(room, shown_id, names[0], job.urgency)

    async def _send(self, job: Job, progress: Progress, run: Sequence[LocalFile]) -> Sent | End:
        if len(run) > 1:
            return await self._ask(
                job, progress, partial(self._album, job, progress, run), len(run)
            )
        kind = shown_as(run[0])
        outcome = await self._ask(job, progress, partial(self._file, job, progress, run[0], kind))
        match outcome:
            case Refused(why=why) if kind is not FileKind.DOCUMENT and why not in _SAME_AS_DOCUMENT:
                # A picture of odd sizes, or a voice message to somebody who wants none.
                as_document = partial(self._file, job, progress, run[0], FileKind.DOCUMENT)
                return await self._ask(job, progress, as_document)
            case _:
                return outcome

    async def _ask(
        self,
        job: Job,
        progress: Progress,
        ask: Callable[[Target], Awaitable[Sent | Failure]],
        messages: int = 1,
    ) -> Sent | End:
        in_the_air = evolve(progress, tries=progress.tries + 1)
        return await self.post.insist(
            job.row.room,
            job.urgency,
            ask,
            is_repeatable=False,
            mark=partial(self.ledger.keep, job.row, in_the_air),
            messages=messages,
        )

    async def _file(
        self, job: Job, progress: Progress, file: LocalFile, kind: FileKind, target: Target
    ) -> Sent | Failure:
        return await self.post.bot.send_file(
            target.chat, file, kind,
            thread_id=target.thread, reply_to=job.reply_from(progress), within=self.within,
        )  # fmt: skip

    async def _album(
        self, job: Job, progress: Progress, files: Sequence[LocalFile], target: Target
    ) -> Sent | Failure:
        return await self.post.bot.send_album(
            target.chat, files,
            thread_id=target.thread, reply_to=job.reply_from(progress), within=self.within,
        )  # fmt: skip

    async def _reach(self, job: Job) -> None:
        """Wait until Telegram answers again, so that the second try is worth it."""
        await self.post.insist(
            job.row.room,
            job.urgency,
            lambda target: self.post.bot.send_typing(target.chat, target.thread),
            is_repeatable=True,
        )

    async def _name(
        self, job: Job, progress: Progress, files: Sequence[LocalFile], word: Word
    ) -> Progress | Forbidden | Refused:
        """Say that *files* exist; also a line is sent once more at most."""
        self.post.tally.count("files not sent")
        piece = pieces("\n\n".join(_line(word, file, job.row.language) for file in files))[0]
        for _ in range(_MOST_TRIES):
            sent = await self.post.send(
                job.row.room, piece, job.urgency, reply_to=job.reply_from(progress)
            )
            match sent:
                case Sent(message_id):
                    return progress.with_files(len(files), message_id)
                case Forbidden() | Refused():
                    return sent
                case Ambiguous():
                    continue
                case _:
                    assert_never(sent)
        return progress.with_files(len(files), 0)


def _line(word: Word, file: LocalFile, language: Language) -> str:
    size, limit = (size_text(of, language) for of in (file.size_bytes, FILE_LIMIT_BYTES))
    return say(word, language, name=file_name(file), size=size, limit=limit)
