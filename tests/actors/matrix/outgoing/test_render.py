import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.matrix.api.limits import EVENT_BYTES
from actors.matrix.outgoing.render import (
    Content,
    as_edit,
    contents,
    draft_text,
    html_of,
    smaller_contents,
)
from protocols.journal import Voice

_MARKS = [
    *("**", "_", "`", "```\n", "# ", "- ", "1. ", "> ", "| a | b |\n|-|-|\n", "\n\n", "\n"),
    *("<script>", "<img src=x onerror=y>", "[a](javascript:x)", "![a](http://b/c)", "~~"),
    *("https://a.example", "&lt;", "<b>", "</p>", '"', "[x](http://y 'z')"),
]
_MARKUP = st.lists(st.one_of(st.text(max_size=30), st.sampled_from(_MARKS)), max_size=40).map(
    "".join
)

_VOID = {"br", "hr"}


class _Balance(HTMLParser):
    """Fails on a tag that is not closed, or closed by another."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(f"{tag}.{name}" for name, _ in attrs)}
        for _, value in attrs:
            assert not (value or "").strip().lower().startswith(("javascript:", "data:"))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def first_of(text: str, voice: Voice) -> Content:
    return next(contents(text, voice))


def _checked(html: str) -> set[str]:
    balance = _Balance()
    balance.feed(html)
    balance.close()
    assert balance.open == []
    return balance.seen


@given(_MARKUP)
def test_html_is_balanced_and_holds_nothing_that_runs(text: str) -> None:
    seen = _checked(html_of(text))

    assert not seen & {"script", "img", "style", "iframe", "object", "form"}
    assert {one for one in seen if "." in one} <= {"a.href", "ol.start", "code.class"}


@given(_MARKUP, st.integers(1, 400))
def test_every_prefix_of_an_answer_is_balanced_too(text: str, length: int) -> None:
    _checked(html_of(text[:length]))


@settings(max_examples=30)
@given(_MARKUP.map(lambda text: text * 100), st.sampled_from(list(Voice)))
def test_every_event_fits_also_as_an_edit(text: str, voice: Voice) -> None:
    for content in contents(text, voice):
        edit = as_edit(content, "$" + "x" * 43)
        assert len(json.dumps(edit, ensure_ascii=False).encode()) <= EVENT_BYTES + 100


@pytest.mark.parametrize("text", ["<" * 20_000, "\x01" * 12_000, "|a" * 9000, "*a*" * 5000])
def test_a_text_that_swells_is_cut_smaller(text: str) -> None:
    found = list(contents(text, Voice.AGENT))

    assert re.sub(r"\s", "", "".join(one["body"] for one in found)) == re.sub(r"\s", "", text)
    for content in found:
        assert len(json.dumps(as_edit(content, "$x"), ensure_ascii=False)) <= EVENT_BYTES


def test_the_agent_speaks_in_messages_and_the_gateway_in_notices() -> None:
    assert list(contents("a", Voice.AGENT)) == [
        {"msgtype": "m.text", "body": "a", "m.mentions": {}}
    ]
    assert first_of("a", Voice.GATEWAY)["msgtype"] == "m.notice"


@pytest.mark.parametrize("text", ["plain", "two\nlines", "two\n\nblocks", "a & b < c"])
def test_plain_words_need_no_html(text: str) -> None:
    assert "formatted_body" not in first_of(text, Voice.AGENT)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**b** _i_ ~~s~~", "<p><strong>b</strong> <em>i</em> <s>s</s></p>"),
        ("a\n\n- b", "<p>a</p>\n<ul>\n<li>b</li>\n</ul>"),
        ("```py\n1<2\n```", '<pre><code class="language-py">1&lt;2\n</code></pre>'),
        ("`c`", "<p><code>c</code></p>"),
        ("see https://a.example", '<p>see <a href="https://a.example">https://a.example</a></p>'),
        ("![cat](http://a/b.png)", '<p><a href="http://a/b.png">cat</a></p>'),
        ("![](http://a/b.png)", '<p><a href="http://a/b.png">http://a/b.png</a></p>'),
        ("<b>x</b> **y**", "<p>&lt;b&gt;x&lt;/b&gt; <strong>y</strong></p>"),
        ("3. x", '<ol start="3">\n<li>x</li>\n</ol>'),
        (r"\*", "<p>*</p>"),
    ],
)
def test_markdown_becomes_the_html_that_clients_show(text: str, html: str) -> None:
    content = first_of(text, Voice.AGENT)

    assert content["formatted_body"] == html
    assert content["format"] == "org.matrix.custom.html"
    assert content["body"] == text


def test_a_class_that_is_no_language_is_left_out() -> None:
    from actors.matrix.outgoing.render import _checked_attribute  # noqa: PLC0415  # no way from Markdown

    assert _checked_attribute("code", "class", "evil") is None
    assert _checked_attribute("code", "class", "language-py") == "language-py"


def test_an_edit_carries_the_words_for_old_and_new_clients() -> None:
    content = first_of("**b**", Voice.AGENT)

    edit = as_edit(content, "$first")

    assert edit["body"] == "* **b**"
    assert edit["formatted_body"] == "* <p><strong>b</strong></p>"
    assert edit["m.new_content"] == content
    assert edit["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$first"}


def test_a_draft_shows_its_status_below() -> None:
    assert draft_text("so far", "searching") == "so far\n\n*searching*"
    assert draft_text("", "searching") == "*searching*"
    assert draft_text("so far", " ") == "so far"


def test_smaller_pieces_end_where_nothing_is_gained() -> None:
    large = first_of("word " * 100, Voice.AGENT)

    smaller = smaller_contents(large, Voice.AGENT)

    assert len(smaller) > 1
    assert smaller_contents({"body": "tiny"}, Voice.AGENT) == [first_of("tiny", Voice.AGENT)]
