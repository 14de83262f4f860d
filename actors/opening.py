"""What there must be before anything starts: places that can be used, a terminal, a log."""

from collections.abc import Mapping

from actors.config import Settings
from actors.environment import SettingsError, history_path
from actors.kernel.logs import configure_logs
from actors.places import fault_of_places
from actors.plan import is_terminal_wanted
from actors.terminal.opening import Terminal, log_place, open_terminal

AGENTS = {
    "mock": "the mock agent",
    "production": "the Lambda platform",
    "openai": "the model",
    "agui": "the agent",
}
"""Who answers, as the terminal's greeting names them, by ``PLATFORM_MODE``."""


def open_up(s: Settings, environment: Mapping[str, str], *, with_terminal: bool) -> Terminal | None:
    """Open the log, and the terminal if somebody chats there.

    Raises:
        SettingsError: A place cannot be used; the text says which, and what to do.
    """
    places = {"store": s.store_path, "socket": s.debug_socket, "files": s.files_path}
    if fault := fault_of_places(**places):
        raise SettingsError(fault)
    is_here = is_terminal_wanted(environment, is_asked_for=with_terminal)
    terminal = None
    if is_here:
        terminal = open_terminal(history_path(environment), AGENTS[s.platform_mode])
    level, stream = log_place(terminal, s.log_level)
    configure_logs(level=level, log_format=s.log_format, secrets=s.secrets(), stream=stream)
    return terminal
