"""Turns Markdown into what a Matrix event carries: plain body, HTML, edits, pieces by size."""

import json
import re
from collections.abc import Iterator, Sequence
from html import escape, unescape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from actors.matrix.api.limits import EVENT_BYTES, LEAST_PIECE_BYTES, PIECE_BYTES
from actors.matrix.outgoing.pieces import pieces
from protocols.journal import Voice

Content = dict[str, Any]

# Client-server API, "m.room.message msgtypes": the tags and attributes that clients show.
# Without img: it takes a file of the homeserver's only, so that an image becomes a link.
_TAGS = frozenset(
    re.findall(
        r"\w+",
        """
        del h1 h2 h3 h4 h5 h6 blockquote p a ul ol sup sub li b i u strong em s code hr br div
        table thead tbody tr th td caption pre span details summary
        """,
    )
)
_ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}, "ol": {"start"}, "code": {"class"}}
_SCHEMES = {"https", "http", "ftp", "mailto", "magnet"}

_MSGTYPES = {Voice.AGENT: "m.text", Voice.GATEWAY: "m.notice"}


def html_of(markdown: str) -> str:
    """The HTML of *markdown*, with only the tags that Matrix clients show, all of them closed."""
    return nh3.clean(
        _PARSER.render(markdown),
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=_checked_attribute,
        url_schemes=_SCHEMES,
        link_rel=None,
        url_relative="deny",
    ).strip()


def contents(text: str, voice: Voice, *, limit_bytes: int = PIECE_BYTES) -> Iterator[Content]:
    """The message contents for *text*, in order; each also fits as an edit.

    Made one by one: a long answer takes long to render, and others work between its events.
    """
    for piece in pieces(text, limit_bytes=limit_bytes):
        content = _content(piece, voice)
        if _fits(content):
            yield content
        else:
            yield from smaller_contents(content, voice)


def smaller_contents(content: Content, voice: Voice) -> list[Content]:
    """The same words in smaller events; just the plain words where they are small already."""
    body = str(content["body"])
    limit_bytes = len(body.encode()) // 2
    if limit_bytes < LEAST_PIECE_BYTES:
        return [_plain(body, voice)]
    return list(contents(body, voice, limit_bytes=limit_bytes))


def as_edit(content: Content, event_id: str) -> Content:
    """An event that puts *content* in the place of the message *event_id*.

    What that relates to stays as it is, and whom it mentions is not called again.
    """
    content = {key: value for key, value in content.items() if key != "m.relates_to"}
    shown = {**content, "body": f"* {content['body']}", "m.mentions": {}}
    if "formatted_body" in content:
        shown["formatted_body"] = f"* {content['formatted_body']}"
    return {
        **shown,
        "m.new_content": content,
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
    }


def draft_text(text: str, status: str) -> str:
    """What is shown of an answer that still grows."""
    parts = (text, f"*{status}*" if status.strip() else "")
    return _without_halves("\n\n".join(part for part in parts if part))


def whole(text: str, voice: Voice) -> Content:
    """The one content for *text*, with formatting where that fits; *text* must not be long."""
    text = _without_halves(text)
    content = _content(text, voice)
    return content if _fits(content) else _plain(text, voice)


def _without_halves(text: str) -> str:
    """*text* with surrogates paired, and those without a partner replaced: UTF-8 has none.

    What comes from the journal holds none.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _fits(content: Content) -> bool:
    return _size(as_edit(content, "$" + "x" * 64)) <= EVENT_BYTES


def _content(text: str, voice: Voice) -> Content:
    content = _plain(text, voice)
    html = html_of(text)
    if html and not _says_the_same(html, text):
        content |= {"format": "org.matrix.custom.html", "formatted_body": html}
    return content


def _plain(text: str, voice: Voice) -> Content:
    # An empty m.mentions: a name in the text must not ring somebody's phone.
    return {"msgtype": _MSGTYPES[voice], "body": text, "m.mentions": {}}


def _says_the_same(html: str, text: str) -> bool:
    """Whether the plain text shows everything that *html* would."""
    bare = html.removeprefix("<p>").removesuffix("</p>")
    bare = bare.replace("</p>\n<p>", "\n\n").replace("<br>\n", "\n")
    return "<" not in bare and unescape(bare) == text


def _checked_attribute(tag: str, attribute: str, value: str) -> str | None:
    if (tag, attribute) == ("code", "class") and not value.startswith("language-"):
        return None
    return value


def _size(content: Content) -> int:
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def _image_as_link(
    _renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    _env: EnvType,
) -> str:
    token = tokens[index]
    source = str(token.attrs.get("src", ""))
    return f'<a href="{escape(source)}">{escape(token.content or source)}</a>'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True})
    parser.enable(["table", "strikethrough", "linkify"])
    parser.add_render_rule("image", _image_as_link)
    return parser


_PARSER = _parser()
