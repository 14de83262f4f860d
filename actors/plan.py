"""The tree that would run, told without importing it: ``debug`` shows it in a blink."""

from collections.abc import Mapping


def is_terminal_wanted(environment: Mapping[str, str], *, is_asked_for: bool) -> bool:
    """Whether the chat in the terminal is there: asked for, or no other surface is configured."""
    return is_asked_for or not {"TELEGRAM_BOT_TOKEN", "MATRIX_HOMESERVER"} & set(environment)


def plan(environment: Mapping[str, str], *, with_terminal: bool = False) -> list[tuple[str, str]]:
    """The tree's rows, name and role, in start order; a test holds it to ``supervisor.tree``."""
    on_telegram = "TELEGRAM_BOT_TOKEN" in environment
    rows = {
        ("store", "StoreActor"): True,
        ("platform", "PlatformBridge"): True,
        ("telegram.out", "TelegramSender"): on_telegram,
        ("telegram.in", "TelegramPoller"): on_telegram,
        ("matrix", "MatrixSyncer"): "MATRIX_HOMESERVER" in environment,
        ("terminal", "TerminalSurface"): is_terminal_wanted(
            environment, is_asked_for=with_terminal
        ),
        ("sessions", "Pool"): True,
        ("chats", "ChatDirectory"): True,
        ("ops", "OpsServer"): True,
        ("web", "WebServer"): environment.get("OPS_BIND") != "",
        ("alerts", "Alerts"): "OPS_ALERTS" in environment,
        ("systemd", "SystemdNotifier"): "NOTIFY_SOCKET" in environment,
    }
    return [row for row, is_there in rows.items() if is_there]
