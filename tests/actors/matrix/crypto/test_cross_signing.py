"""The account's identity on a real homeserver, checked in the specification's words."""

import hashlib
import hmac
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nio  # type: ignore[import-untyped]  # it ships no types
import pytest
import trio
from attrs import define, evolve, field
from Crypto.Cipher import AES
from Crypto.PublicKey import ECC
from Crypto.Util import Counter
from structlog.typing import EventDict

from actors.kernel.aio import from_asyncio, open_asyncio
from actors.matrix.api.client import MatrixClient
from actors.matrix.api.homeserver import Session
from actors.matrix.api.replies import Reply
from actors.matrix.api.status import Status
from actors.matrix.crypto.cross_signing import CrossSigning
from actors.matrix.crypto.recovery import recovery_key_of
from actors.matrix.settings import MatrixSettings
from tests.actors.matrix.crypto.olm_device import (
    KeyServer,
    OlmDevice,
    base64_of,
    bytes_of,
    public_of,
    published_form,
    walk,
)
from tests.rigs.synapse import Account, Synapse

Json = dict[str, Any]

SOON = 120.0
ANY_KEY = "EsTj 3yST y93F SLpB jJsz eAXc 2XzA ygD3 w69H fGaN TKBj jXEd"


@define
class Line:
    """The requests of one life, which ends *after* so many of them; ``paths`` were sent.

    Args:
        is_delivered: Whether the server still gets the last one.
    """

    client: MatrixClient
    after: int | None = None
    is_delivered: bool = False
    paths: list[str] = field(factory=list)
    life: trio.CancelScope = field(factory=trio.CancelScope)

    async def request(self, method: str, path: str, body: Json | None = None) -> Reply:
        if self.after is not None and len(self.paths) >= self.after:
            if self.is_delivered:
                await self.client.request(method, path, body)
            self.life.cancel()
            await trio.sleep_forever()
        self.paths.append(f"{method} {path.removeprefix('/_matrix/client/v3/')}")
        return await self.client.request(method, path, body)

    @property
    def is_killed(self) -> bool:
        return self.life.cancelled_caught

    @property
    def writes(self) -> list[str]:
        """What was sent that is more than a question."""
        return [path for path in self.paths if path[:3] != "GET" and "keys/query" not in path]


@define
class Bot:
    """An account with one device and one folder, over its lives."""

    server: KeyServer
    device: OlmDevice
    settings: MatrixSettings
    statuses: list[Status] = field(factory=list)

    @classmethod
    async def fresh(cls, synapse: Synapse, folder: Path) -> "Bot":
        account = await trio.to_thread.run_sync(synapse.register, "bot")
        return await cls.on(synapse, account, folder)

    @classmethod
    async def on(cls, synapse: Synapse, account: Account, folder: Path) -> "Bot":
        """A device of *account* whose keys are on the server."""
        server, device = KeyServer(synapse, account), OlmDevice(account)
        await server.upload(device)
        settings = MatrixSettings(
            homeserver=synapse.url,
            user_id=account.user_id,
            password=account.password,
            store_path=folder / "matrix",
        )
        return cls(server, device, settings)

    async def another_device(self, folder: Path) -> "Bot":
        """A new login of the same account, with an empty folder."""
        account, synapse = self.server.account, self.server.synapse
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": account.user_id},
            "password": account.password,
        }
        made = await self.server.request("POST", "/login", body)
        fresh = evolve(account, token=made["access_token"], device_id=made["device_id"])
        return await Bot.on(synapse, fresh, folder)

    async def live(self, after: int | None = None, *, is_delivered: bool = False) -> Line:
        """One life up to its end or up to its killing; its requests."""
        async with self.line(after, is_delivered=is_delivered) as line:
            status = Status()
            signing = CrossSigning(line, self.settings, status, self.device.signed)
            with line.life:
                await signing.ensure(self.device.keys)
            self.statuses.append(status)
        return line

    @asynccontextmanager
    async def line(self, after: int | None, *, is_delivered: bool) -> AsyncIterator[Line]:
        account = self.server.account
        async with open_asyncio("test"):
            client = MatrixClient(self.settings.homeserver)
            client.use(Session(account.user_id, account.device_id, account.token))
            try:
                yield Line(client, after, is_delivered)
            finally:
                with trio.move_on_after(3, shield=True):
                    await client.close()

    @property
    def folder(self) -> Path:
        return self.settings.store_path

    @property
    def recovery_key(self) -> str:
        return (self.folder / "recovery_key").read_text()

    def with_recovery_key(self, text: str) -> None:
        """Give the program a file with *text*."""
        path = self.folder.with_suffix(".key")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        self.settings = evolve(self.settings, recovery_key_file=path)

    def take_over(self, seeds: dict[str, str]) -> None:
        """Keep *seeds* as if they had just been made here."""
        self.folder.mkdir(mode=0o700, parents=True)
        words = {"user_id": self.settings.user_id, "storage_key_id": "theirs", **seeds}
        (self.folder / "cross_signing.json").write_text(json.dumps(words))
        (self.folder / "recovery_key.pending").write_text(ANY_KEY)

    def seeds(self) -> dict[str, str] | None:
        """What is kept of the account's keys."""
        text = self.files().get("cross_signing.json") if self.folder.exists() else None
        return None if text is None else dict(json.loads(text))

    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.folder.iterdir()}


