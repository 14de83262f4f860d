"""What stands around an answer in a room: reasoning folded above it, what it cost below."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from actors.matrix.api.limits import EVENT_BYTES, LONGEST_FOLDED, PIECE_BYTES
from actors.matrix.outgoing.render import Fold, as_edit, shown_of
from protocols.files import FileKind
from protocols.ids import Language
from protocols.journal import Button, Voice
from protocols.surfaces import ShowDraft
from tests.actors.matrix.outgoing.sending_rig import HERE, Out

AROUND: dict[str, Any] = {"folded": "I think,\n<b>so", "footer": "*gpt-5 · 56 out*"}
FOLD = "<details><summary>💭 Reasoning</summary>I think,<br>&lt;b&gt;so</details>"
FOOTER = "<p><em>gpt-5 · 56 out</em></p>"
RETRY = ((Button("Retry", "retry:1"),),)


async def test_an_answer_has_its_reasoning_folded_above_it_and_its_footer_below(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        out.finish(out.row(), "**Hi**", **AROUND)
        await out.settled()

    (content,) = out.contents()
    assert content["body"] == "💭\nI think,\n<b>so\n\n**Hi**\n\n*gpt-5 · 56 out*"
    assert content["formatted_body"] == f"{FOLD}\n<p><strong>Hi</strong></p>\n{FOOTER}"
    assert content["format"] == "org.matrix.custom.html"


async def test_the_fold_is_called_what_the_person_calls_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        out.finish(out.row(language=Language("ru")), "Да", folded="Думаю.")
        await out.settled()

    (content,) = out.contents()
    fold = "<details><summary>💭 Ход мысли</summary>Думаю.</details>"
    assert content["formatted_body"] == f"{fold}\n<p>Да</p>"


async def test_an_answer_that_grew_gets_it_with_its_last_edit(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running() as sender:
        row = out.row()
        out.type(row)
        sender.take(ShowDraft(HERE, row.id, "Hi"))
        await trio.sleep(5)
        out.finish(row, "Hi there", **AROUND)
        await out.settled()

    draft, final = out.contents()
    assert draft["body"] == "Hi"
    assert final["m.new_content"]["formatted_body"] == f"{FOLD}\n<p>Hi there</p>\n{FOOTER}"


async def test_a_long_answer_is_folded_at_its_start_and_ends_with_its_footer(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    paragraphs = [f"part {number} {'word ' * (PIECE_BYTES // 6)}" for number in range(3)]
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        out.finish(out.row(), "\n\n".join(paragraphs), **AROUND)
        await out.settled()

    first, second, last = (content["formatted_body"] for content in out.contents())
    assert first.startswith(f"{FOLD}\n<p>part 0")
    assert second.startswith("<p>part 1")
    assert "56 out" not in first + second
    assert last.startswith("<p>part 2")
    assert last.endswith(FOOTER)


async def test_files_alone_come_below_what_stands_around_them(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        notes = out.file(b"hello", FileKind.DOCUMENT, "notes.txt")
        out.finish(out.row(), "", files=(notes,), **AROUND)
        await out.settled()

    around, file = out.contents()
    assert around["formatted_body"] == f"{FOLD}\n{FOOTER}"
    assert file["msgtype"] == "m.file"


async def test_what_is_added_later_keeps_what_stands_around_the_answer(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running():
        row = out.row()
        out.finish(row, "Hi", **AROUND)
        await out.settled()
        out.amend(row, str(out.outbox[0].remote_id), "*Sent again.*", RETRY)
        await out.settled()

    html = out.contents()[-1]["m.new_content"]["formatted_body"]
    assert html.startswith(f"{FOLD}\n<p>Hi</p>\n{FOOTER}\n<p><em>Sent again.</em></p>")
    assert html.endswith("Retry</p>")


async def test_the_same_message_is_sent_again_as_the_same_event(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    async with out.running(is_killed=True):
        out.finish(out.row(), "Hi", **AROUND)
        await out.server.until(lambda: len(out.contents()) == 1)
    async with out.running():
        await out.settled()

    assert len(out.contents()) == 1


async def test_a_server_that_takes_little_gets_every_word_in_smaller_messages(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    out = Out.over(autojump_clock, tmp_path)
    out.server.largest = 1_500
    async with out.running():
        out.finish(out.row(), "word " * 300, folded="thought " * 100, footer="*56 out*")
        await out.settled()

    said = " ".join(content["body"] for content in out.contents())
    assert [said.count(word) for word in ("word", "thought", "56 out")] == [300, 100, 1]


_SIGNS = st.sampled_from(
    ["<", "&", "\n", "x", "😀", "\u00a0", "\x01", "```\n", "| a | b |\n|-|-|\n"]
)


@settings(max_examples=30)
@given(_SIGNS, _SIGNS)
def test_whatever_is_folded_above_whatever_every_event_fits(folded: str, text: str) -> None:
    fold = Fold("Reasoning", folded * LONGEST_FOLDED)

    found = list(shown_of(text * 5_000, Voice.AGENT, fold=fold, below="*56 out*"))

    for one in found:
        edit = as_edit(one.content, "$" + "x" * 43)
        assert len(json.dumps(edit, ensure_ascii=False).encode()) <= EVENT_BYTES + 100
    assert found[-1].content["body"].endswith("*56 out*")


@pytest.mark.parametrize("folded", ["```py\nx = 1", "</details><script>x</script>"])
def test_no_reasoning_swallows_the_answer_or_leaves_its_fold(folded: str) -> None:
    (one,) = shown_of("Hi", Voice.AGENT, fold=Fold("Reasoning", folded))

    html = one.content["formatted_body"]
    assert html.count("<details>") == html.count("</details>") == 1
    assert html.endswith("</details>\n<p>Hi</p>")
    assert "<script" not in html
    assert one.content["body"].endswith("\n\nHi")
    assert one.content["body"].count("```") % 2 == 0
