"""Every setting, its meaning and its default; ``.env.example`` repeats them and a test compares."""

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, ValidationError

from actors.environment import SettingsError, debug_socket, missing, store_path
from actors.ops.settings import OpsSettings, WebSettings
from actors.ops.web.signatures import PREFIX, key_of
from actors.platform.settings import AgentSettings
from actors.setting_types import (
    BindAddress,
    BotToken,
    MatrixUser,
    MatrixUsers,
    People,
    TelegramUsers,
    WebhookSecrets,
    fault_lines,
)
from protocols.file_links import FileLinks
from protocols.ids import TELEGRAM, PersonId


class Settings(BaseModel):
    """The program's settings, each under its variable's name in lower case."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="ignore")

    platform_mode: Literal["mock", "production", "openai", "agui"] = Field(
        "mock",
        description="The agent: mock (no account needed), production, openai, or agui.",
    )
    mock_latency: bool = Field(
        default=True, description="Whether the mock agent takes its time like a real one."
    )
    platform_idle_limit: float = Field(
        60.0, gt=0, description="Seconds of silence after which an answer has failed."
    )
    platform_max_turns: int = Field(
        100, ge=1, description="Answers that may run at once; further ones wait in order."
    )
    lambda_platform_url: HttpUrl | None = Field(
        None, description="production: the Lambda platform, such as https://platform.example.org."
    )
    lambda_service_token: SecretStr = Field(
        SecretStr(""), description="production: the token that the platform gave this program."
    )
    lambda_webhook_secret: WebhookSecrets = Field(
        (), description="The platform may push: its whsec_ secret, or several while one is renewed."
    )
    platform_attachments: Literal["binary", "url", "s3"] = Field(
        "binary",
        description="production: files go inside requests, as addresses on OPS_PUBLIC_URL, or s3.",
    )
    openai_base_url: HttpUrl | None = Field(
        None, description="openai: any compatible server, such as http://localhost:11434/v1."
    )
    openai_model: str = Field(
        "", description="openai: the model; may be empty where the server has just one."
    )
    openai_api_key: SecretStr = Field(
        SecretStr(""), description="openai: the server's key, where it wants one."
    )
    openai_system_prompt: str = Field(
        "", description="openai: what the model is told before every chat."
    )
    openai_vision: bool = Field(
        default=False, description="openai: whether the model looks at pictures."
    )
    agui_url: HttpUrl | None = Field(None, description="agui: the address of any AG-UI agent.")
    agui_token: SecretStr = Field(
        SecretStr(""), description="agui: a bearer token for it, where it wants one."
    )
    history_chars: int = Field(
        24_000, ge=0, description="openai, agui: characters of earlier messages that go along."
    )
    catch_up_ask: float = Field(
        21_600.0,
        ge=0,
        description="Seconds of absence after which more than 3 waiting messages are asked about.",
    )
    store_path: Path = Field(
        Path("surfaces.db"),
        description="The database; where it is not set, MATRIX_DB_PATH (its earlier name) counts.",
    )
    files_path: Path = Field(
        Path("surfaces.files"), description="A folder for files on their way to and from the agent."
    )
    journal_keep_days: int = Field(
        30, ge=1, description="Days that finished messages stay in the journal."
    )
    debug_socket: Path = Field(
        Path("surfaces.sock"), description="Where `debug` finds the program; beside the store."
    )
    access_mode: Literal["pairing", "allowlist", "open"] = Field(
        "pairing",
        description="Who may write: people you paired, people on the list, or everybody.",
    )
    admins: People = Field(
        (),
        description="Always allowed, and may use /debug: telegram:42,matrix:@me:example.org.",
    )
    session_idle: float = Field(
        900.0, gt=0, description="Seconds without a message after which a session retires."
    )
    shutdown_grace: float = Field(
        20.0, ge=0, description="Seconds that running answers get when the program stops."
    )
    ops_bind: BindAddress = Field(
        "127.0.0.1:8088",
        description="Where health, metrics, the page and pushes are served; empty: nowhere.",
    )
    ops_token: SecretStr = Field(
        SecretStr(""), description="Opens the page to whoever does not come from this machine."
    )
    ops_public_url: HttpUrl | None = Field(
        None, description="How the platform reaches that server, such as https://bot.example.org."
    )
    ops_alerts: People = Field(
        (), description="Who is told when something is wrong: telegram:42,matrix:@me:example.org."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important line that is logged; debug shows people's words."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="auto: console in a terminal, JSON otherwise."
    )
    telegram_bot_token: BotToken = Field(
        SecretStr(""), description="Switches Telegram on: the token that BotFather gave."
    )
    telegram_api_base: HttpUrl = Field(
        HttpUrl("https://api.telegram.org"), description="The Bot API server."
    )
    telegram_allowed_users: TelegramUsers = Field(
        (), description="May write without pairing: 42,43 (numbers, not names)."
    )
    telegram_group_mode: Literal["mention", "all"] = Field(
        "mention", description="In groups: answer when mentioned or replied to, or to everything."
    )
    telegram_streaming: Literal["edit", "draft", "off"] = Field(
        "edit",
        description="How an answer grows: by edits of a message, as a draft, or all at once.",
    )
    telegram_reactions: bool = Field(
        default=True, description="Whether a reaction on a message shows that it was taken."
    )
    matrix_homeserver: HttpUrl | None = Field(
        None, description="Switches Matrix on: https://matrix.example.org."
    )
    matrix_user_id: MatrixUser = Field("", description="The bot's account: @bot:example.org.")
    matrix_password: SecretStr = Field(
        SecretStr(""), description="Its password, used once; or a token instead."
    )
    matrix_access_token: SecretStr = Field(SecretStr(""), description="A token of its own device.")
    matrix_device_id: str = Field("", description="The token's device; checked where it is set.")
    matrix_store_path: Path = Field(
        Path("matrix_store"), description="A folder for the Matrix session and its keys: secrets."
    )
    matrix_recovery_key_file: Path | None = Field(
        None, description="A file with the account's recovery key: a new device signs itself."
    )
    matrix_group_mode: Literal["mention", "all"] = Field(
        "mention", description="In group rooms: answer when mentioned or replied to, or everything."
    )
    matrix_threads: Literal["room", "session"] = Field(
        "room", description="Whether a thread belongs to its room's chat, or is one of its own."
    )
    matrix_reactions: bool = Field(
        default=True, description="Whether a reaction on a message shows that it was taken."
    )
    matrix_allowed_users: MatrixUsers = Field(
        (), description="May write without pairing: @me:example.org,@you:example.org."
    )

    @property
    def people_in_charge(self) -> tuple[PersonId, ...]:
        """Who is always let in and may look inside; the person at the terminal is the owner."""
        return (*self.admins, PersonId("terminal:owner"))

    @property
    def people_allowed(self) -> tuple[PersonId, ...]:
        """Who may write without being paired."""
        on_telegram = (PersonId(f"telegram:{user}") for user in self.telegram_allowed_users)
        on_matrix = (PersonId(f"matrix:{user}") for user in self.matrix_allowed_users)
        return (*on_telegram, *on_matrix)

    @property
    def agent(self) -> AgentSettings:
        """What the bridge is told about the agent."""
        url, secret = {
            "mock": (None, SecretStr("")),
            "production": (self.lambda_platform_url, self.lambda_service_token),
            "openai": (self.openai_base_url, self.openai_api_key),
            "agui": (self.agui_url, self.agui_token),
        }[self.platform_mode]
        return AgentSettings(
            self.platform_mode,
            mock_latency=self.mock_latency,
            # An AG-UI agent's address is taken to the letter; to the others' paths are appended.
            url=str(url or "") if self.platform_mode == "agui" else _plain_url(url),
            secret=secret.get_secret_value(),
            attachments=self.platform_attachments,
            model=self.openai_model,
            system_prompt=self.openai_system_prompt,
            has_vision=self.openai_vision,
            history_chars=self.history_chars,
            files=self.files_path,
            links=self._links,
        )

    def seen_from_outside(self, service: tuple[str, float] | None) -> OpsSettings:
        """How the operator sees the program, which systemd may have started as *service*."""
        keys = tuple(key_of(secret.get_secret_value()) for secret in self.lambda_webhook_secret)
        token = self.ops_token.get_secret_value()
        web: WebSettings | None = None
        if self.ops_bind:
            web = WebSettings(self.ops_bind, token, keys, self.files_path, self._links)
        return OpsSettings(self.debug_socket, web, self.ops_alerts, service)

    @property
    def turns(self) -> tuple[Path, float, int]:
        """What the bridge is told about turns: their files, the longest silence, how many."""
        return self.files_path, self.platform_idle_limit, self.platform_max_turns

    @property
    def _links(self) -> FileLinks | None:
        token = self.lambda_service_token.get_secret_value().encode()
        # Without a token everybody could sign.
        if self.platform_attachments != "url" or self.ops_public_url is None or not token:
            return None
        # The same in every life, so that a request which is repeated names the same addresses.
        return FileLinks(
            _plain_url(self.ops_public_url), hmac.digest(token, b"file links", "sha256")
        )

    @property
    def telegram_ways(self) -> tuple[str, str, str, bool, Path, tuple[int, ...]]:
        """What Telegram's surface is told beside its token; the last are the admins there."""
        people = (person.partition(":") for person in self.admins)
        admins = tuple(int(user) for surface, _, user in people if surface == TELEGRAM)
        ways = (str(self.telegram_api_base), self.telegram_group_mode, self.telegram_streaming)
        return *ways, self.telegram_reactions, self.files_path, admins

    @property
    def matrix_account(self) -> tuple[str, Path, str, str, str, str, str, bool, Path, Path | None]:
        """What Matrix' surface is told beside its homeserver; empty where it is not set."""
        password, token = self.matrix_password, self.matrix_access_token
        login = (password.get_secret_value(), token.get_secret_value(), self.matrix_device_id)
        ways = (self.matrix_group_mode, self.matrix_threads, self.matrix_reactions)
        places = (self.files_path, self.matrix_recovery_key_file)
        return self.matrix_user_id, self.matrix_store_path, *login, *ways, *places

    def secrets(self) -> tuple[str, ...]:
        """Every value that must never be printed; of an address, the password in it."""
        values = [getattr(self, name) for name in type(self).model_fields]
        values += self.lambda_webhook_secret
        secrets = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        bare = [one.removeprefix(PREFIX) for one in secrets if one.startswith(PREFIX)]
        written = [value.password for value in values if isinstance(value, HttpUrl)]
        passwords = [
            one for password in written if password for one in (password, unquote(password))
        ]
        return (*secrets, *bare, *passwords)


def _plain_url(url: HttpUrl | None) -> str:
    return str(url or "").rstrip("/")


def load_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in *environment*.

    Raises:
        SettingsError: Everything that is wrong, at once.
    """
    known = {
        name: environment[name.upper()]
        for name in Settings.model_fields
        if name.upper() in environment
    }
    paths = {"store_path": store_path(environment), "debug_socket": debug_socket(environment)}
    faults = missing(environment)
    try:
        settings = Settings.model_validate(known | paths)
    except ValidationError as error:
        raise SettingsError("\n".join(fault_lines(error) + faults)) from None
    if faults:
        raise SettingsError("\n".join(faults))
    return settings
