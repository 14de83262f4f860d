"""The surface on a real homeserver, as the person in the room sees it."""

import json
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import evolve

from actors.kernel.child import ParkedError
from actors.matrix.api.client import MatrixClient
from actors.matrix.places import Places
from protocols.changes import AddOutgoing
from protocols.chats import RoomGone
from protocols.ids import PersonId
from protocols.journal import OutboxState, Row, Voice
from protocols.surfaces import Deliver, ShowDraft, ShowTyping
from tests.actors.matrix.gateway import Gateway, echo, gateway_on
from tests.rigs.matrix_human import human
from tests.rigs.matrix_shown import Shown
from tests.rigs.synapse import Person, Synapse

room_id = Places().room_id
SOON = 30.0


async def talk_in(gateway: Gateway, person: Person) -> str:
    """A room where *person* and the bot have said hello; callers run the gateway."""
    bot = gateway.settings.user_id
    room = await person.create_room(invite=[bot])
    await person.send(room, "hello")
    assert await person.watch_answers(room, bot, 1) == ["echo: hello"]
    return room


async def test_somebody_who_invites_us_and_writes_is_answered(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), synapse.person("alice")

    with trio.fail_after(SOON):
        async with gateway.running():
            await talk_in(gateway, alice)

    (row,) = gateway.journal.rows.values()
    assert row.sender == PersonId(f"matrix:{alice.user_id}")
    assert row.sender_name == alice.user_id[1:].partition(":")[0]


async def test_a_name_that_a_person_chose_is_known(synapse: Synapse, tmp_path: Path) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), synapse.person("alice")
    await alice.request(
        "PUT", f"/profile/{alice.user_id}/displayname", {"displayname": "Alice in W."}
    )

    with trio.fail_after(SOON):
        async with gateway.running():
            await talk_in(gateway, alice)

    (row,) = gateway.journal.rows.values()
    assert row.sender_name == "Alice in W."


@pytest.mark.parametrize(
    ("number", "window"), [(25, 10), pytest.param(250, 100, marks=pytest.mark.full)]
)
async def test_all_that_was_written_while_we_were_down_is_heard_in_order(
    synapse: Synapse, tmp_path: Path, number: int, window: int
) -> None:
    async def answer_the_last(_gateway: Gateway, row: Row) -> str:
        await trio.lowlevel.checkpoint()
        return f"echo: {row.text}" if row.text in {"hello", texts[-1]} else ""

    gateway, alice = gateway_on(synapse, tmp_path, answer_the_last), synapse.person("alice")
    gateway.connect = partial(MatrixClient, window=window)
    texts = [f"m{count}" for count in range(number)]
    with trio.fail_after(20 * SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice)
        await alice.send_many(room, texts)

        async with gateway.running():
            await alice.watch_answers(room, gateway.settings.user_id, 2)

    rows = list(gateway.journal.rows.values())
    assert [row.text for row in rows] == ["hello", *texts]
    assert all(row.is_backlog for row in rows[1:])


async def test_a_strangers_invitation_is_left_pending(synapse: Synapse, tmp_path: Path) -> None:
    gateway, alice, eve = gateway_on(synapse, tmp_path), synapse.person(), synapse.person("eve")
    gateway.directory.allowed = {PersonId(f"matrix:{alice.user_id}")}
    bot = gateway.settings.user_id

    with trio.fail_after(SOON):
        async with gateway.running():
            theirs = await eve.create_room(invite=[bot])
            await talk_in(gateway, alice)

    assert (await eve.members(theirs))[bot]["membership"] == "invite"


async def test_an_invitation_that_came_while_we_were_down_is_taken(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), synapse.person("alice")
    bot = gateway.settings.user_id
    with trio.fail_after(SOON):
        async with gateway.running():
            await talk_in(gateway, alice)
        room = await alice.create_room(invite=[bot])
        await alice.send(room, "are you there")

        async with gateway.running():
            assert await alice.watch_answers(room, bot, 1) == ["echo: are you there"]


async def test_a_room_that_becomes_encrypted_gets_no_plaintext_word_any_more(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), await human(synapse, "alice")
    bot = gateway.settings.user_id

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice)
            await alice.encrypt(room)
            await alice.send(room, "sealed from now on")
            await alice.watch_answers(room, bot, 2)

    assert [one.is_encrypted for one in await alice.seen(room)] == [False, False, True, True]
    assert gateway.directory.gone == []


