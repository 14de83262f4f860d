"""The answers to commands, word by word."""

import pytest
from attrs import evolve
from markdown_it import MarkdownIt

from actors.chats.commands import CommandName
from actors.chats.manner import Manner
from actors.chats.replies import (
    LONGEST_NAME,
    LONGEST_TREE,
    MOST_LISTED,
    SIMPLE,
    Replies,
    name_from,
)
from actors.chats.slots import Chat, SlotBook, slot_with
from protocols.ids import Language, PersonId, RoomId, SlotId
from protocols.journal import Keyboard
from tests.actors.chats.rows import a_row
from tests.actors.chats.world import ME, OTHER_ROOM, ROOM


def replies(
    *chats: Chat,
    room: RoomId = ROOM,
    person: PersonId = ME,
    is_admin: bool = False,
    has_buttons: bool = False,
    is_shared: bool = False,
    room_link: str = "",
) -> Replies:
    slots = SlotBook({}, {person: {chat.slot: chat for chat in chats}})
    for chat in chats:
        slots.choose(chat, person)
    manner = Manner(Language("en"), "!", has_buttons, room_link=room_link)
    row = a_row(room=room, sender=person, is_shared=is_shared)
    return Replies(slots, row, manner, tree="the tree", is_admin=is_admin)


USED = Chat(SlotId("C1"), ROOM, "plans", is_used=True)


def test_every_command_is_answered_here_or_by_a_session() -> None:
    assert set(CommandName) - set(SIMPLE) == {
        CommandName.STOP,
        CommandName.RETRY,
        CommandName.STATUS,
        CommandName.SETTINGS,
        CommandName.LINK,
        CommandName.UNLINK,
    }


@pytest.mark.parametrize("name", SIMPLE)
def test_every_command_has_an_answer_with_and_without_words(name: CommandName) -> None:
    for rest in ("", "words", "C1"):
        assert replies().reply(name, rest).text.strip()
        assert replies(USED).reply(name, rest).text.strip()


def test_help_names_every_command() -> None:
    text = replies().reply(CommandName.HELP, "").text

    assert all(f"!{name}" in text for name in set(CommandName) - {CommandName.START})


def test_help_tells_how_to_be_heard_where_others_are() -> None:
    alone = replies().reply(CommandName.HELP, "").text
    among_others = replies(is_shared=True).reply(CommandName.HELP, "").text

    assert "Mention me" not in alone
    assert among_others.startswith(alone)
    assert "Mention me" in among_others


def test_an_empty_chat_is_as_good_as_a_new_one() -> None:
    here = replies(USED)
    opened = here.reply(CommandName.NEW, "").text
    again = here.reply(CommandName.NEW, "named").text

    assert opened.startswith("New chat: **C2**.")
    assert again.startswith("This chat is still new: **C2** named.")
    assert here.reply(CommandName.NEW, "").text.startswith("This chat is still new: **C2** named.")


def test_chats_elsewhere_are_named_with_their_room_and_cannot_be_taken_here() -> None:
    elsewhere = Chat(SlotId("C2"), OTHER_ROOM)
    here = replies(USED, elsewhere)

    assert (
        "- **C2**: in `!q:s`\n- **C1** plans: here, in use"
        in here.reply(CommandName.CHATS, "").text
    )
    assert "in another room, `!q:s`" in here.reply(CommandName.CHATS, "2").text
    assert here.reply(CommandName.CHATS, "C7").text.startswith("You have no such chat.")
    assert here.reply(CommandName.CHATS, "seven").text.startswith("You have no such chat.")


ANN = PersonId("telegram:42")
ANN_ROOM = RoomId("telegram/42")
GROUP = RoomId("telegram/-100")
PRIVATE_CHAT = Chat(SlotId("C1"), ANN_ROOM, "my divorce", is_used=True)
GROUP_CHAT = Chat(SlotId("C2"), GROUP, "the outing", is_used=True)


def labels(keyboard: Keyboard) -> list[str]:
    return [button.label for line in keyboard for button in line]


def in_telegram(room: RoomId, *chats: Chat) -> Replies:
    is_shared = room == GROUP
    return replies(*chats, room=room, person=ANN, has_buttons=True, is_shared=is_shared)


def test_where_buttons_mark_the_chat_in_use_the_text_does_not_so_that_it_stays_true() -> None:
    there = in_telegram(ANN_ROOM, PRIVATE_CHAT, Chat(SlotId("C2"), ANN_ROOM))

    listed = there.reply(CommandName.CHATS, "")
    there.reply(CommandName.CHATS, "C1")
    keyboard = there.chats_here(there.row.id)

    assert "- **C2**: here\n- **C1** my divorce: here\n" in listed.text
    assert labels(listed.keyboard) == ["• C2", "C1 my divorce"]
    assert labels(keyboard) == ["C2", "• C1 my divorce"]


