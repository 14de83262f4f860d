"""What the surface hears, over a homeserver in memory."""

from pathlib import Path

import pytest
from trio.testing import MockClock

from actors.matrix.api.replies import Done, Limited, Refused, TokenRefused, Unreachable
from protocols.chats import DirectoryMessage, RoomGone
from protocols.ids import MATRIX, EventId, PersonId, RoomId, TraceId
from protocols.journal import Arrival, Cursor
from protocols.mail import AnswerLateError, Question
from protocols.store import Journal
from tests.actors.matrix.fake_homeserver import (
    ALICE,
    BOT,
    ROOM,
    FakeHomeserver,
    gateway_over,
    started,
)
from tests.actors.matrix.fake_vault import FakeVault
from tests.actors.matrix.gateway import A, Directory, Gateway
from tests.fakes import MemoryStoreAddress

HERE = RoomId(f"matrix/{ROOM}")
FORGOTTEN = Refused(400, "M_UNKNOWN")
"""What a server says of a sync token that it does not know."""


def heard(gateway: Gateway) -> list[str]:
    """The texts in the journal, in order."""
    return [row.text for row in gateway.journal.rows.values()]


async def test_what_was_said_before_a_new_account_came_is_not_answered(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.write("before")
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.write("after")
        await server.until(lambda: bool(server.said()))

    assert heard(gateway) == ["after"]


async def test_everything_that_came_while_we_were_down_is_read_in_order(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        await started(server, gateway)
    texts = [f"m{number}" for number in range(250)]
    for text in texts:
        server.write(text)

    async with gateway.running():
        await server.until(lambda: len(server.said()) == 250)

    assert heard(gateway) == texts
    assert server.said() == [f"echo: {text}" for text in texts]
    assert all(row.is_backlog for row in gateway.journal.rows.values())


async def test_a_burst_beyond_the_window_is_read_whole_while_we_run(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.write("m0")
        await server.until(lambda: bool(heard(gateway)))
        for number in range(1, 40):
            server.write(f"m{number}")
        await server.until(lambda: len(server.said()) == 40)

    assert heard(gateway) == [f"m{number}" for number in range(40)]
    rows = list(gateway.journal.rows.values())
    assert not rows[0].is_backlog
    assert rows[1].is_backlog
    assert not rows[-1].is_backlog


async def test_history_that_fails_is_asked_again_before_anything_is_journaled(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        await started(server, gateway)
    for number in range(30):
        server.write(f"m{number}")
    server.faults["messages"] = [Unreachable("503"), Done({"no": "chunk"}), Limited(3.0)]

    async with gateway.running():
        await server.until(lambda: len(server.said()) == 30)

    assert heard(gateway) == [f"m{number}" for number in range(30)]


async def test_history_that_is_refused_leaves_what_there_is(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        await started(server, gateway)
    for number in range(30):
        server.write(f"m{number}")
    server.faults["messages"] = [Refused(403, "M_FORBIDDEN")]

    async with gateway.running():
        await server.until(lambda: len(server.said()) == 10)

    assert heard(gateway) == [f"m{number}" for number in range(20, 30)]


async def test_a_session_that_ends_in_the_middle_of_history_loses_nothing(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        await started(server, gateway)
    for number in range(30):
        server.write(f"m{number}")
    server.faults["messages"] = [TokenRefused()]

    async with gateway.running():
        await server.until(lambda: len(server.said()) == 30)

    assert heard(gateway) == [f"m{number}" for number in range(30)]
    assert len(server.times("log_in")) == 2


async def test_in_a_new_room_what_was_said_since_the_invitation_is_answered(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, window=3)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        await started(server, gateway)
        server.write("not for us", room="!new:fake")
        server.invite("!new:fake")
        for number in range(7):
            server.write(f"m{number}", room="!new:fake")
        await server.until(lambda: len(server.said("!new:fake")) == 7)

    assert heard(gateway) == [f"m{number}" for number in range(7)]


async def test_a_new_rooms_long_past_is_not_read_to_its_beginning(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, window=3)
    gateway = gateway_over(server, tmp_path)
    for number in range(200):
        server.write(f"old {number}", room="!new:fake")

    async with gateway.running():
        await started(server, gateway)
        server.joined.add("!new:fake")
        server.member("join", room="!new:fake")
        await server.until(lambda: len(server.times("messages")) == 10)
        server.write("hello", room="!new:fake")
        await server.until(lambda: bool(server.said("!new:fake")))

    assert heard(gateway) == ["hello"]
    assert len(server.times("messages")) == 10


async def test_one_unreadable_event_is_kept_for_the_operator_and_the_rest_goes_on(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.add({"msgtype": "m.text", "body": ["secret words"]})
        server.write("hello")
        await server.until(lambda: bool(server.said()))

    (letter,) = gateway.journal.letters.values()
    assert (letter.source, letter.kind) == ("matrix", "matrix event")
    assert "secret" not in letter.reason
    assert "secret words" in letter.body
    assert heard(gateway) == ["hello"]


async def test_after_a_token_that_the_server_forgot_nothing_is_lost_and_nothing_heard_twice(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.write("before our time")
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        await started(server, gateway)
        for number in range(12):
            server.write(f"old {number}")
        await server.until(lambda: len(server.said()) == 12)
    for number in range(25):
        server.write(f"new {number}")
    server.faults["sync"] = [FORGOTTEN] * 3

    async with gateway.running():
        await server.until(lambda: len(server.said()) == 37)
        server.faults["sync"] = [FORGOTTEN] * 3
        server.write("newest")
        await server.until(lambda: len(server.said()) == 38)

    olds, news = (
        [f"old {number}" for number in range(12)],
        [f"new {number}" for number in range(25)],
    )
    assert heard(gateway) == [*olds, *news, "newest"]
    assert server.said() == [f"echo: {text}" for text in heard(gateway)]


async def test_after_a_token_that_the_server_forgot_people_and_devices_are_asked_for_again(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault()
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: len(server.said()) == 1)
        assert vault.losses == []
        server.faults["sync"] = [FORGOTTEN] * 3
        server.write("newest")
        await server.until(lambda: len(server.said()) == 2)

    assert len(vault.losses) == 1
    assert vault.losses[0] < len(vault.received)


async def test_a_forgotten_token_does_not_open_the_past_of_a_room_that_never_spoke_to_us(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    server.joined.add("!quiet:fake")
    for number in range(5):
        past = {"msgtype": "m.text", "body": f"past {number}"}
        server.add(past, room="!quiet:fake", origin_server_ts=number)
    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: len(server.said()) == 1)
    server.write("are you there?", room="!quiet:fake")
    server.faults["sync"] = [FORGOTTEN] * 3

    async with gateway.running():
        await server.until(lambda: bool(server.said("!quiet:fake")))

    assert heard(gateway) == ["hello", "are you there?"]


async def test_a_forgotten_token_before_the_first_message_opens_no_past(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.write("before our time")
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        await started(server, gateway)
    server.faults["sync"] = [FORGOTTEN] * 3

    async with gateway.running():
        await server.until(lambda: len(server.times("sync")) >= 6)
        server.write("hello")
        await server.until(lambda: bool(server.said()))

    assert heard(gateway) == ["hello"]


async def test_what_was_written_while_the_server_was_out_of_reach_is_backlog(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, window=100)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.faults["sync"] = [Unreachable("ClientConnectorError"), Limited(3.0)]
        for number in range(50):
            server.write(f"m{number}")
        await server.until(lambda: len(server.said()) == 50)
        server.write("now")
        await server.until(lambda: len(server.said()) == 51)

    # Backlog is never refused as too much at once.
    *late, now = gateway.journal.rows.values()
    assert all(row.is_backlog for row in late)
    assert not now.is_backlog


async def test_a_server_that_finds_its_memory_again_costs_no_token(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        await started(server, gateway)
    server.write("hello")
    server.faults["sync"] = [FORGOTTEN] * 2

    async with gateway.running():
        await server.until(lambda: bool(server.said()))

    asked_since = [call.words[0] for call in server.calls if call.name == "sync"]
    assert asked_since.count("") == 1


async def test_a_life_that_ends_before_the_directory_is_told_tells_it_in_the_next(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        await started(server, gateway)
    server.write("hello")
    arrival = Arrival(
        event_id=EventId("$e0"),
        room=HERE,
        sender=PersonId(f"matrix:{ALICE}"),
        sender_name="alice",
        text="hello",
        sent_at=1_700_000_000.0,
        trace=TraceId("0" * 32),
    )
    gateway.store.tell(Journal(MATRIX, (arrival,), Cursor(f"matrix:{BOT}", "s1")))

    async with gateway.running():
        await server.until(lambda: bool(server.said()))

    assert server.said() == ["echo: hello"]


async def test_a_journal_that_answers_late_takes_no_change_twice(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    class LateStore(MemoryStoreAddress):
        late = 3

        async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
            answer = await super().ask(question, within=within)
            if isinstance(question, Journal) and self.late:
                self.late -= 1
                raise AnswerLateError("too late")
            return answer

    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    gateway.store = LateStore(gateway.journal)

    async with gateway.running():
        await started(server, gateway)
        server.add({"msgtype": "m.image", "body": "cat.png"})
        await server.until(lambda: bool(server.said()))

    assert len(gateway.journal.outbox) == 1


async def test_a_store_that_dies_with_our_question_is_asked_again(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    class DyingStore(MemoryStoreAddress):
        deaths = 12

        async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
            if self.deaths:
                self.deaths -= 1
                raise AnswerLateError("too late")
            return await super().ask(question, within=within)

    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    gateway.store = DyingStore(gateway.journal)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: bool(server.said()))

    assert server.said() == ["echo: hello"]


@pytest.mark.parametrize(
    "fault",
    [
        Unreachable("502"),
        Limited(7.0),
        Done({"rooms": []}),
        Done({"next_batch": ["no"]}),
        Refused(403, "M_FORBIDDEN"),
    ],
)
async def test_whatever_a_sync_answers_nothing_is_lost_and_nothing_is_hammered(
    autojump_clock: MockClock, tmp_path: Path, fault: Done | Unreachable | Limited | Refused
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        await started(server, gateway)
    server.write("hello")
    server.faults["sync"] = [fault] * 6
    before = len(server.times("sync"))

    async with gateway.running():
        await server.until(lambda: bool(server.said()))

    assert server.said() == ["echo: hello"]
    tries = server.times("sync")[before : before + 7]
    assert tries[-1] - tries[0] > 25


async def test_a_room_that_we_were_put_out_of_is_reported(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.put_out()
        await server.until(lambda: bool(gateway.directory.gone))

    assert gateway.directory.gone == [RoomGone(HERE, "we are not in the room")]


async def test_no_person_and_no_event_is_taken_for_another(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        event_id = server.write("hello", sender="@bob:fake")
        await server.until(lambda: bool(server.said()))

    (row,) = gateway.journal.rows.values()
    assert (row.event_id, row.room) == (EventId(event_id), HERE)
    assert (row.sender, row.sender_name) == (PersonId("matrix:@bob:fake"), "bob")


async def test_a_directory_with_a_full_mailbox_is_told_later(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    class Full(Directory):
        is_full = True

        def try_send(self, message: DirectoryMessage, /) -> bool:
            return not self.is_full and super().try_send(message)

    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    gateway.directory = directory = Full()

    async with gateway.running():
        await started(server, gateway)
        server.write("one")
        server.write("two")
        await server.until(lambda: len(heard(gateway)) == 2)
        assert server.said() == []
        directory.is_full = False
        await server.until(lambda: len(server.said()) == 2)


async def test_a_draft_of_another_database_is_not_taken_for_ours(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        for txn in ("draft-1-0123456789abcdef", "draft-77-0123456789abcdef"):
            server.write("hello")
            before = len(server.said())
            await server.until(lambda before=before: len(server.said()) > before)  # type: ignore[misc]  # a default binds the loop's value
            await server.send(ROOM, txn, {"msgtype": "m.text", "body": "not ours"})
        server.write("hello")
        await server.until(lambda: len(server.said()) == 5)

    assert all(row.shown_id is None for row in gateway.journal.rows.values())


async def test_a_journal_that_died_with_a_batch_gets_it_again(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    class Forgetful(MemoryStoreAddress):
        deaths = 3

        async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
            if isinstance(question, Journal) and question.arrivals and self.deaths:
                self.deaths -= 1
                raise AnswerLateError("died with it")
            return await super().ask(question, within=within)

    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    gateway.store = Forgetful(gateway.journal)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: bool(server.said()))

    assert heard(gateway) == ["hello"]
