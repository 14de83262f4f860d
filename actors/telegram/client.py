"""Telegram's HTTP, one request at a time; the only module that names httpx2.

aiogram's methods are the vocabulary: each knows its name on the wire and what it takes. Their
answers are read here and not by aiogram's types, as of an answer we need one number at most,
and a message that is sent stays sent, whatever unknown thing it shows of itself.

Nothing here retries and nothing here raises for what a server or a network does.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, cast
from urllib.parse import quote, urlencode

import httpx2
import trio
from attrs import define
from pydantic import ValidationError

from actors.telegram.decode import ALLOWED_UPDATES
from actors.telegram.outcomes import (
    Ambiguous,
    Done,
    Failure,
    Me,
    NotModified,
    Refusal,
    Refused,
    Sent,
    Unauthorized,
    Unreachable,
    Updates,
    failure_of,
)
from actors.telegram.settings import TelegramSettings
from actors.telegram.vocabulary import (
    AnswerCallbackQuery,
    BaseSession,
    Bot,
    EditMessageText,
    GetMe,
    GetUpdates,
    SendChatAction,
    SendMessage,
    TelegramAPIServer,
    TelegramMethod,
    TelegramType,
    TokenValidationError,
)

Entity = Mapping[str, Any]
"""One entity of a text, as the Bot API has it: ``{"type": "bold", "offset": 0, "length": 4}``."""

_UNTRIED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_UNUSABLE = (httpx2.InvalidURL, httpx2.UnsupportedProtocol)
_LIMITS = httpx2.Limits(max_connections=100, max_keepalive_connections=40, keepalive_expiry=30.0)
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class _RawUpdates(GetUpdates):
    """Updates as Telegram wrote them: aiogram loses a whole batch to one that it cannot read."""

    __returning__: ClassVar[Any] = list[dict[str, Any]]


class _FailedError(Exception):
    """A request that did not succeed; it does not leave this module."""

    def __init__(self, outcome: Failure | NotModified) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


class TrioSession(BaseSession):
    """aiogram's way to a Bot API server, over an HTTP client that is native on trio."""

    def __init__(self, http: httpx2.AsyncClient, api_base: str, *, within: float) -> None:
        super().__init__(TelegramAPIServer.from_base(_without_braces(api_base)), timeout=within)
        self._http = http

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109  # the signature is aiogram's
    ) -> TelegramType:
        """What Telegram answers to *method*, as it stands in the JSON.

        Raises:
            _FailedError: Whatever else happened.
        """
        url = self.api.api_url(token=quote(bot.token, safe=":"), method=method.__api_method__)
        body = urlencode(self._fields(bot, method), errors="replace").encode()
        outcome: Failure | NotModified = Ambiguous("no answer in time")
        with trio.move_on_after(self.timeout + (timeout or 0)):
            try:
                answer = await self._http.post(url, content=body, headers=_FORM)
            except _UNTRIED as error:
                outcome = Unreachable(type(error).__name__)
            except _UNUSABLE as error:
                outcome = Unreachable(f"{type(error).__name__}: is TELEGRAM_API_BASE right?")
            except (httpx2.HTTPError, OSError) as error:
                outcome = Ambiguous(type(error).__name__)
            else:
                return cast("TelegramType", _result_in(answer.status_code, answer.content))
        raise _FailedError(outcome)

    async def close(self) -> None:
        """Leave the HTTP client to whoever opened it."""
        await trio.lowlevel.checkpoint()

    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: int = 30,  # noqa: ASYNC109  # the signature is aiogram's
        chunk_size: int = 65536,
        raise_for_status: bool = True,  # noqa: FBT001, FBT002  # the same
    ) -> AsyncGenerator[bytes, None]:
        """Files are not read yet."""
        raise NotImplementedError(url, headers, timeout, chunk_size, raise_for_status)
        yield b""

    def _fields(self, bot: Bot, method: TelegramMethod[Any]) -> list[tuple[str, Any]]:
        files: dict[str, Any] = {}
        given = method.model_dump(warnings=False, exclude_unset=True).items()
        prepared = ((key, self.prepare_value(value, bot, files)) for key, value in given)
        return [(key, value) for key, value in prepared if value is not None]


