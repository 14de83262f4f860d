"""No word goes in the open into a room that is encrypted, however hard anybody tries."""

import ast
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

import actors.matrix
from actors.matrix.api.replies import Limited, Refused, Reply, TokenRefused, Unreachable
from actors.matrix.crypto.port import NotSealed
from protocols.changes import AddOutgoing
from protocols.files import FileKind
from protocols.ids import RemoteId
from protocols.journal import Button, OutboxState, Voice
from protocols.surfaces import AnswerPress, Deliver, ShowDraft
from tests.actors.matrix.fake_homeserver import ROOM, FakeHomeserver, Json
from tests.actors.matrix.outgoing.sending_rig import HERE, Out, unsealed

WORD = "Geheimnis"
KEYBOARD = ((Button(f"{WORD} yes", "a"), Button("no", "b")),)


FAULTS: list[Reply] = [Limited(3.0), Unreachable("502"), TokenRefused()]


@define
class LateServer(FakeHomeserver):
    """Looks at each message in the moment in which it is sent, not when it arrives.

    Args:
        shut: The rooms that are encrypted, beside those that the server says are.
        after_asking: What happens before its word on a room's encryption arrives.
    """

    shut: set[str] = field(factory=set)
    leaks: list[str] = field(factory=list)
    after_asking: Callable[[], None] = lambda: None

    async def encryption(self, room: str) -> Reply:
        reply = await super().encryption(room)
        self.after_asking()
        return reply

    async def send(self, room: str, txn: str, content: Json) -> Reply:
        if room in self.shut | self.encrypted:
            self.leaks.append(txn)
        return await super().send(room, txn, content)


def switch_on(out: Out, *, is_seen: bool) -> None:
    """Encryption is on; the sync shows it, or is interrupted just then."""
    if is_seen:
        out.rooms.saw_encryption(ROOM)
        return
    out.server.encrypted.add(ROOM)
    out.rooms.lost_sight()
    out.rooms.in_sight()


def encrypted_out(clock: MockClock, folder: Path) -> Out:
    """One whose room is known to be encrypted; the server denies it."""
    out = Out.over(clock, folder)
    out.vault.saw_encryption(ROOM)
    return out