async def test_a_room_that_was_encrypted_while_we_were_down_gets_no_plaintext_word(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), await human(synapse, "alice")
    bot = gateway.settings.user_id
    with trio.fail_after(SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice)
        gateway.commit(AddOutgoing(room_id(room), Voice.AGENT, "secret"))
        await alice.encrypt(room)

        async with gateway.running():
            answers = await alice.watch_answers(room, bot, 2)

    assert answers == ["echo: hello", "secret"]
    assert [one.is_encrypted for one in await alice.seen(room)] == [False, False, True]


async def test_an_answer_grows_in_one_message_and_ends_as_it_is(
    synapse: Synapse, tmp_path: Path
) -> None:
    async def grow(gateway: Gateway, row: Row) -> str:
        await gateway.say(ShowTyping(row.room, row.id))
        for text in ("one", "one **two**"):
            await gateway.say(ShowDraft(row.room, row.id, text, status="thinking"))
            room = row.room.partition("/")[2]
            await alice.watch(room, lambda seen, text=text: text in seen[-1].text)  # type: ignore[misc]  # a default binds the loop's text
        return "one **two** three"

    gateway, alice = gateway_on(synapse, tmp_path, grow), synapse.person("alice")
    bot = gateway.settings.user_id

    def is_whole(seen: list[Shown]) -> bool:
        return any("three" in one.text for one in seen)

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await alice.create_room(invite=[bot])
            await alice.send(room, "count")
            seen = await alice.watch(room, is_whole)

    (answer,) = [one for one in seen if one.sender == bot]
    assert (answer.text, answer.kind) == ("one **two** three", "m.text")
    assert answer.html == "<p>one <strong>two</strong> three</p>"
    assert answer.edits == 2


async def test_a_long_answer_comes_in_pieces_in_order(synapse: Synapse, tmp_path: Path) -> None:
    words = "\n\n".join(f"{number} " + "häß&<" * 40 for number in range(300))

    async def long(_gateway: Gateway, _row: Row) -> str:
        await trio.lowlevel.checkpoint()
        return words

    gateway, alice = gateway_on(synapse, tmp_path, long), synapse.person("alice")
    bot = gateway.settings.user_id

    def is_whole(seen: list[Shown]) -> bool:
        return any("299 " in one.text for one in seen)

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await alice.create_room(invite=[bot])
            await alice.send(room, "go on")
            seen = await alice.watch(room, is_whole)

    pieces = [one.text for one in seen if one.sender == bot]
    assert len(pieces) >= 6
    assert "\n\n".join(pieces) == words


@pytest.mark.parametrize("text", ["\x01" * 12_000, "<" * 30_000, '"' * 30_000, "\U0001f642" * 9000])
async def test_the_largest_events_are_taken_by_the_server(
    synapse: Synapse, tmp_path: Path, text: str
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), synapse.person("alice")
    bot = gateway.settings.user_id

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice)
            gateway.commit(AddOutgoing(room_id(room), Voice.AGENT, text))
            await gateway.say(Deliver(room_id(room)))
            await alice.watch(
                room,
                lambda seen: sum(len(one.text) for one in seen if one.sender == bot) >= len(text),
            )

    assert "".join((await alice.answers(room, bot))[1:]) == text


async def test_under_the_servers_own_limit_everything_arrives_once_and_in_order(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), synapse.person("alice")
    bot = gateway.settings.user_id
    texts = [f"m{number}" for number in range(3)]

    with trio.fail_after(2 * SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice)
            await trio.to_thread.run_sync(
                lambda: synapse.limit_messages(bot, per_second=1, burst=1)
            )
            await alice.send_many(room, texts)
            answers = await alice.watch_answers(room, bot, 4)

    assert answers[1:] == [f"echo: {text}" for text in texts]


