"""What the Telegram surface says, over a Telegram in memory: hours pass in no time."""

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from actors.kernel.child import ParkedError
from actors.telegram.api.outcomes import (
    Ambiguous,
    Conflict,
    Failure,
    Forbidden,
    Migrated,
    RateLimited,
    Refusal,
    Refused,
    Unauthorized,
    Unreachable,
)
from protocols.changes import AddOutgoing, FinishRow, PutKey, ShowRow
from protocols.ids import RemoteId, RoomId, RowId
from protocols.journal import OutboxState, RowState, Voice
from protocols.surfaces import Deliver
from tests.actors.telegram.fake_bot import EPOCH, GROUP, HERE, TOPIC, Fault, Gateway, Shown

LONG = "\n\n".join(f"part {number} " + "word " * 700 for number in range(3))
GONE = Refused(400, "message to edit not found", Refusal.MESSAGE_GONE)


async def test_an_answer_takes_the_place_of_the_placeholder(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await trio.sleep(1)
        placeholder = gateway.bot.shown()
        await gateway.finish(row, "**hello**")
        await gateway.settled()

    assert placeholder == ["…"]
    assert gateway.bot.shown() == ["hello"]
    assert gateway.journal.rows[row].shown_id == RemoteId("1")
    (out,) = gateway.journal.outbox.values()
    assert out.remote_id == RemoteId("1")
    assert gateway.bot.marked[-1] == ({"type": "bold", "offset": 0, "length": 5},)
    assert not gateway.bot.is_open


async def test_an_answer_without_a_turn_gets_a_place_first(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.finish(row, "quick")
        await gateway.settled()

    assert gateway.bot.texts("send", "edit") == ["…", "quick"]
    assert gateway.bot.shown() == ["quick"]
    assert not gateway.kept()


async def test_words_that_nobody_asked_for_are_one_message(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        await gateway.say("restarted")
        await gateway.settled()

    assert gateway.bot.texts("send", "edit") == ["restarted"]


@pytest.mark.parametrize(("room", "least"), [(HERE, 1.5), (GROUP, 3.0)])
async def test_drafts_are_edits_with_a_pause_between_them(
    autojump_clock: MockClock, room: RoomId, least: float
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row(room)
        for number in range(200):
            await gateway.typing(row)
            await gateway.draft(row, f"{number} words")
            await trio.sleep(0.1)
        await gateway.finish(row, "all words")
        await gateway.settled()

    assert gateway.bot.shown(room) == ["all words"]
    edits = gateway.bot.times("edit")[:-1]
    assert len(edits) >= 4
    assert all(later - sooner >= least for sooner, later in pairwise(edits))


async def test_a_draft_that_says_the_same_is_not_sent(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        for _ in range(10):
            await gateway.draft(row, "same", "thinks")
            await trio.sleep(2)

    assert gateway.bot.texts("edit") == ["same\n\nthinks"]


async def test_no_draft_comes_after_the_answer(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.draft(row, "half")
        await trio.sleep(3)
        await gateway.finish(row, "half and half")
        for _ in range(5):
            await gateway.draft(row, "half and")
            await trio.sleep(2)

    assert gateway.bot.shown() == ["half and half"]
    assert gateway.bot.texts("edit") == ["half", "half and half"]


async def test_typing_is_renewed_exactly_while_the_turn_runs(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await trio.sleep(21)
        await gateway.finish(row, "done")
        await trio.sleep(30)

    typing = gateway.bot.times("typing")
    assert len(typing) in {5, 6}
    assert all(4.0 <= later - sooner <= 4.5 for sooner, later in pairwise(typing))
    assert max(typing) < 21


async def test_typing_ends_when_nobody_renews_it(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        await gateway.typing(gateway.row())
        await trio.sleep(200)

    assert 56 < max(gateway.bot.times("typing")) < 61


async def test_a_row_that_is_not_running_is_not_shown(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        gateway.commit(FinishRow(row, RowState.STOPPED))
        await gateway.typing(row)
        await gateway.draft(row, "late")
        await trio.sleep(5)

    assert not gateway.bot.calls


async def test_a_long_answer_goes_on_in_further_messages(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await trio.sleep(1)
        await gateway.finish(row, LONG)
        await gateway.settled()

    assert [text[:6] for text in gateway.bot.shown()] == ["part 0", "part 1", "part 2"]
    assert not gateway.kept()


async def test_messages_of_a_room_keep_their_order(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        for number in range(10):
            await gateway.finish(gateway.row(), f"m{number}")
        await gateway.settled()

    assert gateway.bot.shown() == [f"m{number}" for number in range(10)]


async def test_a_slow_chat_keeps_no_other_waiting(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.delays[42] = 1000.0
    rooms = [RoomId(f"telegram/{number}") for number in range(100, 120)]
    async with gateway.running():
        await gateway.say("slow")
        for room in rooms:
            await gateway.say("quick", room)
        await gateway.bot.until(lambda: len(gateway.bot.messages) == 20, within=3)

    assert gateway.outcomes() == ["pending"] + ["sent"] * 20


async def test_a_slow_request_in_one_topic_holds_up_no_other_topic(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.delays[-100] = 200.0  # as a large upload
    async with gateway.running():
        await trio.sleep(60)
        for room in (GROUP, TOPIC, RoomId("telegram/-100/8")):
            await gateway.say("words", room)
        await gateway.settled()

    calls = gateway.bot.calls
    assert [call.thread for call in calls] == [None, 7, 8]
    assert calls[-1].at - calls[0].at < 5


async def test_a_penalty_is_honoured_by_every_chat(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["send"] = [Fault(RateLimited(30.0))]
    async with gateway.running():
        began = trio.current_time()
        await gateway.say("a")
        await trio.sleep(0.1)
        await gateway.say("b", GROUP)
        await gateway.settled()

    told = gateway.bot.times("send")
    assert gateway.bot.shown() == ["a"]
    assert gateway.bot.shown(GROUP) == ["b"]
    assert all(at >= told[0] + 30 for at in told[1:])
    assert told[-1] < began + 33


async def test_a_penalty_outlasts_a_restart(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["send"] = [Fault(RateLimited(30.0))]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gateway.sender().run)
        await gateway.say("a")
        await trio.sleep(10)
        nursery.cancel_scope.cancel()
    async with gateway.running():
        await gateway.settled()

    first, second = gateway.bot.times("send")
    assert 30 <= second - first < 32


async def test_a_penalty_of_long_ago_is_none(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.commit(PutKey("telegram_penalty", f'{{"until": {EPOCH - 5}, "wait": 30}}'))
    async with gateway.running():
        await gateway.say("a")
        await gateway.bot.until(lambda: gateway.bot.shown() == ["a"], within=2)


async def test_drafts_come_later_than_answers_after_a_penalty(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["edit"] = [Fault(RateLimited(10.0))]
    async with gateway.running():
        row = gateway.row()
        await gateway.draft(row, "one")
        await trio.sleep(3)
        await gateway.draft(row, "two")
        await trio.sleep(30)

    first, second = gateway.bot.times("edit")
    assert 20 <= second - first < 25


@pytest.mark.parametrize(
    "fault", [Fault(Ambiguous("502")), Fault(Ambiguous("reset"), is_done=True),
              Fault(Unreachable("ConnectError")), Fault(RateLimited(3.0)),
              Fault(Conflict("webhook"))]
)  # fmt: skip
async def test_the_edit_of_an_answer_is_repeated_until_it_stands_there(
    autojump_clock: MockClock, fault: Fault
) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["edit"] = [fault] * 5
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await trio.sleep(1)
        await gateway.finish(row, "safe")
        await gateway.settled()

    assert gateway.bot.shown() == ["safe"]
    assert gateway.outcomes() == ["sent"]


async def test_what_may_have_been_sent_stands_there_twice_at_most(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["send"] = [Fault(Ambiguous("reset"), is_done=True)] * 4
    async with gateway.running():
        await gateway.say("once")
        await gateway.settled()

    assert gateway.bot.shown().count("once") == 2
    assert set(gateway.bot.shown()) == {"once", "…"}


async def test_an_answer_is_never_there_twice_whatever_is_lost(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["send"] = [Fault(Ambiguous("reset"), is_done=True)] * 3
    gateway.bot.faults["edit"] = [Fault(Ambiguous("reset"), is_done=True)] * 3
    async with gateway.running():
        await gateway.finish(gateway.row(), "once")
        await gateway.settled()

    assert gateway.bot.shown().count("once") == 1


async def test_a_refused_formatting_goes_out_as_plain_text(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    refused = Refused(400, "can't parse entities", Refusal.ENTITIES)
    gateway.bot.faults["edit"] = [Fault(refused)]
    gateway.bot.faults["send"] = []
    async with gateway.running():
        await gateway.finish(gateway.row(), "see [this](https://e.org)")
        await gateway.settled()

    assert gateway.bot.shown() == ["see this (https://e.org)"]
    assert gateway.outcomes() == ["sent"]


async def test_drafts_go_on_as_plain_text_when_their_formatting_is_refused(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["edit"] = [Fault(Refused(400, "entities", Refusal.ENTITIES))]
    async with gateway.running():
        row = gateway.row()
        for text in ("**a**", "**b**"):
            await gateway.draft(row, text)
            await trio.sleep(4)

    assert gateway.bot.shown() == ["b"]
    assert gateway.bot.marked[-1] == ()


async def test_a_topic_that_is_gone_is_written_to_without_it(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gone = Refused(400, "message thread not found", Refusal.THREAD_GONE)
    gateway.bot.faults["send"] = [Fault(gone)]
    async with gateway.running():
        await gateway.say("a", TOPIC)
        await gateway.say("b", TOPIC)
        await gateway.settled()

    assert [call.thread for call in gateway.bot.calls] == [7, None, None]
    assert gateway.bot.shown(TOPIC) == ["a", "b"]


async def test_a_deleted_placeholder_is_replaced_by_a_new_message(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await trio.sleep(1)
        gateway.bot.messages.clear()
        await gateway.draft(row, "half")
        await trio.sleep(3)
        await gateway.finish(row, "whole")
        await gateway.settled()

    assert gateway.bot.shown() == ["whole"]


async def test_an_answer_whose_places_are_all_deleted_fails(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["edit"] = [Fault(GONE)] * 3
    async with gateway.running():
        await gateway.finish(gateway.row(), "whole")
        await gateway.settled()

    assert gateway.outcomes() == ["failed"]


@pytest.mark.parametrize("name", ["send", "edit"])
async def test_what_telegram_refuses_for_good_fails_with_its_reason(
    autojump_clock: MockClock, name: str
) -> None:
    gateway = Gateway(autojump_clock)
    refused = Refused(400, "Bad Request: chat not found", Refusal.CHAT_GONE)
    gateway.bot.faults[name] = [Fault(refused)]
    async with gateway.running():
        row = gateway.row()
        await gateway.finish(row, "a")
        await gateway.say("b")
        await gateway.settled()

    assert gateway.outcomes() == ["failed", "sent"]
    assert "chat not found" in next(iter(gateway.journal.outbox.values())).reason


async def test_a_notice_that_telegram_refuses_fails(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["send"] = [Fault(Refused(400, "no"))]
    async with gateway.running():
        await gateway.say("a")
        await gateway.settled()

    assert gateway.outcomes() == ["failed"]


@pytest.mark.parametrize("name", ["send", "edit", "typing"])
async def test_a_blocked_chat_gets_nothing_until_somebody_writes_there(
    autojump_clock: MockClock, name: str
) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults[name] = [Fault(Forbidden("bot was blocked by the user"))]
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await gateway.draft(row, "half")
        await trio.sleep(6)
        calls = len(gateway.bot.calls)
        await gateway.draft(row, "more")
        await gateway.typing(row)
        await gateway.finish(row, "a")
        await gateway.say("b")
        await trio.sleep(10)
        blocked = len(gateway.bot.calls) - calls
        newer = gateway.row()
        await gateway.typing(newer)
        await gateway.finish(newer, "welcome back")
        await gateway.settled()

    assert blocked == 0
    assert gateway.outcomes() == ["failed", "failed", "sent"]
    assert gateway.bot.shown()[-1] == "welcome back"


async def test_a_notice_to_a_blocked_chat_closes_it_too(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["send"] = [Fault(Forbidden("bot was kicked"))]
    async with gateway.running():
        await gateway.say("a")
        await gateway.say("b")
        await gateway.settled()

    assert len(gateway.bot.calls) == 1
    assert gateway.outcomes() == ["failed", "failed"]


async def test_a_group_that_moved_is_written_to_where_it_is(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["send"] = [Fault(Migrated(-200))]
    async with gateway.running():
        await gateway.say("a", GROUP)
        await gateway.say("b", GROUP)
        await gateway.settled()

    assert gateway.bot.shown(RoomId("telegram/-200")) == ["a", "b"]


async def test_a_move_that_the_poller_saw_is_known(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.commit(PutKey("telegram_moved:-100", "-200"), PutKey("telegram_moved:x", "y"))
    async with gateway.running():
        await gateway.say("a", GROUP)
        await gateway.settled()

    assert gateway.bot.shown(RoomId("telegram/-200")) == ["a"]


async def test_a_group_that_moves_to_itself_is_refused(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["send"] = [Fault(Migrated(-100))]
    async with gateway.running():
        await gateway.say("a", GROUP)
        await gateway.settled()

    assert gateway.outcomes() == ["failed"]


async def test_a_wrong_token_parks_the_sender(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["send"] = [Fault(Unauthorized())]

    with pytest.RaisesGroup(ParkedError, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gateway.sender().run)
            await gateway.say("a")

    assert gateway.outcomes() == ["pending"]


@pytest.mark.parametrize("room", ["telegram/x", "telegram/1/y", "telegram/"])
async def test_a_room_that_is_none_fails_visibly(autojump_clock: MockClock, room: str) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row(RoomId(room))
        await gateway.draft(row, "half")
        await gateway.finish(row, "a")
        await gateway.settled()

    assert gateway.outcomes() == ["failed"]
    assert not gateway.bot.calls


async def test_an_answer_that_shows_nothing_fails(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        await gateway.finish(gateway.row(), " \n")
        await gateway.settled()

    assert gateway.outcomes() == ["failed"]


@pytest.mark.parametrize(
    "outcome", [Ambiguous("reset"), Unreachable("ConnectError"), Refused(400, "no")]
)
async def test_a_placeholder_that_fails_keeps_no_answer_away(
    autojump_clock: MockClock, outcome: Failure
) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["send"] = [Fault(outcome)]
    async with gateway.running():
        row = gateway.row()
        await gateway.draft(row, "half")
        await trio.sleep(1)
        await gateway.finish(row, "whole")
        await gateway.settled()

    assert gateway.bot.shown() == ["whole"]


async def test_what_is_pending_is_delivered_on_a_start(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    row = gateway.row()
    gateway.commit(ShowRow(row, RemoteId("5")))
    gateway.bot.messages[5] = Shown(42, "half")
    gateway.commit(
        FinishRow(row, RowState.ANSWERED), AddOutgoing(HERE, Voice.AGENT, "whole", row=row)
    )

    async with gateway.running():
        await gateway.settled()

    assert gateway.bot.shown() == ["whole"]


async def test_a_stop_delivers_what_is_pending_and_nothing_else(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row, other = gateway.row(), gateway.row(GROUP)
        await gateway.draft(other, "half")
        await gateway.finish(row, "whole")
        began = trio.current_time()

    assert gateway.bot.shown() == ["whole"]
    assert trio.current_time() - began < 5


async def test_a_stop_waits_for_nobody_longer_than_it_may(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.delays[42] = 1000.0
    async with gateway.running():
        await gateway.say("slow")
        await trio.sleep(1)
        began = trio.current_time()

    assert trio.current_time() - began == pytest.approx(5.0)
    assert gateway.outcomes() == ["pending"]


async def test_what_comes_after_the_stop_waits_for_the_next_start(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        await gateway.say("a")
    await gateway.tell(Deliver(HERE, row_done=RowId(1)))

    assert gateway.outcomes() == ["sent"]
    assert all(out.state is OutboxState.SENT for out in gateway.journal.outbox.values())


async def test_a_turn_that_goes_on_after_a_restart_uses_its_message(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    row = gateway.row()
    async with gateway.running():
        await gateway.draft(row, "half")
        await trio.sleep(3)
    async with gateway.running():
        await gateway.draft(row, "half and")
        await trio.sleep(3)
        await gateway.finish(row, "half and half")
        await gateway.settled()

    assert gateway.bot.shown() == ["half and half"]
    assert len(gateway.bot.times("send")) == 1
