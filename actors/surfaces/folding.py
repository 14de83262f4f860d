"""What is folded away above an answer: the agent's reasoning. Pure."""

THOUGHT = "\N{THOUGHT BALLOON}"
"""What stands before it, also where nothing can be folded."""


def shortened(text: str, longest: int) -> str:
    """*text* without the white space around it, in at most so many characters."""
    text = text.strip()
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
