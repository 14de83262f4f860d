"""What Telegram, its network and its people do wrong, with the real program in between."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random

import pytest
import trio
import trio.testing

from actors.telegram.text.render import PLACEHOLDER
from tests.rigs.journal import read_journal
from tests.rigs.program import Program, program
from tests.rigs.telegram_api import TelegramApi, telegram_api
from tests.rigs.telegram_faults import (
    Fault,
    bad_gateway,
    malformed,
    reset,
    server_error,
    too_many,
    truncated,
)
from tests.rigs.telegram_messages import Chat
from tests.rigs.telegram_world import Person

_ANN = 4211
_BEN = 4212
_GROUP = -1001
_CHANCES: dict[Fault, float] = {
    too_many(1): 0.01,
    too_many(1, scope="bot", has_parameters=False): 0.005,
    server_error(): 0.02,
    server_error(after=True): 0.02,
    bad_gateway(): 0.02,
    bad_gateway(after=True): 0.02,
    reset(): 0.02,
    reset(after=True): 0.02,
    truncated(): 0.02,
    malformed(): 0.02,
}
_PAGES = (
    (),
    ("--json",),
    ("journal",),
    ("journal", "--json"),
    ("dead-letters",),
    ("dead-letters", "--json"),
    ("access", "--json"),
)


def _settings(api: TelegramApi, **more: str) -> dict[str, str]:
    return {
        "TELEGRAM_BOT_TOKEN": api.token,
        "TELEGRAM_API_BASE": api.url,
        "ACCESS_MODE": "open",
        "MOCK_LATENCY": "off",
    } | more


async def _answered(
    api: TelegramApi, chat: Chat | Person, words: str, *, thread: int | None = None
) -> None:
    await api.answered(chat, lambda said: any(words in text for text in said), thread=thread)


async def test_faults_by_chance_and_a_kill_lose_nothing_and_keep_the_order(tmp_path: Path) -> None:
    async with telegram_api() as api, program(tmp_path, **_settings(api)) as it:
        people = [api.person(_ANN + number) for number in range(6)]
        asked = {one.id: [f"message-{number}-of-{one.id}" for number in range(8)] for one in people}
        await it.start()
        api.fail_by_chance(_CHANCES, seed=20)
        with trio.fail_after(120):
            _all_write(people, asked, slice(4))
            await api.until(partial(_is_said_by, api, people, 9))
            await it.kill()
            await it.start()
            api.lose_confirmations()
            _all_write(people, asked, slice(4, None))
            for person in people:
                await _answered(api, person, asked[person.id][-1])
            api.fail_by_chance({}, seed=0)
            assert await it.end() == 0

    repeats = sum(_repeats(api.answers(one), asked[one.id]) for one in people)
    assert repeats <= 1 + _plain_pieces_sent_without_an_answer(api)
    assert len({call.fault for call in api.calls}) >= 6
    assert not api.calls_in_penalty
    assert not api.violations
    assert read_journal(tmp_path / "surfaces.db").faults == []


@pytest.mark.full
async def test_a_thousand_messages_in_forty_topics_survive_eight_kills(tmp_path: Path) -> None:
    random = Random(7)
    async with telegram_api() as api, program(tmp_path, **_settings(api)) as it:
        people = [api.person(_ANN + number) for number in range(20)]
        groups = [api.supergroup(_GROUP - n, topics={7: "Seven", 8: "Eight"}) for n in range(40)]
        topics = [(group, 7 + place % 2) for place, group in enumerate(groups)]
        asked: dict[tuple[int, int], list[str]] = {(g.id, thread): [] for g, thread in topics}

        async def write(first: int, last: int) -> None:
            for number in range(first, last):
                group, thread = topics[number % len(topics)]
                words = f"message-{number:04}-here"
                asked[group.id, thread].append(words)
                author = people[random.randrange(len(people))]
                author.writes(f"@rig_bot {words}", chat=group, thread=thread)
                await trio.sleep(0.05)

        api.fail_by_chance(_CHANCES, seed=21)
        with trio.fail_after(3000):
            for life in range(8):
                await it.start()
                await write(life * 125, life * 125 + 125)
                await api.until(partial(_is_said_by, api, groups, 20 * (life + 1)))
                await it.kill()
            await it.start()
            for group, thread in topics:
                await _answered(api, group, asked[group.id, thread][-1], thread=thread)
            api.fail_by_chance({}, seed=0)
            assert await it.end() == 0

    repeats = sum(
        _repeats(api.answers(group, thread=thread), asked[group.id, thread])
        for group, thread in topics
    )
    assert repeats <= 8 + _plain_pieces_sent_without_an_answer(api)
    assert not api.calls_in_penalty
    assert not api.violations
    assert read_journal(tmp_path / "surfaces.db").faults == []


async def test_nonsense_and_another_poller_hold_nothing_up_and_no_token_is_shown(
    tmp_path: Path,
) -> None:
    async with telegram_api() as api, program(tmp_path, **_settings(api, LOG_LEVEL="debug")) as it:
        ann, ben = api.person(_ANN), api.person(_BEN)
        unreadable, unknown = _nonsense(ann)
        await it.start()
        with trio.fail_after(60):
            ann.writes("before-all")
            for number, poison in enumerate([*unreadable, *unknown]):
                api.deliver(poison)
                if number % 6 == 5:
                    ben.writes(f"between-{number}")
            ann.writes("after-all")
            for words in ("before-all", "odd", "after-all"):
                await _answered(api, ann, words)
            for number in (5, 11, 17):
                await _answered(api, ben, f"between-{number}")
            shown = [await _page(it, words) for words in _PAGES]

            await api.until(lambda: api.world.updates.is_polled)
            lines = len(it.log)
            await _poll_once(api, ann)
            failed = await it.logged("poll.failed", after=lines)
            during = await it.tree()
            ben.writes("and now?")
            await _answered(api, ben, "and now?")
            afterwards = await it.tree()

            crashes = [line for line in it.log if line.get("event") == "actor.crashed"]
            for victim in ("telegram.in", "telegram.out"):
                await _page(it, ("kill", victim))
            ben.writes("still there?")
            await _answered(api, ben, "still there?")
        shown += [await _page(it, words) for words in _PAGES]
        files = await trio.to_thread.run_sync(_bytes_in, tmp_path)
        assert await it.end() == 0

    dead = shown[_PAGES.index(("dead-letters", "--json"))]
    assert dead.count('"telegram update"') == len(unreadable)
    assert not crashes
    assert "another program polls" in failed["trouble"]
    assert "another program polls" in during["telegram.in"]["note"]
    assert "another program polls" not in afterwards["telegram.in"]["note"]
    seen = "\n".join((*shown, it.said, str(it.log)))
    assert "actor.crashed" in seen
    assert "apricot" not in "\n".join(shown)
    assert api.token.partition(":")[2] not in seen + files
    assert read_journal(tmp_path / "surfaces.db").faults == []


async def test_a_block_and_a_penalty_are_heeded_across_a_kill(tmp_path: Path) -> None:
    async with telegram_api() as api, program(tmp_path, **_settings(api)) as it:
        ann, ben = api.person(_ANN), api.person(_BEN)
        await it.start()
        with trio.fail_after(60):
            ann.writes("mock:hang")
            await api.answered(ann, lambda said: len(said) == 1)
            before = len(api.calls_of(*_TALK, chat=ann))
            ann.blocks_bot()
            ben.writes("one-here")
            await _answered(api, ben, "one-here")

            api.fail(too_many(7, scope="bot"), "sendMessage", chat=ben)
            ben.writes("two-here")
            await it.logged("server.limited")
            tree = await it.tree()
            await it.kill()
            await it.start()
            await _answered(api, ben, "two-here")

            to_ann = api.calls_of(*_TALK, chat=ann)[before:]
            ann.writes("here again")
            await _answered(api, ann, "here again")
        assert await it.end() == 0
    assert "rate limited" in tree["telegram.out"]["note"]
    assert not api.calls_in_penalty
    limited = next(call for call in api.calls if call.fault)
    talk = [call.at for call in api.calls_of(*_TALK) if call.at > limited.at]
    assert min(talk) >= limited.at + 7
    assert len(to_ann) <= 1
    assert read_journal(tmp_path / "surfaces.db").faults == []


async def test_in_a_group_only_what_is_for_the_bot_is_answered(tmp_path: Path) -> None:
    async with telegram_api() as api, program(tmp_path, **_settings(api)) as it:
        ann = api.person(_ANN)
        first, second, third = (api.supergroup(_GROUP - number) for number in range(3))
        await it.start()
        with trio.fail_after(60):
            ann.writes("talk-one among us", chat=first)
            ann.writes("/status@rig_bot", chat=first)
            ann.writes("@other_bot talk-two", chat=second)
            ann.writes("/status@other_bot", chat=second)
            ann.writes("@rig_bot mention-one", chat=second)
            ann.writes("rig_bot talk-three", chat=third)
            ann.writes("😀 say it, @RIG_BOT: mention-two", chat=third)
            await api.answered(first, lambda said: len(said) == 1)
            ours = next(one for one in api.messages(first) if one.is_from_bot)
            theirs = next(one for one in api.messages(first) if not one.is_from_bot)
            ann.writes("talk-four", chat=first, reply_to=theirs.message_id)
            ann.writes("reply-one", chat=first, reply_to=ours.message_id)
            await _answered(api, second, "mention-one")
            await _answered(api, third, "mention-two")
            await _answered(api, first, "reply-one")
        assert await it.end() == 0
    assert [len(api.answers(group)) for group in (first, second, third)] == [2, 1, 1]
    assert "talk-" not in str([api.answers(group) for group in (first, second, third)])
    assert len(read_journal(tmp_path / "surfaces.db").rows) == 4


def _nonsense(ann: Person) -> tuple[list[object], list[object]]:
    """What nobody can read, and what can be read and means nothing, or not much."""
    chat = ann.chat.as_json()
    whole = {"message_id": 1, "date": 1_700_000_000, "chat": chat, "from": ann.as_json()}
    ghost = {"id": 99, "type": "private"}
    unreadable: list[object] = [
        *(None, [], 42, "apricot"),
        {"message": {"chat": None, "from": None, "text": None}},
        {"message": whole | {"from": {"id": None}}},
        {"message": whole | {"date": "yesterday", "text": "late apricot"}},
        {"message": whole | {"text": {"apricot": 1}}},
        {"message": whole | {"chat": {"id": 2**60}}},
        {"my_chat_member": {"chat": chat, "new_chat_member": None}},
        {"callback_query": {"id": 7}},
    ]
    bad_spans = [None, 5, {"type": "mention", "offset": -1, "length": 10**30}]
    unknown: list[object] = [
        {"tomorrows_kind": {"apricot": None}},
        {"message_reaction": None},
        {"message": None},
        {},
        {"message": whole | {"text": "", "entities": None}},
        {"message": whole | {"text": None}},
        {"message": {"message_id": 2, "date": 1, "chat": ghost, "from": ghost, "text": "hi"}},
        {"message": whole | {"text": "\ud800 \x00 odd", "entities": bad_spans}},
    ]
    return unreadable, unknown


async def _poll_once(api: TelegramApi, ann: Person) -> None:
    """End the program's poll with one of our own, as another program with the token would."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(api.world.updates.get, 0, limit=1, timeout=50))
        await trio.testing.wait_all_tasks_blocked()
        ann.writes("for whoever polls")


