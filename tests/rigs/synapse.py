"""A real Synapse on 127.0.0.1 for one test run, and the people who use it.

Nothing here polls: the start waits for Synapse's own line, and people wait in a long /sync.
"""

import hashlib
import hmac
import http.client
import json
import os
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import trio
from attrs import define, field, frozen

from tests.rigs.matrix_shown import Shown, as_shown, reactions

Json = dict[str, Any]

SERVER_NAME = "synapse.test"
_SECRET = "registers-accounts-of-one-test-run"
_UNLIMITED: Json = {"per_second": 10_000, "burst_count": 10_000}
_names = count(1)


class MatrixRefusedError(Exception):
    """The homeserver answered with an error; ``status`` and ``errcode`` say which."""

    def __init__(self, status: int, errcode: str) -> None:
        super().__init__(f"{status} {errcode}")
        self.status = status
        self.errcode = errcode


@frozen
class Account:
    """One account, logged in once."""

    user_id: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    device_id: str


@frozen
class Synapse:
    """A running homeserver; every method blocks, so async code goes through a ``Person``."""

    url: str
    directory: Path

    def request(self, method: str, path: str, body: Json | None = None, *, token: str = "") -> Json:
        """One request; an answer that is no success raises ``MatrixRefusedError``."""
        data = None if body is None else json.dumps(body).encode()
        found: Json = json.loads(self.raw(method, path, data, token=token))
        return found

    def raw(
        self, method: str, path: str, data: bytes | None = None, *, kind: str = "", token: str = ""
    ) -> bytes:
        """One request with a body of content type *kind*; the answer's body as it came."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Content-Type": kind} if kind else {}
        address = urlsplit(self.url)
        with closing(
            http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        ) as line:
            line.request(method, path, data, headers)
            answer = line.getresponse()
            found = answer.read()
        if answer.status >= 300:
            raise MatrixRefusedError(answer.status, str(json.loads(found).get("errcode")))
        return found

    def register(self, name: str = "person", *, is_admin: bool = False) -> Account:
        """A fresh account whose name starts with *name*."""
        path = "/_synapse/admin/v1/register"
        fresh = f"{name}{next(_names)}"
        password = f"password of {fresh}"
        nonce = self.request("GET", path)["nonce"]
        signed = b"\x00".join(
            part.encode() for part in (nonce, fresh, password, "admin" if is_admin else "notadmin")
        )
        made = self.request(
            "POST",
            path,
            {
                "nonce": nonce,
                "username": fresh,
                "password": password,
                "admin": is_admin,
                "mac": hmac.new(_SECRET.encode(), signed, hashlib.sha1).hexdigest(),
            },
        )
        return Account(made["user_id"], password, made["access_token"], made["device_id"])

    def person(self, name: str = "person") -> "Person":
        """Somebody with a fresh account."""
        return Person(self, self.register(name))

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.url).port or 0

    def set_password(self, user_id: str, password: str) -> None:
        """Give an account another password, which ends none of its sessions."""
        admin = self.register("admin", is_admin=True)
        self.request(
            "POST",
            f"/_synapse/admin/v1/reset_password/{quote(user_id)}",
            {"new_password": password, "logout_devices": False},
            token=admin.token,
        )

    def limit_messages(self, user_id: str, *, per_second: int, burst: int) -> None:
        """Give one account its own limit on messages; zeros lift it."""
        admin = self.register("admin", is_admin=True)
        self.request(
            "POST",
            f"/_synapse/admin/v1/users/{quote(user_id)}/override_ratelimit",
            {"messages_per_second": per_second, "burst_count": burst},
            token=admin.token,
        )


@define
class Person:
    """Somebody who writes from an ordinary client.

    Args:
        read_by: Room → user → the newest event that they have read, as far as it was seen.
        typed: Room → who was ever seen typing there.
        invitations: The rooms that they were asked into, as far as it was seen.
    """

    server: Synapse
    account: Account
    _since: str = ""
    _views: dict[str, "_View"] = field(factory=dict)
    _sent: Iterator[int] = field(factory=partial(count, 1))
    read_by: dict[str, dict[str, str]] = field(factory=dict)
    typed: dict[str, set[str]] = field(factory=dict)
    invitations: set[str] = field(factory=set)

    @property
    def user_id(self) -> str:
        return self.account.user_id

    async def request(self, method: str, path: str, body: Json | None = None) -> Json:
        """One request of the client-server API; *path* starts behind ``/v3``."""
        data = None if body is None else json.dumps(body).encode()
        found: Json = json.loads(await self.raw(method, f"/_matrix/client/v3{path}", data))
        return found

    async def raw(
        self, method: str, path: str, data: bytes | None = None, *, kind: str = ""
    ) -> bytes:
        """One request of any API, by its whole path; the answer's body as it came."""
        ask = partial(self.server.raw, method, path, data, kind=kind, token=self.account.token)
        return await trio.to_thread.run_sync(ask, abandon_on_cancel=True)

    async def create_room(
        self,
        invite: Sequence[str] = (),
        *,
        is_encrypted: bool = False,
        is_direct: bool = True,
        state: Sequence[Json] = (),
    ) -> str:
        """A new private room; its id."""
        encryption = {
            "type": "m.room.encryption",
            "state_key": "",
            "content": {"algorithm": "m.megolm.v1.aes-sha2"},
        }
        made = await self.request(
            "POST",
            "/createRoom",
            {
                "preset": "private_chat",
                "invite": list(invite),
                "is_direct": is_direct,
                "initial_state": [*state, *([encryption] if is_encrypted else [])],
            },
        )
        return str(made["room_id"])

    async def encrypt(self, room: str) -> None:
        """Switch encryption on in *room*."""
        await self.request(
            "PUT",
            f"{_room(room)}/state/m.room.encryption/",
            {"algorithm": "m.megolm.v1.aes-sha2"},
        )

    async def invite(self, room: str, user_id: str) -> None:
        """Ask *user_id* into *room*."""
        await self.request("POST", f"{_room(room)}/invite", {"user_id": user_id})

    async def kick(self, room: str, user_id: str) -> None:
        """Put *user_id* out of *room*."""
        await self.request("POST", f"{_room(room)}/kick", {"user_id": user_id})

    async def join(self, room: str) -> None:
        """Enter *room*."""
        await self.request("POST", f"/join/{quote(room)}", {})

    async def send(self, room: str, text: str) -> str:
        """Write *text*; the event's id."""
        return await self.send_content(room, {"msgtype": "m.text", "body": text})

    async def send_many(self, room: str, texts: Iterable[str]) -> None:
        """Write each of *texts*, one after the other."""
        for text in texts:
            await self.send(room, text)

    async def send_content(self, room: str, content: Json, kind: str = "m.room.message") -> str:
        """Send any event; its id."""
        path = f"{_room(room)}/send/{kind}/t{next(self._sent)}"
        return str((await self.request("PUT", path, content))["event_id"])

    async def edit(self, room: str, event_id: str, text: str) -> str:
        """Put *text* in the place of a message of one's own; the edit's id."""
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": event_id}
        return await self.send_content(
            room,
            {**new, "body": f"* {text}", "m.new_content": new, "m.relates_to": relation},
        )

    async def reply(self, room: str, event_id: str, text: str) -> str:
        """Answer one message with *text*; the reply's id."""
        relation = {"m.in_reply_to": {"event_id": event_id}}
        return await self.send_content(
            room, {"msgtype": "m.text", "body": text, "m.relates_to": relation}
        )

    async def reply_in_thread(self, room: str, root: str, text: str) -> str:
        """Write *text* in the thread that *root* begins; its id."""
        relation = {
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": root},
        }
        return await self.send_content(
            room, {"msgtype": "m.text", "body": text, "m.relates_to": relation}
        )

    async def mention(self, room: str, user_id: str, text: str) -> str:
        """Write *text* with a mention of *user_id*; its id."""
        mentions = {"user_ids": [user_id]}
        return await self.send_content(
            room, {"msgtype": "m.text", "body": text, "m.mentions": mentions}
        )

    async def react(self, room: str, event_id: str, emoji: str) -> str:
        """Put *emoji* below a message; the reaction's id."""
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": emoji}
        return await self.send_content(room, {"m.relates_to": relation}, "m.reaction")

    async def redact(self, room: str, event_id: str) -> None:
        """Take back an event."""
        path = f"{_room(room)}/redact/{quote(event_id)}/t{next(self._sent)}"
        await self.request("PUT", path, {})

    async def leave(self, room: str) -> None:
        """Go out of *room*."""
        await self.request("POST", f"{_room(room)}/leave", {})

    async def upgrade(self, room: str) -> str:
        """Replace *room* by a newer one; its id."""
        made = await self.request("POST", f"{_room(room)}/upgrade", {"new_version": "11"})
        return str(made["replacement_room"])

    async def send_file(
        self,
        room: str,
        data: bytes,
        *,
        name: str,
        kind: str = "m.file",
        mime_type: str = "application/octet-stream",
        more: Json | None = None,
    ) -> str:
        """Upload *data* and show it in *room*; *more* is further content. The event's id."""
        place = {"url": await self.upload(data, name=name, mime_type=mime_type)}
        return await self.send_content(
            room,
            file_content(place, data, name=name, kind=kind, mime_type=mime_type) | (more or {}),
        )

    async def upload(self, data: bytes, *, name: str, mime_type: str) -> str:
        """Keep *data* on the server; its ``mxc:`` address."""
        path = f"/_matrix/media/v3/upload?{urlencode({'filename': name})}"
        return str(json.loads(await self.raw("POST", path, data, kind=mime_type))["content_uri"])

    async def download(self, shown: Shown) -> bytes:
        """The file that a message shows."""
        return await self.fetch(shown.content["url"])

    async def fetch(self, address: str) -> bytes:
        """What is kept under an ``mxc:`` address."""
        path = f"/_matrix/client/v1/media/download/{address.removeprefix('mxc://')}"
        return await self.raw("GET", path)

    async def reactions(self, room: str) -> dict[str, dict[str, list[str]]]:
        """Who reacted to what: event id → emoji → senders."""
        return reactions(await self.readable(room))

    async def readable(self, room: str) -> list[Json]:
        """The events of *room* as this person's client understands them."""
        return await self.events(room)

    async def events(self, room: str) -> list[Json]:
        """Every event of *room* that this person may see, oldest first."""
        view = self._views.setdefault(room, _View())
        while True:
            query = urlencode({"dir": "f", "limit": 500, **view.start})
            page = await self.request("GET", f"{_room(room)}/messages?{query}")
            for event in page["chunk"]:
                view.take(event)
            if "end" not in page:
                return list(view.found.values())
            view.start = {"from": page["end"]}

    async def seen(self, room: str) -> list[Shown]:
        """The messages of *room* as this person sees them, edits in the place of their first."""
        return as_shown(await self.readable(room))

    async def members(self, room: str) -> dict[str, Json]:
        """Who is in *room* and how: user id → content of the membership event."""
        page = await self.request("GET", f"{_room(room)}/members")
        return {event["state_key"]: event["content"] for event in page["chunk"]}

    async def answers(self, room: str, sender: str) -> list[str]:
        """What *sender* has said in *room*, as this person sees it."""
        return [shown.text for shown in await self.seen(room) if shown.sender == sender]

    async def next_change(self) -> Json:
        """Whatever is new since the last call, waiting for it."""
        since = {"since": self._since, "timeout": 30_000} if self._since else {}
        changes = await self.request("GET", f"/sync?{urlencode(since)}")
        self._since = str(changes["next_batch"])
        self.note(changes)
        return changes

    def note(self, changes: Json) -> None:
        """See who asks, who reads and who types."""
        self.invitations.update(changes.get("rooms", {}).get("invite", {}))
        for room, joined in changes.get("rooms", {}).get("join", {}).items():
            for event in joined["ephemeral"]["events"]:
                if event["type"] == "m.typing":
                    self.typed.setdefault(room, set()).update(event["content"]["user_ids"])
                for event_id, receipts in event["content"].items():
                    if event["type"] == "m.receipt":
                        readers = dict.fromkeys(receipts.get("m.read", {}), event_id)
                        self.read_by.setdefault(room, {}).update(readers)

    async def watch(self, room: str, is_there: Callable[[list[Shown]], bool]) -> list[Shown]:
        """The messages of *room* as soon as they are as *is_there* wants; callers set a limit."""
        while not is_there(shown := await self.seen(room)):
            while not _is_news_of(room, await self.next_change()):
                pass
        return shown

    async def watch_answers(self, room: str, sender: str, number: int) -> list[str]:
        """What *sender* said, once it is *number* messages."""

        def is_there(shown: list[Shown]) -> bool:
            return sum(one.sender == sender for one in shown) >= number

        return [one.text for one in await self.watch(room, is_there) if one.sender == sender]

    async def watch_member(self, room: str, user_id: str, membership: str) -> Json:
        """The membership event's content of *user_id*, once it is *membership*."""
        while True:
            content = (await self.members(room)).get(user_id, {})
            if content.get("membership") == membership:
                return content
            await self.next_change()


