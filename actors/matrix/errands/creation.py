"""What is asked of the homeserver to make a room that is there once; pure."""

import hmac

from attrs import frozen

from actors.matrix.api.replies import Json, path_to

_LONGEST_NAME = 128
_NAMELESS = "💬"


@frozen
class Step:
    """What a room needs: *path* says whether it is there, else ``method``, ``onto`` and *body*."""

    path: str
    method: str
    onto: str
    body: Json


def alias_name(secret: str, *facts: str) -> str:
    """The local name of the room that *facts* tell; nobody guesses it to be there before us."""
    digest = hmac.digest(secret.encode(), "\n".join(facts).encode(), "sha256")
    return f"chat-{digest.hex()[:32]}"


def room_body(person: str, name: str, *, alias: str, is_encrypted: bool) -> Json:
    """A private room for *person*, who may do there what we may."""
    encryption = {"algorithm": "m.megolm.v1.aes-sha2"}
    return {
        "preset": "trusted_private_chat",
        "is_direct": True,
        "name": _plain_name(name),
        "invite": [person],
        "room_alias_name": alias,
        "initial_state": [
            # The alias is ours to find the room by; it is no name for people.
            _state("m.room.canonical_alias", {}),
            *([_state("m.room.encryption", encryption)] if is_encrypted else []),
        ],
    }


def space_body(person: str, name: str, *, alias: str) -> Json:
    """A space for the rooms of *person*, who may order it."""
    return {
        "preset": "trusted_private_chat",
        "name": _plain_name(name),
        "invite": [person],
        "room_alias_name": alias,
        "creation_content": {"type": "m.space"},
        # Nobody talks in a space.
        "power_level_content_override": {"events_default": 100},
        "initial_state": [_state("m.room.canonical_alias", {})],
    }


def steps(room: str, body: Json) -> tuple[Step, ...]:
    """What *room* needs to be the one of *body*, if the server broke off while it made it."""
    states = [_state("m.room.name", {"name": body["name"]}), *body["initial_state"]]
    wanted = [(state["type"], state["content"]) for state in states if state["content"]]
    return (
        *(_put_state(room, kind, content) for kind, content in wanted),
        *(_invite(room, person) for person in body["invite"]),
    )


def alias_of(body: Json, me: str) -> str:
    """The whole alias of the room that *me* makes by *body*."""
    return f"#{body['room_alias_name']}:{server_of(me)}"


def server_of(user_id: str) -> str:
    """The server that *user_id* is on."""
    return user_id.partition(":")[2]


def child_path(space: str, room: str) -> str:
    """Where *space* says that *room* is in it."""
    return path_to("rooms", space, "state", "m.space.child", room)


def parent_path(room: str, space: str) -> str:
    """Where *room* says that it is in *space*."""
    return path_to("rooms", room, "state", "m.space.parent", space)


def _put_state(room: str, kind: str, content: Json) -> Step:
    path = path_to("rooms", room, "state", kind, "")
    return Step(path, "PUT", path, content)


def _invite(room: str, person: str) -> Step:
    member = path_to("rooms", room, "state", "m.room.member", person)
    return Step(member, "POST", path_to("rooms", room, "invite"), {"user_id": person})


def _state(kind: str, content: Json) -> Json:
    return {"type": kind, "state_key": "", "content": content}


def _plain_name(name: str) -> str:
    """*name* in one line that every server takes; half a surrogate pair is no UTF-8."""
    whole = name.encode(errors="replace").decode()
    return " ".join(whole.split())[:_LONGEST_NAME] or _NAMELESS
