"""The poller over real connections, against the Bot API server of the rig."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import define, field

from actors.telegram.poller import TelegramPoller
from actors.telegram.settings import Pace, TelegramSettings
from protocols.ids import Language, RemoteId, RoomId
from protocols.journal import Press
from tests.actors.telegram.receiver import Box, FaultyStore
from tests.rigs.telegram_api import TelegramApi, telegram_api
from tests.rigs.telegram_faults import bad_gateway, truncated

LIMIT = 60


@define
class Life:
    """A poller on the rig."""

    api: TelegramApi
    store: FaultyStore = field(factory=FaultyStore)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        settings = TelegramSettings(self.api.token, self.api.url, pace=Pace(poll=3.0))
        poller = TelegramPoller(self.store, Box("chats"), Box("telegram.out"), settings)
        with trio.fail_after(LIMIT):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(poller.run)
                yield
                nursery.cancel_scope.cancel()

    async def has_heard(self, *texts: str) -> None:
        while self.heard() != list(texts):  # noqa: ASYNC110  # nobody tells
            await trio.sleep(0.01)

    def heard(self) -> list[str]:
        return [row.text for row in self.store.journal.rows.values()]


async def test_people_groups_and_topics_are_heard() -> None:
    async with telegram_api(username="rig_bot") as api:
        alice, life = api.person(42, "Alice"), Life(api)
        group = api.supergroup(-1001, topics={7: "Seven"})
        async with life.running():
            alice.writes("hello")
            alice.writes("among us", chat=group)
            alice.writes("@rig_bot here", chat=group)
            alice.writes("@rig_bot there", chat=group, thread=7)
            await life.has_heard("hello", "here", "there")

        rooms = [row.room for row in life.store.journal.rows.values()]

    assert rooms == [
        RoomId("telegram/42"),
        RoomId("telegram/-1001"),
        RoomId("telegram/-1001/7"),
    ]


async def test_faults_lose_and_double_nothing() -> None:
    async with telegram_api() as api:
        alice, life = api.person(42, "Alice"), Life(api)
        api.fail(bad_gateway(after=True), "getUpdates")
        async with life.running():
            alice.writes("one")
            alice.writes("two")
            await life.has_heard("one", "two")
            api.fail(truncated(), "getUpdates")
            api.lose_confirmations()
            alice.writes("three")
            await life.has_heard("one", "two", "three")
            api.redeliver(3)
            alice.writes("four")
            await life.has_heard("one", "two", "three", "four")
        alice.writes("five")
        async with life.running():
            await life.has_heard("one", "two", "three", "four", "five")


async def test_poison_is_set_aside() -> None:
    async with telegram_api() as api:
        alice, life = api.person(42, "Alice"), Life(api)
        api.deliver({"message": {"chat": 5}})
        api.deliver({"of_the_future": {}})
        async with life.running():
            alice.writes("one")
            await life.has_heard("one")

    [letter] = life.store.journal.letters.values()
    assert letter.reason == "a message without its chat"


async def test_edits_presses_and_files_are_heard() -> None:
    async with telegram_api() as api:
        alice, life = api.person(42, "Alice", language="ru"), Life(api)
        async with life.running():
            first = alice.writes("helo")
            alice.edits(first.message_id, "hello")
            alice.sends({"photo": [{"file_id": "f", "width": 9, "height": 9}], "caption": "look"})
            alice.sends({"location": {"latitude": 1.5, "longitude": 2}})
            press_id = alice.presses(first.message_id, "stop:1")
            await life.has_heard("helo", "hello", "look", "Location: 1.5, 2", "")

    written, edited, picture, _, pressed = life.store.journal.rows.values()
    assert edited.edits == written.message_id == RemoteId(str(first.message_id))
    assert [file.handle for file in picture.files] == ["f"]
    assert pressed.press == Press(press_id, "stop:1", written.message_id)
    assert {row.language for row in life.store.journal.rows.values()} == {Language("ru")}


async def test_an_album_is_one_message() -> None:
    async with telegram_api() as api:
        alice, life = api.person(42, "Alice"), Life(api)
        async with life.running():
            for number in range(3):
                photo = {"file_id": f"f{number}", "width": 9, "height": 9}
                alice.sends({"photo": [photo], "media_group_id": "77"})
            alice.writes("after")
            await life.has_heard("", "after")

    album, _ = life.store.journal.rows.values()
    assert [file.handle for file in album.files] == ["f0", "f1", "f2"]


async def test_a_group_that_becomes_a_supergroup_keeps_its_room() -> None:
    async with telegram_api(username="rig_bot") as api:
        alice, life = api.person(42, "Alice"), Life(api)
        group = api.group(-77)
        async with life.running():
            alice.writes("@rig_bot before", chat=group)
            new = alice.migrates(group, -1077)
            alice.writes("@rig_bot after", chat=new)
            await life.has_heard("before", "after")

    assert {row.room for row in life.store.journal.rows.values()} == {RoomId("telegram/-77")}
