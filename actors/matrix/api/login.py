"""Who we are on the homeserver: one login by password and its session kept, or a given token."""

import json
import secrets
import string
from http import HTTPStatus
from pathlib import Path
from typing import assert_never

import structlog
import trio
from attrs import define, frozen

from actors.matrix.api.homeserver import Homeserver, Session
from actors.matrix.api.patience import insist, pause
from actors.matrix.api.replies import (
    NO_JSON,
    BadCertificate,
    Done,
    Limited,
    Refused,
    TokenRefused,
    Unreachable,
)
from actors.matrix.api.secret_file import keep_secret
from actors.matrix.api.status import Status
from actors.matrix.settings import MatrixSettings

log = structlog.get_logger("matrix.login")

_DOUBTS = 3
"""So many answers in a row that are no Matrix are no trouble of the moment."""
_DEVICE_ID_LENGTH = 10

_TOKEN_REFUSED = "the homeserver refused the token: set MATRIX_ACCESS_TOKEN"  # noqa: S105  # a line
_ACCOUNT_TROUBLE = {
    "M_USER_DEACTIVATED": "the account is deactivated: set MATRIX_USER_ID to another one",
    "M_USER_LOCKED": "the account is locked: have the homeserver's admin unlock it",
}


@frozen
class LoginRefused:
    """We cannot work until a person mends what *reason* names."""

    reason: str