async def test_an_answer_that_the_journal_does_not_know_as_sent_is_the_same_event(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), synapse.person("alice")
    bot = gateway.settings.user_id
    with trio.fail_after(SOON):
        async with gateway.running(is_killed=True):
            room = await talk_in(gateway, alice)
        (out,) = gateway.journal.outbox.values()
        gateway.journal.outbox[out.id] = evolve(out, state=OutboxState.PENDING, remote_id=None)

        async with gateway.running():
            await alice.send(room, "again")
            answers = await alice.watch_answers(room, bot, 2)

    assert answers == ["echo: hello", "echo: again"]
    assert gateway.journal.outbox[out.id].state is OutboxState.SENT


async def test_a_draft_that_a_killed_life_left_is_replaced(
    synapse: Synapse, tmp_path: Path
) -> None:
    async def stuck(gateway: Gateway, row: Row) -> str:
        await gateway.say(ShowDraft(row.room, row.id, "so far"))
        await trio.sleep_forever()
        raise AssertionError

    gateway, alice = gateway_on(synapse, tmp_path, stuck), synapse.person("alice")
    bot = gateway.settings.user_id
    with trio.fail_after(SOON):
        async with gateway.running(is_killed=True):
            room = await alice.create_room(invite=[bot])
            await alice.watch_member(room, bot, "join")
            before = dict(gateway.journal.cursors)
            await alice.send(room, "hello")
            await alice.watch_answers(room, bot, 1)
        (row,) = gateway.journal.rows.values()
        gateway.journal.rows[row.id] = evolve(row, shown_id=None)
        gateway.journal.cursors.update(before)
        gateway.answer = echo

        async with gateway.running():
            await alice.send(room, "next")
            await alice.watch_answers(room, bot, 2)
            await gateway.finish(gateway.journal.rows[row.id], "whole")
            seen = await alice.watch(room, lambda seen: any(one.edits for one in seen))

    assert [one.text for one in seen if one.sender == bot] == ["whole", "echo: next"]


async def test_a_picture_is_a_message_without_words(synapse: Synapse, tmp_path: Path) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), synapse.person("alice")
    bot = gateway.settings.user_id

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice)
            await alice.send_content(
                room, {"msgtype": "m.image", "body": "cat.png", "url": "mxc://a/b"}
            )
            said = await alice.watch_answers(room, bot, 2)

    assert said[-1] == "echo: "


async def test_a_kicked_bot_says_so_and_goes_on_elsewhere(synapse: Synapse, tmp_path: Path) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), synapse.person("alice")
    bot = gateway.settings.user_id

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice)
            await alice.kick(room, bot)
            await talk_in(gateway, alice)

    assert gateway.directory.gone == [RoomGone(room_id(room), "we are not in the room")]


async def test_the_session_is_kept_over_a_restart(synapse: Synapse, tmp_path: Path) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), synapse.person("alice")
    with trio.fail_after(SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice)
        gateway.settings = evolve(gateway.settings, password="no more needed")

        async with gateway.running():
            await alice.send(room, "again")
            assert (await alice.watch_answers(room, gateway.settings.user_id, 2))[
                1
            ] == "echo: again"


async def test_a_token_is_as_good_as_a_password(synapse: Synapse, tmp_path: Path) -> None:
    bot, alice = synapse.register("bot"), synapse.person("alice")
    gateway = gateway_on(synapse, tmp_path)
    gateway.settings = evolve(
        gateway.settings, user_id=bot.user_id, password="", access_token=bot.token
    )

    with trio.fail_after(SOON):
        async with gateway.running():
            await talk_in(gateway, alice)

    assert not (tmp_path / "matrix" / "session.json").exists()


async def test_a_wrong_password_parks_the_surface(synapse: Synapse, tmp_path: Path) -> None:
    gateway = gateway_on(synapse, tmp_path)
    gateway.settings = evolve(gateway.settings, password="wrong")

    with trio.fail_after(SOON), pytest.raises(ParkedError, match="MATRIX_PASSWORD"):
        await gateway.syncer().run()


async def test_a_logged_out_session_is_renewed_while_we_run(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), synapse.person("alice")
    kept = tmp_path / "matrix" / "session.json"

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice)

            token = json.loads(await trio.Path(kept).read_text())["access_token"]
            await trio.to_thread.run_sync(
                lambda: synapse.request("POST", "/_matrix/client/v3/logout", {}, token=token)
            )
            await alice.send(room, "again")
            answers = await alice.watch_answers(room, gateway.settings.user_id, 2)

    assert answers[1] == "echo: again"