def warnings(logs: list[EventDict]) -> list[str]:
    return [line["reason"] for line in logs if line["log_level"] == "warning"]


def opened(key: bytes, name: str, sealed: Json) -> str:
    """A secret of secret storage, in the specification's words."""
    extracted = hmac.digest(bytes(32), key, hashlib.sha256)
    aes = hmac.digest(extracted, name.encode() + b"\x01", hashlib.sha256)
    mac = hmac.digest(extracted, aes + name.encode() + b"\x02", hashlib.sha256)
    text = bytes_of(sealed["ciphertext"])
    assert hmac.digest(mac, text, hashlib.sha256) == bytes_of(sealed["mac"])
    counter = Counter.new(128, initial_value=int.from_bytes(bytes_of(sealed["iv"])))
    return AES.new(aes, AES.MODE_CTR, counter=counter).decrypt(text).decode()


async def check_secrets(bot: Bot, recovery_key: str) -> None:
    """The recovery key opens the three seeds, and they are those of the published keys."""
    shown, server = await bot.server.query(), bot.server
    key = recovery_key_of(recovery_key)
    assert key is not None
    key_id = (await server.account_data("m.secret_storage.default_key"))["key"]
    description = await server.account_data(f"m.secret_storage.key.{key_id}")
    assert description["algorithm"] == "m.secret_storage.v1.aes-hmac-sha2"
    for usage in ("master", "self_signing", "user_signing"):
        name = f"m.cross_signing.{usage}"
        sealed = (await server.account_data(name))["encrypted"][key_id]
        seed = bytes_of(opened(key, name, sealed))
        public = public_of(ECC.construct(curve="Ed25519", seed=seed))
        published = shown[f"{usage}_keys"][server.account.user_id]["keys"]
        assert published == {f"ed25519:{public}": public}


async def test_the_device_is_signed_by_an_account_that_it_vouches_for(
    synapse: Synapse, tmp_path: Path, logs: list[EventDict]
) -> None:
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path)

        await bot.live()

        await bot.server.check(bot.device)
        await check_secrets(bot, bot.recovery_key)
    assert warnings(logs) == []


async def test_other_people_can_walk_from_the_account_to_its_device(
    synapse: Synapse, tmp_path: Path
) -> None:
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path)
        person = KeyServer(synapse, await trio.to_thread.run_sync(synapse.register, "person"))

        await bot.live()

        account = bot.server.account
        shown = await person.query(account.user_id)
    walk(shown, account.user_id, account.device_id, bot.device.keys["keys"])


