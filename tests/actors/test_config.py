from pathlib import Path

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr

from actors.config import Settings, load_settings
from actors.environment import SettingsError, debug_socket, read_environment, store_path, systemd

_ROOT = Path(__file__).parents[2]
_MATRIX = {
    "MATRIX_HOMESERVER": "http://127.0.0.1:8008",
    "MATRIX_USER_ID": "@bot:here",
    "MATRIX_PASSWORD": "hunter2",
}


def test_without_any_variable_the_mock_agent_answers_in_the_terminal() -> None:
    settings = load_settings({})

    assert settings.platform_mode == "mock"
    assert settings.matrix_homeserver is None


def test_everything_that_is_wrong_is_said_at_once_by_variable_and_without_values() -> None:
    wrong = {
        "PLATFORM_MODE": "oracle-of-delphi",
        "ADMINS": "telegram:42,somebody",
        "MATRIX_HOMESERVER": "ftp-server",
        "JOURNAL_KEEP_DAYS": "a month",
    }

    with pytest.raises(SettingsError) as caught:
        load_settings(wrong)

    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "PLATFORM_MODE",
        "JOURNAL_KEEP_DAYS",
        "ADMINS",
        "MATRIX_HOMESERVER",
        "MATRIX_USER_ID",
        "MATRIX_PASSWORD or MATRIX_ACCESS_TOKEN",
    ]
    for value in ("delphi", "somebody", "ftp-server", "a month"):
        assert value not in str(caught.value)


def test_a_matrix_user_without_its_server_is_wrong() -> None:
    with pytest.raises(SettingsError, match="MATRIX_USER_ID: must look like"):
        load_settings(_MATRIX | {"MATRIX_USER_ID": "bot"})


def test_matrix_without_a_way_to_log_in_is_wrong() -> None:
    environment = {name: _MATRIX[name] for name in _MATRIX if name != "MATRIX_PASSWORD"}

    with pytest.raises(SettingsError, match="one is needed"):
        load_settings(environment)


def test_people_are_separated_by_commas_or_spaces() -> None:
    settings = load_settings(
        {"ADMINS": "telegram:42, matrix:@me:here", "MATRIX_ALLOWED_USERS": "@a:b @c:d"}
    )

    assert settings.admins == ("telegram:42", "matrix:@me:here")
    assert settings.matrix_allowed_users == ("@a:b", "@c:d")


def test_the_admins_on_telegram_are_known_by_their_numbers() -> None:
    settings = load_settings({"ADMINS": "telegram:42, matrix:@me:here"})

    assert settings.telegram_ways[-1] == (42,)


def test_the_earlier_name_of_the_database_counts_where_the_new_one_is_not_set() -> None:
    assert store_path({}) == Path("surfaces.db")
    assert store_path({"MATRIX_DB_PATH": "old.db"}) == Path("old.db")
    assert store_path({"MATRIX_DB_PATH": "old.db", "STORE_PATH": "new.db"}) == Path("new.db")
    assert load_settings({"MATRIX_DB_PATH": "old.db"}).store_path == Path("old.db")


def test_the_debug_socket_is_beside_the_store_unless_named() -> None:
    assert debug_socket({"STORE_PATH": "/var/lib/x.db"}) == Path("/var/lib/x.sock")
    assert debug_socket({"DEBUG_SOCKET": "/run/x"}) == Path("/run/x")


def test_secrets_are_known_and_never_shown() -> None:
    settings = load_settings(_MATRIX)

    assert "hunter2" in settings.secrets()
    assert "hunter2" not in repr(settings)


def test_a_variable_wins_over_the_file_and_an_empty_one_is_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text("ACCESS_MODE=open\nLOG_LEVEL=debug\nADMINS=\n")
    monkeypatch.setenv("LOG_LEVEL", "error")
    monkeypatch.setenv("ACCESS_MODE", "")

    environment = read_environment(file)

    assert environment["LOG_LEVEL"] == "error"
    assert "ACCESS_MODE" not in environment
    assert "ADMINS" not in environment


def test_the_example_file_has_every_variable_with_its_meaning_and_default() -> None:
    text = (_ROOT / ".env.example").read_text()
    shown = dotenv_values(_ROOT / ".env.example")
    fields = Settings.model_fields

    assert list(shown) == [name.upper() for name in fields]
    for name, field in fields.items():
        assert f"# {field.description}\n" in text
        assert shown[name.upper()] == _as_text(field.default)


def test_the_example_file_loads_as_it_stands() -> None:
    shown = dotenv_values(_ROOT / ".env.example")

    assert load_settings({name: value for name, value in shown.items() if value}) == load_settings(
        {}
    )


def _as_text(default: object) -> str:
    match default:
        case None | ():
            return ""
        case SecretStr():
            return default.get_secret_value()
        case bool():
            return "on" if default else "off"
        case float():
            return f"{default:g}"
        case _:
            return str(default)


def test_a_token_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"TELEGRAM_BOT_TOKEN": "hunter2"})

    assert str(caught.value).startswith("TELEGRAM_BOT_TOKEN: must look like 123456:ABC")
    assert "hunter2" not in str(caught.value)


