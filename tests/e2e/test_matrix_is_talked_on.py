"""A person talks with the agent on Matrix: plain and encrypted, in threads, by replies."""

import re
from contextlib import suppress
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import trio

from tests.e2e.matrix_chat import BOTH, EITHER, MatrixChat, matrix_chat
from tests.rigs.program import LIMIT
from tests.rigs.synapse import Json, MatrixRefusedError, Synapse

_TAG = re.compile(
    "del|h[1-6]|blockquote|p|a|ul|ol|sup|sub|li|b|i|u|strong|em|s|code|hr|br|div|table|thead|"
    "tbody|tr|th|td|caption|pre|span|img|details|summary"
)
"""Client-Server API, "m.room.message msgtypes": what clients show of a formatted body."""


@BOTH
async def test_words_go_both_ways_and_an_answer_is_one_formatted_event(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        await chat.say("hello <b>there</b> & *here*")
        answer = await chat.finds("hello <b>there</b>")
        await chat.say("mock:long")
        await chat.hears("has to say")
        await chat.say("!status")
        status = await chat.finds("Ready.")
        said = await chat.sees(bool)
        await _sees_receipt(chat)
        await chat.end()

    assert chat.bot.user_id in chat.person.typed[chat.room]
    assert (answer.edits, answer.kind, status.kind) == (0, "m.text", "m.notice")
    assert answer.content["format"] == "org.matrix.custom.html"
    assert "<strong>mock agent</strong>" in answer.html
    assert "&lt;b&gt;there&lt;/b&gt; &amp;" in answer.html
    assert not answer.reply_to
    for one in said:
        _check_html(one.html)
        assert one.is_readable
        assert one.is_encrypted == is_encrypted


@EITHER
async def test_a_slow_answer_grows_by_edits_and_a_stop_keeps_what_came(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        asked = await chat.person.send(chat.room, "mock:slow apricot")
        await chat.sees(lambda said: bool(said) and said[0].edits >= 2)
        taken = await chat.sees_below(asked, bool)
        await chat.say("!stop")
        await chat.hears("retry sends your message again")
        (answer, _) = await chat.sees(lambda said: len(said) == 2)
        await chat.sees_below(asked, lambda found: not found)
        await chat.end()
        drafts = await _sent_at(chat, answer.event_id)

    assert "You wrote" in answer.text
    assert taken == {"👀"}
    # The stop's own edit follows at once; drafts are at least two seconds apart, within jitter.
    assert all(later - earlier > 1.8 for earlier, later in pairwise(drafts[:-1]))


@EITHER
async def test_an_answer_stays_in_its_thread_and_a_reply_brings_its_words(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        root = await chat.person.send(chat.room, "the-root")
        first = await chat.finds("the-root")
        await chat.person.reply_in_thread(chat.room, root, "in-the-thread")
        threaded = await chat.finds("in-the-thread")
        await chat.person.reply_in_thread(chat.room, root, "!status")
        status = await chat.finds("Ready.")
        await chat.person.reply(chat.room, first.event_id, "what-was-that")
        replied = await chat.finds("what-was-that")
        await chat.end()

    assert (first.thread, threaded.thread, status.thread, replied.thread) == ("", root, root, "")
    assert "the-root" in replied.text


async def test_a_thread_may_be_a_chat_of_its_own(tmp_path: Path, synapse: Synapse) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=True, MATRIX_THREADS="session") as chat:
        await chat.start()
        root = await chat.person.send(chat.room, "the-root")
        await chat.hears("the-root")
        await chat.person.reply_in_thread(chat.room, root, "mock:hang in-the-thread")
        await chat.say("goes-on-meanwhile")
        await chat.hears("goes-on-meanwhile")
        await chat.person.reply_in_thread(chat.room, root, "!stop")
        threaded = await chat.finds("I begin to answer")
        journal = await chat.end()

    slots = {row.text: row.slot for row in journal.rows if row.run_id is not None}
    assert threaded.thread == root
    assert slots["the-root"] == slots["goes-on-meanwhile"] == "C1"
    assert slots["mock:hang in-the-thread"] == "C2"


async def test_notices_and_nonsense_are_not_answered_and_break_nothing(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=True) as chat:
        await chat.start()
        plain = await chat.open_room()
        for room in (plain, chat.room):
            for kind, content in _nonsense():
                with suppress(MatrixRefusedError):  # Synapse itself takes not all of it
                    await chat.person.send_content(room, content, kind)
        for content in _broken_secrets(chat):
            await chat.person.send_in_the_open(chat.room, content, "m.room.encrypted")
        await chat.person.send_in_the_open(chat.room, {"msgtype": "m.text", "body": "in the open"})
        await chat.say("still-there", room=plain)
        await chat.say("still-there")
        said = [*await chat.hears("still-there", room=plain), *await chat.hears("still-there")]
        tree = await chat.it.tree()
        journal = await chat.end()

    assert not any("quince" in text for text in said)
    assert {actor["life"] for actor in tree.values() if "matrix" in actor["path"]} == {1}
    assert "actor.crashed" not in [line.get("event") for line in chat.it.log]
    assert sum("still-there" in row.text for row in journal.rows) == 2


def _nonsense() -> list[tuple[str, Json]]:
    """What is no question to anybody, or cannot be read."""
    message, relation = "m.room.message", {"rel_type": "m.replace", "event_id": "$nowhere"}
    return [
        (message, {"msgtype": "m.notice", "body": "quince from a bot"}),
        (message, {}),
        (message, {"msgtype": "m.text"}),
        (message, {"msgtype": 7, "body": "quince"}),
        (message, {"msgtype": "m.text", "body": {"quince": [None]}}),
        (message, {"msgtype": "m.image", "body": "quince", "url": 7, "info": []}),
        (message, {"msgtype": "m.file", "body": "quince", "file": {"url": "mxc://", "key": 1}}),
        (message, {"msgtype": "m.text", "body": "* quince", "m.relates_to": relation}),
        (message, {"msgtype": "m.text", "body": "* quince", "m.new_content": 7,
                   "m.relates_to": relation}),
        ("m.reaction", {"m.relates_to": {"rel_type": "m.annotation"}}),
        ("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$no",
                                         "key": "✅" * 300}}),
        ("m.poll.start", {"m.poll": {"question": None}}),
        ("org.example.tomorrow", {"body": "quince"}),
    ]  # fmt: skip


