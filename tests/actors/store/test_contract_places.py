"""The contract again: where a message was written, what was taken back, what stands in a place."""

from attrs import evolve

from protocols.changes import AddOutgoing, FailedOutgoing, SentOutgoing
from protocols.ids import EventId, OutboxId, RemoteId, RowId, SurfaceName
from protocols.journal import Amends, Button, Keyboard, OutboxRow
from protocols.store import (
    FinalOutgoing,
    FindEvent,
    FindMessage,
    FindOutgoing,
    Journal,
    Outgoing,
    UnsortedRows,
)
from tests.actors.store.asking import MATRIX, OTHER_ROOM, ROOM, Asking, arrival, finish, words

PLACE = RemoteId("$sent")
ASKING: Keyboard = ((Button("Yes", "confirm:1:0"), Button("No", "confirm:1:1")),)
DECIDED: Keyboard = ((Button("Again", "retry:1"),),)


def with_buttons(text: str, keyboard: Keyboard) -> AddOutgoing:
    return evolve(words(text, row=1), keyboard=keyboard)


def amending(text: str, keyboard: Keyboard) -> AddOutgoing:
    amends = Amends(RowId(1), PLACE)
    return evolve(with_buttons(text, keyboard), is_final=False, amends=amends)


async def sent(store: Asking, *outgoing: AddOutgoing) -> None:
    """Each was sent, and stands in ``PLACE``."""
    for one in outgoing:
        await store.commit(one)
        [row] = await store.ask(Outgoing(one.room))
        await store.commit(SentOutgoing(row.id, PLACE))


async def standing(store: Asking, place: RemoteId = PLACE) -> OutboxRow | None:
    return await store.ask(FindOutgoing(ROOM, place))


async def test_what_stands_around_an_answer_is_no_part_of_its_text(store: Asking) -> None:
    await store.arrive("1")
    around = evolve(words("the answer", row=1), footer="*12 tokens*", folded="I think.")

    await store.commit(finish(1), around, words("unasked"))

    answer, unasked = await store.ask(Outgoing(ROOM))
    assert (answer.text, answer.footer, answer.folded) == ("the answer", "*12 tokens*", "I think.")
    assert (unasked.footer, unasked.folded) == ("", "")
    assert await store.ask(FinalOutgoing(RowId(1))) == answer


async def test_a_row_keeps_where_it_was_written_and_who_reads_there(store: Asking) -> None:
    in_thread = evolve(arrival("1"), thread_id=RemoteId("$root"), is_shared=True)
    retracted = evolve(arrival("2"), redacts=RemoteId("$1"))

    journaled = await store.ask(Journal(MATRIX, (in_thread, retracted, arrival("3"))))

    where = [(row.thread_id, row.is_shared, row.redacts) for row in journaled.rows]
    assert where == [("$root", True, None), ("", False, "$1"), ("", False, None)]
    assert await store.ask(UnsortedRows()) == journaled.rows


async def test_an_answer_knows_the_thread_of_its_row_before_and_after_it_is_sent(
    store: Asking,
) -> None:
    await store.ask(Journal(MATRIX, (evolve(arrival("1"), thread_id=RemoteId("$root")),)))
    await store.commit(finish(1), words(row=1), words("unasked"))

    answer, unasked = await store.ask(Outgoing(ROOM))
    await store.commit(SentOutgoing(answer.id, PLACE))

    final = await store.ask(FinalOutgoing(RowId(1)))
    stands = await standing(store)
    assert (answer.thread_id, unasked.thread_id) == ("$root", "")
    assert final == stands
    assert final is not None
    assert final.thread_id == "$root"


async def test_a_redaction_is_not_the_message_that_it_takes_back(store: Asking) -> None:
    said = evolve(arrival("1"), message_id=RemoteId("$1"))
    taken_back = evolve(arrival("2"), message_id=RemoteId("$1"), redacts=RemoteId("$1"))
    await store.ask(Journal(MATRIX, (said, taken_back)))

    found = await store.ask(FindMessage(ROOM, RemoteId("$1")))

    assert found is not None
    assert found.id == 1


async def test_a_row_is_found_by_its_event_whatever_it_is_and_in_whatever_room(
    store: Asking,
) -> None:
    edited = evolve(arrival("2", room=OTHER_ROOM), edits=RemoteId("$1"))
    await store.ask(Journal(MATRIX, (arrival("1"), edited)))

    found = await store.ask(FindEvent(MATRIX, EventId("2")))

    assert found == await store.row(2)
    assert await store.ask(FindEvent(MATRIX, EventId("3"))) is None
    assert await store.ask(FindEvent(SurfaceName("telegram"), EventId("2"))) is None


async def test_a_message_of_ours_is_found_by_its_place_in_its_room(store: Asking) -> None:
    await store.arrive("1")
    await sent(store, with_buttons("Shall I?", ASKING))

    found = await standing(store)

    assert found is not None
    assert (found.id, found.row, found.keyboard) == (1, 1, ASKING)
    assert found.reply_to_event == "1"
    assert await standing(store, RemoteId("$other")) is None
    assert await store.ask(FindOutgoing(OTHER_ROOM, PLACE)) is None


async def test_what_amended_a_message_last_is_what_stands_in_its_place(store: Asking) -> None:
    await store.arrive("1")
    await sent(store, with_buttons("Shall I?", ASKING), amending("Yes", DECIDED))
    await sent(store, amending("Sent again", ()))

    found = await standing(store)

    assert found is not None
    assert (found.text, found.keyboard) == ("Sent again", ())


async def test_what_is_not_sent_yet_or_never_will_be_stands_nowhere(store: Asking) -> None:
    await store.arrive("1")
    await sent(store, with_buttons("Shall I?", ASKING))
    await store.commit(amending("refused", ()), amending("waits", ()))
    await store.commit(FailedOutgoing(OutboxId(2), "refused"))

    found = await standing(store)

    assert found is not None
    assert found.keyboard == ASKING
