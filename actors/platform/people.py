"""Who a person is to the platform, asked once in a life of the bridge."""

from attrs import define, field

from protocols.ids import PersonId, SurfaceName
from protocols.platform import PlatformClient


def external_id(person: PersonId) -> str:
    """What the surface itself calls *person*: ``@me:example.org`` of ``matrix:@me:example.org``."""
    return person.partition(":")[2]


@define
class People:
    """The platform's user ids of the people who wrote in this life."""

    _client: PlatformClient
    _user_ids: dict[tuple[SurfaceName, PersonId], str] = field(init=False, factory=dict)

    async def user_id_of(self, surface: SurfaceName, person: PersonId, name: str = "") -> str:
        """The platform's id for *person*; raises ``PlatformFailedError``."""
        known = self._user_ids.get((surface, person))
        if known is not None:
            return known
        user = await self._client.get_or_create_user(external_id(person), surface, name)
        self._user_ids[surface, person] = user.user_id
        return user.user_id
