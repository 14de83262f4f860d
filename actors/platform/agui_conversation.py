"""What an AG-UI agent that keeps nothing is shown of a chat; pure."""

from typing import Any

from attrs import field, frozen

from actors.platform.agui_input import history_messages, user_message
from actors.platform.agui_questions import continuation_of
from actors.platform.json_values import object_of, text_of
from protocols.ids import RunId
from protocols.journal import Exchange
from protocols.platform import Resume

Json = dict[str, Any]


@frozen
class Conversation:
    """The messages of one run, oldest first.

    Args:
        history: Of the runs before.
        newest: Of this run, and of the runs whose questions it goes on with.
        resume: AG-UI's answers to the interrupts of the run before.
    """

    history: list[Json] = field(repr=False)
    newest: list[Json] = field(repr=False)
    resume: list[Json] = field(repr=False)

    @property
    def messages(self) -> list[Json]:
        """All that the agent is sent."""
        return [*self.history, *self.newest]

    @property
    def kept(self) -> list[Json]:
        """What a question of this run must repeat: the newest without files, which are too large.

        Their names stay.
        """
        return [_without_files(message) for message in self.newest]


def conversation(
    run_id: RunId,
    text: str,
    parts: list[Json],
    *,
    resume: Resume | None,
    history: tuple[Exchange, ...],
) -> Conversation:
    """What the agent is shown when a person says *text* with the files in *parts*.

    Raises:
        PlatformFailedError: *resume* is none of ours.
    """
    if resume is None:
        return Conversation(history_messages(history), [user_message(run_id, text, parts)], [])
    goes_on = continuation_of(resume, text)
    newest = goes_on.messages
    if newest:
        history = _before(history, _words_of(newest[0]))
    if goes_on.words or parts:
        newest = [*newest, user_message(run_id, goes_on.words, parts)]
    return Conversation(history_messages(history), newest, goes_on.entries)


def _before(history: tuple[Exchange, ...], words: str) -> tuple[Exchange, ...]:
    """*history* up to the run that said *words* and asked: its own messages say more.

    That is most often the last one; an answer that failed, or was asked back, stands behind it.
    """
    for number in reversed(range(len(history))):
        if history[number].asked == words:
            return history[:number]
    return history[:-1]


def _words_of(message: Json) -> str:
    """What the person wrote: all of it, or the first part of a message with files."""
    content = message.get("content")
    if isinstance(content, list):
        return next((text_of(object_of(part).get("text")) for part in content), "")
    return text_of(content)


def _without_files(message: Json) -> Json:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    words = [part for part in content if object_of(part).get("type") == "text"]
    return message | {"content": words}