def _is_news_of(room: str, changes: Json) -> bool:
    """Whether *changes* can change what is shown of *room*: events there, keys, or a long silence.

    Who reads and who types cannot.
    """
    joined = changes.get("rooms", {}).get("join", {})
    if not joined or changes.get("to_device"):
        return True
    return bool(joined.get(room, {}).get("timeline", {}).get("events"))


def file_content(place: Json, data: bytes, *, name: str, kind: str, mime_type: str) -> Json:
    """What shows a file that is kept at *place*, ``url`` or ``file``."""
    info = {"mimetype": mime_type, "size": len(data)}
    return {"msgtype": kind, "body": name, "filename": name, "info": info, **place}


@define
class _View:
    """What a person has seen of a room, and where it goes on."""

    found: dict[str, Json] = field(factory=dict)
    start: dict[str, str] = field(factory=dict)

    def take(self, event: Json) -> None:
        """See *event*; what it takes back has no content any more."""
        self.found[event["event_id"]] = event
        redacted = event["content"].get("redacts") or event.get("redacts")
        if event["type"] == "m.room.redaction" and redacted in self.found:
            self.found[redacted] = {**self.found[redacted], "content": {}}


def _room(room: str) -> str:
    return f"/rooms/{quote(room)}"


@contextmanager
def start_synapse(*, has_limits: bool = False) -> Iterator[Synapse]:
    """A homeserver in a directory of its own, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="synapse-") as name:
        prepare_synapse(Path(name), has_limits=has_limits)
        with run_synapse(Path(name)) as homeserver:
            yield homeserver


def prepare_synapse(directory: Path, *, has_limits: bool = False) -> None:
    """Write what a homeserver in *directory* needs.

    Args:
        has_limits: Synapse's own rate limits stand; else there are none.
    """
    config = _config(directory) | ({} if has_limits else _relaxed_limits())
    (directory / "homeserver.json").write_text(json.dumps(config))
    (directory / "log.json").write_text(json.dumps(_log_config(directory)))
    seed = b64encode(os.urandom(32)).decode().rstrip("=")
    (directory / "signing.key").write_text(f"ed25519 a_test {seed}\n")


@contextmanager
def run_synapse(directory: Path) -> Iterator[Synapse]:
    """One life of the homeserver in *directory*, on a port of its own."""
    config = str(directory / "homeserver.json")
    with subprocess.Popen(  # noqa: S603  # our own interpreter and our own file
        [sys.executable, "-m", "synapse.app.homeserver", "-c", config],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=directory,
        # Synapse's own libraries warn on start; they are not ours to mend.
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    ) as process:
        try:
            yield Synapse(f"http://127.0.0.1:{_port_of(process)}", directory)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()


def _port_of(process: "subprocess.Popen[str]") -> int:
    """The port that Synapse says it listens on."""
    said = []
    for line in process.stdout or ():
        said.append(line)
        if "now listening on TCP port" in line:
            return int(line.rpartition(" ")[2])
    raise RuntimeError("Synapse did not start:\n" + "".join(said))


def _config(directory: Path) -> Json:
    return {
        "server_name": SERVER_NAME,
        "report_stats": False,
        "pid_file": str(directory / "synapse.pid"),
        "listeners": [
            {
                "port": 0,
                "type": "http",
                "bind_addresses": ["127.0.0.1"],
                "resources": [{"names": ["client"]}],
            }
        ],
        "database": {"name": "sqlite3", "args": {"database": str(directory / "homeserver.db")}},
        "log_config": str(directory / "log.json"),
        "media_store_path": str(directory / "media"),
        "signing_key_path": str(directory / "signing.key"),
        "registration_shared_secret": _SECRET,
        "macaroon_secret_key": "macaroons of one test run",
        "form_secret": "forms of one test run",
        "bcrypt_rounds": 4,
        "trusted_key_servers": [],
        "federation_domain_whitelist": [],
        "presence": {"enabled": False},
    }


def _relaxed_limits() -> Json:
    return {
        "rc_message": _UNLIMITED,
        "rc_registration": _UNLIMITED,
        "rc_admin_redaction": _UNLIMITED,
        "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), _UNLIMITED),
        "rc_joins": {"local": _UNLIMITED, "remote": _UNLIMITED},
        "rc_joins_per_room": _UNLIMITED,
        "rc_invites": dict.fromkeys(("per_room", "per_user", "per_issuer"), _UNLIMITED),
        "rc_room_creation": _UNLIMITED,
    }


def _log_config(directory: Path) -> Json:
    return {
        "version": 1,
        "formatters": {"plain": {"format": "%(name)s %(levelname)s %(message)s"}},
        "handlers": {
            "file": {
                "class": "logging.FileHandler",
                "filename": str(directory / "homeserver.log"),
                "formatter": "plain",
            },
            "out": {"class": "logging.StreamHandler", "stream": "ext://sys.__stdout__"},
        },
        "loggers": {"synapse.app._base": {"level": "INFO", "handlers": ["out"]}},
        "root": {"level": "WARNING", "handlers": ["file"]},
        "disable_existing_loggers": False,
    }
