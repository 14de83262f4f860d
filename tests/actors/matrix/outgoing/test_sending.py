"""What the surface says, over a homeserver in memory: hours pass in no time."""

from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.matrix.api.replies import Done, Limited, Refused, TokenRefused, Unreachable
from actors.matrix.outgoing.render import as_edit
from actors.matrix.places import Places
from actors.matrix.settings import Pace
from actors.matrix.syncer import _Surface
from protocols.changes import AddOutgoing, FinishRow, SentOutgoing
from protocols.ids import RemoteId, RowId
from protocols.journal import OutboxState, Row, RowState, Voice
from protocols.mail import Question
from protocols.store import Commit, Conflict
from protocols.surfaces import Deliver, ShowDraft, ShowTyping
from tests.actors.matrix.fake_homeserver import ROOM, FakeHomeserver, gateway_over, started
from tests.actors.matrix.gateway import A, Gateway
from tests.fakes import MemoryStoreAddress

HERE = Places().room_id(ROOM)


async def slowly(gateway: Gateway, row: Row) -> str:
    """Fifty words, one a second, each told."""
    words = []
    for number in range(50):
        words.append(f"w{number}")
        await gateway.say(ShowTyping(row.room, row.id))
        await gateway.say(ShowDraft(row.room, row.id, " ".join(words)))
        await trio.sleep(1.0)
    return " ".join([*words, "end"])


def shown_of(gateway: Gateway) -> RemoteId | None:
    """The event that shows the first row's answer."""
    row = gateway.journal.rows.get(RowId(1))
    return None if row is None else row.shown_id


async def test_a_quick_answer_is_one_event_without_a_draft(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async def quickly(gateway: Gateway, row: Row) -> str:
        await gateway.say(ShowTyping(row.room, row.id))
        await gateway.say(ShowDraft(row.room, row.id, "half"))
        await trio.sleep(1.9)
        return "half and half"

    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, quickly)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: bool(server.said()))

    assert server.said() == ["half and half"]


async def test_a_long_answer_is_shown_while_it_grows_but_edited_rarely(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, slowly)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: any("end" in text for text in server.said()))

    first, *edits = server.contents()
    assert first["body"].startswith("w0 w1")
    ids = {edit["m.relates_to"]["event_id"] for edit in edits}
    assert len(ids) == 1
    assert edits[-1]["m.new_content"]["body"].endswith("end")
    assert 5 < len(edits) <= 21
    drafts = server.times("send")[:-1]
    assert all(later - sooner >= 2.0 for sooner, later in pairwise(drafts))


async def test_after_twenty_edits_only_the_answer_is_sent(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, slowly, pace=Pace(0.1, 0.1, most_edits=20))

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: any("end" in text for text in server.said()))

    assert len(server.said()) == 1 + 20 + 1


async def test_typing_is_renewed_while_a_turn_runs_and_ended_with_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, slowly)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(
            lambda: any(call.name == "typing" and not call.words[-1] for call in server.calls)
        )

    typing = [call.words[-1] for call in server.calls if call.name == "typing"]
    assert typing == [True, True, True, False]


async def test_typing_ends_by_itself_when_nobody_renews_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await gateway.say(ShowTyping(HERE, RowId(7)))
        await server.until(
            lambda: any(call.name == "typing" and not call.words[-1] for call in server.calls)
        )

    assert server.times("typing")[-1] == pytest.approx(60, abs=1)


async def test_a_draft_that_comes_after_its_answer_is_not_shown(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: bool(server.said()))
        await gateway.say(ShowDraft(HERE, RowId(1), "echo"))
        await trio.sleep(100)

    assert server.said() == ["echo: hello"]


