"""What the production client asks in one call, against the reference server."""

import pytest

from actors.platform.production import open_production
from actors.platform.settings import AgentSettings
from protocols.platform import (
    FailureKind,
    PlatformFailedError,
    SettingsAction,
)
from tests.actors.platform.on_platform import (
    ALL_WORDS,
    RUN,
    WORDS,
    on_platform,
    shown,
)
from tests.rigs.lambda_platform_faults import (
    START,
    Page,
    status,
    truncated_json,
    unauthorized,
)


async def test_a_whole_answer_is_waited_for_though_the_platform_does_not_wait() -> None:
    async with on_platform() as on:
        page = Page(
            202, body=b'{"run_id": "r", "thread_id": "t", "status": "running"}', has_effect=True
        )
        on.platform.faults.want(page, START)
        answer = await on.client.send_message(on.user_id, "C1", WORDS, run_id=RUN)

    assert answer.text == ALL_WORDS


async def test_the_whole_answer_is_what_a_stream_says() -> None:
    async with on_platform() as on:
        answer = await on.client.send_message(on.user_id, "C1", "mock:photo hello", run_id=RUN)
        parts = await on.parts("mock:photo hello")

    assert answer.text == shown(parts)
    assert answer.attachments[0].data.startswith(b"\x89PNG")


async def test_a_question_is_part_of_a_whole_answer() -> None:
    async with on_platform() as on:
        answer = await on.client.send_message(on.user_id, "C1", "mock:ask", run_id=RUN)

    assert answer.text == "I have to ask first.\n\nWhat is your name?"


@pytest.mark.parametrize("word", ["mock:refuse", "mock:cut"])
async def test_a_run_that_fails_has_no_answer(word: str) -> None:
    async with on_platform() as on:
        with pytest.raises(PlatformFailedError):
            await on.client.send_message(on.user_id, "C1", word, run_id=RUN)


async def test_a_person_is_the_same_user_every_time() -> None:
    async with on_platform() as on:
        one = await on.client.get_or_create_user("@ü/x:example.org", "matrix", "Me")
        again = await on.client.get_or_create_user("@ü/x:example.org", "matrix", "")

    assert one == again
    assert (one.external_id, one.display_name) == ("@ü/x:example.org", "Me")


async def test_settings_are_changed_once_though_the_answer_was_lost() -> None:
    action = SettingsAction("toggle_skill", {"skill": "code"})
    async with on_platform() as on:
        before = await on.client.get_settings(on.user_id)
        on.platform.faults.want(truncated_json(has_effect=True), "/actions$")
        after = await on.client.update_settings(on.user_id, action)

    assert after.skills == {**before.skills, "code": not before.skills["code"]}
    assert len(on.platform.requests("POST", "/actions")) == 2


async def test_two_changes_of_settings_are_two() -> None:
    action = SettingsAction("toggle_skill", {"skill": "code"})
    async with on_platform() as on:
        before = await on.client.get_settings(on.user_id)
        await on.client.update_settings(on.user_id, action)
        after = await on.client.update_settings(on.user_id, action)

    assert after == before


async def test_settings_that_do_not_come_are_asked_for_three_times() -> None:
    async with on_platform() as on:
        on.platform.faults.want(status(500), "/settings$", times=0)
        with pytest.raises(PlatformFailedError) as caught:
            await on.client.get_settings(on.user_id)

    assert caught.value.kind is FailureKind.OVERLOADED
    assert len(on.platform.requests("GET", "/settings")) == 3


async def test_access_is_checked_by_asking() -> None:
    async with on_platform() as on:
        await on.client.check_access()
        on.platform.faults.want(unauthorized(), "/capabilities$")
        with pytest.raises(PlatformFailedError) as caught:
            await on.client.check_access()

    assert caught.value.kind is FailureKind.UNAUTHORIZED


async def test_a_wrong_token_lets_nobody_in() -> None:
    async with on_platform(token="wrong") as on:
        with pytest.raises(PlatformFailedError) as caught:
            await on.client.check_access()

    assert caught.value.kind is FailureKind.UNAUTHORIZED


async def test_a_client_is_opened_by_the_settings() -> None:
    async with on_platform() as on:
        settings = AgentSettings(
            mode="production", url=f"{on.platform.url}/", secret=on.platform.gate.token
        )
        async with open_production(settings) as client:
            await client.check_access()
            assert client.history_chars == 0
