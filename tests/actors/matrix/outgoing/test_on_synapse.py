"""What goes out, as a person with an ordinary client sees it on a real homeserver."""

import io
from pathlib import Path

import pytest
import trio
from PIL import Image

from protocols.changes import AddOutgoing
from protocols.files import FileKind, LocalFile
from protocols.journal import Amends, Button, OutboxState, Row, Voice
from protocols.surfaces import Deliver, ShowDraft, ShowTyping
from tests.actors.matrix.gateway import Gateway, gateway_on
from tests.rigs.matrix_human import Human, human
from tests.rigs.matrix_shown import Shown
from tests.rigs.synapse import Synapse

SOON = 40.0
ASK = ((Button("Yes", "confirm:1:0"), Button("No", "confirm:1:1")),)
BOTH = pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "encrypted"])


async def room_with(gateway: Gateway, alice: Human, *, is_encrypted: bool) -> str:
    """A room where the bot has come in."""
    bot = gateway.settings.user_id
    room = await alice.create_room(invite=[bot], is_encrypted=is_encrypted)
    await alice.watch_member(room, bot, "join")
    return room


def by_bot(gateway: Gateway, shown: list[Shown]) -> list[Shown]:
    return [one for one in shown if one.sender == gateway.settings.user_id]


async def until_reactions(alice: Human, room: str, event_id: str, emoji: set[str]) -> None:
    """Wait until just *emoji* stand below the message *event_id*."""
    alice._views.clear()  # what was taken back is seen by looking anew
    while set((await alice.reactions(room)).get(event_id, {})) != emoji:
        await alice.next_change()
        alice._views.clear()


async def asking(gateway: Gateway, row: Row) -> str:
    """An agent that asks back, and says what was chosen."""
    if row.press is None:
        question = AddOutgoing(row.room, Voice.AGENT, "Send it?", row=row.id, keyboard=ASK)
        gateway.commit(question)
        return ""
    first = next(iter(gateway.journal.rows.values()))
    chosen = AddOutgoing(
        row.room, Voice.GATEWAY, f"Chosen: {row.press.action}", row=row.id, is_final=False,
        amends=Amends(first.id, row.press.place),
    )  # fmt: skip
    gateway.commit(chosen)
    return ""


@BOTH
async def test_a_question_is_answered_by_a_click_and_shows_the_decision(
    synapse: Synapse, tmp_path: Path, *, is_encrypted: bool
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path, asking), await human(synapse, "alice")

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await room_with(gateway, alice, is_encrypted=is_encrypted)
            await alice.send(room, "send the letter")
            shown = await alice.watch(room, lambda seen: bool(by_bot(gateway, seen)))
            (question,) = by_bot(gateway, shown)
            await until_reactions(alice, room, question.event_id, {"✅", "❌"})
            await alice.react(room, question.event_id, "✅")
            shown = await alice.watch(room, lambda seen: by_bot(gateway, seen)[0].edits == 1)
            await until_reactions(alice, room, question.event_id, {"✅"})

    (decided,) = by_bot(gateway, shown)
    assert decided.text == "Send it?\n\nChosen: confirm:1:0"
    assert decided.is_encrypted == is_encrypted


@BOTH
async def test_an_answer_grows_in_its_thread_while_a_sign_says_that_it_was_taken(
    synapse: Synapse, tmp_path: Path, *, is_encrypted: bool
) -> None:
    signs: list[set[str]] = []

    async def slowly(gateway: Gateway, row: Row) -> str:
        await gateway.say(ShowTyping(row.room, row.id))
        await gateway.say(ShowDraft(row.room, row.id, "so far"))
        await trio.sleep(1.5)
        signs.append(set((await alice.reactions(room)).get(row.message_id, {})))
        return "the answer"

    gateway, alice = gateway_on(synapse, tmp_path, slowly), await human(synapse, "alice")
    with trio.fail_after(SOON):
        async with gateway.running():
            room = await room_with(gateway, alice, is_encrypted=is_encrypted)
            root = await alice.send(room, "root")
            await alice.watch(room, lambda seen: [s.text for s in seen][-1:] == ["the answer"])
            asked = await alice.reply_in_thread(room, root, "and here?")
            shown = await alice.watch(room, lambda seen: len(by_bot(gateway, seen)) == 2)
            shown = await alice.watch(
                room, lambda seen: [one.text for one in by_bot(gateway, seen)] == ["the answer"] * 2
            )
            await until_reactions(alice, room, asked, set())

    outside, inside = by_bot(gateway, shown)
    assert (outside.thread, inside.thread) == ("", root)
    assert (outside.edits, inside.edits) == (1, 1)
    assert signs == [{"👀"}, {"👀"}]
    assert inside.is_encrypted == is_encrypted