async def test_the_device_of_an_olm_machine_is_signed(synapse: Synapse, tmp_path: Path) -> None:
    bot = await Bot.fresh(synapse, tmp_path)
    account, config = bot.server.account, nio.AsyncClientConfig(store_sync_tokens=False)
    with trio.fail_after(SOON):
        async with open_asyncio("test"):
            client = nio.AsyncClient(
                synapse.url, account.user_id, store_path=str(tmp_path), config=config
            )
            await from_asyncio(client.login, account.password)
            await from_asyncio(client.keys_upload)
            shown = (await bot.server.query())["device_keys"][account.user_id][client.device_id]

            ours = MatrixClient(synapse.url)
            ours.use(Session(account.user_id, client.device_id, client.access_token))

            def signed(value: Json) -> Json:
                signature = client.olm.sign_json(value)
                key_id = f"ed25519:{client.device_id}"
                return value | {"signatures": {account.user_id: {key_id: signature}}}

            signing = CrossSigning(ours, bot.settings, Status(), signed)
            await signing.ensure(shown)

            await from_asyncio(client.close)
            client.store.database.close()
            await ours.close()
        await bot.server.check_keys(client.device_id, shown["keys"])


async def test_a_second_start_changes_nothing(synapse: Synapse, tmp_path: Path) -> None:
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path)
        await bot.live()
        before = (await bot.server.query(), bot.files())

        line = await bot.live()

        assert (await bot.server.query(), bot.files()) == before
    assert line.paths == ["POST keys/query"]


async def test_the_secrets_are_for_their_owner_only(synapse: Synapse, tmp_path: Path) -> None:
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path)
        await bot.live()

    assert stat.S_IMODE(bot.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in bot.folder.iterdir()} == {0o600}
    assert set(bot.files()) == {"cross_signing.json", "recovery_key"}


@pytest.mark.parametrize("is_delivered", [False, True], ids=["unsent", "sent"])
async def test_a_kill_between_any_two_steps_is_made_good_by_the_next_start(
    synapse: Synapse, tmp_path: Path, *, is_delivered: bool
) -> None:
    with trio.fail_after(SOON):
        for after in range(40):
            bot = await Bot.fresh(synapse, tmp_path / f"{after}")
            if not (await bot.live(after, is_delivered=is_delivered)).is_killed:
                break
            seeds = bot.seeds()
            await bot.live()
            await bot.server.check(bot.device)
            await check_secrets(bot, bot.recovery_key)
            assert seeds in (None, bot.seeds())
            assert set(bot.files()) == {"cross_signing.json", "recovery_key"}

    assert after > 8


async def test_kills_at_every_start_end_whole(synapse: Synapse, tmp_path: Path) -> None:
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path)
        for after in range(1, 30):
            if not (await bot.live(after, is_delivered=True)).is_killed:
                break

        await bot.server.check(bot.device)
        await check_secrets(bot, bot.recovery_key)


async def test_nothing_is_uploaded_before_the_seeds_are_on_the_disk(
    synapse: Synapse, tmp_path: Path, logs: list[EventDict]
) -> None:
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path)
        bot.folder.write_text("a file where the folder should be")

        line = await bot.live()

    assert line.writes == []
    (warning,) = warnings(logs)
    assert "MATRIX_STORE_PATH" in warning


async def test_a_new_device_with_the_seeds_signs_itself(synapse: Synapse, tmp_path: Path) -> None:
    with trio.fail_after(SOON):
        old = await Bot.fresh(synapse, tmp_path)
        await old.live()
        new = await old.another_device(tmp_path)

        await new.live()

        await new.server.check(new.device)
        await new.server.check(old.device)


async def test_a_new_device_with_the_recovery_key_signs_itself(
    synapse: Synapse, tmp_path: Path, logs: list[EventDict]
) -> None:
    with trio.fail_after(SOON):
        old = await Bot.fresh(synapse, tmp_path / "old")
        await old.live()
        new = await old.another_device(tmp_path / "new")
        new.with_recovery_key(old.recovery_key)

        line = await new.live()

        shown = await new.server.check(new.device)
        assert await old.server.check(old.device) == shown
    assert warnings(logs) == []
    assert line.writes == ["POST keys/signatures/upload"]
    seeds = json.loads(new.files()["cross_signing.json"])
    kept = json.loads(old.files()["cross_signing.json"])
    assert seeds | {"storage_key_id": ""} == kept | {"storage_key_id": ""}
    assert set(new.files()) == {"cross_signing.json"}