def test_a_chat_that_is_in_use_and_alone_needs_no_button() -> None:
    alone = in_telegram(ANN_ROOM, PRIVATE_CHAT, GROUP_CHAT)
    listed = alone.reply(CommandName.CHATS, "")
    alone.reply(CommandName.ARCHIVE, "")
    archived = alone.chats_here(alone.row.id)
    alone.reply(CommandName.NEW, "")

    two = alone.reply(CommandName.CHATS, "")

    assert (listed.keyboard, archived) == ((), ())
    assert labels(two.keyboard) == []


def test_a_group_reads_nothing_of_a_person_s_chats_in_other_rooms() -> None:
    there = in_telegram(GROUP, PRIVATE_CHAT, GROUP_CHAT)

    listed = there.reply(CommandName.CHATS, "")
    guessed = [there.reply(CommandName.CHATS, word).text for word in ("C1", "C7", "seven")]

    assert "the outing" in listed.text
    assert "C1" not in listed.text
    assert "divorce" not in listed.text
    assert listed.keyboard == ()
    assert guessed == ["You have no such chat here. !chats lists them."] * 3


def test_a_group_without_a_chat_of_its_own_has_an_empty_list() -> None:
    text = in_telegram(GROUP, PRIVATE_CHAT).reply(CommandName.CHATS, "").text

    assert text == "There is no chat here yet. Write something to begin one."


@pytest.mark.parametrize("room", [ANN_ROOM, RoomId("telegram/42/7")])
def test_a_person_s_own_chat_and_its_topics_list_all_rooms(room: RoomId) -> None:
    text = in_telegram(room, PRIVATE_CHAT, GROUP_CHAT).reply(CommandName.CHATS, "").text

    assert "**C1** my divorce" in text
    assert "**C2** the outing: in `-100`" in text


LINK = "https://matrix.to/#/{room}"


def test_where_rooms_have_an_address_a_chat_elsewhere_is_a_link_to_it() -> None:
    named = Chat(SlotId("C2"), OTHER_ROOM, "My [secret] *plans*", is_used=True)
    unnamed = Chat(SlotId("C3"), OTHER_ROOM, is_used=True)
    here = replies(USED, named, unnamed, room_link=LINK)

    listed = here.reply(CommandName.CHATS, "").text
    chosen = here.reply(CommandName.CHATS, "C2").text

    link = "(<https://matrix.to/#/%21q%3As>)"
    assert f"- **C3**: in [C3]{link}\n" in listed
    assert f"in [My \\[secret\\] \\*plans\\*]{link}\n" in listed
    assert "- **C1** plans: here, in use" in listed
    assert f"is in another room, [My \\[secret\\] \\*plans\\*]{link}. Go on there." in chosen


def test_a_thread_that_is_a_room_is_linked_by_its_first_event() -> None:
    thread = Chat(SlotId("C2"), RoomId("matrix/!q:s:8448/$a/b?c>"), is_used=True)

    listed = replies(thread, room_link=LINK).reply(CommandName.CHATS, "").text

    assert "in [C2](<https://matrix.to/#/%21q%3As%3A8448/%24a/b%3Fc%3E>)" in listed


def test_a_link_is_one_in_what_a_client_shows() -> None:
    named = Chat(SlotId("C2"), OTHER_ROOM, "](<https://evil>) \\", is_used=True)

    listed = replies(named, room_link=LINK).reply(CommandName.CHATS, "").text

    tokens = [token for block in MarkdownIt().parse(listed) for token in block.children or ()]
    links = [token.attrGet("href") for token in tokens if token.type == "link_open"]
    assert links == ["https://matrix.to/#/%21q%3As"]


def test_an_archived_chat_comes_back_when_it_is_chosen() -> None:
    here = replies(USED)
    archived = here.reply(CommandName.ARCHIVE, "").text
    hidden = here.reply(CommandName.CHATS, "").text
    back = here.reply(CommandName.CHATS, "c1").text

    assert archived.startswith("**C1** plans is put away.")
    assert hidden.startswith("You have no chats yet.")
    assert back == "Back in **C1** plans."
    assert "here, in use" in here.reply(CommandName.CHATS, "").text


def test_without_a_chat_there_is_nothing_to_name_or_to_put_away() -> None:
    assert replies().reply(CommandName.RENAME, "x").text.startswith("There is no chat here yet.")
    assert replies().reply(CommandName.ARCHIVE, "").text.startswith("There is no chat here yet.")
    assert replies(USED).reply(CommandName.RENAME, " ").text.startswith("What should it be called?")


def test_a_long_list_is_cut() -> None:
    chats = [Chat(slot_with(number), ROOM) for number in range(1, MOST_LISTED + 6)]

    text = replies(*chats).reply(CommandName.CHATS, "").text

    assert "- and 5 older" in text
    assert "**C35**" in text
    assert "**C5**" not in text


def test_a_name_is_one_short_line() -> None:
    assert name_from(" a \n b\t") == "a b"
    assert len(name_from("x" * 1000)) == LONGEST_NAME


def test_the_tree_fits_a_message_and_cannot_break_out_of_its_block() -> None:
    admin = evolve(replies(is_admin=True), tree="```" + "x" * 100_000)

    text = admin.reply(CommandName.DEBUG, "").text

    assert len(text) < LONGEST_TREE + 20
    assert text.count("```") == 2
