"""What the platform pushes reaches its person, also over kill -9."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import trio

from protocols.ids import PLATFORM
from protocols.journal import RowState
from tests.actors.ops.web.web_rig import SECRET, as_json, pushed, signed
from tests.e2e.telegram_chat import ANN, TelegramChat, telegram_chat

USER = f"user-{sha256(f'telegram:{ANN}'.encode()).hexdigest()[:16]}"
SETTINGS = {"OPS_BIND": "127.0.0.1:0", "LAMBDA_WEBHOOK_SECRET": SECRET}


async def push(chat: TelegramChat, webhook: str, kind: str, **data: Any) -> int:
    """Push as the platform does; the status of the answer."""
    body = as_json(pushed(kind, **{"user_id": USER, "chat_id": None} | data))
    notes = [actor["note"] for actor in (await chat.it.tree()).values()]
    base = next(note.removeprefix("listens at ") for note in notes if "listens at http" in note)
    async with httpx2.AsyncClient(base_url=base, trust_env=False, timeout=20) as client:
        headers = signed(body, id_=webhook)
        answer = await client.post("/webhooks/agent", content=body, headers=headers)
    return answer.status_code


def said(message: str) -> dict[str, Any]:
    return {"progress": {"message": message}}


async def test_a_task_is_one_message_over_two_kills_and_its_result_takes_its_place(
    tmp_path: Path,
) -> None:
    async with telegram_chat(tmp_path, has_topics=False, **SETTINGS) as chat:
        ann = chat.api.person(ANN)
        ann.writes("hello-there")
        await chat.hears(ann, "hello-there")

        answers = [await push(chat, "msg_1", "task_progress", **said("Looking"))]
        await chat.hears(ann, "Looking")
        await chat.it.kill()
        await chat.it.start()
        answers.append(await push(chat, "msg_2", "task_progress", **said("Reading")))
        await chat.hears(ann, "Reading")
        answers += [
            await push(chat, webhook, "task_done", result={"text": "Found it."})
            for webhook in ("msg_3", "msg_3", "msg_4")
        ]
        await chat.it.kill()
        await chat.it.start()
        await chat.hears(ann, "Found it.")
        answers.append(await push(chat, "msg_5", "task_error", task_id="t2"))
        await chat.hears(ann, "The task `t2` failed".replace("`", ""))
        journal = await chat.end()

    assert answers == [204] * 6
    _, task, failure = [one for one in chat.api.messages(ann) if one.is_from_bot]
    texts = [text for _, text in task.versions]
    assert texts[0] == "…"
    assert [text for text in dict.fromkeys(texts) if text != "…"] == [
        "Looking",
        "Reading",
        "Found it.",
    ]
    assert failure.text.startswith("The task t2 failed")
    states = [row.state for row in journal.rows if row.room.startswith(f"{PLATFORM}/")]
    assert states == [
        RowState.ANSWERED,
        RowState.IGNORED,
        RowState.IGNORED,
        RowState.IGNORED,
        RowState.FAILED,
    ]


async def test_a_push_for_nobody_is_shown_to_the_operator(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path, has_topics=False, **SETTINGS) as chat:
        assert await push(chat, "msg_1", "task_done", user_id="nobody") == 204
        with trio.fail_after(20):
            while "nobody here is that user" not in await letters(chat):  # noqa: ASYNC110  # it looks from outside
                await trio.sleep(0.1)
        journal = await chat.end()

    assert [row.state for row in journal.rows] == [RowState.REFUSED]
    assert not journal.outbox


async def letters(chat: TelegramChat) -> str:
    done = await chat.it.debug("dead-letters", "--json")
    return json.dumps(done.stdout) + done.stderr
