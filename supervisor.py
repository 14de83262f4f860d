"""Surfaces an AI agent on Telegram and Matrix: the mailboxes, the tree, the command line."""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from actors.environment import SettingsError, debug_places, read_environment, systemd
from actors.plan import plan

if TYPE_CHECKING:
    from actors.config import Settings
    from actors.kernel import ChildSpec
    from actors.ops.settings import OpsSettings
    from actors.terminal.opening import Terminal
    from protocols.lifecycle import Control

USAGE = """\
usage: python supervisor.py [--terminal]       run the configured surfaces, or chat right here
       python supervisor.py check              say everything that is wrong with the settings
       python supervisor.py debug [COMMAND]    show the live tree; debug --help lists commands
"""


def tree(
    s: "Settings", terminal: "Terminal | None", outside: "OpsSettings", control: "Control"
) -> "list[ChildSpec]":
    """The tree as data: started top to bottom, stopped bottom to top, restarted one by one."""
    from actors.chats import AccessPolicy, ChatDirectory, ChatSession
    from actors.kernel import Mailbox, Pool, permanent, transient, tree_text
    from actors.ops.rows import ops_rows
    from actors.platform.bridge import BACKOFF, PlatformBridge
    from actors.platform.modes import platform_opener
    from actors.store.actor import StoreActor
    from actors.terminal.surface import TerminalSurface
    from protocols.chats import DirectoryMessage, SessionMessage
    from protocols.ids import MATRIX, TELEGRAM, TERMINAL, RoomId, SurfaceName
    from protocols.store import StoreMessage
    from protocols.surfaces import Surface, SurfaceMessage
    from protocols.turns import PlatformMessage

    store = Mailbox[StoreMessage]("store", capacity=1024)
    platform = Mailbox[PlatformMessage]("platform", capacity=256)
    telegram = Mailbox[SurfaceMessage]("telegram.out", capacity=256)
    matrix = Mailbox[SurfaceMessage]("matrix", capacity=256)
    here = Mailbox[SurfaceMessage]("terminal", capacity=256)
    chats = Mailbox[DirectoryMessage]("chats")
    to_store, to_chats, to_platform = store.address, chats.address, platform.address
    surfaces: dict[SurfaceName, Surface] = {}
    whole_surface = partial(Surface, has_buttons=True, opens_rooms=True, sends_files=True)
    agent = platform_opener(s.agent, to_store)
    bridge = permanent("platform", PlatformBridge, platform, agent, to_store, *s.turns, s.agent)
    rows = [
        permanent("store", StoreActor, store, s.store_path, s.journal_keep_days),
        bridge.with_options(shutdown=1.0, backoff=BACKOFF),
    ]
    if token := s.telegram_bot_token.get_secret_value():
        from actors.telegram.poller import TelegramPoller
        from actors.telegram.sender import TelegramSender
        from actors.telegram.settings import TelegramSettings

        bot = TelegramSettings(token, *s.telegram_ways)
        says = telegram.address
        surfaces[TELEGRAM] = whole_surface(TELEGRAM, says, draft_every=1.5)
        sender = permanent("telegram.out", TelegramSender, telegram, to_store, bot)
        rows.append(sender.with_options(shutdown=15.0))
        rows.append(permanent("telegram.in", TelegramPoller, to_store, to_chats, says, bot))
    if s.matrix_homeserver:
        from actors.matrix.settings import MatrixSettings
        from actors.matrix.syncer import MatrixSyncer

        account = MatrixSettings(str(s.matrix_homeserver), *s.matrix_account)
        surfaces[MATRIX] = whole_surface(
            MATRIX, matrix.address, ("/", "!"), draft_every=1.5, room_link=account.room_link
        )
        syncer = permanent("matrix", MatrixSyncer, matrix, to_store, to_chats, account)
        rows.append(syncer.with_options(shutdown=15.0))
    if terminal:
        surfaces[TERMINAL] = Surface(TERMINAL, here.address)
        chat = transient("terminal", TerminalSurface, here, to_store, to_chats, terminal)
        rows.append(chat.with_options(significant=True))

    sessions = Pool[SessionMessage](
        "sessions",
        lambda room, inbox: ChatSession(RoomId(room), inbox, to_store, to_platform, surfaces),
        idle=s.session_idle,
        shutdown=s.shutdown_grace,
        role="ChatSession",
    )
    access = AccessPolicy(s.access_mode, s.people_in_charge, s.people_allowed)
    talk = (to_store, to_platform, sessions, surfaces, access, lambda: tree_text(control.census()))
    directory = permanent("chats", ChatDirectory, chats, *talk, catch_up_after=s.catch_up_ask)
    return [*rows, sessions.spec(), directory, *ops_rows(control, to_store, to_chats, outside)]


def run(environment: Mapping[str, str], *, with_terminal: bool) -> int:
    """Run the program; its exit code."""
    import trio

    from actors.config import load_settings
    from actors.kernel import Supervisor
    from actors.opening import open_up

    s = load_settings(environment)
    terminal = open_up(s, environment, with_terminal=with_terminal)
    stop = terminal.interrupts.pressed if terminal else None
    rows = partial(tree, s, terminal, s.seen_from_outside(systemd(environment)))
    return trio.run(Supervisor(rows, signals=True, on_interrupt=stop, freezes=True).run)


def say(text: str, *, code: int = 0) -> int:
    """Print *text*, on standard error where *code* is not 0; gives *code*."""
    (sys.stderr if code else sys.stdout).write(f"{text.rstrip()}\n")
    return code


def main(words: Sequence[str]) -> int:
    """Do what the command line says; the exit code."""
    environment = read_environment()
    match list(words):
        case [] | ["--terminal"]:
            return run(environment, with_terminal=bool(words))
        case ["check"]:
            from actors.config import load_settings

            load_settings(environment)
            return say("the settings are whole")
        case ["debug", *rest]:
            from actors.ops.command import run_debug

            return run_debug(rest, plan(environment), *debug_places(environment))
        case rest:
            return say(USAGE, code=0 if rest in (["--help"], ["-h"]) else 2)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SettingsError as error:
        sys.exit(say(str(error), code=2))
