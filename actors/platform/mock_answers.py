"""What the mock agent says, in Markdown."""

import re

from actors.platform.kinds import kind_of
from protocols.platform import Attachment, Resume

HASH_DIGITS = 12
LONG_CHARS = 12_000
_LINE_END = re.compile(r"\r\n?|\n")


def quoted(text: str) -> str:
    """*text* as a Markdown quote, so that what a person wrote cannot spill over the rest."""
    return "> " + _LINE_END.sub("\n> ", text)


def plain_answer(text: str, attachments: tuple[Attachment, ...]) -> str:
    """The usual answer: what was written and what came with it, and how to see more."""
    files = "".join(f"- {_described(file)}\n" for file in attachments)
    received = f"With it came:\n\n{files}\n" if files else ""
    return (
        f"You wrote:\n\n{quoted(text)}\n\n{received}"
        "I am the **mock agent**: I stand in for a real one, so that you can try everything "
        "around it.\n\n"
        "Some words in a message make me misbehave, or ask for more:\n\n"
        "- `mock:slow` answers slowly; try to stop it meanwhile\n"
        "- `mock:confirm` asks you something\n"
        "- `mock:photo` sends you a picture\n"
        "- `mock:fail` fails; send it again then\n"
        "- `mock:help` lists all of them\n"
    )


def _described(file: Attachment) -> str:
    facts = [f"{kind_of(file.mime_type)}", file.mime_type, f"{file.size_bytes} bytes"]
    facts += [f"sha256 {file.sha256[:HASH_DIGITS]}…"] if file.sha256 else []
    return f"**{file.name}**: {', '.join(facts)}, sent as {file.mode}"


def list_of_words(meanings: dict[str, str]) -> str:
    """The words that the mock agent acts on, with their *meanings*."""
    rows = "".join(f"- `{word}` {meaning}\n" for word, meaning in meanings.items())
    return (
        f"I am the **mock agent**. One of these words in a message, and I do as it says:\n\n{rows}"
    )


def before_confirmation(text: str) -> str:
    """What stands before the question."""
    return f"You wrote:\n\n{quoted(text)}\n\nI have a plan, and ask before I carry it out.\n"


def after_confirmation(text: str, resume: Resume) -> str:
    """What the mock agent did after the person's choice."""
    match resume.choice:
        case "yes":
            done = "You said **yes**: I went on, and it is done."
        case "no":
            done = "You said **no**: I left everything as it was."
        case _:
            done = "That was neither a yes nor a no, so I left everything as it was."
    return f"{done}\n\nYou wrote:\n\n{quoted(text)}\n\nThis was the **mock agent**.\n"


def long_answer(text: str) -> str:
    """An answer with everything that is hard to cut into messages."""
    parts = [f"# A long answer\n\nYou wrote:\n\n{quoted(text[:LONG_CHARS])}\n\n"]
    number, size = 1, len(parts[0])
    while size < LONG_CHARS:
        parts.append(_section(number))
        size += len(parts[-1])
        number += 1
    parts.append("That was all that the **mock agent** has to say.\n")
    return "".join(parts)


def _section(number: int) -> str:
    return (
        f"## Part {number}\n\n"
        "The mock agent writes *at length* here, so that a long answer can be seen: how it is "
        "cut into messages, how **bold** and `code` come through, and where a "
        "[link](https://example.org/) leads.\n\n"
        "```python\n"
        f"def part_{number}(words: list[str]) -> str:\n"
        '    """Join the *words*; nothing in here is Markdown."""\n'
        '    return " ".join(word.strip() for word in words)\n'
        "```\n\n"
        "| part | squared | is even |\n| --- | ---: | --- |\n"
        f"| {number} | {number**2} | {'yes' if number % 2 == 0 else 'no'} |\n"
        f"| {number + 1} | {(number + 1) ** 2} | {'no' if number % 2 == 0 else 'yes'} |\n\n"
        "1. First, something to count.\n2. Then, something to count on.\n\n"
    )
