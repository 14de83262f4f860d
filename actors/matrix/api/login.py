"""Who we are on the homeserver: one login by password and its session kept, or a given token."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import assert_never

import structlog
from attrs import define, frozen

from actors.matrix.api.client import Done, Homeserver, Refused, Session, TokenRefused
from actors.matrix.api.patience import insist
from actors.matrix.api.secret_file import keep_secret
from actors.matrix.api.status import Status
from actors.matrix.settings import MatrixSettings

log = structlog.get_logger("matrix.login")


@frozen
class LoginRefused:
    """We cannot work until a person mends what *reason* names."""

    reason: str


@frozen
class KeptSession:
    """The session of an earlier start; ``homeserver`` says where it is valid."""

    homeserver: str
    session: Session


@define
class SessionFile:
    """The kept session, readable by its owner only."""

    path: Path

    def read(self) -> KeptSession | None:
        """The kept session; None if there is none, or none that can be read."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            words = [found[key] for key in ("homeserver", "user_id", "device_id", "access_token")]
        except (OSError, ValueError, TypeError, KeyError):
            return None
        if not all(isinstance(word, str) and word for word in words):
            return None
        homeserver, user_id, device_id, access_token = words
        return KeptSession(homeserver, Session(user_id, device_id, access_token))

    def keep(self, homeserver: str, session: Session) -> None:
        """Keep *session*, all of it or none."""
        words = {
            "homeserver": homeserver,
            "user_id": session.user_id,
            "device_id": session.device_id,
            "access_token": session.access_token,
        }
        keep_secret(self.path, json.dumps(words))


@define
class Door:
    """How we come in, and come in again when the server has ended our session."""

    server: Homeserver
    settings: MatrixSettings
    status: Status

    async def enter(self) -> Session | LoginRefused:
        """A session that the server has just confirmed; waits while the server is away."""
        refused = await self._check_server()
        if refused is not None:
            return refused
        if self.settings.access_token:
            found = await self._by_token()
        else:
            found = await self._by_kept_session() or await self._by_password()
        if isinstance(found, Session):
            self.server.use(found)
        return found

    async def enter_again(self) -> Session | LoginRefused:
        """A new session on the same device, after the server has ended the one we had."""
        if self.settings.access_token:
            return LoginRefused("the homeserver refused the token: set MATRIX_ACCESS_TOKEN")
        found = await self._by_password()
        if isinstance(found, Session):
            self.server.use(found)
        return found

    async def _check_server(self) -> LoginRefused | None:
        match await insist(self.status, self.server.versions):
            case Done(body) if isinstance(body.get("versions"), list):
                return None
            case _:
                return LoginRefused("no Matrix server answers there: set MATRIX_HOMESERVER")

    async def _by_token(self) -> Session | LoginRefused:
        token = self.settings.access_token
        reply = await insist(self.status, lambda: self.server.whoami(token))
        match reply:
            case Done({"user_id": str(user_id)} as body):
                return self._own(Session(user_id, str(body.get("device_id") or ""), token))
            case Done() | TokenRefused() | Refused():
                return LoginRefused("the homeserver refused the token: set MATRIX_ACCESS_TOKEN")
            case _:
                assert_never(reply)

    def _own(self, session: Session) -> Session | LoginRefused:
        """*session*, if it is the configured user's, on the configured device."""
        if self.settings.user_id not in ("", session.user_id):
            return LoginRefused(
                f"the token is of {session.user_id}: set MATRIX_USER_ID or MATRIX_ACCESS_TOKEN"
            )
        if self.settings.device_id not in ("", session.device_id):
            return LoginRefused(
                f"the token is of device {session.device_id}: "
                "set MATRIX_DEVICE_ID or MATRIX_ACCESS_TOKEN"
            )
        return session

    async def _by_kept_session(self) -> Session | None:
        """The kept session if it is of this user and still valid, else None."""
        kept = self._kept()
        if kept is None:
            return None
        match await insist(self.status, lambda: self.server.whoami(kept.access_token)):
            case Done(body) if body.get("user_id") == kept.user_id:
                return kept
            case _:
                log.warning("session.refused", user_id=kept.user_id)
                return None

    async def _by_password(self) -> Session | LoginRefused:
        password, user_id = self.settings.password, self.settings.user_id
        if not password:
            return LoginRefused("no valid session: set MATRIX_PASSWORD or MATRIX_ACCESS_TOKEN")
        kept = self._kept()
        device_id = self.settings.device_id or (kept.device_id if kept else "")
        reply = await insist(
            self.status,
            lambda: self.server.log_in(user_id, password, device_id, self.settings.device_name),
        )
        match reply:
            case Done({"user_id": str(user), "device_id": str(device), "access_token": str(token)}):
                return self._keep(Session(user, device, token))
            case Refused(HTTPStatus.FORBIDDEN):
                return LoginRefused(
                    "the homeserver refused the login: set MATRIX_USER_ID and MATRIX_PASSWORD"
                )
            case Refused(status, errcode):
                return LoginRefused(
                    f"the homeserver refused the login ({status} {errcode}): set MATRIX_USER_ID"
                )
            case Done() | TokenRefused():
                return LoginRefused("that is no Matrix login: set MATRIX_HOMESERVER")
            case _:
                assert_never(reply)

    def _keep(self, session: Session) -> Session | LoginRefused:
        if session.user_id != self.settings.user_id:
            return LoginRefused(f"the login is of {session.user_id}: set MATRIX_USER_ID")
        try:
            self._file.keep(self.settings.homeserver, session)
        except OSError as error:
            return LoginRefused(
                f"cannot keep the session ({error.strerror}): set MATRIX_STORE_PATH"
            )
        log.info("session.opened", user_id=session.user_id, device_id=session.device_id)
        return session

    def _kept(self) -> Session | None:
        kept = self._file.read()
        if kept is None or kept.homeserver != self.settings.homeserver:
            return None
        if kept.session.user_id != self.settings.user_id:
            return None
        if self.settings.device_id not in ("", kept.session.device_id):
            return None
        return kept.session

    @property
    def _file(self) -> SessionFile:
        return SessionFile(self.settings.store_path / "session.json")
