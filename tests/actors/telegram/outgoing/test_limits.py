"""Telegram's limits: in no window of time more than it allows, the most urgent first."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.outgoing.limits import (
    GROUP,
    PRIVATE_CHAT,
    WHOLE_BOT,
    Budget,
    Rate,
    Ticket,
    Urgency,
)

ANN, GROUP_ID = 42, -100


def sent(budget: Budget, chats: list[int], seconds: float) -> list[tuple[float, int | None]]:
    """When an endless line of finals to *chats* was let through."""
    numbers = count()
    line = [Ticket(chat, Urgency.FINAL, next(numbers)) for chat in chats]
    now, found = 0.0, []
    while now < seconds:
        admitted, wait = budget.admit(line, now)
        for ticket in admitted:
            found.append((now, ticket.chat))
            line.remove(ticket)
            line.append(Ticket(ticket.chat, Urgency.FINAL, next(numbers)))
        now += max(0.001, wait or 0.0) if not admitted else 0.001
    return found


def most_within(times: list[float], window: float) -> int:
    return max(sum(t <= other < t + window for other in times) for t in times)


def test_a_private_chat_gets_one_a_second_after_a_short_burst() -> None:
    times = [at for at, _ in sent(Budget.fresh(-60), [ANN], 60)]

    assert 55 <= len(times) <= 63
    assert most_within(times, 1.0) <= 4
    assert most_within(times, 30.0) <= 33


def test_a_group_never_gets_more_than_twenty_a_minute() -> None:
    times = [at for at, _ in sent(Budget.fresh(-60), [GROUP_ID], 400)]

    assert most_within(times, 60.0) <= 20
    assert len(times) > 100


def test_the_bot_never_says_more_than_thirty_a_second() -> None:
    found = sent(Budget.fresh(-60), list(range(1, 200)), 5)

    assert most_within([at for at, _ in found], 1.0) <= 30
    assert len(found) >= 110


def test_a_new_life_begins_with_a_placeholder_and_its_answer_and_no_burst() -> None:
    budget = Budget.fresh(0)

    at_first = [at for at, _ in sent(budget, [ANN], 0.9)]

    assert len(at_first) == 2
    assert at_first[-1] < 0.1


def test_a_new_life_in_a_group_begins_with_one() -> None:
    assert [at for at, _ in sent(Budget.fresh(0), [-ANN], 3.0)] == [0]


@pytest.mark.parametrize(("rate", "window", "most"), [(GROUP, 60, 20), (WHOLE_BOT, 1, 30)])
def test_burst_and_refill_are_together_what_telegram_allows(
    rate: Rate, window: float, most: float
) -> None:
    assert rate.burst + rate.every_second * window <= most
    assert PRIVATE_CHAT.every_second == 1


@given(st.lists(st.sampled_from(Urgency), min_size=1, max_size=8))
def test_the_most_urgent_goes_first_and_equals_in_their_order(urgencies: list[Urgency]) -> None:
    budget = Budget.fresh(0)
    line = [Ticket(ANN, urgency, number) for number, urgency in enumerate(urgencies)]
    found: list[Ticket] = []

    for now in range(0, 100, 5):
        admitted, _ = budget.admit(line, float(now))
        found += admitted
        line = [ticket for ticket in line if ticket not in admitted]

    assert [ticket.order for ticket in found] == sorted(ticket.order for ticket in found)
    assert not line


def test_drafts_and_typing_leave_something_for_answers() -> None:
    budget = Budget.fresh(-60)
    for _ in range(2):
        budget.admit([Ticket(ANN, Urgency.FINAL, 0)], 0.0)

    assert budget.wait(ANN, Urgency.FINAL, 0.0) == 0
    assert budget.wait(ANN, Urgency.DRAFT, 0.0) == pytest.approx(0.5)
    assert budget.wait(ANN, Urgency.TYPING, 0.0) == pytest.approx(1.0)


def test_a_chat_where_one_is_under_way_waits_for_that_alone() -> None:
    budget = Budget.fresh(-60)

    assert budget.admit([Ticket(ANN, Urgency.FINAL, 0)], 0.0, busy={(ANN, None)}) == ([], None)


def test_a_topic_where_one_is_under_way_holds_up_no_other_topic() -> None:
    budget = Budget.fresh(-60)
    line = [Ticket(GROUP_ID, Urgency.FINAL, thread, thread=thread) for thread in (7, 8)]

    admitted, wait = budget.admit(line, 0.0, busy={(GROUP_ID, 7)})

    assert ([ticket.thread for ticket in admitted], wait) == ([8], None)


def test_nobody_overtakes_the_earlier_in_one_topic() -> None:
    budget = Budget.fresh(-60)
    line = [Ticket(GROUP_ID, Urgency.FINAL, number, thread=7) for number in range(2)]

    assert budget.admit(line, 0.0) == (line[:1], None)


def test_all_topics_of_a_chat_share_its_rate() -> None:
    budget = Budget.fresh(-60)
    line = [Ticket(GROUP_ID, Urgency.FINAL, thread, thread=thread) for thread in range(2, 12)]

    admitted, wait = budget.admit(line, 0.0)

    assert admitted == line[: int(GROUP.burst)]
    assert wait == pytest.approx(1 / GROUP.every_second)


def test_nothing_goes_in_a_penalty_and_no_burst_after_it() -> None:
    budget = Budget.fresh(-60)
    budget.punish(0.0, 10.0)
    budget.punish(1.0, 2.0)  # a shorter one does not end it

    found = sent(budget, list(range(1, 100)), 11.0)

    assert min(at for at, _ in found) >= 10.0
    assert most_within([at for at, _ in found], 0.1) <= 5


def test_drafts_wait_longer_after_a_penalty_but_not_for_ever() -> None:
    budget = Budget.fresh(-600)
    budget.punish(0.0, 10.0)
    assert budget.wait(ANN, Urgency.DRAFT, 0.0) == 20
    budget.punish(0.0, 280.0)
    assert budget.wait(ANN, Urgency.TYPING, 0.0) == 310


def test_many_chats_take_no_memory_once_they_are_quiet() -> None:
    budget = Budget.fresh(-60)
    for number in range(1, 2000):
        budget.admit([Ticket(number, Urgency.FINAL, number)], number * 1.0)

    assert len(budget._chats) <= 600