def picture() -> bytes:
    data = io.BytesIO()
    Image.effect_noise((900, 700), 90).convert("RGB").save(data, "PNG")
    return data.getvalue()


def made(folder: Path, kind: FileKind, name: str, data: bytes) -> LocalFile:
    """A file that the agent made."""
    path = folder / "files" / "made" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return LocalFile(kind, name, "", len(data), str(path), "0" * 64)


@BOTH
async def test_a_picture_and_a_document_come_whole(
    synapse: Synapse, tmp_path: Path, *, is_encrypted: bool
) -> None:
    image = picture()
    files = (
        made(tmp_path, FileKind.PHOTO, "cat.png", image),
        made(tmp_path, FileKind.DOCUMENT, "a.txt", b"words"),
    )

    async def drawing(gateway: Gateway, row: Row) -> str:
        await trio.lowlevel.checkpoint()
        answer = AddOutgoing(row.room, Voice.AGENT, "here", row=row.id, files=files)
        gateway.commit(answer)
        return ""

    gateway, alice = gateway_on(synapse, tmp_path, drawing), await human(synapse, "alice")
    with trio.fail_after(SOON):
        async with gateway.running():
            room = await room_with(gateway, alice, is_encrypted=is_encrypted)
            await alice.send(room, "draw")
            shown = await alice.watch(room, lambda seen: len(by_bot(gateway, seen)) == 3)
            text, cat, words = by_bot(gateway, shown)
            downloaded = [await alice.download(cat), await alice.download(words)]

    assert (text.text, cat.kind, words.kind) == ("here", "m.image", "m.file")
    assert downloaded == [image, b"words"]
    assert cat.content["info"]["thumbnail_info"]["h"] == 600
    assert cat.is_encrypted == is_encrypted
    assert list((tmp_path / "files" / "made").iterdir()) == []


async def test_a_room_that_becomes_encrypted_hears_no_further_word_in_the_open(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), await human(synapse, "alice")

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await room_with(gateway, alice, is_encrypted=False)
            await alice.send(room, "one")
            await alice.watch(room, lambda seen: len(by_bot(gateway, seen)) == 1)
            await alice.encrypt(room)
            await alice.send(room, "two")
            shown = await alice.watch(room, lambda seen: len(by_bot(gateway, seen)) == 2)

    before, after = by_bot(gateway, shown)
    assert (before.is_encrypted, after.is_encrypted) == (False, True)
    assert after.text == "echo: two"


@BOTH
async def test_what_the_journal_does_not_know_as_sent_is_the_same_event(
    synapse: Synapse, tmp_path: Path, *, is_encrypted: bool
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path, asking), await human(synapse, "alice")

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await room_with(gateway, alice, is_encrypted=is_encrypted)
            await alice.send(room, "hello")
            shown = await alice.watch(room, lambda seen: len(by_bot(gateway, seen)) == 1)
            await until_reactions(alice, room, by_bot(gateway, shown)[0].event_id, {"✅", "❌"})
        (out,) = gateway.journal.outbox.values()
        object.__setattr__(out, "state", OutboxState.PENDING)
        async with gateway.running():
            await gateway.say(Deliver(out.room))
            while gateway.journal.outbox[out.id].state is OutboxState.PENDING:  # noqa: ASYNC110
                await trio.sleep(0.05)
        shown = await alice.seen(room)
        reactions = await alice.reactions(room)

    (question,) = by_bot(gateway, shown)
    assert {emoji: len(who) for emoji, who in reactions[question.event_id].items()} == {
        "✅": 1, "❌": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["|a" * 9000, "\N{CYRILLIC SMALL LETTER ZHE}" * 9000, "*a*" * 6000]
)
async def test_the_largest_sealed_events_are_taken_by_the_server(
    synapse: Synapse, tmp_path: Path, text: str
) -> None:
    async def at_length(gateway: Gateway, row: Row) -> str:
        await gateway.say(ShowDraft(row.room, row.id, "so far"))
        await trio.sleep(1)
        return text

    gateway, alice = gateway_on(synapse, tmp_path, at_length), await human(synapse, "alice")
    with trio.fail_after(SOON):
        async with gateway.running():
            room = await room_with(gateway, alice, is_encrypted=True)
            await alice.send(room, "go on")
            shown = await alice.watch(
                room,
                lambda seen: sum(len(one.text) for one in by_bot(gateway, seen)) >= len(text),
            )

    assert "".join(one.text for one in by_bot(gateway, shown)) == text
    assert by_bot(gateway, shown)[0].edits == 1