@frozen
class KeptSession:
    """The session of an earlier start; ``homeserver`` says where it is valid.

    Without a token it is no session yet, but the device whose login was under way.
    """

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
        if not all(isinstance(word, str) for word in words) or not all(words[:3]):
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
            return self._used(await self._by_token())
        return self._used(await self._by_kept_session() or await self._by_password())

    async def enter_again(self) -> Session | LoginRefused:
        """A new session on the same device, after the server has ended the one we had."""
        if self.settings.access_token:
            # Asked once more, as only this answer says what is wrong.
            found = await self._by_token()
            return found if isinstance(found, LoginRefused) else LoginRefused(_TOKEN_REFUSED)
        return self._used(await self._by_password())

    def _used(self, found: Session | LoginRefused) -> Session | LoginRefused:
        if isinstance(found, Session):
            self.server.use(found)
        return found

    async def _check_server(self) -> LoginRefused | None:
        """Why this is no homeserver that we can speak with; None where it is one."""
        streak, doubts = 0, 0
        while True:
            match await self.server.versions():
                case Done(body) if isinstance(body.get("versions"), list):
                    return None
                case Limited(wait):
                    self.status.limited(wait)
                    await trio.sleep(wait)
                case BadCertificate():
                    return LoginRefused(
                        "the homeserver's certificate is not to be trusted: "
                        "mend it, or set MATRIX_HOMESERVER"
                    )
                case Unreachable(reason) if reason != NO_JSON or self._may_be_matrix(doubts):
                    streak, doubts = streak + 1, doubts + (reason == NO_JSON)
                    await pause(self.status, reason, streak)
                case Refused(code) as refused if refused.is_strange and self._may_be_matrix(doubts):
                    streak, doubts = streak + 1, doubts + 1
                    await pause(self.status, f"{code} without a reason", streak)
                case _:
                    return LoginRefused("no Matrix server answers there: set MATRIX_HOMESERVER")

    def _may_be_matrix(self, doubts: int) -> bool:
        """Whether to ask a server again that has talked nonsense for *doubts* times before."""
        return doubts < _DOUBTS or self._kept() is not None

    async def _by_token(self) -> Session | LoginRefused:
        token = self.settings.access_token
        reply = await insist(self.status, lambda: self.server.whoami(token))
        match reply:
            case Done({"user_id": str(user_id), "device_id": str(device_id)}) if device_id:
                return self._own(Session(user_id, device_id, token))
            case Done({"user_id": str()}):
                return LoginRefused(
                    "the token belongs to no device, and encryption needs one: set "
                    "MATRIX_ACCESS_TOKEN to the token of a login, or set MATRIX_PASSWORD instead"
                )
            case Done():
                return LoginRefused(_TOKEN_REFUSED)
            case TokenRefused(errcode) | Refused(_, errcode):
                return LoginRefused(_ACCOUNT_TROUBLE.get(errcode, _TOKEN_REFUSED))
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

    async def _by_kept_session(self) -> Session | LoginRefused | None:
        """The kept session if it is of this user and still valid, else None."""
        kept = self._kept()
        if kept is None or not kept.access_token:
            return None
        match await insist(self.status, lambda: self.server.whoami(kept.access_token)):
            case Done(body) if body.get("user_id") == kept.user_id:
                return kept
            case TokenRefused("M_USER_LOCKED" as errcode):
                return LoginRefused(_ACCOUNT_TROUBLE[errcode])
            case _:
                log.warning("session.refused", user_id=kept.user_id)
                return None

    async def _by_password(self) -> Session | LoginRefused:
        password, user_id = self.settings.password, self.settings.user_id
        if not password:
            return LoginRefused("no valid session: set MATRIX_PASSWORD or MATRIX_ACCESS_TOKEN")
        device_id = self._device_to_log_in()
        if isinstance(device_id, LoginRefused):
            return device_id
        reply = await insist(
            self.status,
            lambda: self.server.log_in(user_id, password, device_id, self.settings.device_name),
        )
        match reply:
            case Done({"user_id": str(user), "device_id": str(device), "access_token": str(token)}):
                return self._keep(Session(user, device, token))
            case Refused(status, errcode):
                return LoginRefused(_why_no_login(status, errcode))
            case TokenRefused(errcode):
                return LoginRefused(_why_no_login(HTTPStatus.UNAUTHORIZED, errcode))
            case Done():
                return LoginRefused("that is no Matrix login: set MATRIX_HOMESERVER")
            case _:
                assert_never(reply)

    def _device_to_log_in(self) -> str | LoginRefused:
        """The device that a login is for, written down before it.

        A login whose answer is lost, or that a kill cuts off, is repeated for the same device:
        otherwise each would leave a device behind that people see beside ours.
        """
        kept = self._kept()
        if kept is not None or self.settings.device_id:
            return self.settings.device_id or (kept.device_id if kept else "")
        letters = string.ascii_uppercase
        fresh = "".join(secrets.choice(letters) for _ in range(_DEVICE_ID_LENGTH))
        noted = self._noted(Session(self.settings.user_id, fresh, ""))
        return fresh if isinstance(noted, Session) else noted

    def _keep(self, session: Session) -> Session | LoginRefused:
        if session.user_id != self.settings.user_id:
            return LoginRefused(f"the login is of {session.user_id}: set MATRIX_USER_ID")
        noted = self._noted(session)
        if isinstance(noted, Session):
            log.info("session.opened", user_id=session.user_id, device_id=session.device_id)
        return noted

    def _noted(self, session: Session) -> Session | LoginRefused:
        try:
            self._file.keep(self.settings.homeserver, session)
        except OSError as error:
            return LoginRefused(
                f"cannot keep the session ({error.strerror}): set MATRIX_STORE_PATH"
            )
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


def _why_no_login(status: int, errcode: str) -> str:
    """What a person has to mend after the server has refused a login."""
    if errcode in _ACCOUNT_TROUBLE:
        return _ACCOUNT_TROUBLE[errcode]
    if status == HTTPStatus.FORBIDDEN:
        return "the homeserver refused the login: set MATRIX_USER_ID and MATRIX_PASSWORD"
    if status == HTTPStatus.UNAUTHORIZED or errcode == "M_UNRECOGNIZED":
        return "that is no Matrix login: set MATRIX_HOMESERVER"
    if (status, errcode) == (HTTPStatus.BAD_REQUEST, "M_UNKNOWN"):
        return "the homeserver takes no login by password: set MATRIX_ACCESS_TOKEN"
    return f"the homeserver refused the login ({status} {errcode}): set MATRIX_USER_ID"