def _broken_secrets(chat: MatrixChat) -> list[Json]:
    """Encrypted events that nobody can open."""
    megolm = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "sender_key": chat.person.device.curve25519,
        "device_id": chat.person.device.device_id,
    }
    return [
        {"algorithm": "m.megolm.v9"},
        {**megolm, "session_id": 7, "ciphertext": []},
        {
            **megolm,
            "session_id": "x",
            "ciphertext": "AwgAEnACgAkLmt6qF84IK",
        },
        {},
    ]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.names |= {name for name, _ in attrs}


def _check_html(html: str) -> None:
    tags = _Tags()
    tags.feed(html)
    assert all(_TAG.fullmatch(tag) for tag in tags.found)
    assert tags.names <= {"href", "class", "start", "data-mx-color", "target", "rel"}


async def _sees_receipt(chat: MatrixChat) -> None:
    """Wait until the person sees that the bot has read."""
    with trio.fail_after(LIMIT):
        while chat.bot.user_id not in chat.person.read_by.get(chat.room, {}):
            await chat.person.next_change()


async def _sent_at(chat: MatrixChat, event_id: str) -> list[float]:
    """When an answer and its edits were sent, in seconds."""
    found = []
    for event in await chat.person.readable(chat.room):
        relation = event["content"].get("m.relates_to", {})
        if event_id in (event["event_id"], relation.get("event_id")) and (
            event["type"] == "m.room.message"
        ):
            found.append(event["origin_server_ts"] / 1000)
    return found
