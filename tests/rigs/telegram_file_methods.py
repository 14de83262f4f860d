"""What the methods do that send files, and what they refuse.

Source:
    telegram-bot-api, ``Client::get_input_file`` and ``get_input_media``; TDLib,
    ``check_partial_local_location`` for the sizes and ``check_message_group_message_contents``
    for the albums.
"""

from functools import partial
from typing import Any

from attrs import evolve

from tests.rigs.telegram_faults import TOO_LARGE, Json, RefusedError, bad_request
from tests.rigs.telegram_files import KeptFile, Media, MediaKind, type_name
from tests.rigs.telegram_forms import Upload
from tests.rigs.telegram_messages import Said, message_json
from tests.rigs.telegram_params import as_int, as_json
from tests.rigs.telegram_targets import Method, answered_by, caption_in, chat_of, thread_of
from tests.rigs.telegram_text import checked_markup
from tests.rigs.telegram_world import World

MAX_UPLOAD_BYTES = 50 << 20
MAX_PHOTO_BYTES = 10 << 20
_SENT: tuple[MediaKind, ...] = ("photo", "document", "voice", "audio", "video")
_IN_ALBUMS: tuple[MediaKind, ...] = ("photo", "document", "audio", "video")
_ONLY_WITH_THEIR_LIKE = ("audio", "document")
_MIN_ALBUM, _MAX_ALBUM = 2, 10
_ATTACHED = "attach://"
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")
_NUMBERS = ("duration", "width", "height")
_WORDS = ("performer", "title")


def _send_file(world: World, params: Json, *, kind: MediaKind) -> Json:
    file = _file(world, params, params, kind=kind, given=params.get(kind))
    if file is None:
        raise bad_request(f"there is no {kind} in the request")
    text, entities = caption_in(params)
    chat = chat_of(world, params)
    said = Said(
        text, entities, thread_of(chat, params), answered_by(chat, params),
        checked_markup(as_json(params.get("reply_markup"))), world.files.members(file), (file,),
    )  # fmt: skip
    return message_json(chat, world.add(chat, world.bot, said))


def send_media_group(world: World, params: Json) -> list[Json]:
    items = as_json(params.get("media"))
    if not items and items != []:
        raise bad_request('parameter "media" is required')
    if not isinstance(items, list):
        raise bad_request("expected an Array of InputMedia")
    parts = [_part(world, params, item) for item in items]
    _check_album([file.kind for part in parts for file in part.files])
    chat = chat_of(world, params)
    thread, reply_to = thread_of(chat, params), answered_by(chat, params)
    group = {"media_group_id": world.next_album()}
    sent = [
        evolve(part, thread=thread, reply_to=reply_to, content=part.content | group)
        for part in parts
    ]
    return [message_json(chat, world.add(chat, world.bot, said)) for said in sent]


FILE_METHODS: dict[str, Method] = {
    f"send{kind}": partial(_send_file, kind=kind) for kind in _SENT
} | {"sendmediagroup": send_media_group}


def _part(world: World, params: Json, item: Any) -> Said:
    """One item of an album."""
    if not isinstance(item, dict):
        raise bad_request("can't parse InputMedia: expected an Object")
    kind = next((one for one in _IN_ALBUMS if one == item.get("type")), None)
    if kind is None:
        raise bad_request(f'can\'t parse InputMedia: type "{item.get("type")}" is unsupported')
    text, entities = caption_in(item)
    file = _file(world, params, item, kind=kind, given=item.get("media"))
    if file is None:
        raise bad_request("can't parse InputMedia: media not found")
    return Said(text, entities, content=world.files.members(file), files=(file,))


def _check_album(kinds: list[MediaKind]) -> None:
    if not kinds:
        raise bad_request("there are no messages to send")
    if len(kinds) > _MAX_ALBUM:
        raise bad_request("too many messages to send as an album")
    if len(kinds) < _MIN_ALBUM:
        # The documentation's rule; TDLib lets one pass, so these words are the rig's own.
        raise bad_request("an album must include 2-10 items")
    for kind in _ONLY_WITH_THEIR_LIKE:
        if kind in kinds and len(set(kinds)) > 1:
            raise bad_request(f"{kind} can't be mixed with other media types")


def _file(
    world: World, params: Json, about: Json, *, kind: MediaKind, given: object
) -> KeptFile | None:
    """The file that *given* names: itself, another part of the form, or one that is kept."""
    if isinstance(given, str) and given.startswith(_ATTACHED):
        given = params.get(given.removeprefix(_ATTACHED))
        if not isinstance(given, Upload):
            return None
    match given:
        case Upload():
            _check_upload(given, kind)
            return world.files.keep(_media(given, kind, about))
        case str() if given:
            return _kept(world, kind, given)
        case _:
            return None


def _check_upload(upload: Upload, kind: MediaKind) -> None:
    content = upload.content
    if not content.size_bytes:
        raise bad_request("file must be non-empty")
    if content.size_bytes > MAX_UPLOAD_BYTES:
        raise RefusedError(413, TOO_LARGE)
    if kind == "photo" and content.size_bytes > MAX_PHOTO_BYTES:
        raise bad_request(
            f"file of size {content.size_bytes} bytes is too big for a photo; "
            f"the maximum size is {MAX_PHOTO_BYTES} bytes"
        )
    if kind == "photo" and not (content.given or b"").startswith(_PICTURES):
        raise bad_request("IMAGE_PROCESS_FAILED")


def _media(upload: Upload, kind: MediaKind, about: Json) -> Media:
    has_name = kind not in {"photo", "voice"}
    told: Json = {one: as_int(about[one]) for one in _NUMBERS if about.get(one)}
    told |= {one: str(about[one]) for one in _WORDS if about.get(one)}
    return Media(
        kind, upload.content, upload.name if has_name else "", upload.mime_type, about=told
    )


def _kept(world: World, kind: MediaKind, file_id: str) -> KeptFile:
    """A file by its id; all but photos may be sent as another kind."""
    if file_id.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")  # the rig is alone in the world
    file = world.files.by_id.get(file_id)
    if file is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if file.kind == kind:
        return file
    if "photo" in {file.kind, kind}:
        raise bad_request(f"can't use file of type {type_name(file.kind)} as {type_name(kind)}")
    return world.files.keep(Media(kind, file.content, file.name, file.mime_type))