async def test_a_new_device_without_seeds_leaves_the_keys_and_says_what_to_do(
    synapse: Synapse, tmp_path: Path, logs: list[EventDict]
) -> None:
    with trio.fail_after(SOON):
        old = await Bot.fresh(synapse, tmp_path / "old")
        await old.live()
        new = await old.another_device(tmp_path / "new")
        before = await new.server.query()

        line = await new.live()

        assert await new.server.query() == before
    assert line.writes == []
    (warning,) = warnings(logs)
    assert "MATRIX_RECOVERY_KEY_FILE" in warning
    assert "debug restart matrix" in warning
    assert new.statuses[-1]._remark == warning


async def test_seeds_that_the_account_replaced_are_left_and_not_lost(
    synapse: Synapse, tmp_path: Path, logs: list[EventDict]
) -> None:
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path / "bot")
        await bot.live()
        other = await bot.another_device(tmp_path / "other")
        await reset(other)
        before, files = await bot.server.query(), bot.files()

        line = await bot.live()

        assert await bot.server.query() == before
    assert line.writes == []
    assert bot.files() == files
    assert len(warnings(logs)) == 1


async def test_a_replaced_identity_is_taken_over_with_its_recovery_key(
    synapse: Synapse, tmp_path: Path, logs: list[EventDict]
) -> None:
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path / "bot")
        await bot.live()
        first = bot.files()
        other = await bot.another_device(tmp_path / "other")
        theirs = await reset(other)
        other.take_over(theirs)
        await other.live()
        bot.with_recovery_key(other.recovery_key)

        await bot.live()

        await bot.server.check(bot.device)
    assert warnings(logs) == []
    assert (bot.seeds() or {})["master"] == theirs["master"]
    # Seeds that the account knows no more are moved aside, and their recovery key is no use.
    kept = bot.files()
    kept.pop("cross_signing.json")
    assert list(kept.values()) == [first["cross_signing.json"]]


async def reset(bot: Bot) -> dict[str, str]:
    """Replace the account's identity from *bot*'s device, as another app would; the seeds."""
    user_id, password = bot.server.account.user_id, bot.server.account.password
    keys = {
        usage: ECC.generate(curve="Ed25519") for usage in ("master", "self_signing", "user_signing")
    }
    body = {
        f"{usage}_key": published_form(user_id, usage, key, keys["master"])
        for usage, key in keys.items()
    }
    auth = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user_id},
        "password": password,
    }
    await bot.server.request("POST", "/keys/device_signing/upload", {**body, "auth": auth})
    return {usage: base64_of(key.seed) for usage, key in keys.items()}


async def test_a_recovery_key_of_another_account_opens_nothing(
    synapse: Synapse, tmp_path: Path, logs: list[EventDict]
) -> None:
    with trio.fail_after(SOON):
        old = await Bot.fresh(synapse, tmp_path / "old")
        await old.live()
        new = await old.another_device(tmp_path / "new")
        new.with_recovery_key(ANY_KEY)

        line = await new.live()

    assert line.writes == []
    (warning,) = warnings(logs)
    assert "does not open" in warning
    assert "EsTj" not in f"{logs}"


async def test_seeds_of_an_earlier_identity_are_not_restored(
    synapse: Synapse, tmp_path: Path, logs: list[EventDict]
) -> None:
    with trio.fail_after(SOON):
        old = await Bot.fresh(synapse, tmp_path / "old")
        await old.live()
        await reset(old)
        new = await old.another_device(tmp_path / "new")
        new.with_recovery_key(old.recovery_key)

        line = await new.live()

    assert line.writes == []
    (warning,) = warnings(logs)
    assert "does not open" in warning


