"""Who somebody is: of two linked identities the first."""

from actors.chats.asking import ask_through_restarts
from actors.chats.links import linked_key, read_linked
from protocols.ids import PersonId
from protocols.mail import Address
from protocols.store import GetKey, StoreMessage


async def first_identity(store: Address[StoreMessage], person: PersonId) -> PersonId:
    """Whom everything of *person* is kept for, and whom the platform knows."""
    return read_linked(person, await ask_through_restarts(store, GetKey(linked_key(person))))
