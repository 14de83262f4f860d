"""Users and settings that the store keeps, for agents that have none."""

from typing import TypeVar

import pytest
import trio
from attrs import define
from trio.testing import MockClock

from actors.kernel.mailbox import Mailbox
from actors.platform.local_settings import MANNERS, manners, read_settings, settings_text
from actors.platform.local_users import LocalUsers, settings_key, user_id_of
from actors.platform.mock import MockPlatformClient
from actors.words import SKILLS
from protocols.changes import PutKey
from protocols.mail import CalleeDiedError, Question
from protocols.platform import (
    FailureKind,
    PlatformFailedError,
    SettingsAction,
    UserSettings,
)
from protocols.store import Commit, StoreMessage
from tests.fakes import MemoryJournal, MemoryStore, MemoryStoreAddress

A = TypeVar("A")


def on(skill: str, *, is_on: bool = True) -> SettingsAction:
    return SettingsAction("set", {"skill": skill, "is_on": is_on})


@define
class Living:
    """Users over one journal: each life is a new program."""

    journal: MemoryJournal

    def life(self) -> LocalUsers:
        return LocalUsers(MemoryStoreAddress(self.journal))


@pytest.fixture
def living() -> Living:
    return Living(MemoryJournal())


async def me(users: LocalUsers) -> str:
    return (await users.get_or_create_user("@me:example.org", "matrix", "Me")).user_id


async def test_a_person_is_the_same_user_in_every_life_and_in_the_mock(living: Living) -> None:
    mock = MockPlatformClient(latency=False)

    first = await living.life().get_or_create_user("42", "telegram", "Me")
    again = await living.life().get_or_create_user("42", "telegram", "Me")

    assert first == again == await mock.get_or_create_user("42", "telegram", "Me")
    assert first.user_id != user_id_of("42", "matrix")


async def test_every_manner_is_off_at_first_and_no_model_is_chosen(living: Living) -> None:
    users = living.life()

    settings = await users.get_settings(await me(users))

    assert settings == UserSettings(dict.fromkeys(MANNERS, False), "")
    assert manners(settings) == ()


async def test_what_was_set_is_there_in_the_next_life_also_after_the_person_writes_again(
    living: Living,
) -> None:
    users = living.life()
    user_id = await me(users)
    await users.update_settings(user_id, on("code"))
    await users.update_settings(user_id, SettingsAction("set", {"model": " llama "}))

    later = living.life()
    await me(later)

    settings = await later.get_settings(user_id)
    assert (settings.skills["code"], settings.model) == (True, "llama")
    assert manners(settings) == (MANNERS["code"],)


async def test_a_reset_leaves_nothing_of_what_was_set(living: Living) -> None:
    users = living.life()
    user_id = await me(users)
    before = await users.get_settings(user_id)
    await users.update_settings(user_id, on("code"))
    await users.update_settings(user_id, SettingsAction("set", {"model": "llama"}))

    assert await users.update_settings(user_id, SettingsAction("reset")) == before
    assert await users.get_settings(user_id) == before


@pytest.mark.parametrize("user_id", ["nobody", user_id_of("42", "telegram")])
async def test_whoever_never_wrote_has_no_settings_and_gets_none_by_changing_them(
    living: Living, user_id: str
) -> None:
    users = living.life()

    with pytest.raises(PlatformFailedError) as asked:
        await users.get_settings(user_id)
    with pytest.raises(PlatformFailedError) as changing:
        await users.update_settings(user_id, on("code"))

    failures = {(one.value.kind, one.value.is_retryable) for one in (asked, changing)}
    assert failures == {(FailureKind.REJECTED, False)}
    assert living.journal.keys == {}


@pytest.mark.parametrize(
    "action",
    [
        SettingsAction("no_such_action"),
        SettingsAction("toggle_skill", {"skill": "no_such_skill"}),
        SettingsAction("toggle_skill"),
        SettingsAction("set", {"skill": "code", "is_on": "yes"}),
        SettingsAction("set", {"model": 7}),
    ],
)
async def test_an_unknown_change_is_refused_and_changes_nothing(
    living: Living, action: SettingsAction
) -> None:
    users = living.life()
    user_id = await me(users)
    await users.update_settings(user_id, on("code"))
    before = await users.get_settings(user_id)

    with pytest.raises(PlatformFailedError) as caught:
        await users.update_settings(user_id, action)

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.REJECTED, False)
    assert await users.get_settings(user_id) == before


async def test_a_skill_that_is_toggled_twice_is_as_it_was(living: Living) -> None:
    users = living.life()
    user_id = await me(users)
    toggle = SettingsAction("toggle_skill", {"skill": "code"})

    once = await users.update_settings(user_id, toggle)
    twice = await users.update_settings(user_id, toggle)

    assert (once.skills["code"], twice.skills["code"]) == (True, False)


async def test_two_changes_at_once_are_both_kept(nursery: trio.Nursery) -> None:
    box: Mailbox[StoreMessage] = Mailbox("store")
    users = LocalUsers(box.address)
    journal = MemoryJournal()
    nursery.start_soon(MemoryStore(box, journal).run)
    user_id = await me(users)

    async with trio.open_nursery() as changing:
        for skill in MANNERS:
            changing.start_soon(users.update_settings, user_id, on(skill))

    assert all((await users.get_settings(user_id)).skills.values())
    box.close()


@define
class DyingStore(MemoryStoreAddress):
    """Dies with every question but each fourth."""

    asked: int = 0

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        self.asked += 1
        if self.asked % 4:
            raise CalleeDiedError("store: crashed")
        return await MemoryStoreAddress.ask(self, question, within=within)


async def test_a_store_that_restarts_is_waited_for(autojump_clock: MockClock) -> None:
    users = LocalUsers(DyingStore())

    user_id = await me(users)
    changed = await users.update_settings(user_id, on("code"))

    assert changed == await users.get_settings(user_id)
    assert 1 < autojump_clock.current_time() < 30


async def test_settings_of_another_version_keep_what_both_know(living: Living) -> None:
    store = MemoryStoreAddress(living.journal)
    text = '{"skills_on": ["code", "telepathy"], "model": "m", "colour": "red"}'
    store.tell(Commit((PutKey(settings_key("user-1"), text),)))

    settings = await living.life().get_settings("user-1")

    assert settings == UserSettings({**dict.fromkeys(MANNERS, False), "code": True}, "m")


def test_settings_come_back_from_their_text_as_they_were() -> None:
    settings = UserSettings({**dict.fromkeys(MANNERS, False), "concise": True}, "modèle")

    assert read_settings(settings_text(settings)) == settings


@pytest.mark.parametrize("skill", sorted(MANNERS))
def test_a_manner_is_one_sentence(skill: str) -> None:
    sentence = MANNERS[skill]

    assert sentence.endswith(".")
    assert sentence.count(".") == 1


def test_each_skill_whose_name_is_no_word_has_one_for_people() -> None:
    assert MANNERS.keys() == SKILLS.keys() | {"code"}
