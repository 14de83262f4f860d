"""What stands around an answer in a chat: reasoning folded above it, what it cost below."""

from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.telegram.outgoing.contents import amended, contents
from actors.telegram.settings import Streaming
from protocols.files import FileKind, LocalFile
from protocols.ids import OutboxId, RoomId, RowId
from protocols.journal import Button, Keyboard, OutboxRow, Voice
from tests.actors.telegram.entity_rules import marked_words
from tests.actors.telegram.fake_bot import SETTINGS, Gateway

RETRY: Keyboard = ((Button("🔁 Try again", "retry:1"),),)
AROUND: dict[str, Any] = {"folded": "I think.", "footer": "*gpt-5 · 56 out*"}
LONG = "\n\n".join(f"part {number} " + "word " * 700 for number in range(3))
ANSWER = OutboxRow(
    OutboxId(1), "0" * 32, RoomId("telegram/42"), RowId(1), Voice.AGENT, "Hi", is_final=True,
    reply_to_event=None, shown_id=None, created_at=0.0, **AROUND,
)  # fmt: skip


@pytest.mark.parametrize("streaming", Streaming)
async def test_an_answer_that_grew_ends_with_all_that_stands_around_it(
    streaming: Streaming, autojump_clock: MockClock
) -> None:
    gateway = Gateway(autojump_clock, settings=evolve(SETTINGS, streaming=streaming))
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await gateway.draft(row, "Hi", "thinking")
        await trio.sleep(3)
        await gateway.finish(row, "Hi there", **AROUND)
        await gateway.settled()

    (shown,) = gateway.bot.seen()
    assert shown.text == "💭 I think.\n\nHi there\n\ngpt-5 · 56 out"
    assert gateway.outcomes() == ["sent"]


async def test_a_long_answer_has_the_fold_above_its_first_piece_and_the_footer_below_its_last(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        await gateway.finish(gateway.row(), LONG, **AROUND)
        await gateway.settled()

    first, second, last = gateway.bot.shown()
    assert first.startswith("💭 I think.\n\npart 0")
    assert second.startswith("part 1")
    assert last.startswith("part 2")
    assert last.endswith("\n\ngpt-5 · 56 out")


async def test_files_alone_come_below_what_stands_around_them(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    path = tmp_path / "notes"
    path.write_bytes(b"hello")
    file = LocalFile(FileKind.DOCUMENT, "notes", "text/plain", 5, str(path), "0" * 64)
    gateway = Gateway(autojump_clock, settings=evolve(SETTINGS, files=tmp_path))
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await trio.sleep(1)
        await gateway.finish(row, "", files=[file], footer="*56 out*")
        await gateway.settled()

    assert [(found.text, *found.files) for found in gateway.bot.seen()] == [
        ("56 out",),
        ("", "notes"),
    ]
    assert gateway.outcomes() == ["sent"]


async def test_a_kill_in_the_middle_repeats_none_of_it(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gateway.sender().run)
        await gateway.finish(gateway.row(), LONG, **AROUND)
        await gateway.bot.until(lambda: len(gateway.bot.shown()) == 2)
        nursery.cancel_scope.cancel()
    async with gateway.running():
        await gateway.settled()

    shown = "".join(gateway.bot.shown())
    assert [shown.count(words) for words in ("I think.", "part 2", "56 out")] == [1, 1, 1]


def test_what_is_added_later_stands_below_all_of_it() -> None:
    row = evolve(ANSWER, text="*pressed*", keyboard=RETRY, folded="", footer="")

    piece = amended(ANSWER, row)

    assert piece is not None
    assert piece.text == "💭 I think.\n\nHi\n\ngpt-5 · 56 out\n\npressed"
    assert marked_words(piece, "italic") == ["gpt-5 · 56 out", "pressed"]
    assert marked_words(piece, "expandable_blockquote") == ["💭 I think."]
    assert piece.keyboard == RETRY


def test_buttons_replaced_leave_it_as_it_is() -> None:
    row = evolve(ANSWER, text="", keyboard=RETRY, folded="", footer="")

    assert amended(ANSWER, row) == evolve(contents(ANSWER)[0], keyboard=RETRY)


def test_buttons_stand_below_the_footer() -> None:
    (piece,) = contents(evolve(ANSWER, keyboard=RETRY))

    assert piece.text.endswith("56 out")
    assert piece.keyboard == RETRY
