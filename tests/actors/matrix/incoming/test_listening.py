"""What is about another message: edits, redactions, reactions, threads; and files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.matrix.settings import Threads
from protocols.changes import AddOutgoing, SentOutgoing
from protocols.files import FileKind
from protocols.ids import RemoteId, RoomId
from protocols.journal import Amends, Button, Keyboard, Press, Row, Voice
from protocols.store import Commit
from tests.actors.matrix.fake_homeserver import (
    ALICE,
    BOT,
    ROOM,
    FakeHomeserver,
    gateway_over,
    started,
)
from tests.actors.matrix.gateway import Gateway

Json = dict[str, Any]

HERE = RoomId(f"matrix/{ROOM}")
MENTION: Json = {"m.mentions": {"user_ids": [BOT]}}
YES_NO: Keyboard = ((Button("Yes", "confirm:1:0"), Button("No", "confirm:1:1")),)


async def until(is_there: Callable[[], bool]) -> None:
    """Wait until *is_there*, which may be so without a word from the server."""
    with trio.fail_after(3600):
        while not is_there():  # noqa: ASYNC110  # time jumps here
            await trio.sleep(0.05)


def say(server: FakeHomeserver, body: str, *, sender: str = ALICE, **content: Any) -> str:
    return server.add({"msgtype": "m.text", "body": body, **content}, sender=sender)


def edit(server: FakeHomeserver, event_id: str, body: str, **more: Any) -> str:
    content = {
        "msgtype": "m.text",
        "body": f"* {body}",
        "m.new_content": {"msgtype": "m.text", "body": body},
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
    }
    return server.add(content, **more)


def react(server: FakeHomeserver, event_id: str, key: str, *, sender: str = ALICE) -> str:
    relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
    return server.add({"m.relates_to": relation}, type="m.reaction", sender=sender)


def redact(server: FakeHomeserver, event_id: str, *, sender: str = ALICE) -> str:
    return server.add({}, type="m.room.redaction", redacts=event_id, sender=sender)


def in_thread(root: str) -> Json:
    relation = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True}
    return {"m.relates_to": {**relation, "m.in_reply_to": {"event_id": root}}}


def rows(gateway: Gateway) -> list[Row]:
    return list(gateway.journal.rows.values())


async def nothing(_gateway: Gateway, _row: Row) -> str:
    await trio.lowlevel.checkpoint()
    return ""


async def silent(_gateway: Gateway, _row: Row) -> str:
    await trio.sleep_forever()
    raise AssertionError


def offered(gateway: Gateway, keyboard: Keyboard, *, room: RoomId = HERE) -> None:
    """A message ``$asked`` of ours with *keyboard* below it."""
    gateway.commit(AddOutgoing(room, Voice.AGENT, "Sure?", keyboard=keyboard))
    out = max(gateway.journal.outbox)
    gateway.store.tell(Commit((SentOutgoing(out, RemoteId("$asked")),)))


async def end_of(server: FakeHomeserver, gateway: Gateway) -> list[Row]:
    """Wait until all that was said so far is read; without the last word."""
    event_id = say(server, "the end", **MENTION)
    await until(lambda: any(row.event_id == event_id for row in rows(gateway)))
    return [row for row in rows(gateway) if row.event_id != event_id]


async def test_an_edit_is_new_words_for_the_message_that_it_names(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, nothing)

    async with gateway.running():
        await started(server, gateway)
        event_id = say(server, "helo")
        await until(lambda: len(rows(gateway)) == 1)
        edit_id = edit(server, event_id, "hello")
        message, edited = await end_of(server, gateway)

    assert (message.message_id, message.edits) == (RemoteId(event_id), None)
    assert (edited.event_id, edited.text) == (edit_id, "hello")
    assert (edited.message_id, edited.edits) == (RemoteId(event_id), RemoteId(event_id))


async def test_an_edit_in_the_page_of_its_message_is_known_to_be_one(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, groups={ROOM})
    gateway = gateway_over(server, tmp_path, nothing)

    async with gateway.running():
        await started(server, gateway)
        event_id = say(server, "helo", **MENTION)
        edit(server, event_id, "hello")
        found = await end_of(server, gateway)

    assert [row.text for row in found] == ["helo", "hello"]


async def test_an_edited_reply_keeps_what_it_replies_to(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, nothing)

    async with gateway.running():
        await started(server, gateway)
        first = say(server, "one")
        relation: Json = {"m.relates_to": {"m.in_reply_to": {"event_id": first}}}
        second = say(server, "tow", **relation)
        await until(lambda: len(rows(gateway)) == 2)
        edit(server, second, "two")
        found = await end_of(server, gateway)

    assert [row.text for row in found] == ["one", "> one\n\ntow", "> one\n\ntwo"]


async def test_in_a_group_an_edit_counts_where_its_message_did_or_where_it_mentions_us(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, groups={ROOM})
    gateway = gateway_over(server, tmp_path, nothing)

    async with gateway.running():
        await started(server, gateway)
        aside, asked = say(server, "aside"), say(server, "asked", **MENTION)
        await until(lambda: len(rows(gateway)) == 1)
        edit(server, aside, "still aside")
        edit(server, asked, "asked anew")
        edit(server, aside, "bot: now for you")
        found = await end_of(server, gateway)

    assert [row.text for row in found] == ["asked", "asked anew", "now for you"]


async def test_nobody_edits_what_somebody_else_has_said(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.add({"msgtype": "m.text", "body": "old"})
    gateway = gateway_over(server, tmp_path, nothing)

    async with gateway.running():
        await started(server, gateway)
        edit(server, "$e0", "mine now", sender="@eve:fake")
        edit(server, "$nowhere", "nothing")
        found = await end_of(server, gateway)

    assert found == []


async def test_an_edit_without_words_is_nothing(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, nothing)

    async with gateway.running():
        await started(server, gateway)
        event_id = say(server, "hello")
        edit(server, event_id, "")
        found = await end_of(server, gateway)

    assert [row.text for row in found] == ["hello"]


async def test_a_message_that_is_taken_back_is_told_by_whoever_did_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, nothing)

    async with gateway.running():
        await started(server, gateway)
        first, second = say(server, "one"), say(server, "two")
        redact(server, second)
        await until(lambda: len(rows(gateway)) == 3)
        redaction = server.add(
            {"redacts": first}, type="m.room.redaction", sender="@moderator:fake"
        )
        *_, same_page, later = await end_of(server, gateway)

    assert (same_page.redacts, same_page.text) == (RemoteId(second), "")
    assert (later.redacts, later.event_id) == (RemoteId(first), redaction)
    assert later.sender == "matrix:@moderator:fake"
    assert later.message_id == ""


@pytest.mark.parametrize("pause", [0.0, 5.0])
async def test_an_edit_that_was_taken_as_a_message_is_taken_back_with_it(
    autojump_clock: MockClock, tmp_path: Path, pause: float
) -> None:
    server = FakeHomeserver(autojump_clock, groups={ROOM})
    gateway = gateway_over(server, tmp_path, silent)

    async with gateway.running():
        await started(server, gateway)
        say(server, "busy", **MENTION)
        aside = say(server, "aside")
        edit(server, aside, "bot: for you")
        await trio.sleep(pause)
        redact(server, aside)
        *_, asked, taken_back = await end_of(server, gateway)

    assert (asked.text, asked.edits) == ("for you", RemoteId(aside))
    assert taken_back.redacts == RemoteId(aside)


async def test_the_edit_of_a_message_that_is_gone_is_nothing(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, groups={ROOM})
    gateway = gateway_over(server, tmp_path, nothing)

    async with gateway.running():
        await started(server, gateway)
        gone = say(server, "bot: hello")
        server.stream[-1][1]["unsigned"] = {"redacted_because": {}}
        server.stream[-1][1]["content"] = {}
        edit(server, gone, "bot: hello anew")
        redact(server, gone)
        found = await end_of(server, gateway)

    assert found == []


async def test_what_was_never_taken_cannot_be_taken_back(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, groups={ROOM})
    gateway = gateway_over(server, tmp_path, nothing)

    async with gateway.running():
        await started(server, gateway)
        aside = say(server, "aside")
        redact(server, aside)
        redact(server, "$nothing")
        asked = say(server, "asked", **MENTION)
        changed = edit(server, asked, "asked anew")
        redact(server, changed)
        redact(server, asked, sender=BOT)
        say(server, "was taken back")
        server.stream[-1][1]["unsigned"] = {"redacted_because": {}}
        found = await end_of(server, gateway)

    assert [row.text for row in found] == ["asked", "asked anew"]


@pytest.mark.parametrize(
    ("keyboard", "key", "action"),
    [
        (YES_NO, "✅", "confirm:1:0"),
        (YES_NO, "❌", "confirm:1:1"),
        (tuple((Button(f"b{n}", f"set:{n}"),) for n in range(3)), "2️⃣", "set:1"),
        (tuple((Button(f"b{n}", f"set:{n}"),) for n in range(3)), "2\u20e3", "set:1"),
    ],
)
async def test_a_reaction_presses_the_button_that_its_emoji_stands_for(
    autojump_clock: MockClock, tmp_path: Path, keyboard: Keyboard, key: str, action: str
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, silent)
    offered(gateway, keyboard)

    async with gateway.running():
        await started(server, gateway)
        event_id = react(server, "$asked", key)
        (row,) = await end_of(server, gateway)

    assert row.press == Press(event_id, action, RemoteId("$asked"))
    assert (row.text, row.sender, row.message_id) == ("", f"matrix:{ALICE}", "")


async def test_any_other_reaction_is_just_one(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, nothing)
    offered(gateway, YES_NO)

    async with gateway.running():
        await started(server, gateway)
        react(server, "$asked", "👍")
        react(server, "$other", "✅")
        react(server, "$asked", "✅", sender=BOT)
        reaction = react(server, "$asked", "✅")
        redact(server, reaction)
        found = await end_of(server, gateway)

    assert [row.event_id for row in found] == [reaction]


async def test_a_message_that_was_amended_has_the_buttons_that_stand_there_now(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, nothing)

    async with gateway.running():
        await started(server, gateway)
        say(server, "hello")
        await until(lambda: bool(rows(gateway)))
        (asked,) = rows(gateway)
        offered(gateway, YES_NO)
        place = RemoteId("$asked")
        gateway.commit(AddOutgoing(HERE, Voice.GATEWAY, "Done.", amends=Amends(asked.id, place)))
        out = max(gateway.journal.outbox)
        gateway.store.tell(Commit((SentOutgoing(out, place),)))
        react(server, "$asked", "✅")
        found = await end_of(server, gateway)

    assert [row.press for row in found] == [None]


async def test_a_thread_is_a_part_of_its_room(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, nothing)

    async with gateway.running():
        await started(server, gateway)
        root = say(server, "root")
        inside = say(server, "inside", **in_thread(root))
        edit(server, inside, "inside anew")
        first, second, third = await end_of(server, gateway)

    assert {row.room for row in rows(gateway)} == {HERE}
    assert [first.thread_id, second.thread_id, third.thread_id] == ["", root, root]
    assert second.text == "inside"


async def test_a_thread_may_be_a_room_of_its_own(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, silent, threads=Threads.SESSION)

    async with gateway.running():
        await started(server, gateway)
        root = say(server, "root")
        inside = say(server, "inside", **in_thread(root))
        await until(lambda: len(rows(gateway)) == 2)
        edit(server, inside, "inside anew")
        redact(server, inside)
        server.stream[1][1]["content"] = {}  # as the server shows it from now on
        await until(lambda: len(rows(gateway)) == 4)
        threads = [row.room for row in rows(gateway)]

    assert threads == [HERE, *[f"{HERE}/{root}"] * 3]
    assert [row.thread_id for row in rows(gateway)] == ["", root, root, root]
    assert rows(gateway)[-1].redacts == RemoteId(inside)


async def test_a_reaction_in_a_thread_of_its_own_presses_there(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, nothing, threads=Threads.SESSION)
    here = RoomId(f"{HERE}/$root")
    content = {"msgtype": "m.text", "body": "Sure?", **in_thread("$root")}
    server.add(content, sender=BOT, event_id="$asked")
    offered(gateway, YES_NO, room=here)

    async with gateway.running():
        await started(server, gateway)
        react(server, "$asked", "✅")
        (row,) = await end_of(server, gateway)

    assert row.room == here
    assert row.press is not None


async def test_a_press_goes_on_in_the_thread_of_the_message_that_asked(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, nothing)

    async with gateway.running():
        await started(server, gateway)
        say(server, "inside", **in_thread("$root"))
        await until(lambda: bool(rows(gateway)))
        (asked,) = rows(gateway)
        out = AddOutgoing(HERE, Voice.AGENT, "Sure?", row=asked.id, keyboard=YES_NO)
        gateway.commit(out)
        gateway.store.tell(Commit((SentOutgoing(max(gateway.journal.outbox), RemoteId("$asked")),)))
        react(server, "$asked", "✅")
        *_, press = await end_of(server, gateway)

    assert press.press is not None
    assert press.thread_id == "$root"


async def test_each_picture_is_a_message_with_its_file(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, nothing)
    picture = {"msgtype": "m.image", "body": "cat.png", "url": "mxc://fake/cat"}

    async with gateway.running():
        await started(server, gateway)
        server.add(picture)
        server.add(picture | {"filename": "cat.png", "body": "my cat"})
        server.add({"body": "waves", "url": "mxc://fake/w"}, type="m.sticker")
        server.add(picture | {"url": "https://evil.example/cat.png"})
        found = await end_of(server, gateway)

    assert [row.text for row in found] == ["", "my cat", "Sticker: waves", ""]
    assert [len(row.files) for row in found] == [1, 1, 1, 0]
    assert found[0].files[0].kind is FileKind.PHOTO


async def test_the_newest_message_of_others_is_shown_as_read_once_it_is_safe(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        say(server, "one")
        newest = say(server, "two")
        await until(lambda: server.read.get(ROOM) == newest)
        assert len(rows(gateway)) == 2
        await trio.sleep(100)

    receipts = [call for call in server.calls if "/receipt/" in str(call.words)]
    assert len(receipts) <= 2


async def test_what_was_said_before_we_came_is_not_shown_as_read(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    say(server, "before")
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        await trio.sleep(100)

    assert server.read == {}
