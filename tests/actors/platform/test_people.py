import json

import pytest
import trio
from attrs import define
from trio.testing import MockClock

from actors.platform.people import People, external_id, home_of
from protocols.ids import PersonId
from protocols.platform import FailureKind, PlatformFailedError
from protocols.pushes import agent_user_key
from protocols.store import GetKey
from tests.actors.platform.scripted import Restarting, ScriptedClient, failure, settle
from tests.fakes import MemoryStoreAddress

ME = PersonId("matrix:@me:example.org")
YOU = PersonId("telegram:42")


def people_of(client: ScriptedClient) -> People:
    return People(client, MemoryStoreAddress())


@pytest.mark.parametrize(
    ("person", "home", "native"),
    [
        ("matrix:@me:example.org", "matrix", "@me:example.org"),
        ("telegram:42", "telegram", "42"),
        ("terminal:you", "terminal", "you"),
    ],
)
def test_a_person_is_named_as_their_surface_itself_names_them(
    person: str, home: str, native: str
) -> None:
    assert external_id(PersonId(person)) == native
    assert home_of(PersonId(person)) == home


async def test_a_person_is_asked_for_once() -> None:
    client = ScriptedClient()
    people = people_of(client)

    ids = [await people.user_id_of(ME, "Me") for _ in range(3)]

    assert ids == ["u-@me:example.org"] * 3
    assert client.users_asked == [("@me:example.org", "matrix", "Me")]


async def test_a_failed_look_up_is_not_remembered() -> None:
    client = ScriptedClient(small_call=failure())
    people = people_of(client)

    with pytest.raises(PlatformFailedError):
        await people.user_id_of(ME)
    client.small_call = 0.0

    assert await people.user_id_of(ME) == "u-@me:example.org"


async def test_many_who_want_the_same_person_at_once_ask_once(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    client = ScriptedClient(small_call=1.0)
    people = people_of(client)
    ids: list[str] = []

    async def ask(person: PersonId) -> None:
        ids.append(await people.user_id_of(person))

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(ask, ME)
            nursery.start_soon(ask, YOU)

    assert sorted(client.users_asked) == [("42", "telegram", ""), ("@me:example.org", "matrix", "")]
    assert sorted(ids) == ["u-42"] * 100 + ["u-@me:example.org"] * 100


async def test_a_failed_look_up_fails_for_everybody_who_waits_for_it(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    client = SlowFailure(failing=failure(FailureKind.OVERLOADED, retry_after=7.0))
    people = people_of(client)
    failures: list[PlatformFailedError] = []

    async def ask() -> None:
        with pytest.raises(PlatformFailedError) as failed:
            await people.user_id_of(ME)
        failures.append(failed.value)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)

    assert len(client.users_asked) == 1
    assert [(f.kind, f.is_retryable, f.retry_after) for f in failures] == [
        (FailureKind.OVERLOADED, True, 7.0)
    ] * 3


@define(eq=False)
class SlowFailure(ScriptedClient):
    """Thinks before it fails."""

    failing: PlatformFailedError | None = None

    async def _do(self, step: object) -> None:  # noqa: ARG002  # whatever is asked
        await trio.sleep(1.0)
        assert self.failing is not None
        raise self.failing


async def test_who_waits_asks_anew_where_the_first_asker_was_stopped(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    client = ScriptedClient(small_call=5.0)
    people = people_of(client)
    ids: list[str] = []
    first = trio.CancelScope()

    async def ask(scope: trio.CancelScope) -> None:
        with scope:
            ids.append(await people.user_id_of(ME))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, first)
        await settle()
        for _ in range(3):
            nursery.start_soon(ask, trio.CancelScope())
        await settle()
        first.cancel()

    assert ids == ["u-@me:example.org"] * 3
    assert len(client.users_asked) == 2


async def test_whom_an_id_stands_for_is_kept_before_the_id_is_used() -> None:
    store = MemoryStoreAddress()

    user_id = await People(ScriptedClient(), store).user_id_of(ME)

    kept = store.tell(GetKey(agent_user_key(user_id)))
    assert kept is not None
    assert json.loads(kept) == ME


async def test_a_restart_of_the_store_only_takes_a_moment(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    store = Restarting(deaths=3)
    client = ScriptedClient()

    user_id = await People(client, store).user_id_of(ME)

    assert store.tell(GetKey(agent_user_key(user_id))) is not None
    assert len(client.users_asked) == 1


async def test_a_person_is_kept_once_in_a_life() -> None:
    store = MemoryStoreAddress()
    people = People(ScriptedClient(), store)
    await people.user_id_of(ME)
    store.journal.keys.clear()

    await people.user_id_of(ME)

    assert store.journal.keys == {}