async def test_nothing_is_sent_inside_a_penalty(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = FakeHomeserver(autojump_clock)
    server.joined |= {"!a:fake", "!b:fake"}
    gateway = gateway_over(server, tmp_path)
    server.faults["send"] = [Limited(30.0)]

    async with gateway.running():
        await started(server, gateway)
        server.write("one")
        await server.until(lambda: bool(server.times("send")))
        server.write("two", room="!a:fake")
        server.write("three", room="!b:fake")
        await server.until(lambda: len(server.sent) == 3)

    first, *others = server.times("send")
    assert min(others) - first >= 30.0
    assert len(others) == 3


async def test_a_server_that_is_away_gets_the_answer_when_it_returns(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    server.faults["send"] = [Unreachable("ClientError")] * 8

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: bool(server.said()))

    assert server.said() == ["echo: hello"]
    assert len({call.words[1] for call in server.calls if call.name == "send"}) == 1
    assert server.times("send")[-1] > 60


async def test_an_answer_that_was_lost_on_the_way_back_is_not_doubled(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running(is_killed=True):
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: bool(server.said()))
    for out in list(gateway.journal.outbox.values()):
        gateway.journal.outbox[out.id] = evolve(out, state=OutboxState.PENDING)

    async with gateway.running():
        await server.until(lambda: len(server.times("send")) == 2)

    assert server.said() == ["echo: hello"]
    assert [out.state for out in gateway.journal.outbox.values()] == [OutboxState.SENT]


async def test_a_room_that_put_us_out_gets_no_more(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, joined=set())
    gateway = gateway_over(server, tmp_path)
    gateway.commit(AddOutgoing(HERE, Voice.GATEWAY, "hello"))

    async with gateway.running():
        await server.until(lambda: bool(server.times("encryption")))

    (out,) = gateway.journal.outbox.values()
    assert out.state is OutboxState.FAILED
    assert "403" in out.reason


async def test_a_refused_event_is_failed_with_its_reason(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["send"] = [Refused(400, "M_BAD_JSON")]
    gateway = gateway_over(server, tmp_path)
    gateway.commit(
        AddOutgoing(HERE, Voice.GATEWAY, "first"), AddOutgoing(HERE, Voice.GATEWAY, "second")
    )

    async with gateway.running():
        await server.until(lambda: bool(server.said()))

    assert [out.state for out in gateway.journal.outbox.values()] == [
        OutboxState.FAILED,
        OutboxState.SENT,
    ]


@pytest.mark.parametrize("at", ["send", "encryption"])
async def test_a_refusal_that_is_no_homeservers_is_no_reason_to_lose_an_answer(
    autojump_clock: MockClock, tmp_path: Path, at: str
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults[at] = [Refused(404, "")] * 8
    gateway = gateway_over(server, tmp_path)
    gateway.commit(AddOutgoing(HERE, Voice.GATEWAY, "hello"))

    async with gateway.running():
        await server.until(lambda: bool(server.said()))

    assert server.said() == ["hello"]


@pytest.mark.parametrize("at", ["send", "encryption"])
async def test_words_that_a_proxy_never_lets_by_block_no_room(
    autojump_clock: MockClock, tmp_path: Path, at: str
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults[at] = [Refused(403, "")] * 12
    gateway = gateway_over(server, tmp_path)
    gateway.commit(
        AddOutgoing(HERE, Voice.GATEWAY, "first"), AddOutgoing(HERE, Voice.GATEWAY, "second")
    )

    async with gateway.running():
        await server.until(lambda: bool(server.said()))

    assert server.said() == ["second"]
    assert trio.current_time() < 600


async def test_an_event_that_is_too_large_is_cut_smaller_in_order(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, largest=1000)
    gateway = gateway_over(server, tmp_path)
    words = " ".join(str(number) for number in range(1000))
    gateway.commit(AddOutgoing(HERE, Voice.AGENT, words))

    async with gateway.running():
        await server.until(lambda: bool(server.said()) and server.said()[-1].endswith("999"))

    assert " ".join(server.said()).split() == words.split()


async def test_what_is_too_large_at_any_size_is_failed(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, largest=10)
    gateway = gateway_over(server, tmp_path)
    gateway.commit(AddOutgoing(HERE, Voice.AGENT, "word " * 200))

    async with gateway.running():
        await server.until(lambda: len(server.times("send")) >= 3)

    assert [out.state for out in gateway.journal.outbox.values()] == [OutboxState.FAILED]


async def test_an_empty_message_is_failed_and_not_sent_for_ever(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    gateway.commit(AddOutgoing(HERE, Voice.AGENT, " "), AddOutgoing(HERE, Voice.AGENT, "there"))

    async with gateway.running():
        await server.until(lambda: server.said() == ["there"])

    assert next(iter(gateway.journal.outbox.values())).reason == "there is nothing to show"


async def test_an_answer_whose_draft_cannot_be_edited_is_a_message_of_its_own(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async def told(gateway: Gateway, row: Row) -> str:
        await gateway.say(ShowDraft(row.room, row.id, "so far"))
        await server.until(lambda: bool(server.said()))
        server.faults["send"] = [Refused(400, "M_UNKNOWN")]
        return "the answer"

    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, told)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: len(server.said()) == 2)

    assert server.said() == ["so far", "the answer"]


async def test_a_draft_that_may_have_been_sent_is_found_and_replaced(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async def told(gateway: Gateway, row: Row) -> str:
        await gateway.say(ShowDraft(row.room, row.id, "so far"))
        await trio.sleep(2.5)
        return "the answer"

    server = FakeHomeserver(autojump_clock)
    server.faults["send"] = [Unreachable("TimeoutError")]
    gateway = gateway_over(server, tmp_path, told)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: len(server.said()) == 2)

    first, final = server.contents()
    assert first["body"] == "so far"
    assert final["m.new_content"]["body"] == "the answer"


async def test_a_draft_of_an_earlier_life_is_replaced_by_the_answer(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async def stuck(gateway: Gateway, row: Row) -> str:
        await gateway.say(ShowDraft(row.room, row.id, "so far"))
        await trio.sleep_forever()
        raise AssertionError

    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, stuck)
    async with gateway.running(is_killed=True):
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: bool(server.said()))
    # As if killed before the journal knew of the draft.
    row = gateway.journal.rows[RowId(1)]
    object.__setattr__(row, "shown_id", None)
    gateway.commit(
        FinishRow(row.id, RowState.ANSWERED),
        AddOutgoing(HERE, Voice.AGENT, "the answer", row=row.id),
    )

    async with gateway.running():
        await server.until(lambda: len(server.said()) == 2)

    assert server.contents()[-1]["m.new_content"]["body"] == "the answer"


async def test_a_draft_goes_on_in_its_message_after_a_restart(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async def stuck(gateway: Gateway, row: Row) -> str:
        await gateway.say(ShowDraft(row.room, row.id, "so far"))
        await trio.sleep_forever()
        raise AssertionError

    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, stuck)
    async with gateway.running(is_killed=True):
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: shown_of(gateway) is not None)

    async with gateway.running():
        await gateway.say(ShowDraft(HERE, RowId(1), "further"))
        await server.until(lambda: len(server.said()) == 2)

    assert server.contents()[-1]["m.new_content"]["body"] == "further"


async def test_a_flood_in_one_room_does_not_keep_another_waiting(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.joined.add("!b:fake")
    gateway = gateway_over(server, tmp_path)
    server.faults["send"] = [Limited(5.0)]
    gateway.commit(*(AddOutgoing(HERE, Voice.AGENT, f"flood {n}") for n in range(30)))
    gateway.commit(AddOutgoing(Places().room_id("!b:fake"), Voice.AGENT, "quiet"))

    async with gateway.running():
        await server.until(lambda: len(server.said()) == 30)

    order = [call.words[2]["body"] for call in server.calls if call.name == "send"]
    assert order.index("quiet") < 5


async def test_a_stop_delivers_what_is_pending(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        gateway.commit(AddOutgoing(HERE, Voice.GATEWAY, "good-bye"))
        await gateway.say(ShowTyping(HERE, RowId(3)))
        await gateway.say(Deliver(HERE))

    assert server.said() == ["good-bye"]
    assert server.is_closed


async def test_a_stop_does_not_wait_long_for_a_server_that_is_away(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["send"] = [Unreachable("ClientError")] * 100
    gateway = gateway_over(server, tmp_path)
    gateway.commit(AddOutgoing(HERE, Voice.GATEWAY, "later"))

    async with gateway.running():
        await server.until(lambda: bool(server.times("send")))
        began = trio.current_time()
    took = trio.current_time() - began

    assert took < 6
    assert [out.state for out in gateway.journal.outbox.values()] == [OutboxState.PENDING]


async def test_a_nonsense_answer_to_a_send_is_asked_again(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["send"] = [Done({"event_id": 7})]
    gateway = gateway_over(server, tmp_path)
    gateway.commit(AddOutgoing(HERE, Voice.GATEWAY, "hello"))

    async with gateway.running():
        await server.until(lambda: server.said() == ["hello"])

    assert len(server.times("send")) == 2


@pytest.mark.parametrize("fault", [Refused(400, "M_UNKNOWN"), Limited(0.5), Refused(413, "")])
async def test_a_draft_that_is_not_taken_is_left_to_the_answer(
    autojump_clock: MockClock, tmp_path: Path, fault: Refused | Limited
) -> None:
    async def told(gateway: Gateway, row: Row) -> str:
        await gateway.say(ShowDraft(row.room, row.id, "so far"))
        await trio.sleep(2.5)
        return "the answer"

    server = FakeHomeserver(autojump_clock)
    server.faults["send"] = [fault]
    gateway = gateway_over(server, tmp_path, told)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: bool(server.said()))

    assert server.said() == ["the answer"]


async def test_an_edit_that_is_not_taken_is_left_to_the_next(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async def told(gateway: Gateway, row: Row) -> str:
        await gateway.say(ShowDraft(row.room, row.id, "one"))
        await server.until(lambda: bool(server.said()))
        server.faults["send"] = [Unreachable("502")]
        await gateway.say(ShowDraft(row.room, row.id, "one two"))
        await trio.sleep(10)
        await gateway.say(ShowDraft(row.room, row.id, "one two three"))
        await trio.sleep(10)
        return "the answer"

    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, told)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: len(server.said()) == 3)

    assert server.said() == ["one", "* one two three", "* the answer"]


async def test_a_journal_that_refuses_an_outcome_is_not_asked_for_ever(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    class Stubborn(MemoryStoreAddress):
        async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
            if isinstance(question, Commit) and isinstance(question.changes[0], SentOutgoing):
                return cast("A", Conflict(RowId(1), RowState.ANSWERED))
            return await super().ask(question, within=within)

    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    gateway.store = Stubborn(gateway.journal)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: bool(server.said()))
        await trio.sleep(100)

    assert len(server.times("send")) == 1


@pytest.mark.parametrize("request_name", ["encryption", "send"])
async def test_a_session_that_ends_between_two_answers_loses_none(
    autojump_clock: MockClock, tmp_path: Path, request_name: str
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults[request_name] = [TokenRefused()]
    gateway = gateway_over(server, tmp_path)
    gateway.commit(AddOutgoing(HERE, Voice.GATEWAY, "hello"))

    async with gateway.running():
        await server.until(lambda: server.said() == ["hello"])


async def test_an_answer_longer_than_one_message_is_shown_to_the_end_of_the_first(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async def told(gateway: Gateway, row: Row) -> str:
        text = "word " * 2000
        for number in range(10):
            text += f"\n\n{number}"
            await gateway.say(ShowDraft(row.room, row.id, text))
            await trio.sleep(3)
        return text

    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, told)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: bool(server.said()) and server.said()[-1].endswith("9"))

    first, *others = server.contents()
    assert [content for content in others if "m.new_content" in content] in (
        [],
        [as_edit(first, "$e1")],
    )
    assert len(others) <= 2


async def test_what_comes_after_the_stop_waits_in_the_outbox(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with trio.open_nursery() as nursery:
        surface = _Surface.over(server, gateway.syncer(), nursery)
        surface.sender.close()

        surface.sender.take(Deliver(HERE))

        with trio.fail_after(1):
            await surface.sender.run()
    assert server.calls == []
