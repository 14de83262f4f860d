"""Who a person is to the platform, asked once in a life of the bridge."""

import json

import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from protocols.changes import PutKey
from protocols.ids import PersonId, SurfaceName
from protocols.mail import Address
from protocols.platform import PlatformClient, PlatformFailedError
from protocols.pushes import agent_user_key
from protocols.store import Commit, StoreMessage


def external_id(person: PersonId) -> str:
    """What the surface itself calls *person*: ``@me:example.org`` of ``matrix:@me:example.org``."""
    return person.partition(":")[2]


def home_of(person: PersonId) -> SurfaceName:
    """The surface that *person* is from: ``matrix`` of ``matrix:@me:example.org``."""
    return SurfaceName(person.partition(":")[0])


@define(eq=False)
class _LookUp:
    """One question to the platform, for everybody who wants its answer now."""

    _is_over: trio.Event = field(factory=trio.Event)
    failure: PlatformFailedError | None = None

    async def joined(self) -> None:
        await self._is_over.wait()
        if (failure := self.failure) is not None:
            # One of its own for each: a traceback grows with every raise.
            raise PlatformFailedError(
                failure.kind, is_retryable=failure.is_retryable, retry_after=failure.retry_after
            )

    def end(self) -> None:
        self._is_over.set()


@define
class People:
    """The platform's user ids of the people who wrote in this life.

    The store keeps whom an id stands for: what the platform pushes names nothing else.
    """

    _client: PlatformClient
    _store: Address[StoreMessage]
    _user_ids: dict[PersonId, str] = field(init=False, factory=dict)
    _look_ups: dict[PersonId, _LookUp] = field(init=False, factory=dict)

    async def user_id_of(self, person: PersonId, name: str = "") -> str:
        """The platform's id for *person*; raises ``PlatformFailedError``."""
        while person not in self._user_ids:
            under_way = self._look_ups.get(person)
            if under_way is None:
                await self._look_up(person, name)
            else:
                await under_way.joined()  # without a failure it was cancelled, or has succeeded
        return self._user_ids[person]

    def forget(self, person: PersonId) -> None:
        """Ask for *person* again when they are wanted next: the platform does not know the id."""
        self._user_ids.pop(person, None)

    async def _look_up(self, person: PersonId, name: str) -> None:
        look_up = self._look_ups[person] = _LookUp()
        try:
            user = await self._client.get_or_create_user(external_id(person), home_of(person), name)
            await self._keep(user.user_id, person)
            self._user_ids[person] = user.user_id
        except PlatformFailedError as error:
            look_up.failure = error
            raise
        finally:
            del self._look_ups[person]
            look_up.end()

    async def _keep(self, user_id: str, person: PersonId) -> None:
        kept = PutKey(agent_user_key(user_id), json.dumps(person))
        await ask_until_answered(self._store, Commit((kept,)))