@pytest.mark.parametrize("text", ["hello", "", "EsTj 3yST", None, "\udcff"])
async def test_a_file_without_a_recovery_key_is_named_and_nothing_is_lost(
    synapse: Synapse, tmp_path: Path, logs: list[EventDict], text: str | None
) -> None:
    path = tmp_path / "key"
    if text is not None:
        path.write_bytes(text.encode(errors="surrogateescape"))
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path)
        bot.settings = evolve(bot.settings, recovery_key_file=path)

        await bot.live()

        await bot.server.check(bot.device)
        await check_secrets(bot, bot.recovery_key)
    (warning,) = warnings(logs)
    assert "MATRIX_RECOVERY_KEY_FILE" in warning
    assert bot.statuses[-1]._remark == warning


async def test_a_foreign_default_key_and_what_it_opens_stay(
    synapse: Synapse, tmp_path: Path
) -> None:
    theirs = {"iv": "a", "ciphertext": "b", "mac": "c"}
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path)
        await bot.server.set_account_data("m.secret_storage.default_key", {"key": "theirs"})
        name = "m.cross_signing.master"
        await bot.server.set_account_data(name, {"encrypted": {"theirs": theirs}})

        await bot.live()
        new = await bot.another_device(tmp_path / "new")
        new.with_recovery_key(bot.recovery_key)
        await new.live()

        default = await bot.server.account_data("m.secret_storage.default_key")
        encrypted = (await bot.server.account_data(name))["encrypted"]
        await new.server.check(new.device)
    assert default == {"key": "theirs"}
    assert encrypted["theirs"] == theirs
    assert len(encrypted) == 2


async def half_published(bot: Bot) -> None:
    """Our master key is there and the others are not, as if the server had died in between."""
    await bot.live(1)
    master = ECC.construct(curve="Ed25519", seed=bytes_of((bot.seeds() or {})["master"]))
    public, user_id = public_of(master), bot.server.account.user_id
    key = {"user_id": user_id, "usage": ["master"], "keys": {f"ed25519:{public}": public}}
    await bot.server.request("POST", "/keys/device_signing/upload", {"master_key": key})


async def test_the_password_is_shown_where_the_server_wants_to_see_it(
    synapse: Synapse, tmp_path: Path, logs: list[EventDict]
) -> None:
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path)
        await half_published(bot)

        line = await bot.live()

        await bot.server.check(bot.device)
    assert line.writes.count("POST keys/device_signing/upload") == 2
    assert warnings(logs) == []


@pytest.mark.parametrize(
    ("password", "tries", "said"),
    [("", 1, "wants the password"), ("wrong word", 2, "refused the password")],
)
async def test_a_password_that_is_missing_or_wrong_is_asked_for_once(
    synapse: Synapse, tmp_path: Path, logs: list[EventDict], password: str, tries: int, said: str
) -> None:
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path)
        await half_published(bot)
        bot.settings = evolve(bot.settings, password=password)

        line = await bot.live()

    assert line.writes.count("POST keys/device_signing/upload") == tries
    (warning,) = warnings(logs)
    assert said in warning
    assert "MATRIX_PASSWORD" in warning
    assert "wrong word" not in warning


async def test_a_device_whose_keys_on_the_server_are_others_is_not_signed(
    synapse: Synapse, tmp_path: Path, logs: list[EventDict]
) -> None:
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path)
        bot.device = OlmDevice(bot.server.account)

        line = await bot.live()

    assert "POST keys/signatures/upload" not in line.writes
    (warning,) = warnings(logs)
    assert "debug matrix-login" in warning


async def test_no_key_and_no_password_is_in_any_log_or_repr(
    synapse: Synapse, tmp_path: Path, logs: list[EventDict]
) -> None:
    with trio.fail_after(SOON):
        bot = await Bot.fresh(synapse, tmp_path)
        await half_published(bot)
        async with bot.line(None, is_delivered=False) as line:
            signing = CrossSigning(line, bot.settings, Status(), bot.device.signed)
            await signing.ensure(bot.device.keys)

    kept = json.loads(bot.files()["cross_signing.json"])
    seeds = [kept[usage] for usage in ("master", "self_signing", "user_signing")]
    shown = f"{logs} {signing!r}"
    for secret in (*seeds, bot.recovery_key.strip(), bot.settings.password):
        assert secret not in shown