async def test_words_edits_and_buttons_are_sealed_and_relations_are_readable(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = encrypted_out(autojump_clock, tmp_path)
    async with out.running() as sender:
        row = out.row(is_shared=True)
        sender.take(ShowDraft(HERE, row.id, f"{WORD} so far"))
        await trio.sleep(5)
        out.finish(row, f"{WORD} at last", keyboard=KEYBOARD)
        await out.settled()
        first = out.events("m.room.encrypted")[0]["event_id"]
        out.amend(row, first, f"{WORD} chosen")
        await out.settled()

    draft, answer, change = out.contents("m.room.encrypted")
    assert draft["m.relates_to"] == {"m.in_reply_to": {"event_id": "$asked1"}}
    replacing = {"rel_type": "m.replace", "event_id": first}
    assert [answer["m.relates_to"], change["m.relates_to"]] == [replacing, replacing]
    assert unsealed(draft)["body"] == f"{WORD} so far"
    assert unsealed(answer)["m.new_content"]["body"].startswith(f"{WORD} at last")
    assert f"{WORD} chosen" in unsealed(change)["m.new_content"]["body"]
    assert WORD not in out.wire()
    assert not out.contents()


async def test_what_waits_for_a_key_is_not_sent_in_the_open(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = encrypted_out(autojump_clock, tmp_path)
    out.vault.refusals = [NotSealed("500"), NotSealed("429", wait=90.0), NotSealed("500")]
    async with out.running():
        out.finish(out.row(), WORD)
        await out.settled()

    assert WORD not in out.wire()
    assert [unsealed(content)["body"] for content in out.contents("m.room.encrypted")] == [WORD]
    assert out.server.times("request")[-1] > 90


@pytest.mark.parametrize(
    "replies",
    [
        [Unreachable("502")] * 40,
        [TokenRefused()] * 40,
        [Limited(1.0)] * 40,
        [Refused(404, "M_UNRECOGNIZED")],
        [Refused(404, "")] * 40,
        [Refused(403, "M_FORBIDDEN")],
    ],
)
async def test_without_the_servers_word_that_it_is_open_nothing_is_sent(
    autojump_clock: MockClock, tmp_path: Path, replies: list[Reply]
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["encryption"] = list(replies)
    async with out.running(is_killed=True):
        out.finish(out.row(), WORD)
        await trio.sleep(30)

    assert WORD not in out.wire()


async def test_a_room_that_is_found_encrypted_stays_so_when_the_server_says_otherwise(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.encrypted.add(ROOM)
    async with out.running():
        out.finish(out.row(), WORD)
        await out.settled()
    out.server.encrypted.clear()
    async with out.running():
        out.rooms.lost_sight()
        out.rooms.in_sight()
        out.finish(out.row(), WORD)
        await out.settled()

    assert len(out.contents("m.room.encrypted")) == 2
    assert WORD not in out.wire()


async def test_encryption_that_the_sync_shows_while_the_server_is_asked_counts(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = LateServer(autojump_clock)
    out = Out.over(autojump_clock, tmp_path, server)
    server.after_asking = lambda: out.rooms.saw_encryption(ROOM)
    async with out.running():
        out.finish(out.row(), WORD)
        await out.settled()

    assert server.times("encryption")
    assert len(out.contents("m.room.encrypted")) == 1
    assert WORD not in out.wire()


async def test_encryption_unseen_in_a_gap_of_the_sync_is_asked_for(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        out.finish(out.row(), "in the open")
        await out.settled()
        out.rooms.lost_sight()
        out.server.encrypted.add(ROOM)
        out.finish(out.row(), WORD)
        await out.settled()

    assert [content["body"] for content in out.contents()] == ["in the open"]
    assert WORD not in out.wire()


async def test_while_nobody_follows_the_room_each_word_is_asked_for(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        out.rooms.lost_sight()
        out.finish(out.row(), "in the open")
        await out.settled()
        out.server.encrypted.add(ROOM)
        out.finish(out.row(), WORD)
        await out.settled()

    assert [content["body"] for content in out.contents()] == ["in the open"]
    assert WORD not in out.wire()


async def test_a_penalty_that_begins_while_keys_are_shared_is_obeyed(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = encrypted_out(autojump_clock, tmp_path)
    async with out.running() as sender:
        waits = [30.0]

        def begin() -> None:
            if waits:
                sender.post.penalty.extend(trio.current_time(), waits.pop())

        out.vault.while_sealing = begin
        out.finish(out.row(), WORD)
        await out.settled()

    assert out.server.times("request") == [30.0]


async def test_a_retry_after_encryption_was_switched_on_is_sealed(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["send"] = [Limited(20.0), Limited(20.0)]
    async with out.running():
        out.finish(out.row(), WORD)
        await trio.sleep(10)
        asked_in_the_open = out.server.times("send")
        out.rooms.saw_encryption(ROOM)
        await out.settled()

    assert out.server.times("send") == asked_in_the_open
    assert len(out.contents("m.room.encrypted")) == 1


async def test_nothing_is_sent_before_the_keys_are_open_and_the_rooms_are_seen(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    sender = out.begin()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sender.run)
        row = out.row()
        out.finish(row, WORD)
        sender.take(AnswerPress(HERE, "$press", WORD, is_refused=True))
        await trio.sleep(100)
        nursery.cancel_scope.cancel()

    assert out.server.calls == []


@pytest.mark.parametrize("seed", range(40))
async def test_whenever_encryption_is_switched_on_no_word_follows_in_the_open(
    autojump_clock: MockClock, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    server = LateServer(autojump_clock)
    out = Out.over(autojump_clock, tmp_path, server)
    switched_on_at = dice.randrange(12)
    async with out.running() as sender:
        server.shut = out.vault.encrypted
        for step in range(12):
            await trio.sleep(dice.choice([0.0, 0.5, 2.5]))
            for name in ("send", "encryption", "request"):
                server.faults[name] = dice.choices(FAULTS, k=dice.randrange(2))
            if dice.random() < 0.3:
                out.rooms.lost_sight()
            if step == switched_on_at:
                switch_on(out, is_seen=dice.random() < 0.5)
            row = out.row()
            sender.take(ShowDraft(HERE, row.id, WORD))
            if dice.random() < 0.5:
                out.finish(row, WORD, keyboard=KEYBOARD)
        out.finish(out.row(), WORD)
        await out.settled()

    assert server.leaks == []
    assert out.contents("m.room.encrypted")


async def test_signs_go_in_the_open_and_hold_no_word(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = encrypted_out(autojump_clock, tmp_path)
    async with out.running():
        row = out.row(text=WORD)
        out.type(row)
        await trio.sleep(3)
        out.finish(row, WORD, keyboard=KEYBOARD)
        await out.settled()

    assert len(out.contents("m.reaction")) == 3
    assert len(out.contents("m.room.redaction")) == 1
    assert WORD not in out.wire()


async def test_a_word_for_a_press_in_vain_is_sealed_too(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = encrypted_out(autojump_clock, tmp_path)
    async with out.running() as sender:
        sender.take(AnswerPress(HERE, "$press", WORD, is_refused=True))
        await trio.sleep(1)

    (content,) = out.contents("m.room.encrypted")
    assert unsealed(content)["msgtype"] == "m.notice"
    assert WORD not in out.wire()


async def test_a_file_brought_in_the_open_is_brought_again_when_its_room_is_encrypted_by_then(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.faults["upload"] = [Limited(20.0)]
    async with out.running():
        file = out.file(WORD.encode(), FileKind.DOCUMENT, f"{WORD}.txt")
        out.finish(out.row(), "", files=(file,))
        await trio.sleep(10)
        out.rooms.saw_encryption(ROOM)
        await out.settled()

    (content,) = out.contents("m.room.encrypted")
    inner = unsealed(content)
    assert "url" not in inner
    assert WORD.encode() not in out.server.media[inner["file"]["url"]]
    names = [call.words[1] for call in out.server.calls if call.name == "upload"]
    assert names[-1] == ""


def test_only_one_line_of_the_program_sends_a_message_in_the_open() -> None:
    """Whoever calls ``Homeserver.send`` elsewhere goes around the guard."""
    callers = [
        path.name
        for path in sorted(Path(str(actors.matrix.__file__)).parent.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "send"
        if ast.unparse(node.value).endswith("server")
    ]

    assert callers == ["posting.py"]


async def test_an_answer_too_large_to_be_sealed_is_cut_smaller(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = encrypted_out(autojump_clock, tmp_path)
    out.commit(AddOutgoing(HERE, Voice.AGENT, "слово " * 20_000))
    async with out.running() as sender:
        sender.take(Deliver(HERE))
        await out.settled()

    bodies = [unsealed(content)["body"] for content in out.contents("m.room.encrypted")]
    assert " ".join(bodies).split() == ["слово"] * 20_000
    assert out.outbox[0].state is OutboxState.SENT
    assert out.outbox[0].remote_id == RemoteId(out.events("m.room.encrypted")[0]["event_id"])
