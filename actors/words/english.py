"""What the gateway says, in English."""

from collections.abc import Mapping
from types import MappingProxyType

from actors.words.word import Word

ENGLISH: Mapping[Word, str] = MappingProxyType(
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
            "There is nothing in that message that I can read. Please write what it is about."
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
        Word.UNDECRYPTABLE: (
            "I could not read an encrypted message of yours: its key has not reached me. "
            "Please write it once more. If I cannot read that either, restart your app, "
            "or ask whoever runs me."
        ),
        Word.KEY_WITHHELD: (
            "I could not read an encrypted message of yours: your app keeps its key from me. "
            "Verify my device in your app, or let it send to unverified devices, "
            "and write once more. If that does not help, ask whoever runs me."
        ),
        Word.START: (
            "Hello! Write to me, and the agent answers here. {prefix}help shows what else I can do."
        ),
        Word.HELP: (
            "Write, and the agent answers. While it answers, up to {limit} messages wait in order."
            "\n\n"
            "- {prefix}new or `{prefix}new NAME`: begin a new chat; "
            "the old one keeps what it knows\n"
            "- {prefix}chats: list your chats\n"
            "- `{prefix}chats C2`: go back to chat C2 in the room where it was\n"
            "- `{prefix}rename NAME`: name this chat\n"
            "- {prefix}archive: hide this chat; your next message begins a new one\n"
            "- {prefix}stop: stop the running answer and keep what came\n"
            "- {prefix}retry: send your last failed or stopped message again\n"
            "- {prefix}status: what I am doing\n"
            "- {prefix}settings: what the agent may do for you, and what I show with its answers\n"
            "- {prefix}link: use the same chats in another app\n"
            "- {prefix}unlink: part the two again\n"
            "- {prefix}debug: what runs inside me, for admins\n"
            "- {prefix}help: this list"
        ),
        Word.HELP_IN_GROUP: (
            "There are others here. Mention me or reply to me, with a command too; "
            "else I may not know that you mean me."
        ),
        Word.UNKNOWN_COMMAND: (
            "I do not know that command. {prefix}help lists what I know. "
            "If it was meant for the agent, begin with another word."
        ),
        Word.UNKNOWN_COMMAND_NEAR: (
            "I do not know that command. Did you mean {prefix}{near}? "
            "{prefix}help lists what I know."
        ),
        Word.NEW_CHAT: "New chat: {chat}. {prefix}chats lists the others.",
        Word.STILL_EMPTY: "This chat is still new: {chat}. Just write.",
        Word.NO_CHATS: "You have no chats yet. Write something to begin the first.",
        Word.CHATS: (
            "Your chats:\n\n{chats}\n\nFor example, `{prefix}chats C2` goes back to chat C2."
        ),
        Word.CHATS_MORE: "- and {count} older",
        Word.CHAT_HERE: "here",
        Word.CHAT_IN_USE: "here, in use",
        Word.CHAT_ELSEWHERE: "in {place}",
        Word.CHAT_ON_SURFACE: "on {surface}",
        Word.CHAT_ON_SURFACE_IN: "on {surface}, in {place}",
        Word.CHAT_CHOSEN: "Back in {chat}.",
        Word.CHAT_IN_OTHER_ROOM: "{chat} is in another room, {place}. Go on there.",
        Word.CHAT_ON_OTHER_SURFACE: "{chat} is {place}. Go on there.",
        Word.CHAT_UNKNOWN: "You have no such chat. {prefix}chats lists them.",
        Word.CHAT_UNKNOWN_HERE: "You have no such chat here. {prefix}chats lists them.",
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
        Word.FILE: "*The agent made a file that I cannot send here: {name}*",
        Word.LIMIT_REACHED: "*The answer ends here: the model has reached its limit.*",
        Word.ANSWER_FILTERED: "*The answer ends here: the model's provider filtered the rest.*",
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
            "The agent did not take this message. Try other words, or {prefix}retry; "
            "if that does not help, tell whoever runs me."
        ),
        Word.FAILED_BROKEN: "Something went wrong at the agent. {prefix}retry tries again.",
        Word.FAILED_GONE: (
            "My connection to the agent broke down in the middle. {prefix}retry tries again."
        ),
        Word.FAILED_FILE_REFUSED: (
            "The agent does not take a file of this kind or size. "
            "Try another one, or {prefix}retry."
        ),
        Word.FAILED_FILE_LOST: "A file got lost on my side. {prefix}retry tries again.",
        Word.TASK_RUNS: "Working",
        Word.TASK_DONE: "The task {task} is done.",
        Word.TASK_FAILED: "The task {task} failed.",
        Word.TASK_FAILED_WHY: "The task {task} failed: {why}",
        Word.TASK_SILENT: (
            "I have heard nothing of the task {task} for a day. If it ends after all, I say so."
        ),
        Word.DRAFT_WAITS: "Waiting for other answers to end",
        Word.DRAFT_WAITS_BEHIND: "Waiting for other answers to end; before yours: {waiting}",
        Word.DRAFT_TRIES_AGAIN: "The agent is not available, trying again",
        Word.DRAFT_THINKS: "Thinking…",
        Word.DRAFT_TOOL: "Using {tool}",
        Word.SETTINGS: "Your settings. Press one to switch it on or off.",
        Word.SETTINGS_LIST: "Your settings:\n\n{skills}",
        Word.SETTINGS_NONE: "The agent has no settings for you.",
        Word.SETTINGS_FAILED: (
            "I cannot reach the agent's settings at the moment. Try again in a minute."
        ),
        Word.SETTINGS_REFUSED: (
            "The agent does not accept my key, so I cannot reach its settings. "
            "Whoever runs me has to look at it."
        ),
        Word.SKILL_ON: "✅ {skill}",
        Word.SKILL_OFF: "⬜ {skill}",
        Word.SETTINGS_WORDS: (
            "`{prefix}settings usage on` shows what each answer cost, "
            "`{prefix}settings reasoning on` what the agent thought before it. "
            "`off` instead of `on` hides it again."
        ),
        Word.SKILL_NAMED_CONCISE: "Short answers",
        Word.SKILL_NAMED_STEP_BY_STEP: "Step by step",
        Word.SKILL_NAMED_PLAIN_LANGUAGE: "Plain language",
        Word.SKILL_NAMED_ASK_BACK: "Ask when unsure",
        Word.SHOW_USAGE: "Show token usage",
        Word.SHOW_REASONING: "Show reasoning",
        Word.REASONING: "Reasoning",
        Word.TOKENS_BOTH: "tokens: {read} in · {written} out",
        Word.TOKENS_IN: "tokens: {read} in",
        Word.TOKENS_OUT: "tokens: {written} out",
        Word.NEW_CHAT_ELSEWHERE: "{chat} is open in a topic of its own. Go on there.",
        Word.NEW_CHAT_LINKED: (
            "{chat} is open in a room of its own: {place}. Accept my invitation, and go on there."
        ),
        Word.NEW_CHAT_WELCOME: "New chat: {chat}. Just write.",
        Word.LINK_CODE: (
            "Your code is **{code}**. Within {minutes} minutes, write to me where you want "
            "the same chats:\n\n{commands}\n\n"
            "Show it to nobody: whoever enters it is the same person as you."
        ),
        Word.LINK_PRIVATELY: (
            "Others read what is written here. Please write {prefix}link to me in private."
        ),
        Word.LINK_CODE_SEEN: (
            "Others read what is written here, so that code does not count any more. "
            "{prefix}link in your other app gives a new one; enter it where only I read it."
        ),
        Word.LINK_NOWHERE: "There is no other app where you could write to me.",
        Word.LINK_PAUSE: "Too many wrong codes. Try again in {minutes} min.",
        Word.LINK_UNKNOWN: "I do not know that code. {prefix}link in your other app gives you one.",
        Word.LINK_OWN_CODE: "This is your own code. Enter it in the other app.",
        Word.LINK_ALREADY: (
            "You are linked already, with `{person}`. {prefix}unlink parts you; then you may link "
            "again."
        ),
        Word.LINK_USED: (
            "That code does not count any more. {prefix}link in your other app gives a new one."
        ),
        Word.LINK_EXPIRED: "That code has expired. {prefix}link in your other app gives a new one.",
        Word.LINK_SAME_SURFACE: (
            "That code comes from {surface} too, or its person is on {surface} already. "
            "A code links two different apps."
        ),
        Word.LINKED: (
            "Done: you and `{person}` are the same person to me and the agent now. "
            "{prefix}chats shows the chats of both; each goes on in its room. "
            "{prefix}unlink parts you again."
        ),
        Word.LINKED_MOVED: "Their numbers were taken, so some chats here have new ones: {chats}.",
        Word.LINKED_ELSEWHERE: (
            "Your code was entered: you and `{person}` are the same person to me and the agent "
            "now. If that was not you, write {prefix}unlink."
        ),
        Word.UNLINKED: (
            "You are a person of your own again. The chats in this app stay yours, "
            "with their numbers."
        ),
        Word.UNLINKED_ELSEWHERE: (
            "`{person}` is not the same person as you any more. The chats in this app stay yours."
        ),
        Word.UNLINK_NOTHING: "You are not linked. {prefix}link begins it.",
        Word.CATCH_UP: (
            "While I was away, {count} messages of yours came in here. "
            "Shall I answer all of them, the last one, or none?"
        ),
        Word.CATCH_UP_OF: (
            "{name}, while I was away, {count} messages of yours came in here. "
            "Shall I answer all of them, the last one, or none?"
        ),
        Word.CATCHING_UP_ALL: "I answer all of them: {count}.",
        Word.CATCHING_UP_LAST: "I answer the last one. Left unanswered: {count}.",
        Word.CATCHING_UP_NONE: "Left unanswered: {count}.",
        Word.EDIT_OFFER: (
            "You changed your message after I had begun to answer it. Shall I answer the new text?"
        ),
        Word.BUTTON_STOP: "⏹ Stop",
        Word.BUTTON_RETRY: "🔁 Try again",
        Word.BUTTON_ANSWER_ANEW: "🔁 Answer the new text",
        Word.BUTTON_ALL: "All",
        Word.BUTTON_LAST: "Last",
        Word.BUTTON_NONE: "None",
        Word.CHOICE_YES: "Yes",
        Word.CHOICE_NO: "No",
        Word.CHOICE_APPROVE: "Approve",
        Word.CHOICE_REJECT: "Reject",
        Word.PRESS_UNKNOWN: "This button does nothing any more.",
        Word.PRESS_NOT_YOURS: "Only the person I am answering can press this.",
        Word.PRESS_NO_ACCESS: "I do not know you yet. Write to me first.",
        Word.PRESS_EXPIRED: "This question has expired. Please send your request again.",
        Word.PRESS_DECIDED: "This has been decided already.",
        Word.PRESS_FAILED: "That did not work. Please try again in a minute.",
        Word.DECIDED_BY: "**{choice}** ({name})",
        Word.RETRIED_BY: "*Sent again by {name}.*",
        Word.ANSWERED_ANEW: "*The new text is answered below.*",
        Word.FILE_TOO_LARGE: "*I could not fetch {name}: it is larger than {limit}.*",
        Word.FILE_GONE: "*I could not fetch {name}: it is not there any more.*",
        Word.FILE_UNREACHABLE: "*I could not fetch {name}: the download failed several times.*",
        Word.FILE_NO_ROOM: "*I could not fetch {name}: I had no place to put it.*",
        Word.SENDING_TOO_LARGE: (
            "*The agent made {name} ({size}). I can send at most {limit} here.*"
        ),
        Word.SENDING_REFUSED: "*The agent made {name} ({size}), but I could not send it here.*",
        Word.MENU_NEW: "Begin a new chat",
        Word.MENU_CHATS: "List your chats, go back to one",
        Word.MENU_RENAME: "Name this chat",
        Word.MENU_ARCHIVE: "Put this chat away",
        Word.MENU_STOP: "Stop the running answer",
        Word.MENU_RETRY: "Send your last failed message again",
        Word.MENU_STATUS: "What I am doing now",
        Word.MENU_SETTINGS: "What the agent may do for you",
        Word.MENU_LINK: "Use the same chats in another app",
        Word.MENU_UNLINK: "Part the two apps again",
        Word.MENU_DEBUG: "What runs inside me",
        Word.MENU_HELP: "What I can do",
    }
)
