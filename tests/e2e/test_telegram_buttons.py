"""Buttons on Telegram: confirmations, stop, retry; only who was asked, and the first answer."""

from pathlib import Path

from tests.e2e.telegram_chat import ANN, BEN, GROUP, telegram_chat


async def test_a_confirmation_is_given_by_a_button_and_shows_who_decided(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN, "Ann")
        ann.writes("mock:confirm")
        question = await chat.sees_button(ann, "Yes")

        press = ann.presses_button(question, "Yes")

        await chat.hears(ann, "You said yes", "Shall the mock agent go on?")
        await chat.api.callback_answered(press)
        await chat.sees(lambda: "Ann" in question.text)
        await chat.end()
    assert not question.buttons


async def test_only_who_was_asked_may_press_and_the_first_press_counts(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann, ben = chat.api.person(ANN, "Ann"), chat.api.person(BEN, "Ben")
        group = chat.api.supergroup(GROUP)
        ann.writes("@rig_bot mock:confirm", chat=group)
        question = await chat.sees_button(group, "Yes")

        by_ben = ben.presses_button(question, "Yes")
        refused = await chat.api.callback_answered(by_ben)
        action = next(one["callback_data"] for one in question.buttons if one["text"] == "Yes")
        first = ann.presses_button(question, "No")
        second = ann.presses(question.message_id, action, chat=group)

        await chat.hears(group, "You said no")
        await chat.api.callback_answered(first)
        late = await chat.api.callback_answered(second)
        ann.writes("@rig_bot the-last-word", chat=group)
        said = await chat.hears(group, "the-last-word")
        await chat.end()
    assert "Only the person" in refused.text
    assert late.text
    assert not any("You said yes" in text for text in said)


async def test_in_a_group_a_question_is_answered_by_a_reply_to_it(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN, "Ann")
        group = chat.api.supergroup(GROUP)
        ann.writes("@rig_bot mock:confirm", chat=group)
        question = await chat.sees_button(group, "Yes")

        ann.writes("yes", chat=group, reply_to=question.message_id)

        await chat.hears(group, "You said yes")
        await chat.sees(lambda: "Yes (Ann)" in question.text)
        await chat.end()


async def test_the_stop_button_stops_and_the_retry_button_runs_it_once_more(
    tmp_path: Path,
) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN, "Ann")
        ann.writes("mock:hang")
        await chat.hears(ann, "I begin to answer")
        shown = await chat.sees_button(ann, "Stop")

        press = ann.presses_button(shown, "Stop")
        await chat.api.callback_answered(press)
        stopped = await chat.sees_button(ann, "Try again")
        ann.presses_button(stopped, "Try again")
        again = await chat.sees_button(ann, "Stop", but=stopped)
        ann.presses(stopped.message_id, "retry:1")
        ann.presses_button(again, "Stop")
        await chat.sees_button(ann, "Try again", but=stopped)
        ann.writes("the-last-word")

        said = await chat.hears(ann, "the-last-word")
        journal = await chat.end()
    assert sum("I begin to answer" in text for text in said) == 2
    assert "Sent again by Ann" in stopped.text
    assert sum(row.run_id is not None for row in journal.rows) == 3


async def test_a_failed_answer_is_retried_by_its_button(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN, "Ann")
        ann.writes("mock:cut")
        failed = await chat.sees_button(ann, "Try again")

        ann.presses_button(failed, "Try again")

        await chat.sees_button(ann, "Try again", but=failed)
        journal = await chat.end()
    assert [str(row.state) for row in journal.rows] == ["failed", "failed"]


async def test_invented_and_old_presses_are_answered_and_do_nothing(tmp_path: Path) -> None:
    invented = ("retry:999", "stop:1", "set:1:1:x", "confirm:1:0", "🦊" * 16, "", "retry:-1", ":::")
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)
        ann.writes("hello-there")
        await chat.hears(ann, "hello-there")
        message = next(one for one in chat.api.messages(ann) if one.is_from_bot)

        presses = [ann.presses(message.message_id, data) for data in invented]
        answers = [await chat.api.callback_answered(press) for press in presses]
        ann.writes("the-last-word")

        said = await chat.hears(ann, "the-last-word")
        await chat.end()
    assert all(answer.text for answer in answers)
    assert len(said) == 2


async def test_a_press_survives_a_kill(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path) as chat:
        ann = chat.api.person(ANN)
        ann.writes("mock:confirm")
        question = await chat.sees_button(ann, "Yes")
        await chat.it.kill()

        ann.presses_button(question, "Yes")
        await chat.it.start()

        said = await chat.hears(ann, "You said yes")
        await chat.end()
    assert sum("You said yes" in text for text in said) == 1
