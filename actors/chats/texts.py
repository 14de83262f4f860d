"""Everything that the gateway itself says, in one catalogue.

A second language is a second table in ``CATALOGUES`` and a better ``language_of``; no caller
changes. Values that a person wrote go through ``plain`` first.
"""

import re
from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from protocols.ids import PersonId
from protocols.platform import FailureKind


class Word(Enum):
    """One thing that the gateway may say; the catalogue has its words."""

    # Access.
    KNOCK = auto()
    KNOCK_AGAIN = auto()
    NOT_ALLOWED = auto()
    LET_IN = auto()
    ADMINS_ONLY = auto()
    # Messages that are not taken.
    EMPTY = auto()
    TOO_LONG = auto()
    QUEUE_FULL = auto()
    FLOOD = auto()
    # Commands.
    START = auto()
    HELP = auto()
    UNKNOWN_COMMAND = auto()
    UNKNOWN_COMMAND_NEAR = auto()
    NEW_CHAT = auto()
    STILL_EMPTY = auto()
    NO_CHATS = auto()
    CHATS = auto()
    CHATS_MORE = auto()
    CHAT_HERE = auto()
    CHAT_IN_USE = auto()
    CHAT_ELSEWHERE = auto()
    CHAT_CHOSEN = auto()
    CHAT_IN_OTHER_ROOM = auto()
    CHAT_UNKNOWN = auto()
    NO_CHAT_YET = auto()
    RENAME_NEEDS_NAME = auto()
    RENAMED = auto()
    ARCHIVED = auto()
    RETRYING_NOTHING = auto()
    TREE = auto()
    # Sessions.
    STOPPED = auto()
    STOPPED_BY_FORCE = auto()
    NOTHING_RUNS = auto()
    STATUS_IDLE = auto()
    STATUS_RUNNING = auto()
    STATUS_SILENT = auto()
    # Endings of a turn.
    STOPPED_MARK = auto()
    STOPPED_BEFORE_START = auto()
    SESSION_SILENT = auto()
    SET_ASIDE = auto()
    ASK_CHOICE = auto()
    ASK_FREE = auto()
    FILE = auto()
    FAILED_UNREACHABLE = auto()
    FAILED_OVERLOADED = auto()
    FAILED_TIMEOUT = auto()
    FAILED_CUT = auto()
    FAILED_EMPTY = auto()
    FAILED_UNAUTHORIZED = auto()
    FAILED_REJECTED = auto()
    FAILED_BROKEN = auto()
    FAILED_GONE = auto()


