"""What is read of Telegram's answers. Pure; never raises, whatever they hold."""

from typing import Any

from actors.telegram.api.outcomes import Ambiguous, Done, Failure, Me, NotModified, Opened, Sent


def me_in(found: Any) -> Me | Failure:
    """Who the bot is."""
    match found:
        case {"id": int(id_), "username": str(username)}:
            reads_all = found.get("can_read_all_group_messages") is True
            has_topics = found.get("has_topics_enabled") is True
            return Me(id_, username, reads_all=reads_all, has_topics=has_topics)
        case _:
            return failure_in(found)


def sent_in(found: Any) -> Sent | Failure:
    """The message; of an album, its first."""
    match found:
        case {"message_id": int(message_id)} | [{"message_id": int(message_id)}, *_]:
            return Sent(message_id)
        case _:
            return failure_in(found)


def edited_in(found: Any) -> Sent | NotModified | Failure:
    """The message as it is now."""
    return found if isinstance(found, NotModified) else sent_in(found)


def opened_in(found: Any) -> Opened | Failure:
    """The new topic."""
    match found:
        case {"message_thread_id": int(thread_id)}:
            return Opened(thread_id)
        case _:
            return failure_in(found)


def done_in(found: Any) -> Done | Failure:
    """Whether it was done."""
    return Done() if found is True else failure_in(found)


def failure_in(found: Any) -> Failure:
    """Why there is nothing to read."""
    return found if isinstance(found, Failure) else Ambiguous("an answer of no known shape")
