"""Markdown as Telegram takes it: every prefix of everything that a language model writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.text.markup import clean
from actors.telegram.text.render import (
    LONGEST_FOLDED,
    Piece,
    draft,
    is_visible,
    length_utf16,
    pieces,
)
from tests.actors.telegram.entity_rules import check, marked_words

TRICKY = [
    "**b** [x](src/a.py) [y](http://localhost:8000) [m](mailto:a@b.c) [t](#top) [ok](https://e.org)",
    "> a\n> > b **c\n> > > d** `e`\n>\n> f\n\n> [x](a/b)",
    "| a | b |\n|---|:-:|\n| **x** | [l](https://e.org) |\n| y | `z` || $a$ | <b> |\n\nend",
    "| name | what it is for | more |\n|-|-|-|\n| alpha | many words stand in here | 1 |\n| b |",
    "```python\nprint('😀')\n\n\n  x = 1\n```\n~~~\nopen `` ``` ` \n",
    "# H1 `x`\n## [h2](a)\nS\n==\n\n- a\n  - b 👩‍👩‍👧\n1. x\n   ```sh\n   ls\n   ```\n- [ ] t",
    "<b>hi</b> List<String>, a < b > c &lt; &amp; <!-- no -->\n\n<div>\nfoo **b**\n</div>\nend",
    "![img](https://e.org/x.png) ![](x.png) [![alt](i.png)](https://e.org) ![](tg://emoji?id=53)",
    "$5 or $6, $\\alpha^2$, $$\\frac{a}{b}$$ \\(x\\) ~5 ~6 ~~7~~ ||a|| a || b",
    "***bold it* only** __a__b _c_ *d **e `f` g** h* ~~**`x`**~~ \\*no\\* a_b_c",
    "😀**😀**😀`😀`[😀](https://😀.org)[😀](https://e.org/😀)\u200d\ufe0f\n\u3000\n",
    "[a [b](https://e.org) c](https://f.org) <https://g.org> https://h.org [r][1]\n\n[1]: i.j",
    "> ```py\n> x\n> ```\n> after\nlazy\n\n    indented\n      code\n\n---\n***",
    "\ud800 \x00 \u202e \r\n\u2028 \u200b\n\n[\u200b](https://e.org) **\u200b** ` `",
    "1. a\n\n   b\n   > c\n   > | d | e |\n   > |---|---|\n   > | f | g |\n2. h\n",
    "[t](tg://user?id=42) [u](https://a.b:99999) [v](https://a.b:80/c?d#e) [w](ftp://a.b) [x]()",
]


def visible(text: str) -> str:
    """*text* without white space and what nobody sees."""
    return "".join(char for char in text if is_visible(char))


def only(markdown: str) -> Piece:
    (piece,) = pieces(markdown)
    return piece


@pytest.mark.parametrize("text", TRICKY)
def test_telegram_takes_every_prefix_of_what_a_language_model_writes(text: str) -> None:
    for end in range(len(text) + 1):
        prefix = text[:end]

        found = pieces(prefix)

        assert bool(found) == is_visible(clean(prefix))
        for piece in found:
            check(piece)


@given(st.text(alphabet="ab1 \n`*_~[]()<>#!|>-+$\\:./😀\u0301\u200d", max_size=80))
def test_telegram_takes_whatever_is_written(text: str) -> None:
    for piece in pieces(text):
        check(piece)


@given(
    st.lists(
        st.sampled_from(
            ["word", "Map<String>", "**b**", "`c`", "> q", "\n", "\n\n", "- i", "# h", "||", "$5",
             "<i>", "|x|y|\n|-|-|\n|w|v|\n", "```\nk\n```", "![](u.png)", "~", "*", "_", "1."]
        )
    )
)  # fmt: skip
def test_no_word_is_lost_to_the_formatting(words: list[str]) -> None:
    text = "\n".join(words)

    said = "".join(piece.text for piece in pieces(text))

    for word in ("word", "String", "b", "c", "q", "h", "5", "w", "v", "k", "u.png"):
        assert said.count(word) >= sum(part.count(word) for part in words if part.count(word))


@pytest.mark.parametrize("limit", [8, 50, 333])
@pytest.mark.parametrize("text", TRICKY)
def test_pieces_fit_and_join_to_the_whole_again(text: str, limit: int) -> None:
    whole = "".join(piece.text for piece in pieces(text * 3))

    parts = pieces(text * 3, limit_utf16=limit)

    assert all(length_utf16(part.text) <= limit for part in parts)
    assert visible("".join(part.text for part in parts)) == visible(whole)
    for part in parts:
        check(part)


def test_a_long_answer_is_cut_between_its_paragraphs() -> None:
    paragraph = "word " * 200
    text = "\n\n".join([paragraph] * 10)

    parts = pieces(text)

    assert [part.text.count("\n\n") for part in parts] == [3, 3, 1]
    assert all(part.text.endswith("word") for part in parts)


def test_a_code_block_that_is_cut_goes_on_with_its_language_and_indentation() -> None:
    lines = "\n".join(f"    line {number}" for number in range(900))

    parts = pieces(f"Here:\n```python\ndef f():\n{lines}\n```\nthat is all")

    assert len(parts) > 2
    codes = [e for part in parts for e in part.entities]
    assert {e["language"] for e in codes} == {"python"}
    assert len(codes) == len(parts)
    assert all(part.text.startswith("    line") for part in parts[1:])
    joined = "\n".join(words for part in parts for words in marked_words(part, "pre"))
    assert joined == f"def f():\n{lines}"


def test_no_piece_has_more_than_a_hundred_entities() -> None:
    parts = pieces("**b** x " * 250)

    assert [len(part.entities) for part in parts] == [100, 100, 50]


def test_more_entities_at_one_place_than_fit_lose_the_innermost() -> None:
    (part,) = pieces("***~~||x||~~***", most_entities=2)

    assert len(part.entities) == 2


def test_emoji_are_never_cut_in_the_middle() -> None:
    family = "👩\u200d👩\u200d👧"

    parts = pieces(family * 40, limit_utf16=50)

    assert all(set(part.text.replace(family, "")) == set() for part in parts)


def test_endless_combining_characters_are_cut_somewhere() -> None:
    parts = pieces("a" + "\u0301" * 500, limit_utf16=100)

    assert "".join(part.text for part in parts) == "a" + "\u0301" * 500


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("src/a.py", "x (src/a.py)"),
        ("a.py", "x (a.py)"),
        ("http://localhost:8000", "x (http://localhost:8000)"),
        ("mailto:a@b.c", "x (mailto:a@b.c)"),
        ("#top", "x (#top)"),
        ("https://a.b:99999/", "x (https://a.b:99999/)"),
        ("https://u:p@a.b/", "x (https://u:p@a.b/)"),
        ("https://a..b/", "x (https://a..b/)"),
        ("http://[::1]/", "x (http://[::1]/)"),
        ("https://e.org/" + "y" * 2100, "x (https://e.org/" + "y" * 2100 + ")"),
        ("https://e.org/y", "x"),
        ("http://e.org:8080?y", "x"),
        ("tg://resolve?domain=y", "x"),
    ],
)
def test_an_address_that_telegram_refuses_stands_in_brackets(address: str, said: str) -> None:
    piece = only(f"[x]({address})")

    assert piece.text == said
    assert len(piece.entities) == (1 if said == "x" else 0)


def test_an_address_that_is_its_own_text_is_not_repeated() -> None:
    assert only("[src/a.py](src/a.py)").text == "src/a.py"
    assert only("<a@b.c>").text == "a@b.c"


def test_what_holds_a_refused_link_holds_its_address_too() -> None:
    piece = only("> **see [x](a/b)**\n\n[y](c/d) *z*")

    assert marked_words(piece, "blockquote") == ["see x (a/b)"]
    assert marked_words(piece, "bold") == ["see x (a/b)"]
    assert marked_words(piece, "italic") == ["z"]


def test_nested_quotes_stand_one_after_the_other() -> None:
    piece = only("> a\n> > b\n>\n> c")

    assert [words.strip() for words in marked_words(piece, "blockquote")] == ["a", "b", "c"]


def test_a_table_that_fits_a_telephone_is_set_in_columns() -> None:
    piece = only("| a | long one |\n|---|---|\n| **x** | 日本 |\n| [l](u/v) | z |")

    assert piece.text.split("\n") == [
        "a       | long one",
        "--------+---------",
        "x       | 日本",
        "l (u/v) | z",
    ]
    assert marked_words(piece, "pre") == [piece.text]


def test_a_wide_table_becomes_one_paragraph_a_row() -> None:
    head = "| name | what it is for |\n|---|---|\n"
    body = "| alpha | " + "many words " * 5 + "|\n| beta | |\n| gamma | few |\n"

    piece = only(f"{head}{body}\nafter")

    assert piece.text.split("\n\n") == [
        "name: alpha\nwhat it is for: " + ("many words " * 5).strip(),
        "name: beta",
        "name: gamma\nwhat it is for: few",
        "after",
    ]
    assert marked_words(piece, "bold")[:2] == ["name:", "what it is for:"]


def test_a_wide_table_of_headings_only_says_them() -> None:
    piece = only("| " + "words " * 8 + "| more |\n|---|---|\n")

    assert "more" in piece.text
    assert not piece.entities


def test_images_and_html_are_said_in_words() -> None:
    assert only("![a plot](https://e.org/p.png)").text == "🖼 a plot"
    assert only("![](plots/p.png)").text == "🖼 plots/p.png"
    assert only("Map<String, Int> and <b>bold</b>").text == "Map<String, Int> and <b>bold</b>"
    assert only("| a |\n|---|\n| ![](u.png) $\\pi$ <i> |").text.endswith("u.png $\\pi$ <i>")


def test_prices_and_approximations_are_no_formatting() -> None:
    piece = only("from $5 to $6, about ~7 or ~8, a || b || c")

    assert piece.text == "from $5 to $6, about ~7 or ~8, a || b || c"
    assert not piece.entities


def test_the_plain_text_of_a_piece_shows_the_addresses() -> None:
    assert only("see [this](https://e.org/x) now").plain == "see this (https://e.org/x) now"


def test_the_plain_text_of_a_full_piece_does_without_addresses() -> None:
    piece = only("[this](https://e.org/x) " + "y" * 4088)

    assert piece.plain == piece.text


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u2800\ufe0f", "\x00"])
def test_what_nobody_would_see_gives_no_piece(text: str) -> None:
    assert pieces(text) == []
    assert draft(text, " ") is None


@pytest.mark.parametrize("text", ["```\n\n```", ">", "**", "[]()", "# "])
def test_markup_without_words_is_said_as_it_was_written(text: str) -> None:
    assert only(text).text == text.strip()


def test_a_draft_shows_what_the_agent_does_below_the_text() -> None:
    piece = draft("```py\nopen\n", "reads *files*\nnow")

    assert piece is not None
    assert piece.text == "open\n\nreads *files* now"
    assert marked_words(piece, "italic") == ["reads *files* now"]
    assert marked_words(piece, "pre") == ["open"]


def test_a_draft_may_be_a_status_alone() -> None:
    piece = draft("", "searches")

    assert piece is not None
    assert piece.text == "searches"


def test_a_draft_of_a_long_answer_is_its_first_piece() -> None:
    text = "word " * 20_000

    piece = draft(text, "still writes")

    assert piece == pieces(text)[0]


# What stands around an answer.


def test_reasoning_is_folded_above_an_answer_and_its_footer_stands_below() -> None:
    (piece,) = pieces("**Hi** 😀", folded="I think 🤔\nof *nothing*.", footer="*56 out*")

    assert piece.text == "💭 I think 🤔\nof *nothing*.\n\nHi 😀\n\n56 out"
    assert marked_words(piece, "expandable_blockquote") == ["💭 I think 🤔\nof *nothing*."]
    assert marked_words(piece, "bold") == ["Hi"]
    assert marked_words(piece, "italic") == ["56 out"]
    assert piece.plain == piece.text


@pytest.mark.parametrize("text", TRICKY)
@pytest.mark.parametrize("limit", [333, 4096])
def test_telegram_takes_every_answer_with_something_around_it(text: str, limit: int) -> None:
    for end in range(0, len(text) + 1, 3):
        found = pieces(text[:end], limit_utf16=limit, folded="🤔 *hm", footer="*m\\_1 · 56 out*")

        assert "🤔 *hm" in marked_words(found[0], "expandable_blockquote")[0]
        assert found[-1].text.endswith("m_1 · 56 out")
        assert marked_words(found[-1], "italic")[-1] == "m_1 · 56 out"
        for piece in found:
            check(piece)


def test_an_open_code_block_swallows_no_footer() -> None:
    (piece,) = pieces("```py\nx = 1", footer="*56 out*")

    assert marked_words(piece, "pre") == ["x = 1"]
    assert marked_words(piece, "italic") == ["56 out"]


@pytest.mark.parametrize("sign", ["x", "😀", "word ", "line\n"])
def test_long_reasoning_is_cut_so_that_it_is_in_one_message_with_what_follows(sign: str) -> None:
    found = pieces("answer " * 2000, folded=sign * 3000, footer="*56 out*")

    (quote,) = marked_words(found[0], "expandable_blockquote")
    assert quote.endswith("…")
    assert len(quote) <= LONGEST_FOLDED + 2
    assert found[0].text.endswith("answer")
    assert not any(marked_words(piece, "expandable_blockquote") for piece in found[1:])
    assert "56 out" in found[-1].text
    assert "56 out" not in "".join(piece.text for piece in found[:-1])
    for piece in found:
        check(piece)


def test_a_footer_alone_is_a_message_and_nothing_is_none() -> None:
    assert [piece.text for piece in pieces("", footer="*56 out*")] == ["56 out"]
    assert [piece.text for piece in pieces("", folded="I think.")] == ["💭 I think."]
    assert pieces(" \n", folded="\u200b", footer="") == []
