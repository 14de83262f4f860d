"""What a message replies to, as a quotation before its own words. Pure."""

from actors.surfaces.quotes import quoted
from actors.surfaces.shapes import Json, table, text_in
from actors.telegram.incoming.media import label_of


def with_quote(text: str, raw: Json) -> str:
    """*text* behind what it replies to, as a quotation in Markdown; a command stays alone."""
    if text.startswith("/"):
        return text
    replied = table(raw.get("reply_to_message"))
    # In a reply across chats Telegram says only what kind of thing was replied to.
    label = label_of(replied or table(raw.get("external_reply")))
    sources = (table(raw.get("quote")).get("text"), replied.get("text"), replied.get("caption"))
    words = next((found for found in map(text_in, sources) if found), "")
    return quoted(text, words=words, label=label)
