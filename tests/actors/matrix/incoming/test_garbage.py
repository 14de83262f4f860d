"""Whatever a server puts into a page, the surface goes on, and says nothing of it in the log."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from actors.matrix.settings import Threads
from tests.actors.matrix.fake_homeserver import (
    ALICE,
    BOT,
    ROOM,
    FakeHomeserver,
    gateway_over,
    started,
)
from tests.actors.matrix.fake_vault import sealed
from tests.actors.telegram.json_values import places_in, with_change

Json = dict[str, Any]

SECRET = "words-of-a-person"
ODD: list[Any] = [None, True, -1, 10**30, "", "$x", "\ud800", [], {}, [[]], {"x": {"y": []}}]
RELATES = {
    "rel_type": "m.thread",
    "event_id": "$root",
    "is_falling_back": False,
    "m.in_reply_to": {"event_id": "$other"},
}
REPLACES = {"rel_type": "m.replace", "event_id": "$x"}
TEXT = {
    "msgtype": "m.text",
    "body": SECRET,
    "formatted_body": f"<p>{SECRET}</p>",
    "m.mentions": {"user_ids": [BOT]},
    "m.relates_to": RELATES,
}
PICTURE = {
    "msgtype": "m.image",
    "body": SECRET,
    "filename": "cat.png",
    "info": {"size": 5, "mimetype": "image/png"},
    "file": {
        "url": "mxc://a/b",
        "key": {"k": "a", "key_ops": ["encrypt"]},
        "iv": "b",
        "hashes": {"sha256": "c"},
    },
}
EVENTS: list[tuple[str, Json]] = [
    ("m.room.message", TEXT),
    ("m.room.message", PICTURE),
    (
        "m.room.message",
        {"m.new_content": TEXT, "m.relates_to": {"rel_type": "m.replace"} | RELATES},
    ),
    ("m.room.message", {"msgtype": "m.location", "body": SECRET, "geo_uri": "geo:1,2"}),
    ("m.sticker", {"body": SECRET, "url": "mxc://a/b"}),
    ("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$x", "key": "1"}}),
    ("m.room.redaction", {"redacts": "$x"}),
    ("m.room.encrypted", sealed(TEXT)),
    ("m.room.encrypted", sealed(TEXT, session="lost")),
    ("m.room.tombstone", {"replacement_room": "!new:fake"}),
    ("m.room.member", {"membership": "join", "displayname": SECRET}),
]


def broken(kind: str, content: Json) -> Iterable[Any]:
    """An event with anything in any of its places."""
    event = {
        "event_id": "$broken",
        "type": kind,
        "sender": ALICE,
        "origin_server_ts": 1_700_000_000_000,
        "content": content,
        "unsigned": {"transaction_id": "t", "prev_content": {"membership": "x"}},
    }
    if kind in {"m.room.tombstone", "m.room.member"}:
        event["state_key"] = ""
    number = 0
    for place in places_in(event):
        for odd in ODD:
            number += 1
            fresh = event | {"event_id": f"$broken{number}"} if place != ("event_id",) else event
            yield with_change(fresh, place, odd)
        yield with_change(event, place, None, is_removed=True)
    yield from ODD


class Garbled(FakeHomeserver):
    """A homeserver that puts *garbage* before what is new."""

    def with_garbage(self, garbage: list[Any]) -> None:
        self.garbage = garbage

    def _room(self, room: str, start: int, window: int) -> Json:
        found = super()._room(room, start, window)
        if room == ROOM and start and found["timeline"]["events"]:
            found["timeline"]["events"] = [*self.garbage, *found["timeline"]["events"]]
            found["state"] = {"events": self.garbage}
        return found


@pytest.mark.parametrize("threads", list(Threads))
@pytest.mark.parametrize("number", range(len(EVENTS)))
async def test_whatever_stands_in_an_event_the_next_one_is_answered(
    autojump_clock: MockClock, tmp_path: Path, number: int, threads: Threads
) -> None:
    server = Garbled(autojump_clock)
    server.with_garbage(list(broken(*EVENTS[number])))
    gateway = gateway_over(server, tmp_path, threads=threads)
    server.member("join")

    with capture_logs() as logs:
        async with gateway.running():
            await started(server, gateway)
            hello = server.write("hello")
            await server.until(
                lambda: any(row.event_id == hello for row in gateway.journal.rows.values())
            )

    assert SECRET not in str(logs)
    for row in gateway.journal.rows.values():
        f"{row.text}{row.sender_name}{row.event_id}{row.thread_id}{row.room}".encode()


@pytest.mark.parametrize(
    "place",
    [
        ("rooms",),
        ("rooms", "join"),
        ("rooms", "join", ROOM),
        ("rooms", "join", ROOM, "timeline"),
        ("rooms", "join", ROOM, "state"),
        ("rooms", "invite"),
        ("rooms", "leave"),
        ("account_data",),
    ],
)
async def test_whatever_stands_in_a_page_the_next_one_is_read(
    autojump_clock: MockClock, tmp_path: Path, place: tuple[str, ...]
) -> None:
    class Odd(FakeHomeserver):
        odd: list[Any]

        def _news(self, start: int, since: str) -> Json:
            news = super()._news(start, since) | {"account_data": {}}
            return with_change(news, place, self.odd.pop()) if self.odd and since else news

    server = Odd(autojump_clock)
    server.odd = [*ODD, {"!x:fake": 7}, {"events": [{"type": "m.direct", "content": 7}]}]
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        while server.odd:
            server.write("maybe lost")
            await trio.sleep(1)
        server.write("hello")
        await server.until(lambda: "echo: hello" in server.said())
