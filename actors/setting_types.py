"""What the values of settings look like; a fault is said without the value."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationError

from actors.ops.web.signatures import SecretError, key_of
from protocols.ids import PersonId

_PERSON = re.compile(r"(telegram:-?\d+|matrix:@[^:\s]+:\S+|terminal:owner)")
_MATRIX_USER = re.compile(r"@[^:\s]+:\S+")


_BIND = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})", re.ASCII)
_LAST_PORT = 65_535
_TOKEN = re.compile(r"\d+:[\w-]+", re.ASCII)


def _token(value: SecretStr) -> SecretStr:
    if value and not _TOKEN.fullmatch(value.get_secret_value()):
        raise ValueError("must look like 123456:ABC-DEF, as BotFather gave it")
    return value


def _split(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _person(value: str) -> str:
    if not _PERSON.fullmatch(value):
        raise ValueError("each must look like telegram:42 or matrix:@me:example.org")
    return value


def _matrix_user(value: str) -> str:
    if not _MATRIX_USER.fullmatch(value):
        raise ValueError("must look like @bot:example.org")
    return value


def _bind(value: str) -> str:
    found = _BIND.fullmatch(value)
    if value and not found:
        raise ValueError("must look like 127.0.0.1:8088 or [::1]:8088")
    if found and int(found[2]) > _LAST_PORT:
        raise ValueError(f"a port is a number up to {_LAST_PORT}")
    return value


def _webhook_secret(value: SecretStr) -> SecretStr:
    try:
        key_of(value.get_secret_value())
    except SecretError:
        raise ValueError("what follows whsec_ is not base64; copy it once more") from None
    return value


People = Annotated[
    tuple[Annotated[PersonId, AfterValidator(_person)], ...], BeforeValidator(_split)
]
MatrixUser = Annotated[str, AfterValidator(_matrix_user)]
MatrixUsers = Annotated[tuple[MatrixUser, ...], BeforeValidator(_split)]

WebhookSecrets = Annotated[
    tuple[Annotated[SecretStr, AfterValidator(_webhook_secret)], ...], BeforeValidator(_split)
]
TelegramUsers = Annotated[tuple[int, ...], BeforeValidator(_split)]
BindAddress = Annotated[str, AfterValidator(_bind)]
BotToken = Annotated[SecretStr, AfterValidator(_token)]


def fault_lines(error: ValidationError) -> list[str]:
    """A line for each variable that is wrong."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"{str(fault['loc'][0]).upper()}: {_words(fault['msg'])}" for fault in faults]
    return list(dict.fromkeys(lines))


_PLAIN = {
    "should be a valid boolean, unable to interpret input": "should be on or off",
    "should be a valid integer, unable to parse string as an integer": "should be a whole number",
    "should be a valid number, unable to parse string as a number": "should be a number",
}


def _words(message: str) -> str:
    said = message.removeprefix("Value error, ").replace("Input should", "should")
    return _PLAIN.get(said, said)
