"""What reading the rooms asks of a homeserver beside ``/sync`` and ``/messages``."""

from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.replies import Reply, path_to
from actors.surfaces.shapes import Json

DIRECT = "m.direct"


async def fetch_event(server: Homeserver, room: str, event_id: str, *, within: float) -> Reply:
    """One event of *room*."""
    return await server.request("GET", path_to("rooms", room, "event", event_id), within=within)


async def fetch_profile(server: Homeserver, user_id: str) -> Reply:
    """How *user_id* is called."""
    return await server.request("GET", path_to("profile", user_id))


async def fetch_direct(server: Homeserver, me: str) -> Reply:
    """Our list of direct chats; refused as not found where there is none."""
    return await server.request("GET", path_to("user", me, "account_data", DIRECT))


async def put_direct(server: Homeserver, me: str, content: Json) -> Reply:
    """Replace our list of direct chats."""
    return await server.request("PUT", path_to("user", me, "account_data", DIRECT), content)


async def fetch_membership(server: Homeserver, room: str, user_id: str) -> Reply:
    """The event by which *user_id* is in *room*; older servers give its content alone."""
    path = path_to("rooms", room, "state", "m.room.member", user_id, format="event")
    return await server.request("GET", path)


async def fetch_creation(server: Homeserver, room: str) -> Reply:
    """The content of the event that began *room*."""
    return await server.request("GET", path_to("rooms", room, "state", "m.room.create", ""))


async def fetch_joined_rooms(server: Homeserver) -> Reply:
    """The rooms that we are in."""
    return await server.request("GET", path_to("joined_rooms"))


async def join_by(server: Homeserver, room: str, via: str) -> Reply:
    """Enter *room*, which the server *via* knows."""
    # The second name is that of newer versions of the specification. Over federation a join
    # takes as long as the other servers need.
    path = path_to("join", room, server_name=via, via=via)
    return await server.request("POST", path, {}, within=180.0)


async def mark_read(server: Homeserver, room: str, event_id: str) -> Reply:
    """Show that everything up to the event is read."""
    path = path_to("rooms", room, "receipt", "m.read", event_id)
    return await server.request("POST", path, {}, within=10.0)