_ENGLISH: Mapping[Word, str] = MappingProxyType(
    {
        Word.KNOCK: (
            "Hello! I do not know you yet, so I have not read your message.\n\n"
            "Your code is **{code}**. Whoever runs me can let you in with\n\n"
            "`python supervisor.py debug pair {code}`\n\n"
            "The code works once, for {minutes} minutes. Write again when you are in."
        ),
        Word.KNOCK_AGAIN: (
            "You are not in yet. Whoever runs me can let you in with\n\n"
            "`python supervisor.py debug pair {code}`\n\n"
            "The code works for {minutes} more minutes."
        ),
        Word.NOT_ALLOWED: (
            "Sorry, I only answer people on my list. Whoever runs me can add `{person}` to it."
        ),
        Word.LET_IN: "You are in. Write to me, or see {prefix}help.",
        Word.ADMINS_ONLY: "{prefix}debug is for admins only.",
        Word.EMPTY: (
            "There is no text in that message, and I can only read text for now. What is it about?"
        ),
        Word.TOO_LONG: (
            "That message is too long: {length} characters, and I can take {limit}. "
            "Please send it in parts."
        ),
        Word.QUEUE_FULL: (
            "I did not take this message: {limit} of yours are waiting already. "
            "Please send it again when I have caught up. {prefix}stop ends the running answer."
        ),
        Word.FLOOD: (
            "That is more than I can answer one by one. "
            "I leave out what I cannot take until you pause for a minute."
        ),
        Word.START: (
            "Hello! Write to me, and the agent answers here. {prefix}help shows what else I can do."
        ),
        Word.HELP: (
            "Write, and the agent answers. While it answers, up to {limit} messages wait in order."
            "\n\n"
            "- `{prefix}new [NAME]`: begin a new chat here; the old one keeps what it knows\n"
            "- `{prefix}chats`: list your chats\n"
            "- `{prefix}chats C2`: go back to chat C2 in the room where it was\n"
            "- `{prefix}rename NAME`: name this chat\n"
            "- `{prefix}archive`: hide this chat; your next message begins a new one\n"
            "- `{prefix}stop`: stop the running answer and keep what came\n"
            "- `{prefix}retry`: send your last failed or stopped message again\n"
            "- `{prefix}status`: what I am doing\n"
            "- `{prefix}debug`: the live tree, for admins\n"
            "- `{prefix}help`: this list"
        ),
        Word.UNKNOWN_COMMAND: (
            "I do not know that command. {prefix}help lists what I know. "
            "If it was meant for the agent, begin with another word."
        ),
        Word.UNKNOWN_COMMAND_NEAR: (
            "I do not know that command. Did you mean `{prefix}{near}`? "
            "{prefix}help lists what I know."
        ),
        Word.NEW_CHAT: "New chat: {chat}. {prefix}chats lists the others.",
        Word.STILL_EMPTY: "This chat is still new: {chat}. Just write.",
        Word.NO_CHATS: "You have no chats yet. Write something to begin the first.",
        Word.CHATS: "Your chats:\n\n{chats}\n\n{prefix}chats C2 goes back to chat C2.",
        Word.CHATS_MORE: "- and {count} older",
        Word.CHAT_HERE: "here",
        Word.CHAT_IN_USE: "here, in use",
        Word.CHAT_ELSEWHERE: "in `{place}`",
        Word.CHAT_CHOSEN: "Back in {chat}.",
        Word.CHAT_IN_OTHER_ROOM: "{chat} is in another room, `{place}`. Go on there.",
        Word.CHAT_UNKNOWN: "You have no such chat. {prefix}chats lists them.",
        Word.NO_CHAT_YET: "There is no chat here yet. Write something to begin one.",
        Word.RENAME_NEEDS_NAME: "What should it be called? Write `{prefix}rename NAME`.",
        Word.RENAMED: "This chat is now {chat}.",
        Word.ARCHIVED: (
            "{chat} is put away. Your next message begins a new chat; "
            "`{prefix}chats {slot}` brings this one back."
        ),
        Word.RETRYING_NOTHING: "There is nothing to retry: no message of yours failed here.",
        Word.TREE: "```\n{tree}\n```",
        Word.STOPPED: "Stopped.",
        Word.STOPPED_BY_FORCE: (
            "Stopped. The answer did not react, so I ended it; what waits goes on."
        ),
        Word.NOTHING_RUNS: "Nothing is running here.",
        Word.STATUS_IDLE: "Ready. Nothing is running here.",
        Word.STATUS_RUNNING: "Working for {seconds} s in chat {chat}. Waiting after it: {waiting}.",
        Word.STATUS_SILENT: (
            "This chat's session does not react at the moment. {prefix}stop ends what it is doing."
        ),
        Word.STOPPED_MARK: "*Stopped. {prefix}retry sends your message again.*",
        Word.STOPPED_BEFORE_START: (
            "*Stopped before it began. {prefix}retry sends your message again.*"
        ),
        Word.SESSION_SILENT: (
            "*Stopped: the answer did not react any more. {prefix}retry sends your message again.*"
        ),
        Word.SET_ASIDE: (
            "I tried this message {attempts} times, and each time something broke on my side. "
            "I have put it aside so that the next ones can go on. "
            "{prefix}retry tries it once more."
        ),
        Word.ASK_CHOICE: "Reply {choices}.",
        Word.ASK_FREE: "Reply to go on.",
        Word.FILE: "(The agent made a file that I cannot send here yet: {name})",
        Word.FAILED_UNREACHABLE: "I cannot reach the agent. {prefix}retry tries again.",
        Word.FAILED_OVERLOADED: (
            "The agent is too busy at the moment. Wait a minute, then {prefix}retry."
        ),
        Word.FAILED_TIMEOUT: "The agent took too long. {prefix}retry tries again.",
        Word.FAILED_CUT: "The agent's answer broke off. {prefix}retry tries again.",
        Word.FAILED_EMPTY: (
            "The agent gave an empty answer. {prefix}retry tries again, or ask in other words."
        ),
        Word.FAILED_UNAUTHORIZED: (
            "The agent does not accept my key. Whoever runs me has to look at it; "
            "then {prefix}retry."
        ),
        Word.FAILED_REJECTED: (
            "The agent refused this message. Try other words, or {prefix}retry."
        ),
        Word.FAILED_BROKEN: (
            "The agent answered something that I could not read. {prefix}retry tries again."
        ),
        Word.FAILED_GONE: (
            "My connection to the agent broke down in the middle. {prefix}retry tries again."
        ),
    }
)

CATALOGUES: Mapping[str, Mapping[Word, str]] = MappingProxyType({"en": _ENGLISH})
"""The words by language, by ISO 639 code; each table has every word with the same placeholders."""

FAILURES: Mapping[FailureKind, Word] = MappingProxyType(
    {kind: Word[f"FAILED_{kind.name}"] for kind in FailureKind}
)
"""What is said for each way in which a turn may fail."""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")


def language_of(_person: PersonId) -> str:
    """The language in which the gateway speaks to a person; English is the only one yet."""
    return "en"


def say(word: Word, to: PersonId, **facts: object) -> str:
    """The gateway's Markdown for *word*, in the language of *to*, with *facts* filled in."""
    return CATALOGUES[language_of(to)][word].format(**facts)


def plain(text: str) -> str:
    """*text* as Markdown that shows it as it is: for names that people chose."""
    return _MARKDOWN.sub(r"\\\1", text)
