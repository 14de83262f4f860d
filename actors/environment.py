"""The environment as text: variables over ``.env``, and the paths that subcommands need.

Light on purpose: ``supervisor.py debug`` reads this and must start in a blink.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values


class SettingsError(Exception):
    """The settings are wrong; the text has a line for each fault, by variable, without values."""


_EMPTY = frozenset({"OPS_BIND"})
"""Variables that mean something when they are empty: there is no such thing."""


def read_environment(env_file: Path = Path(".env")) -> dict[str, str]:
    """The variables that are set and not empty; the process's own win over *env_file*."""
    merged = dotenv_values(env_file, interpolate=False) | os.environ
    return {
        name: value for name, value in merged.items() if value or (name in _EMPTY and value == "")
    }


_NEEDED = {
    "production": ("LAMBDA_PLATFORM_URL", "LAMBDA_SERVICE_TOKEN"),
    "openai": ("OPENAI_BASE_URL",),
    "agui": ("AGUI_URL",),
}


def missing(environment: Mapping[str, str]) -> list[str]:
    """A line for each variable that another one needs."""
    mode = environment.get("PLATFORM_MODE", "")
    faults = [
        f"{name}: needed, as PLATFORM_MODE is {mode}"
        for name in _NEEDED.get(mode, ())
        if name not in environment
    ]
    if environment.get("PLATFORM_ATTACHMENTS") == "url" and "OPS_PUBLIC_URL" not in environment:
        faults.append("OPS_PUBLIC_URL: needed, as PLATFORM_ATTACHMENTS is url")
    if "MATRIX_HOMESERVER" in environment:
        if "MATRIX_USER_ID" not in environment:
            faults.append("MATRIX_USER_ID: needed, as MATRIX_HOMESERVER is set")
        if not {"MATRIX_PASSWORD", "MATRIX_ACCESS_TOKEN"} & set(environment):
            faults.append("MATRIX_PASSWORD or MATRIX_ACCESS_TOKEN: one is needed for Matrix")
    return faults


def store_path(environment: Mapping[str, str]) -> Path:
    """The database's file; ``MATRIX_DB_PATH`` is its name from earlier versions."""
    return Path(environment.get("STORE_PATH") or environment.get("MATRIX_DB_PATH", "surfaces.db"))


def debug_socket(environment: Mapping[str, str]) -> Path:
    """Where the running program listens for ``debug``: beside the store unless set."""
    named = environment.get("DEBUG_SOCKET")
    return Path(named) if named else store_path(environment).with_suffix(".sock")


def debug_places(environment: Mapping[str, str]) -> tuple[Path, Path]:
    """Where ``debug`` works: the running program's socket, and the folder of Matrix secrets."""
    return debug_socket(environment), Path(environment.get("MATRIX_STORE_PATH", "matrix_store"))


def systemd(environment: Mapping[str, str]) -> tuple[str, float] | None:
    """The socket on which systemd hears that we live, and how often it wants to, in seconds.

    None where systemd did not start us as ``Type=notify``.
    """
    address = environment.get("NOTIFY_SOCKET")
    limit = float(environment.get("WATCHDOG_USEC", "20000000")) / 1e6
    return (address, limit / 2) if address else None


def history_path(environment: Mapping[str, str]) -> Path:
    """Where the terminal keeps what was typed: the place that XDG names for such state."""
    home = Path(environment.get("HOME", "~")).expanduser()
    state = Path(environment.get("XDG_STATE_HOME") or home / ".local" / "state")
    return state / "agent-surfaces" / "history"
