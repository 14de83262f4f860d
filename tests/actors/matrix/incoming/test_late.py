"""Encrypted rooms: what is read there, and what becomes of messages whose keys are late."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.kernel.child import ParkedError
from actors.matrix.api.login import LoginRefused
from actors.matrix.api.replies import TokenRefused
from actors.matrix.incoming.late import MOST_WAITING, SEALED_PREFIX
from actors.matrix.settings import Threads
from actors.matrix.txns import draft_txn
from actors.words import Word, say
from protocols.ids import Language, RemoteId, RoomId
from protocols.journal import Row, RowState, Voice
from tests.actors.matrix.fake_homeserver import (
    ROOM,
    FakeHomeserver,
    gateway_over,
    started,
)
from tests.actors.matrix.fake_vault import FakeVault, sealed
from tests.actors.matrix.gateway import Gateway

Json = dict[str, Any]

HERE = RoomId(f"matrix/{ROOM}")
MISSING = say(Word.UNDECRYPTABLE, Language(""))
WITHHELD = say(Word.KEY_WITHHELD, Language(""))


def whisper(server: FakeHomeserver, body: str, *, session: str = "s1", **more: Any) -> str:
    """Alice writes *body*, encrypted."""
    content = {"msgtype": "m.text", "body": body}
    return server.add(sealed(content, session=session), type="m.room.encrypted", **more)


async def until(is_there: Callable[[], bool]) -> None:
    """Wait until *is_there*, which may be so without a word from the server."""
    with trio.fail_after(30 * 24 * 3600):
        while not is_there():  # noqa: ASYNC110  # time jumps here
            await trio.sleep(0.05)


def heard(gateway: Gateway) -> list[str]:
    return [row.text for row in gateway.journal.rows.values()]


def notices(gateway: Gateway) -> list[str]:
    """What the bot said of itself."""
    return [out.text for out in gateway.journal.outbox.values() if out.voice is Voice.GATEWAY]


def waiting(gateway: Gateway) -> list[str]:
    """The ids of the events that wait for their keys, as the journal has them."""
    found = (key for key in gateway.journal.keys if key.startswith(SEALED_PREFIX))
    return [key.removeprefix(SEALED_PREFIX) for key in found]


async def test_an_encrypted_room_is_read_and_answered_without_a_plaintext_word(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault()
    server.encrypt()
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        await started(server, gateway)
        whisper(server, "secret")
        await until(lambda: bool(server.sent))

    assert heard(gateway) == ["secret"]
    assert gateway.directory.gone == []
    assert server.said() == []
    assert vault.encrypted == {ROOM}


async def test_keys_are_taken_from_each_page_before_its_events_are_read(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault(keys=set())
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        await started(server, gateway)
        vault.give("s1")
        whisper(server, "secret")
        await until(lambda: bool(server.sent))

    assert heard(gateway) == ["secret"]
    assert all("next_batch" in page for page in vault.received)


async def test_encrypted_messages_beyond_the_window_are_read_in_order(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.encrypt()
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        await started(server, gateway)
    texts = [f"m{number}" for number in range(60)]
    for text in texts:
        whisper(server, text)

    async with gateway.running():
        await until(lambda: len(server.sent) == 60)

    assert heard(gateway) == texts


async def test_a_message_whose_key_comes_in_time_is_answered_without_a_word_about_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault()
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        await started(server, gateway)
        whisper(server, "one", session="late")
        await until(lambda: bool(waiting(gateway)))
        whisper(server, "two")
        await until(lambda: heard(gateway) == ["two"])
        await trio.sleep(10)
        vault.give("late")
        server.write("wakes the sync")
        await until(lambda: len(heard(gateway)) == 3)
        await trio.sleep(100)

    assert heard(gateway) == ["two", "one", "wakes the sync"]
    assert [row.is_backlog for row in gateway.journal.rows.values()] == [False, True, False]
    assert waiting(gateway) == []
    assert notices(gateway) == []


async def test_of_a_key_that_does_not_come_people_are_told_once(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault()
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        await started(server, gateway)
        began = trio.current_time()
        for number in range(5):
            whisper(server, f"m{number}", session="lost")
        await until(lambda: bool(notices(gateway)))
        told_after = trio.current_time() - began
        await trio.sleep(500)
        whisper(server, "more", session="lost")
        await trio.sleep(500)

    assert notices(gateway) == [MISSING]
    assert 20 <= told_after <= 25
    assert len(waiting(gateway)) == 6


async def test_of_a_key_that_is_withheld_people_are_told_what_to_do(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault(withheld={"lost"})
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        await started(server, gateway)
        whisper(server, "hello", session="lost")
        await until(lambda: bool(server.sent))

    assert notices(gateway) == [WITHHELD]


async def test_many_lost_keys_at_once_are_one_notice(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault()
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        await started(server, gateway)
        for number in range(30):
            whisper(server, "hello", session=f"lost {number}")
            await trio.sleep(0.1)
        await trio.sleep(55)
        assert notices(gateway) == [MISSING]
        await trio.sleep(200)

    assert 1 <= len(notices(gateway)) <= 2


async def test_a_message_is_answered_also_when_its_key_comes_hours_later_in_another_life(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault()
    gateway = gateway_over(server, tmp_path, vault=vault)
    async with gateway.running(is_killed=True):
        await started(server, gateway)
        whisper(server, "hello", session="late")
        await until(lambda: bool(notices(gateway)))
        await trio.sleep(1)

    async with gateway.running():
        await trio.sleep(3 * 3600)
        vault.give("late")
        server.write("wakes the sync")
        await until(lambda: "hello" in heard(gateway))
        await trio.sleep(1)

    assert notices(gateway) == [MISSING]
    assert waiting(gateway) == []


async def test_a_key_that_came_as_the_last_life_ended_is_used_in_the_next(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault()
    gateway = gateway_over(server, tmp_path, vault=vault)
    async with gateway.running(is_killed=True):
        await started(server, gateway)
        whisper(server, "hello", session="late")
        await until(lambda: bool(waiting(gateway)))
    vault.keys.add("late")

    async with gateway.running():
        await until(lambda: bool(server.sent))

    assert heard(gateway) == ["hello"]
    assert waiting(gateway) == []


async def test_a_key_that_comes_with_a_page_which_is_read_twice_is_not_lost(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault()
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        await started(server, gateway)
        whisper(server, "hello", session="late")
        await until(lambda: bool(waiting(gateway)))
        server.faults["messages"] = [TokenRefused()]
        vault.give("late")
        for number in range(30):
            server.write(f"m{number}")
        await until(lambda: len(heard(gateway)) == 31)

    assert heard(gateway)[0] == "hello"


async def test_a_message_that_is_broken_is_told_of_and_kept_for_the_operator_without_words(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault(broken={"bad"})
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        await started(server, gateway)
        for _ in range(3):
            whisper(server, "secret words", session="bad")
        await until(lambda: bool(server.sent))
        await trio.sleep(500)

    assert notices(gateway) == [MISSING]
    assert waiting(gateway) == []
    assert len(gateway.journal.letters) == 3
    assert "secret" not in str(gateway.journal.letters)


async def test_a_message_that_is_taken_back_does_not_wait_for_its_key(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault()
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        await started(server, gateway)
        event_id = whisper(server, "oops", session="late")
        await until(lambda: bool(waiting(gateway)))
        server.add({}, type="m.room.redaction", redacts=event_id)
        await until(lambda: not waiting(gateway))
        other = whisper(server, "oops", session="late")
        server.add({}, type="m.room.redaction", redacts=other)
        await trio.sleep(100)

    assert (heard(gateway), notices(gateway), waiting(gateway)) == ([], [], [])


@pytest.mark.parametrize("pause", [0.0, 100.0])
async def test_new_words_for_a_message_that_waits_for_its_key_are_answered_in_its_place(
    autojump_clock: MockClock, tmp_path: Path, pause: float
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault()
    server.encrypt()
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        await started(server, gateway)
        lost = whisper(server, "lost", session="late")
        await trio.sleep(pause)
        relation = {"m.relates_to": {"rel_type": "m.replace", "event_id": lost}}
        new = {"msgtype": "m.text", "body": "found"}
        content = {"msgtype": "m.text", "body": "* found", "m.new_content": new, **relation}
        server.add(sealed(content), type="m.room.encrypted")
        await until(lambda: bool(heard(gateway)))
        vault.give("late")
        whisper(server, "the end")
        await until(lambda: len(heard(gateway)) >= 2)

    assert heard(gateway) == ["found", "the end"]
    first = next(iter(gateway.journal.rows.values()))
    assert (first.edits, first.message_id) == (None, RemoteId(lost))
    assert waiting(gateway) == []


async def test_after_a_week_nobody_waits_for_a_key_any_more(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault()
    gateway = gateway_over(server, tmp_path, vault=vault)
    now = 1_700_000_000.0
    gateway.clock = lambda: now

    async with gateway.running():
        await started(server, gateway)
        whisper(server, "hello", session="late")
        await until(lambda: bool(waiting(gateway)))
        now += 6 * 24 * 3600
        await trio.sleep(2 * 3600)
        assert waiting(gateway)
        now += 25 * 3600
        await trio.sleep(2 * 3600)
        assert waiting(gateway) == []

    (letter,) = gateway.journal.letters.values()
    assert letter.reason == "its key never came"


async def test_no_more_wait_than_can_be_kept(autojump_clock: MockClock, tmp_path: Path) -> None:
    server, vault = FakeHomeserver(autojump_clock, window=5000), FakeVault()
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        await started(server, gateway)
        for number in range(MOST_WAITING + 20):
            whisper(server, "hello", session=f"late {number % 7}")
        await until(lambda: len(waiting(gateway)) == MOST_WAITING)
        newest = whisper(server, "one more", session="late 1")
        await until(lambda: newest in waiting(gateway))

    assert len(waiting(gateway)) == MOST_WAITING
    assert len(gateway.journal.letters) == 21


@pytest.mark.parametrize("kind", ["m.room.tombstone", "m.room.redaction", "m.room.encrypted", 7])
async def test_what_a_server_has_to_see_does_not_count_from_inside_an_encrypted_event(
    autojump_clock: MockClock, tmp_path: Path, kind: Any
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    content = {"replacement_room": "!evil:fake", "redacts": "$e0", "body": "x", "msgtype": "m.text"}

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        server.add(sealed(content, kind=kind, state_key=""), type="m.room.encrypted")
        server.write("there")
        await until(lambda: len(heard(gateway)) == 2)

    assert heard(gateway) == ["hello", "there"]
    assert gateway.journal.keys == {}


async def test_nobody_speaks_for_another_from_inside_an_encrypted_event(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    content = sealed({"msgtype": "m.text", "body": "hi"}, sender="@boss:fake", event_id="$other")

    async with gateway.running():
        await started(server, gateway)
        event_id = server.add(content, type="m.room.encrypted", sender="@eve:fake")
        await until(lambda: bool(heard(gateway)))

    (row,) = gateway.journal.rows.values()
    assert (row.sender, row.event_id) == ("matrix:@eve:fake", event_id)


async def test_in_a_thread_of_its_own_people_are_told_there(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault()
    gateway = gateway_over(server, tmp_path, vault=vault, threads=Threads.SESSION)
    relation = {"m.relates_to": {"rel_type": "m.thread", "event_id": "$root"}}

    async with gateway.running():
        await started(server, gateway)
        content = {"msgtype": "m.text", "body": "hi", **relation}
        server.add(sealed(content, session="lost"), type="m.room.encrypted")
        await until(lambda: bool(notices(gateway)))

    (out,) = gateway.journal.outbox.values()
    assert out.room == f"{HERE}/$root"


async def test_our_draft_in_an_encrypted_room_is_known_again(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async def never(_gateway: Gateway, _row: Row) -> str:
        await trio.sleep_forever()
        raise AssertionError

    server = FakeHomeserver(autojump_clock)
    server.encrypt()
    gateway = gateway_over(server, tmp_path, never)
    async with gateway.running(is_killed=True):
        await started(server, gateway)
        whisper(server, "hello")
        await until(lambda: bool(heard(gateway)))
        await trio.sleep(0.1)
    (row,) = gateway.journal.rows.values()
    assert row.state is RowState.RUNNING
    txn = draft_txn(row.id, row.run_id)
    server.receive(ROOM, "m.room.encrypted", txn, sealed({"msgtype": "m.text", "body": "so far"}))

    async with gateway.running():
        await until(lambda: gateway.journal.rows[row.id].shown_id is not None)

    assert gateway.journal.rows[row.id].shown_id == RemoteId("$e2")


async def test_a_vault_that_is_refused_parks_the_surface_before_anything_is_read(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    vault = FakeVault(refusal=LoginRefused("another process uses MATRIX_STORE_PATH: stop it"))
    gateway = gateway_over(server, tmp_path, vault=vault)

    with pytest.raises(ParkedError, match="another process"):
        await gateway.syncer().run()

    assert server.times("sync") == []
