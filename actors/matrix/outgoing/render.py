"""Turns Markdown into what a Matrix event carries: plain body, HTML, edits, pieces by size."""

import json
import re
from collections.abc import Iterator, Sequence
from html import escape, unescape
from typing import Any

import nh3
from attrs import field, frozen
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from actors.matrix.api.limits import (
    EVENT_BYTES,
    LEAST_PIECE_BYTES,
    LONGEST_FOLDED,
    PIECE_BYTES,
)
from actors.matrix.outgoing.pieces import closed, pieces
from actors.surfaces.folding import THOUGHT, shortened
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

_HTML = "org.matrix.custom.html"
_MSGTYPES = {Voice.AGENT: "m.text", Voice.GATEWAY: "m.notice"}


@frozen
class Fold:
    """Plain *text* that a client shows to whoever opens its *title*."""

    title: str
    text: str = field(repr=False)


@frozen
class Shown:
    """What one message shows: Markdown, what is folded above it, and the content of both."""

    text: str = field(repr=False)
    fold: Fold | None
    content: Content = field(repr=False)


def html_of(markdown: str) -> str:
    """The HTML of *markdown*, with only the tags that Matrix clients show, all of them closed."""
    return _cleaned(_PARSER.render(markdown))


def _cleaned(html: str) -> str:
    return nh3.clean(
        html,
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
    return (one.content for one in shown_of(text, voice, limit_bytes=limit_bytes))


def shown_of(
    text: str,
    voice: Voice,
    *,
    fold: Fold | None = None,
    below: str = "",
    limit_bytes: int = PIECE_BYTES,
) -> Iterator[Shown]:
    """What the messages of *text* show, in order: the first has the *fold*, the last *below*."""
    found = pieces(text, limit_bytes=limit_bytes)
    if not found and (fold or below.strip()):
        found = [""]
    for number, piece in enumerate(found, start=1):
        its_fold = fold if number == 1 else None
        its_below = below if number == len(found) else ""
        words = joined(piece, its_below)
        content = _content(words, voice, its_fold)
        smaller = len(piece.encode()) // 2
        if _fits(content):
            yield Shown(words, its_fold, content)
        elif smaller < LEAST_PIECE_BYTES:
            yield Shown(words, None, _plain(words, voice))
        else:
            yield from shown_of(piece, voice, fold=its_fold, below=its_below, limit_bytes=smaller)


def joined(*parts: str) -> str:
    """*parts* one below the other; no code block of one swallows the next."""
    *before, last = [part for part in parts if part.strip()] or [""]
    return "\n\n".join((*map(closed, before), last))


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


def whole(text: str, voice: Voice, fold: Fold | None = None) -> Content:
    """The one content for *text*, with formatting where that fits; *text* must not be long."""
    text = _without_halves(text)
    content = _content(text, voice, fold)
    return content if _fits(content) else _plain(text, voice)


def _without_halves(text: str) -> str:
    """*text* with surrogates paired, and those without a partner replaced: UTF-8 has none.

    What comes from the journal holds none.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _fits(content: Content) -> bool:
    return _size(as_edit(content, "$" + "x" * 64)) <= EVENT_BYTES


def _content(text: str, voice: Voice, fold: Fold | None = None) -> Content:
    html = html_of(text)
    if fold is not None:
        folded = shortened(fold.text, LONGEST_FOLDED)
        content = _plain(joined(f"{THOUGHT}\n{folded}", text), voice)
        formatted = "\n".join(part for part in (_details(fold.title, folded), html) if part)
        return content | {"format": _HTML, "formatted_body": formatted}
    content = _plain(text, voice)
    if html and not _says_the_same(html, text):
        content |= {"format": _HTML, "formatted_body": html}
    return content


def _details(title: str, text: str) -> str:
    lines = "<br>".join(escape(line) for line in text.splitlines())
    return _cleaned(f"<details><summary>{THOUGHT} {escape(title)}</summary>{lines}</details>")


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
