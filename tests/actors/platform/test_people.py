import pytest

from actors.platform.people import People, external_id
from protocols.ids import PersonId
from protocols.platform import PlatformFailedError
from tests.actors.platform.scripted import ScriptedClient, failure
from tests.fakes import MemoryStoreAddress

ME = PersonId("matrix:@me:example.org")


@pytest.mark.parametrize(
    ("person", "native"),
    [("matrix:@me:example.org", "@me:example.org"), ("telegram:42", "42"), ("terminal:you", "you")],
)
def test_the_external_id_is_what_the_surface_itself_says(person: str, native: str) -> None:
    assert external_id(PersonId(person)) == native


async def test_a_person_is_asked_for_once() -> None:
    client = ScriptedClient()
    people = People(client, MemoryStoreAddress())

    ids = [await people.user_id_of(ME, "Me") for _ in range(3)]

    assert ids == ["u-@me:example.org"] * 3
    assert client.users_asked == [("@me:example.org", "matrix", "Me")]


async def test_a_failed_look_up_is_not_remembered() -> None:
    client = ScriptedClient(small_call=failure())
    people = People(client, MemoryStoreAddress())

    with pytest.raises(PlatformFailedError):
        await people.user_id_of(ME)
    client.small_call = 0.0

    assert await people.user_id_of(ME) == "u-@me:example.org"
