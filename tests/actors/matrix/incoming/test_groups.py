"""Direct chats and groups: what is for us."""

from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.matrix.api.replies import Done, Limited, Refused, Reply, TokenRefused, Unreachable
from actors.matrix.settings import GroupMode
from protocols.changes import AddOutgoing, SentOutgoing
from protocols.ids import RemoteId, RoomId
from protocols.journal import Row, Voice
from protocols.store import Commit
from tests.actors.matrix.fake_homeserver import (
    ALICE,
    BOT,
    ROOM,
    FakeHomeserver,
    gateway_over,
    started,
)
from tests.actors.matrix.fake_requests import answered
from tests.actors.matrix.fake_vault import sealed
from tests.actors.matrix.gateway import Gateway

Json = dict[str, Any]

HERE = RoomId(f"matrix/{ROOM}")
UNMENTIONED: Json = {"m.mentions": {}}
MENTION: Json = {"m.mentions": {"user_ids": [BOT]}}


def say(server: FakeHomeserver, body: str, *, sender: str = ALICE, **content: Any) -> str:
    return server.add({"msgtype": "m.text", "body": body, **content}, sender=sender)


def reply_to(event_id: str) -> Json:
    return {"m.relates_to": {"m.in_reply_to": {"event_id": event_id}}}


def rows(gateway: Gateway) -> list[Row]:
    return list(gateway.journal.rows.values())


def heard(gateway: Gateway) -> list[str]:
    return [row.text for row in rows(gateway)]


async def end_of(server: FakeHomeserver, gateway: Gateway) -> None:
    """Wait until all that was said so far is read."""
    say(server, "the end", **MENTION)
    await server.until(lambda: "the end" in " ".join(heard(gateway)))


def in_group(clock: MockClock, **more: Any) -> FakeHomeserver:
    return FakeHomeserver(clock, groups={ROOM}, **more)


