"""The sending half is cancelled at every one of its steps; the next life makes it whole."""

import tempfile
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from protocols.files import FileKind
from protocols.ids import OutboxId, RemoteId, RoomId
from protocols.journal import Button, OutboxState, RowState
from protocols.surfaces import ShowDraft
from tests.actors.matrix.fake_homeserver import ROOM
from tests.actors.matrix.outgoing.sending_rig import Json, Out, unsealed
from tests.actors.matrix.test_syncer_cancelled import CancelAt

ASK = ((Button("Yes", "confirm:1:0"), Button("No", "confirm:1:1")),)
AGAIN = ((Button("Again", "retry:1"),),)
SECRET = "!secret:fake"
THERE = RoomId(f"matrix/{SECRET}")


async def drive(out: Out, done: trio.Event) -> None:
    """What the other actors do meanwhile: they outlive the surface."""
    first, second, third = out.row(), out.row(thread_id=RemoteId("$root")), out.row(room=THERE)
    for row, text in ((first, "Send"), (third, "se")):
        out.sender.take(ShowDraft(row.room, row.id, text))
    out.type(second)
    await trio.sleep(3)
    out.finish(first, "Send it?", keyboard=ASK)
    files = tuple(out.file(name.encode(), FileKind.DOCUMENT, name) for name in ("a", "b"))
    out.finish(second, "broken", RowState.FAILED, files=files)
    out.finish(third, "secret", files=(out.file(b"c", FileKind.DOCUMENT, "c"),))
    await out.settled()
    place = out.journal.outbox[OutboxId(1)].remote_id
    assert place is not None
    out.amend(first, place, "Chosen", AGAIN)
    await out.settled()
    done.set()


async def _two_lives(clock: MockClock, cancel: CancelAt, folder: Path) -> Out:
    out = Out.over(clock, folder)
    out.server.joined.add(SECRET)
    out.vault.saw_encryption(SECRET)
    done = trio.Event()
    async with trio.open_nursery() as nursery:
        with cancel.scope:
            async with out.running(is_killed=True):
                nursery.start_soon(drive, out, done)
                await done.wait()
        async with out.running():
            await done.wait()
            await trio.sleep(1)  # for what is settled before it is all there
    return out


def shown(out: Out, kind: str, room: str) -> list[Json]:
    """What a person sees: edits in the place of what they edit, and nothing that was taken back."""
    seen: dict[str, Json] = {}
    for event in out.events(kind, room=room):
        content = unsealed(event["content"]) if kind == "m.room.encrypted" else event["content"]
        if "m.new_content" in content:
            seen[content["m.relates_to"]["event_id"]] = content["m.new_content"]
        else:
            seen[event["event_id"]] = content
    gone = {content["redacts"] for content in out.contents("m.room.redaction", room=room)}
    return [content for event_id, content in seen.items() if event_id not in gone]


def check(out: Out) -> None:
    bodies = [content["body"] for content in shown(out, "m.room.message", ROOM)]
    assert sorted(bodies) == ["Send it?\n\nChosen\n\n1️⃣ Again", "a", "b", "broken"]
    assert bodies.index("a") < bodies.index("b")
    assert bodies.index("broken") < bodies.index("a")
    secret = [content["body"] for content in shown(out, "m.room.encrypted", SECRET)]
    assert secret == ["secret", "c"]
    assert not out.contents(room=SECRET)
    place = out.journal.outbox[OutboxId(1)].remote_id
    assert sorted(out.reactions()) == sorted([("$asked2", "❌"), (place, "1️⃣")])
    assert all(row.state is OutboxState.SENT for row in out.outbox)
    assert list(out.journal.keys) == [f"matrix_offers:{place}"]


def _run(step: int) -> int:
    """One run that is cancelled at *step*; how many steps there were before it."""
    clock, cancel = MockClock(autojump_threshold=0), CancelAt(step)
    with tempfile.TemporaryDirectory() as folder:
        out = trio.run(_two_lives, clock, cancel, Path(folder), clock=clock, instruments=[cancel])
    check(out)
    return step - cancel.left


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.full)])
def test_wherever_it_is_cancelled_everything_stands_there_once(stride: int) -> None:
    steps = _run(1_000_000)

    for step in range(1, steps, stride):
        _run(step)
