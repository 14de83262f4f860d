"""The Bot API's methods and types as aiogram has them, and of those only what is used is built.

aiogram builds a validator for each of its 400 types when it is imported: 4 s of CPU and 110 MB,
most of what a start takes. It asks pydantic for that by ``model_rebuild``, which does nothing
while it is imported here; what the client sends is built afterwards, in a fifth of a second.
Nothing of a message that comes in is read by aiogram's types.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Optional, Union

from pydantic import BaseModel


@contextmanager
def _unbuilt() -> Iterator[None]:
    """No model is built that waits for its types."""
    build = BaseModel.__dict__["model_rebuild"]
    setattr(BaseModel, "model_rebuild", classmethod(lambda _cls, **_how: None))  # noqa: B010  # mypy
    try:
        yield
    finally:
        setattr(BaseModel, "model_rebuild", build)  # noqa: B010  # the same


with _unbuilt():
    from aiogram import Bot, types
    from aiogram.client.default import Default
    from aiogram.client.session.base import BaseSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram.methods import (
        AnswerCallbackQuery,
        CreateForumTopic,
        DeleteMessage,
        EditMessageText,
        GetFile,
        GetMe,
        GetUpdates,
        SendAudio,
        SendChatAction,
        SendDocument,
        SendMediaGroup,
        SendMessage,
        SendMessageDraft,
        SendPhoto,
        SendVideo,
        SendVoice,
        SetMessageReaction,
        SetMyCommands,
        TelegramMethod,
    )
    from aiogram.methods.base import TelegramType
    from aiogram.utils.token import TokenValidationError

__all__ = [
    "METHODS",
    "NAMES",
    "AnswerCallbackQuery",
    "BaseSession",
    "Bot",
    "CreateForumTopic",
    "DeleteMessage",
    "EditMessageText",
    "GetFile",
    "GetMe",
    "GetUpdates",
    "SendAudio",
    "SendChatAction",
    "SendDocument",
    "SendMediaGroup",
    "SendMessage",
    "SendMessageDraft",
    "SendPhoto",
    "SendVideo",
    "SendVoice",
    "SetMessageReaction",
    "SetMyCommands",
    "TelegramAPIServer",
    "TelegramMethod",
    "TelegramType",
    "TokenValidationError",
]

METHODS: tuple[type[TelegramMethod], ...] = (  # type: ignore[type-arg]  # of whatever they return
    AnswerCallbackQuery,
    CreateForumTopic,
    DeleteMessage,
    EditMessageText,
    GetFile,
    GetMe,
    GetUpdates,
    SendAudio,
    SendChatAction,
    SendDocument,
    SendMediaGroup,
    SendMessage,
    SendMessageDraft,
    SendPhoto,
    SendVideo,
    SendVoice,
    SetMessageReaction,
    SetMyCommands,
)
"""What the client asks for; each is ready to be used."""

NAMES = {
    "List": list,
    "Optional": Optional,
    "Union": Union,
    "Literal": Literal,
    "Default": Default,
    **{name: getattr(types, name) for name in types.__all__},
}
"""What aiogram's types call each other, to build one of them by."""

for _method in METHODS:
    _method.model_rebuild(_types_namespace=NAMES)
