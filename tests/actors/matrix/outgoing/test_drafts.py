"""Drafts at unlucky moments."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from actors.matrix.api.replies import Json, Reply
from protocols.changes import AddOutgoing, FinishRow
from protocols.ids import RemoteId
from protocols.journal import Row, RowState, Voice
from protocols.surfaces import ShowDraft
from tests.actors.matrix.fake_homeserver import BOT, FakeHomeserver, gateway_over, started
from tests.actors.matrix.gateway import Gateway
from tests.actors.matrix.outgoing.sending_rig import HERE, Out


@define
class Busy(FakeHomeserver):
    """A homeserver under which things happen while it takes an event."""

    while_sending: Callable[[], None] = field(default=lambda: None)

    def receive(self, room: str, kind: str, txn: str, content: Json) -> Reply:
        self.while_sending()
        return super().receive(room, kind, txn, content)


async def live(out: Out) -> None:
    """A life to which the sync does not show again what it has shown before."""
    sender = out.begin()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sender.run)
        sender.open(BOT)
        await out.settled()
        sender.close()


@pytest.mark.parametrize("is_taken", [True, False])
async def test_a_draft_that_came_as_its_turn_ended_is_the_answers_after_a_kill_too(
    autojump_clock: MockClock, tmp_path: Path, *, is_taken: bool
) -> None:
    server = Busy(autojump_clock)
    out = Out.over(autojump_clock, tmp_path, server)

    def end() -> None:
        row = out.row_of(1)
        answer = AddOutgoing(HERE, Voice.AGENT, "the whole answer", row=row.id)
        out.commit(FinishRow(row.id, RowState.ANSWERED), answer)

    server.while_sending = end if is_taken else server.while_sending
    async with out.running(is_killed=True) as sender:
        sender.take(ShowDraft(HERE, out.row().id, "the whole"))
        await trio.sleep(10 if is_taken else 1)
        server.while_sending = lambda: None
        if not is_taken:
            end()
            await trio.sleep(3)
    await live(out)

    shown = {content["body"] for content in out.contents() if "m.new_content" not in content}
    assert len(shown) == 1
    new = out.contents()[-1]
    assert new.get("m.new_content", new)["body"] == "the whole answer"


@pytest.mark.parametrize("is_delivered", [False, True])
async def test_a_draft_that_the_sync_shows_after_its_turn_is_the_answers_after_a_kill_too(
    autojump_clock: MockClock, tmp_path: Path, *, is_delivered: bool
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running(is_killed=True) as sender:
        await trio.testing.wait_all_tasks_blocked()
        row = out.row()
        if is_delivered:
            out.finish(row, "the whole answer")
            await out.settled()
        else:
            answer = AddOutgoing(HERE, Voice.AGENT, "the whole answer", row=row.id)
            out.commit(FinishRow(row.id, RowState.ANSWERED), answer)
        draft = out.server.add({"msgtype": "m.text", "body": "the whole"}, sender=BOT)
        await sender.drafts.note(row.id, RemoteId(draft))
    await live(out)

    assert len(out.contents()) == 2
    assert ("m.new_content" in out.contents()[-1]) is not is_delivered
    assert out.journal.keys == {}


async def test_half_a_character_in_a_draft_stops_nothing(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)

    async def answer(gateway: Gateway, row: Row) -> str:
        await gateway.say(ShowDraft(row.room, row.id, "half \ud83d", "\ud83d\ude00"))
        await trio.sleep(5)
        return "end"

    gateway = gateway_over(server, tmp_path, answer)
    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: len(server.times("send")) == 2)

    assert server.said() == ["half \ufffd\n\n*😀*", "* end"]
