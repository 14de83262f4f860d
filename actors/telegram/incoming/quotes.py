"""What a message replies to, as a quotation before its own words. Pure."""

from actors.telegram.incoming.media import label_of
from actors.telegram.incoming.shapes import Json, table, text_in

_LONGEST_QUOTE = 1000


def with_quote(text: str, raw: Json) -> str:
    """*text* behind what it replies to, as a quotation in Markdown; a command stays alone."""
    quoted = "" if text.startswith("/") else _quoted_in(raw)
    if not quoted:
        return text
    lines = "\n".join(f"> {line}".rstrip() for line in quoted.split("\n"))
    return f"{lines}\n\n{text}" if text else lines


def _quoted_in(raw: Json) -> str:
    replied = table(raw.get("reply_to_message"))
    # In a reply across chats Telegram says only what kind of thing was replied to.
    label = label_of(replied or table(raw.get("external_reply")))
    sources = (table(raw.get("quote")).get("text"), replied.get("text"), replied.get("caption"))
    words = next((found for found in map(text_in, sources) if found), "")
    if len(words) > _LONGEST_QUOTE:
        words = f"{words[:_LONGEST_QUOTE]}…"
    return f"{label} {words}".strip()