def _bytes_in(folder: Path) -> str:
    return "".join(repr(one.read_bytes()) for one in folder.rglob("*") if one.is_file())


_TALK = ("sendMessage", "editMessageText", "sendChatAction")


async def _page(it: Program, words: Sequence[str]) -> str:
    done = await it.debug(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _all_write(people: Sequence[Person], asked: dict[int, list[str]], part: slice) -> None:
    for person in people:
        for words in asked[person.id][part]:
            person.writes(words)


def _is_said_by(api: TelegramApi, chats: Sequence[Chat | Person], number: int) -> bool:
    return sum(len(api.answers(chat)) for chat in chats) >= number


def _repeats(said: list[str], asked: list[str]) -> int:
    """How often something was said once more; all of it is there, and in order."""
    found = [[place for place, text in enumerate(said) if words in text] for words in asked]
    assert all(found), [words for words, places in zip(asked, found, strict=True) if not places]
    firsts = [places[0] for places in found]
    assert firsts == sorted(firsts)
    return sum(len(places) - 1 for places in found)


def _plain_pieces_sent_without_an_answer(api: TelegramApi) -> int:
    plain = [one for one in api.calls_of("sendMessage") if one.params.get("text") != PLACEHOLDER]
    return sum(one.had_effect and bool(one.fault) for one in plain)