def test_what_is_wrong_is_said_in_plain_words() -> None:
    wrong = {"TELEGRAM_REACTIONS": "perhaps", "TELEGRAM_ALLOWED_USERS": "ann", "SESSION_IDLE": "x"}

    with pytest.raises(SettingsError) as caught:
        load_settings(wrong)

    assert sorted(str(caught.value).splitlines()) == [
        "SESSION_IDLE: should be a number",
        "TELEGRAM_ALLOWED_USERS: should be a whole number",
        "TELEGRAM_REACTIONS: should be on or off",
    ]


@pytest.mark.parametrize(
    ("mode", "needed"),
    [
        ("production", ["LAMBDA_PLATFORM_URL", "LAMBDA_SERVICE_TOKEN"]),
        ("openai", ["OPENAI_BASE_URL"]),
        ("agui", ["AGUI_URL"]),
    ],
)
def test_a_mode_says_everything_that_it_needs(mode: str, needed: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"PLATFORM_MODE": mode})

    assert str(caught.value).splitlines() == [
        f"{name}: needed, as PLATFORM_MODE is {mode}" for name in needed
    ]


def test_each_mode_has_its_own_address_and_secret() -> None:
    both = {
        "OPENAI_BASE_URL": "http://here:1/v1/",
        "OPENAI_API_KEY": "sk-1",
        "AGUI_URL": "http://x/agent/",
    }
    openai = load_settings(both | {"PLATFORM_MODE": "openai"}).agent
    agui = load_settings(both | {"PLATFORM_MODE": "agui", "AGUI_TOKEN": "t"}).agent

    assert (openai.url, openai.secret) == ("http://here:1/v1", "sk-1")
    assert (agui.url, agui.secret) == ("http://x/agent/", "t")
    assert load_settings({}).agent.url == ""
    assert "sk-1" not in repr(openai)


def test_files_have_addresses_only_where_the_platform_is_to_fetch_them() -> None:
    at = {"OPS_PUBLIC_URL": "https://bot.example.org/", "LAMBDA_SERVICE_TOKEN": "secret"}
    by_url = load_settings(at | {"PLATFORM_ATTACHMENTS": "url"}).agent.links

    assert by_url is not None
    assert by_url.link("a", expires_at=1).startswith("https://bot.example.org/files/a?exp=1&sig=")
    assert load_settings(at).agent.links is None
    with pytest.raises(SettingsError, match="OPS_PUBLIC_URL: needed"):
        load_settings({"PLATFORM_ATTACHMENTS": "url"})


def test_several_secrets_are_taken_apart_and_each_is_known() -> None:
    settings = load_settings({"LAMBDA_WEBHOOK_SECRET": "whsec_cXVpbmNl, medlar"})
    web = settings.seen_from_outside(None).web

    assert web is not None
    assert web.webhook_keys == (b"quince", b"medlar")
    assert {"whsec_cXVpbmNl", "cXVpbmNl", "medlar"} <= set(settings.secrets())
    assert "medlar" not in repr(web)
    assert "medlar" not in repr(settings)


@pytest.mark.parametrize("secret", ["whsec_quince!", "whsec_", "good, whsec_quince"])
def test_a_webhook_secret_that_was_cut_off_is_said_without_it(secret: str) -> None:
    with pytest.raises(SettingsError, match=r"LAMBDA_WEBHOOK_SECRET: .*not base64") as caught:
        load_settings({"LAMBDA_WEBHOOK_SECRET": secret})

    assert "quince" not in str(caught.value)


def test_the_password_in_an_address_is_a_secret() -> None:
    settings = load_settings({"OPENAI_BASE_URL": "http://me:app%2Fle@localhost/v1"})

    assert {"app%2Fle", "app/le"} <= set(settings.secrets())


def test_without_a_token_that_nobody_knows_no_file_has_an_address() -> None:
    at = {"OPS_PUBLIC_URL": "https://bot.example.org", "PLATFORM_ATTACHMENTS": "url"}

    assert load_settings(at).agent.links is None
    assert load_settings(at | {"LAMBDA_SERVICE_TOKEN": "secret"}).agent.links is not None


def test_a_port_beyond_the_last_is_refused() -> None:
    with pytest.raises(SettingsError, match="OPS_BIND: a port is a number up to 65535"):
        load_settings({"OPS_BIND": "127.0.0.1:65536"})


@pytest.mark.parametrize("bind", ["8088", "localhost", "http://127.0.0.1:1", "127.0.0.1:port"])
def test_an_address_to_listen_at_has_a_host_and_a_port(bind: str) -> None:
    with pytest.raises(SettingsError, match="OPS_BIND: must look like"):
        load_settings({"OPS_BIND": bind})


@pytest.mark.parametrize("bind", ["127.0.0.1:8088", "[::1]:0", "localhost:80", "0.0.0.0:9"])
def test_an_address_to_listen_at_is_taken_as_it_stands(bind: str) -> None:
    web = load_settings({"OPS_BIND": bind}).seen_from_outside(None).web

    assert web is not None
    assert web.bind == bind


def test_nothing_listens_where_the_address_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("OPS_BIND=\n")
    monkeypatch.delenv("OPS_BIND", raising=False)
    environment = read_environment(tmp_path / ".env")

    assert load_settings(environment).seen_from_outside(None).web is None


def test_systemd_is_told_twice_as_often_as_it_wants() -> None:
    assert systemd({}) is None
    assert systemd({"NOTIFY_SOCKET": "/run/x"}) == ("/run/x", 10.0)
    assert systemd({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "60000000"}) == ("@x", 30.0)