@define
class TelegramClient:
    """One bot on its Bot API server.

    Every method ends in one of the values of ``outcomes``; none raises.
    """

    _session: TrioSession
    _bot: Bot | None
    """None: the token is none."""

    async def get_me(self) -> Me | Failure:
        """Who the bot is; also whether the token is good."""
        found = await self._ask(GetMe())
        match found:
            case {"id": int(id_), "username": str(username)}:
                return Me(id_, username, reads_all=found.get("can_read_all_group_messages") is True)
            case _:
                return _failure_in(found)

    async def get_updates(
        self, offset: int | None, *, wait: float, limit: int = 100
    ) -> Updates | Failure:
        """What is new from *offset* on, at once or within *wait* seconds.

        The offset confirms every update before it: Telegram forgets those.
        """
        seconds = int(wait)
        method = _RawUpdates(
            offset=offset, timeout=seconds, limit=limit, allowed_updates=list(ALLOWED_UPDATES)
        )
        found = await self._ask(method, seconds)
        return Updates(tuple(found)) if isinstance(found, list) else _failure_in(found)

    async def send_message(
        self,
        chat_id: int,
        text: str,
        entities: Sequence[Entity] = (),
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
    ) -> Sent | Failure:
        """Send *text* as a new message; sent twice, it stands there twice.

        A message *reply_to* that is gone does not matter.
        """
        fields: dict[str, Any] = {"chat_id": chat_id, "text": text}
        if entities:
            fields["entities"] = entities
        if thread_id is not None:
            fields["message_thread_id"] = thread_id
        if reply_to is not None:
            fields["reply_parameters"] = {
                "message_id": reply_to,
                "allow_sending_without_reply": True,
            }
        return _sent_in(await self._ask_checked(SendMessage, fields))

    async def edit_message(
        self, chat_id: int, message_id: int, text: str, entities: Sequence[Entity] = ()
    ) -> Sent | NotModified | Failure:
        """Replace the text of a message of ours; the same again is ``NotModified``."""
        fields: dict[str, Any] = {"chat_id": chat_id, "message_id": message_id, "text": text}
        if entities:
            fields["entities"] = entities
        found = await self._ask_checked(EditMessageText, fields)
        return found if isinstance(found, NotModified) else _sent_in(found)

    async def send_typing(self, chat_id: int, thread_id: int | None = None) -> Done | Failure:
        """Show for 5 s that an answer is being written."""
        fields: dict[str, Any] = {"chat_id": chat_id, "action": "typing"}
        if thread_id is not None:
            fields["message_thread_id"] = thread_id
        return _done_in(await self._ask(SendChatAction(**fields)))

    async def answer_callback(self, callback_id: str, text: str = "") -> Done | Failure:
        """Answer the press of a button; *text*, at most 200 characters, is shown above the chat."""
        method = AnswerCallbackQuery(callback_query_id=callback_id, text=text[:200])
        return _done_in(await self._ask(method))

    async def _ask_checked(
        self, method: type[SendMessage | EditMessageText], fields: dict[str, Any]
    ) -> Any:
        try:
            made = method(**fields)
        except ValidationError:
            return Refused(400, "these are no entities of the Bot API", Refusal.ENTITIES)
        return await self._ask(made)

    async def _ask(self, method: TelegramMethod[Any], within: int | None = None) -> Any:
        if self._bot is None:
            await trio.lowlevel.checkpoint()
            return Unauthorized()
        try:
            return await self._session(self._bot, method, within)
        except _FailedError as error:
            return error.outcome


@asynccontextmanager
async def open_client(
    settings: TelegramSettings, *, transport: httpx2.AsyncBaseTransport | None = None
) -> AsyncIterator[TelegramClient]:
    """A client with connections of its own, which end with the block.

    With *transport*, requests go there and not to the network.
    """
    pace = settings.pace
    # The whole exchange has one limit, in make_request; here only the connection's.
    times = httpx2.Timeout(None, connect=pace.connect_within)
    async with httpx2.AsyncClient(
        timeout=times, limits=_LIMITS, transport=transport, trust_env=False
    ) as http:
        session = TrioSession(http, settings.api_base, within=pace.answer_within)
        yield TelegramClient(session, _bot_with(settings.token, session))


def _bot_with(token: str, session: TrioSession) -> Bot | None:
    try:
        return Bot(token, session=session)
    except TokenValidationError:
        return None


def _result_in(status: int, content: bytes) -> Any:
    """The result that stands in an answer; of a failure, the error for it."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict) and body.get("ok") is True and "result" in body:
        return body["result"]
    raise _FailedError(failure_of(status, body))


def _sent_in(found: Any) -> Sent | Failure:
    match found:
        case {"message_id": int(message_id)}:
            return Sent(message_id)
        case _:
            return _failure_in(found)


def _done_in(found: Any) -> Done | Failure:
    return Done() if found is True else _failure_in(found)


def _failure_in(found: Any) -> Failure:
    return found if isinstance(found, Failure) else Ambiguous("an answer of no known shape")


def _without_braces(api_base: str) -> str:
    """The address as aiogram's template takes it."""
    return api_base.replace("{", "{{").replace("}", "}}")