async def test_in_a_direct_chat_everything_is_for_us(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        say(server, "hello", **UNMENTIONED)
        say(server, "hello", sender="@bob:fake")
        await server.until(lambda: len(heard(gateway)) == 2)

    assert [row.is_shared for row in rows(gateway)] == [False, False]


async def test_in_a_group_only_what_mentions_us_is_for_us(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = in_group(autojump_clock, called="Robo")
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        say(server, "hello all")
        say(server, "!status")
        say(server, "Robo: old client")
        say(server, "Robo: not meant", **UNMENTIONED)
        say(server, "Robo: !status", **MENTION)
        server.add({"msgtype": "m.notice", "body": "Robo: I am a bot", **MENTION})
        server.add({"msgtype": "m.text", "body": "an echo", **MENTION}, sender=BOT)
        await end_of(server, gateway)

    assert heard(gateway) == ["old client", "!status", "the end"]
    assert all(row.is_shared for row in rows(gateway))


async def test_a_group_may_be_all_for_us(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = in_group(autojump_clock)
    gateway = gateway_over(server, tmp_path, group_mode=GroupMode.ALL)

    async with gateway.running():
        await started(server, gateway)
        say(server, "hello all")
        say(server, "!status")
        await end_of(server, gateway)

    assert heard(gateway) == ["hello all", "!status", "the end"]
    assert all(row.is_shared for row in rows(gateway))


async def test_the_name_that_we_have_in_a_room_is_ours_too(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = in_group(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        content = {"membership": "join", "displayname": "Robin"}
        server.add(content, sender=BOT, type="m.room.member", state_key=BOT)
        say(server, "Robin: hello")
        await server.until(lambda: bool(heard(gateway)))

    assert heard(gateway) == ["hello"]


async def test_a_reply_to_a_message_of_ours_is_for_us(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = in_group(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        say(server, "a joke please", **MENTION)
        await server.until(lambda: bool(server.said()))
        answer = server.stream[-1][1]["event_id"]
        say(server, "another", **reply_to(answer))
        await server.until(lambda: len(heard(gateway)) == 2)

    assert heard(gateway)[1] == "> echo: a joke please\n\nanother"


async def test_a_reply_to_a_message_that_only_the_server_remembers_is_for_us_if_we_sent_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = in_group(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    ours = server.add({"msgtype": "m.notice", "body": "long ago"}, sender=BOT)
    theirs = say(server, "also long ago", sender="@bob:fake")

    async with gateway.running():
        await started(server, gateway)
        say(server, "not for you", **reply_to(theirs))
        say(server, "to nothing", **reply_to("$gone"))
        say(server, "for you", **reply_to(ours))
        await end_of(server, gateway)

    assert heard(gateway) == ["> long ago\n\nfor you", "the end"]


async def test_a_server_that_does_not_find_the_message_keeps_nobody_waiting(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = in_group(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    tries: list[Reply] = []

    def refuse(method: str, path: str, body: Json | None) -> Reply:
        assert (method, body) == ("GET", None)
        assert "/event/" in path
        tries.append(Unreachable("504"))
        return tries[-1]

    server.handlers["/event/"] = refuse

    async with gateway.running():
        await started(server, gateway)
        began = trio.current_time()
        say(server, "what do you think?", **reply_to("$slow"), **MENTION)
        await server.until(lambda: bool(heard(gateway)))
        took = trio.current_time() - began

    assert heard(gateway) == ["what do you think?"]
    assert len(tries) == 3
    assert took < 20


async def test_the_file_that_a_reply_in_a_group_points_at_comes_along(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = in_group(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    picture = {"msgtype": "m.image", "body": "cat.png", "url": "mxc://fake/cat"}

    async with gateway.running():
        await started(server, gateway)
        event_id = server.add(picture, sender="@bob:fake")
        await trio.sleep(1)
        say(server, "what is it?", **reply_to(event_id), **MENTION)
        say(server, "!status", **reply_to(event_id), **MENTION)
        await server.until(lambda: len(heard(gateway)) == 2)

    asked, command = rows(gateway)
    assert asked.text == "> [photo cat.png]\n\nwhat is it?"
    assert [file.handle for file in asked.files] == ["mxc://fake/cat"]
    assert (command.text, command.files) == ("!status", ())


async def test_in_a_direct_chat_the_file_was_seen_before(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    picture = {"msgtype": "m.image", "body": "cat.png", "url": "mxc://fake/cat"}

    async with gateway.running():
        await started(server, gateway)
        event_id = server.add(picture)
        await server.until(lambda: len(heard(gateway)) == 1)
        say(server, "what is it?", **reply_to(event_id))
        await server.until(lambda: len(heard(gateway)) == 2)

    first, second = rows(gateway)
    assert [file.name for file in first.files] == ["cat.png"]
    assert (second.text, second.files) == ("> [photo cat.png]\n\nwhat is it?", ())


async def test_what_is_replied_to_is_quoted_without_its_own_quotation(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        first = say(server, "one")
        second = say(server, "> <@alice:fake> one\n\ntwo", **reply_to(first))
        await server.until(lambda: len(heard(gateway)) == 2)
        say(server, "three", **reply_to(second))
        await server.until(lambda: len(heard(gateway)) == 3)

    assert heard(gateway) == ["one", "> one\n\ntwo", "> two\n\nthree"]


async def test_what_was_edited_is_quoted_as_the_server_shows_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = in_group(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    edit = {
        "type": "m.room.message",
        "sender": "@bob:fake",
        "content": {"m.new_content": {"msgtype": "m.text", "body": "new words"}},
    }
    server.add(
        {"msgtype": "m.text", "body": "old words"},
        sender="@bob:fake",
        unsigned={"m.relations": {"m.replace": edit}},
    )

    async with gateway.running():
        await started(server, gateway)
        say(server, "is it so?", **reply_to("$e0"), **MENTION)
        await server.until(lambda: bool(heard(gateway)))

    assert heard(gateway) == ["> new words\n\nis it so?"]


async def test_our_own_invitation_tells_of_a_direct_chat_that_the_list_does_not_know(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, account={"m.direct": {"@eve:fake": ["!other:fake"]}})
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        say(server, "hello")
        await server.until(lambda: bool(heard(gateway)))

    assert not rows(gateway)[0].is_shared
    assert server.account["m.direct"] == {"@eve:fake": ["!other:fake"], ALICE: [ROOM]}


async def test_our_invitation_is_looked_for_behind_our_new_names(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    steps: dict[str, Json] = {
        "m.room.member": {"content": {"membership": "join"}, "unsigned": {"replaces_state": "$2"}},
        "%242": {"content": {"membership": "join"}, "unsigned": {"replaces_state": "$1"}},
        "%241": {"content": {"membership": "invite", "is_direct": True}, "sender": ALICE},
    }
    for part, event in steps.items():
        server.handlers[part] = lambda *_request, event=event: Done(event)

    async with gateway.running():
        await started(server, gateway)
        say(server, "hello")
        await server.until(lambda: bool(heard(gateway)))

    assert server.account["m.direct"] == {ALICE: [ROOM]}


@pytest.mark.parametrize(
    "membership",
    [
        Refused(403, "M_FORBIDDEN"),
        Done({}),
        Done({"content": [], "unsigned": 7}),
        Done({"content": {"membership": "join"}, "unsigned": {"replaces_state": 7}}),
        Done({"membership": "join"}),
    ],
)
async def test_a_room_of_which_nothing_is_known_is_a_group(
    autojump_clock: MockClock, tmp_path: Path, membership: Reply
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.handlers["m.room.member"] = lambda *_request: membership
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        say(server, "hello all")
        await end_of(server, gateway)

    assert heard(gateway) == ["the end"]
    assert rows(gateway)[0].is_shared


async def test_whether_a_room_is_a_group_is_asked_once_and_for_as_long_as_it_takes(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = in_group(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    asked: list[Reply] = [Unreachable("502"), Unreachable("502")]
    seen = []

    def membership(method: str, path: str, body: Json | None) -> Reply:
        seen.append(path)
        return asked.pop(0) if asked else answered(server, method, path, body)

    server.handlers["m.room.member"] = membership

    async with gateway.running():
        await started(server, gateway)
        for number in range(5):
            say(server, f"m{number}", **MENTION)
            await trio.sleep(1)
        await server.until(lambda: len(heard(gateway)) == 5)

    assert len(seen) == 3


async def test_a_session_that_ends_while_a_room_is_looked_at_loses_nothing(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = in_group(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    refused: list[Reply] = [TokenRefused()]

    def membership(method: str, path: str, body: Json | None) -> Reply:
        return refused.pop(0) if refused else answered(server, method, path, body)

    server.handlers["m.room.member"] = membership

    async with gateway.running():
        await started(server, gateway)
        say(server, "hello", **MENTION)
        await server.until(lambda: bool(heard(gateway)))

    assert heard(gateway) == ["hello"]


async def test_a_list_of_direct_chats_that_is_no_list_is_mended(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    odd = {"@eve:fake": "!room:fake", ALICE: {"x": 1}, "@bob:fake": [7, "!b:fake"]}
    server = FakeHomeserver(autojump_clock, account={"m.direct": dict(odd)})
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        say(server, "hello")
        await server.until(lambda: bool(heard(gateway)))

    assert server.account["m.direct"] == {**odd, ALICE: [ROOM]}


async def test_words_of_ours_that_nobody_asked_for_can_be_replied_to(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = in_group(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    gateway.commit(AddOutgoing(HERE, Voice.GATEWAY, "I was **away**"))
    (out,) = gateway.journal.outbox.values()
    gateway.store.tell(Commit((SentOutgoing(out.id, RemoteId("$mine")),)))

    async with gateway.running():
        await started(server, gateway)
        say(server, "why?", **reply_to("$mine"))
        await server.until(lambda: bool(heard(gateway)))

    assert heard(gateway) == ["> I was **away**\n\nwhy?"]


async def test_what_was_said_encrypted_long_ago_is_quoted_whoever_said_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    old = [
        server.add(sealed({"msgtype": "m.text", "body": body}), type="m.room.encrypted", sender=who)
        for body, who in (("by me", ALICE), ("by you", BOT))
    ]
    lost = server.add(sealed({"body": "x"}, session="lost"), type="m.room.encrypted")

    async with gateway.running():
        await started(server, gateway)
        for event_id in (*old, lost):
            say(server, "and now?", **reply_to(event_id))
        await server.until(lambda: len(heard(gateway)) == 3)

    assert heard(gateway) == ["> by me\n\nand now?", "> by you\n\nand now?", "and now?"]


async def test_a_server_that_wants_silence_is_asked_for_the_message_again(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    old = say(server, "long ago")
    faults: list[Reply] = [Limited(3.0)]

    def limit(method: str, path: str, body: Json | None) -> Reply:
        return faults.pop() if faults else answered(server, method, path, body)

    server.handlers["/event/"] = limit

    async with gateway.running():
        await started(server, gateway)
        say(server, "and now?", **reply_to(old))
        await server.until(lambda: bool(heard(gateway)))

    assert heard(gateway) == ["> long ago\n\nand now?"]


@pytest.mark.parametrize("fault", [Refused(403, "M_FORBIDDEN"), Unreachable("502")])
async def test_a_list_of_direct_chats_that_cannot_be_written_makes_no_group(
    autojump_clock: MockClock, tmp_path: Path, fault: Reply
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    def refuse(method: str, path: str, body: Json | None) -> Reply:
        return fault if method == "PUT" else answered(server, method, path, body)

    server.handlers["m.direct"] = refuse

    async with gateway.running():
        await started(server, gateway)
        say(server, "hello")
        say(server, "are you there?")
        await server.until(lambda: len(heard(gateway)) == 2)

    assert not any(row.is_shared for row in rows(gateway))


async def test_a_new_list_of_direct_chats_counts_from_then_on(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    class Told(FakeHomeserver):
        def _news(self, start: int, since: str) -> Json:
            content = {ALICE: [ROOM]} if since else {}
            told = {"events": [{"type": "m.direct", "content": content}]}
            return {**super()._news(start, since), "account_data": told}

    server = Told(autojump_clock, groups={ROOM})
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        say(server, "hello")
        await server.until(lambda: bool(heard(gateway)))

    assert not rows(gateway)[0].is_shared
