"""What the press of a button means to us, and that of Telegram's own Stop. Pure; never raises."""

from typing import Any

from actors.surfaces.shapes import Json, clean, table
from actors.telegram.incoming.meaning import Decoded, Ignored, Reader, StrangePress, unreadable
from actors.telegram.incoming.origin import (
    Speaker,
    event_id_of,
    is_shared,
    message_id_in,
    room_id,
    room_of,
    speaker_in,
    trace_of,
)
from actors.telegram.incoming.shapes import is_id
from protocols.ids import Language, RemoteId, RoomId, RowId
from protocols.journal import Arrival, Press, stop_action

_LONGEST_ACTION = 64  # bytes, as the Bot API has it
_LONGEST_ID = 128


def read_press(update_id: int, update: Json, reader: Reader) -> Decoded:
    """What a pressed button means; whether it still does anything is not decided here."""
    query = table(update["callback_query"])
    press_id, user, message = query.get("id"), table(query.get("from")), table(query.get("message"))
    if not isinstance(press_id, str) or not 0 < len(press_id) <= _LONGEST_ID:
        return unreadable("a callback without its id", update)
    if user.get("is_bot") is True:
        return Ignored("not from a person")
    # Never a chat, even where its presser wrote as one: see speaker_of.
    speaker, room = speaker_in(user), room_of(message, reader.aliases)
    press = Press(clean(press_id), _action_in(query.get("data")), message_id_in(message))
    if speaker is not None and room is not None and press.action and press.place:
        return _arrival(update_id, room, speaker, press, reader)
    if speaker is not None:
        return StrangePress(room or room_id(speaker.id), press.id, speaker.language)
    if room is not None:
        return StrangePress(room, press.id, Language(""))
    return unreadable("a callback from nowhere", update)


def read_stop(update_id: int, update: Json, reader: Reader) -> Decoded:
    """What Telegram's own Stop below a draft means; there are drafts in private chats only.

    The draft's id is that of the journal row whose answer it shows.
    """
    stopped = table(update["stopped_message_generation"])
    chat, draft_id, thread_id = (
        table(stopped.get("chat")), stopped.get("draft_id"), stopped.get("message_thread_id")
    )  # fmt: skip
    speaker = speaker_in(chat)
    if speaker is None or speaker.id < 0:
        return unreadable("a stop without its person", update)
    if not is_id(draft_id) or draft_id < 0:
        return unreadable("a stop without its draft", update)
    room = room_id(speaker.id, thread_id if is_id(thread_id) else None)
    press = Press("", stop_action(RowId(draft_id)), RemoteId(""))
    return _arrival(update_id, room, speaker, press, reader)


def _arrival(
    update_id: int, room: RoomId, speaker: Speaker, press: Press, reader: Reader
) -> Arrival:
    event_id = event_id_of(update_id)
    return Arrival(
        event_id=event_id,
        room=room,
        sender=speaker.person,
        sender_name=speaker.name,
        text="",
        # Telegram does not say when; it keeps a press for 150 s.
        sent_at=reader.now,
        trace=trace_of(event_id),
        is_backlog=reader.now < reader.backlog_before,
        language=speaker.language,
        press=press,
        is_shared=is_shared(room, speaker.person),
    )


def _action_in(data: Any) -> str:
    """What the button asks for; empty for what no button of ours can."""
    if not isinstance(data, str):
        return ""
    action = clean(data)
    return action if len(action.encode()) <= _LONGEST_ACTION else ""
