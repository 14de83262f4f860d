"""Encrypted rooms on Matrix: nothing is undecryptable, for either side, whatever comes."""

from pathlib import Path

from tests.e2e.matrix_chat import MatrixChat, matrix_chat, settings_for
from tests.rigs.matrix_human import human
from tests.rigs.program import program
from tests.rigs.synapse import Json, Synapse


async def test_a_conversation_goes_on_over_restarts_and_kills(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=True) as chat:
        await chat.start()
        await chat.say("before-all")
        await chat.hears("before-all")
        assert await chat.it.end() == 0
        await chat.say("while-stopped")
        await chat.it.start()
        await chat.hears("while-stopped")
        chat.person.rotation = 1  # a key for each message
        await chat.it.kill()
        await chat.say("while-killed-1", "while-killed-2")
        await chat.it.start()
        await chat.say("just-started")
        await chat.it.kill()
        await chat.it.start()
        said = await chat.hears("just-started")
        seen = await chat.sees(bool)
        await chat.end()

    asked = ["before-all", "while-stopped", "while-killed-1", "while-killed-2", "just-started"]
    assert len(said) == len(asked)
    assert all(words in text for words, text in zip(asked, said, strict=True))
    assert all(one.is_readable and one.is_encrypted for one in seen)


async def test_new_devices_and_late_joiners_read_what_comes_after_them(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=True) as chat:
        await chat.start()
        await chat.say("before-the-others")
        await chat.hears("before-the-others")
        second = await chat.person.on_another_device()
        await second.send(chat.room, "from-the-second-device")
        await chat.finds("from-the-second-device", by=second)
        ben = await human(synapse, "ben")
        await chat.person.invite(chat.room, ben.user_id)
        await ben.join(chat.room)
        await chat.say("now-we-are-three")
        await chat.finds("now-we-are-three", by=ben)
        by_second = await chat.finds("now-we-are-three", by=second)
        seen_by_ben = await chat.sees(bool, by=ben)
        await ben.leave(chat.room)
        await chat.say("alone-again")
        await chat.hears("alone-again")
        all_of_it = await chat.sees(bool)
        await chat.end()

    assert all(one.is_readable for one in all_of_it)
    assert by_second.is_readable
    assert [one.is_readable for one in seen_by_ben] == [False, False, True]
    assert ben.device.complaints == second.device.complaints == []


async def test_who_excludes_insecure_devices_talks_without_a_red_shield(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=True) as chat:
        chat.person.is_strict = True
        await chat.start()
        await chat.say("are you genuine")
        answer = await chat.finds("are you genuine")
        first = await _own_keys(chat)
        await chat.it.kill()
        await chat.it.start()
        await chat.say("still-the-same")
        again = await chat.finds("still-the-same")
        later = await _own_keys(chat)
        await chat.end()

    assert answer.is_trusted
    assert again.is_trusted
    assert first == later
    assert (tmp_path / "matrix_store" / "cross_signing.json").stat().st_mode & 0o077 == 0


async def test_a_new_device_of_the_bot_is_signed_by_the_recovery_key(
    tmp_path: Path, synapse: Synapse
) -> None:
    folder, key = tmp_path / "elsewhere", tmp_path / "recovery.key"
    folder.mkdir()
    async with matrix_chat(tmp_path, synapse, is_encrypted=True) as chat:
        chat.person.is_strict = True
        await chat.start()
        await chat.say("the-first-device")
        await chat.hears("the-first-device")
        printed = await chat.it.debug("matrix-recovery-key")
        again = await chat.it.debug("matrix-recovery-key")
        before = await _own_keys(chat)
        await chat.end()

        key.write_text(_recovery_key(printed.stdout))
        more = {"MATRIX_RECOVERY_KEY_FILE": str(key)}
        async with program(folder, **settings_for(chat.bot, synapse.url, **more)) as it:
            chat.it = it
            await it.start()
            await chat.has_signed_devices(2)
            await chat.say("the-second-device")
            answer = await chat.finds("the-second-device")
            after = await _own_keys(chat)
            await chat.end()

    assert answer.is_trusted
    assert before == after
    assert _recovery_key(printed.stdout) not in again.stdout + again.stderr


async def test_a_key_that_comes_late_is_waited_for_and_one_that_never_comes_is_said_once(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=True) as chat:
        await chat.start()
        chat.person.keeps_keys = True
        await chat.say("its-key-comes-late", "and-that-too")
        await chat.it.kill()
        await chat.it.start()
        await chat.person.hand_over_keys(chat.room)
        await chat.hears("and-that-too")
        strict = await human(synapse, "strict")
        strict.keeps_keys = True
        theirs = await strict.create_room([chat.bot.user_id], is_encrypted=True)
        await chat.joined(theirs, by=strict)
        await strict.send_many(theirs, ["never-1", "never-2", "never-3"])
        notice = await chat.finds("its key has not reached me", room=theirs, by=strict)
        strict.keeps_keys = False
        strict.rotation = 0
        await strict.send(theirs, "readable-again")
        said = await chat.sees(
            lambda said: any("readable-again" in one.text for one in said), room=theirs, by=strict
        )
        ours = await chat.heard()
        await chat.end()

    assert len(ours) == 2
    assert all(word in text for word, text in zip(("late", "too"), ours, strict=True))
    assert notice.kind == "m.notice"
    assert [one.kind for one in said] == ["m.notice", "m.text"]
    assert "never-" not in str(chat.it.log)


def _recovery_key(printed: str) -> str:
    """The line of groups of four."""
    return next(
        line.strip()
        for line in printed.splitlines()
        if len(line.split()) > 8 and all(len(group) <= 4 for group in line.split())
    )


async def _own_keys(chat: MatrixChat) -> object:
    asked: Json = {"device_keys": {chat.bot.user_id: []}}
    answer = await chat.person.request("POST", "/keys/query", asked)
    return answer["master_keys"], answer["self_signing_keys"]
