"""What every platform client must do, whatever platform is behind it.

Behind each is an agent that plays the same part as the mock: an answer that holds the person's
text, and settings with a skill named ``code``. What a mode cannot promise stands in ``PROMISES``.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from hashlib import sha256

import pytest

from actors.platform.modes import platform_opener
from protocols.ids import RunId
from protocols.platform import (
    Attachment,
    FailureKind,
    PlatformClient,
    PlatformFailedError,
    SettingsAction,
    StreamAsks,
    StreamFinished,
    StreamPart,
    TextDelta,
)
from tests.actors.platform.all_modes import Agent
from tests.fakes import MemoryStoreAddress

RUN = RunId("6f1c3c9e-0d5a-5d57-9b0e-3f5c2a1d7e44")
OTHER_RUN = RunId("7f1c3c9e-0d5a-5d57-9b0e-3f5c2a1d7e44")


@pytest.fixture
async def client(agent: Agent) -> AsyncIterator[PlatformClient]:
    async with platform_opener(agent.settings, MemoryStoreAddress())() as opened:
        yield opened


async def me(client: PlatformClient) -> str:
    return (await client.get_or_create_user("@me:example.org", "matrix", "Me")).user_id


async def parts_of(
    client: PlatformClient, user_id: str, text: str, run_id: RunId = RUN
) -> list[StreamPart]:
    return [part async for part in client.stream_message(user_id, "C1", text, run_id=run_id)]


def text_of(parts: list[StreamPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextDelta))


async def test_a_person_is_the_same_user_every_time(client: PlatformClient) -> None:
    first = await client.get_or_create_user("@me:example.org", "matrix", "Me")
    again = await client.get_or_create_user("@me:example.org", "matrix", "Me")

    assert first == again
    assert (first.external_id, first.platform) == ("@me:example.org", "matrix")


async def test_people_of_different_surfaces_are_different_users(client: PlatformClient) -> None:
    one = await client.get_or_create_user("42", "telegram", "Me")
    other = await client.get_or_create_user("42", "matrix", "Me")

    assert one.user_id != other.user_id


async def test_a_stream_has_the_whole_answer_and_one_last_part(client: PlatformClient) -> None:
    parts = await parts_of(client, await me(client), "good morning")

    assert "good morning" in text_of(parts)
    assert isinstance(parts[-1], StreamFinished)
    assert not any(isinstance(part, StreamFinished | StreamAsks) for part in parts[:-1])


async def test_the_whole_answer_is_what_a_stream_says(client: PlatformClient) -> None:
    user_id = await me(client)

    answer = await client.send_message(user_id, "C1", "good morning", run_id=RUN)

    assert answer.text == text_of(await parts_of(client, user_id, "good morning"))


async def test_a_repeated_request_is_answered_with_the_same_text(client: PlatformClient) -> None:
    user_id = await me(client)

    first = await parts_of(client, user_id, "good morning")
    again = await parts_of(client, user_id, "good morning")

    assert text_of(first) == text_of(again)


async def test_a_stream_that_was_left_can_be_asked_for_again(client: PlatformClient) -> None:
    user_id = await me(client)
    async with aclosing(client.stream_message(user_id, "C1", "good morning", run_id=RUN)) as stream:  # type: ignore[type-var]  # every client here gives a generator
        await anext(stream)

    parts = await parts_of(client, user_id, "good morning")

    assert "good morning" in text_of(parts)


async def test_a_run_id_with_another_file_is_refused_or_another_run(
    agent: Agent, client: PlatformClient
) -> None:
    user_id = await me(client)
    one, other = (Attachment("a.txt", "text/plain", 2, data=data) for data in (b"hi", b"ho"))
    await client.send_message(user_id, "C1", "look", run_id=RUN, attachments=(one,))
    await client.send_message(user_id, "C1", "look", run_id=RUN, attachments=(one,))

    if agent.promises.knows_runs:
        with pytest.raises(PlatformFailedError):
            await client.send_message(user_id, "C1", "look", run_id=RUN, attachments=(other,))
    else:
        answer = await client.send_message(user_id, "C1", "look", run_id=RUN, attachments=(other,))
        assert "a.txt" in answer.text


async def test_a_run_id_with_another_message_is_refused_or_another_run(
    agent: Agent, client: PlatformClient
) -> None:
    user_id = await me(client)
    await parts_of(client, user_id, "good morning")

    if agent.promises.knows_runs:
        with pytest.raises(PlatformFailedError) as caught:
            await parts_of(client, user_id, "good night")
        assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.REJECTED, False)
    else:
        assert "good night" in text_of(await parts_of(client, user_id, "good night"))


async def test_cancelling_what_is_over_or_unknown_is_no_error(client: PlatformClient) -> None:
    await parts_of(client, await me(client), "good morning")

    await client.cancel_run(RUN)
    await client.cancel_run(OTHER_RUN)


async def test_a_cancelled_run_ends_its_stream_without_a_last_part_where_the_agent_knows_runs(
    agent: Agent, client: PlatformClient
) -> None:
    said: list[StreamPart] = []

    async for part in client.stream_message(await me(client), "C1", "good morning", run_id=RUN):
        said.append(part)
        await client.cancel_run(RUN)

    is_complete = isinstance(said[-1], StreamFinished | StreamAsks)
    assert is_complete is not agent.promises.knows_runs


async def test_a_skill_is_toggled_and_settings_are_reset(client: PlatformClient) -> None:
    user_id = await me(client)
    before = await client.get_settings(user_id)

    toggled = await client.update_settings(
        user_id, SettingsAction("toggle_skill", {"skill": "code"})
    )
    assert toggled == await client.get_settings(user_id)
    reset = await client.update_settings(user_id, SettingsAction("reset"))

    assert toggled.skills == {**before.skills, "code": not before.skills["code"]}
    assert reset == before


@pytest.mark.parametrize(
    "action",
    [
        SettingsAction("no_such_action"),
        SettingsAction("toggle_skill", {"skill": "no_such_skill"}),
        SettingsAction("toggle_skill", {}),
        SettingsAction("set", {"skill": "code", "is_on": "yes"}),
        SettingsAction("set", {"model": 7}),
    ],
)
async def test_an_unknown_change_of_settings_is_refused_and_changes_nothing(
    client: PlatformClient, action: SettingsAction
) -> None:
    user_id = await me(client)
    before = await client.get_settings(user_id)

    with pytest.raises(PlatformFailedError) as caught:
        await client.update_settings(user_id, action)

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.REJECTED, False)
    assert await client.get_settings(user_id) == before


@pytest.mark.parametrize("is_on", [True, False])
async def test_a_skill_that_is_set_twice_is_as_it_was_set_once(
    client: PlatformClient, *, is_on: bool
) -> None:
    user_id = await me(client)
    before = await client.get_settings(user_id)
    action = SettingsAction("set", {"skill": "code", "is_on": is_on})

    once = await client.update_settings(user_id, action)
    twice = await client.update_settings(user_id, action)

    assert once.skills == {**before.skills, "code": is_on}
    assert once == twice == await client.get_settings(user_id)


async def test_settings_of_an_unknown_user_are_refused(client: PlatformClient) -> None:
    with pytest.raises(PlatformFailedError):
        await client.get_settings("nobody")


async def test_the_settings_of_one_person_are_not_anothers(client: PlatformClient) -> None:
    mine = await me(client)
    other = (await client.get_or_create_user("@you:example.org", "matrix", "You")).user_id
    before = await client.get_settings(other)

    await client.update_settings(mine, SettingsAction("set", {"model": "mock-2"}))

    assert (await client.get_settings(mine)).model == "mock-2"
    assert await client.get_settings(other) == before


@pytest.mark.parametrize(
    "attachment",
    [
        Attachment("notes.txt", "text/plain", 2, data=b"hi"),
        Attachment("cat.png", "image/png", 9, mode="url", location="https://example.org/cat"),
        Attachment("film.mp4", "video/mp4", 9, mode="s3", location="films/1"),
        Attachment("hash.txt", "text/plain", 2, data=b"hi", sha256=sha256(b"hi").hexdigest()),
    ],
)
async def test_an_attachment_reaches_the_agent_or_is_refused(
    agent: Agent, client: PlatformClient, attachment: Attachment
) -> None:
    user_id = await me(client)

    if attachment.mode in agent.promises.takes:
        answer = await client.send_message(
            user_id, "C1", "look", run_id=RUN, attachments=(attachment,)
        )
        assert attachment.name in answer.text
    else:
        with pytest.raises(PlatformFailedError) as caught:
            await client.send_message(user_id, "C1", "look", run_id=RUN, attachments=(attachment,))
        assert not caught.value.is_retryable


@pytest.mark.parametrize(
    "attachment",
    [
        Attachment("notes.txt", "text/plain", 3, data=b"hi"),
        Attachment("hash.txt", "text/plain", 2, data=b"hi", sha256="0" * 64),
        Attachment("cat.png", "image/png", 9, mode="url"),
        Attachment("film.mp4", "video/mp4", 9, mode="carrier pigeon", location="coop"),
    ],
)
async def test_an_attachment_that_is_not_what_it_says_is_refused(
    client: PlatformClient, attachment: Attachment
) -> None:
    user_id = await me(client)

    with pytest.raises(PlatformFailedError):
        await client.send_message(user_id, "C1", "look", run_id=RUN, attachments=(attachment,))
