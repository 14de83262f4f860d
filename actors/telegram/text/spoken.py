"""Markdown's events with words for everything that telegramify-markdown would drop."""

from collections.abc import Iterator
from typing import Any

from actors.telegram.text.tables import Rows, columns, is_narrow, records

Place = Any
Event = tuple[Any, Place]


def spoken(events: tuple[Event, ...], source: str) -> Iterator[Event]:
    """The same events, with words for everything that would be dropped."""
    source_bytes = source.encode()
    rest = iter(events)
    for event, place in rest:
        match event:
            case {"Start": {"Table": _}}:
                yield from _table(rest, place)
            case {"Start": {"Image": {"dest_url": str(url)}}}:
                yield from _image(rest, place, url)
            case "HtmlBlock" | {"Start": "HtmlBlock"}:
                yield {"Start": "Paragraph"}, place
                yield from _html_block(rest)
                yield {"End": "Paragraph"}, place
            case {"InlineHtml": str(html)}:
                yield {"Text": html}, place
            case {"InlineMath": str(math)} if "\\" not in math:
                # Prices, mostly: "$5 and $6".
                yield {"Text": f"${math}$"}, place
            case {"Start": "Strikethrough"} | {"End": "Strikethrough"} if (
                source_bytes[place["start"] + 1 : place["start"] + 2] != b"~"
            ):
                yield {"Text": "~"}, place
            case _:
                yield event, place


def _html_block(rest: Iterator[Event]) -> Iterator[Event]:
    """Its lines as words."""
    html = ""
    for event, place in rest:
        match event:
            case {"End": "HtmlBlock"}:
                yield {"Text": html.rstrip("\n")}, place
                return
            case {"Html": str(line)} | {"Text": str(line)}:
                html += line
            case _:
                pass


def _image(rest: Iterator[Event], place: Place, url: str) -> Iterator[Event]:
    """A link to the image: its words, else its address."""
    words = _words_until(rest, "Image") or url
    link = {"link_type": "Inline", "dest_url": url, "title": "", "id": ""}
    yield {"Text": "\N{FRAME WITH PICTURE} "}, place
    yield {"Start": {"Link": link}}, place
    yield {"Text": words}, place
    yield {"End": "Link"}, place


def _words_until(rest: Iterator[Event], end: str) -> str:
    """The words of everything up to the end of *end*; links show their addresses."""
    words = ""
    urls: list[str] = []
    starts: list[int] = []
    for event, _ in rest:
        match event:
            case {"End": str(tag)} if tag == end and not (end == "Image" and urls):
                return words
            case {"Start": {"Link": {"dest_url": str(url)}} | {"Image": {"dest_url": str(url)}}}:
                urls.append(url)
                starts.append(len(words))
            case {"End": "Link" | "Image"}:
                said, url = words[starts.pop() :], urls.pop()
                words += f" ({url})" if said and said != url else url if not said else ""
            case {"Text": str(text)} | {"Code": str(text)} | {"InlineHtml": str(text)}:
                words += text
            case {"InlineMath": str(math)} | {"DisplayMath": str(math)}:
                words += f"${math}$"
            case "SoftBreak" | "HardBreak":
                words += " "
            case _:
                pass
    return words


def _table(rest: Iterator[Event], place: Place) -> Iterator[Event]:
    rows: Rows = []
    for event, _ in rest:
        match event:
            case {"Start": "TableHead" | "TableRow"}:
                rows.append([])
            case {"Start": "TableCell"}:
                rows[-1].append(_words_until(rest, "TableCell"))
            case {"End": "Table"}:
                break
            case _:
                pass
    if is_narrow(rows):
        yield {"Start": {"CodeBlock": {"Fenced": ""}}}, place
        yield {"Text": columns(rows)}, place
        yield {"End": "CodeBlock"}, place
        return
    for record in records(rows):
        yield {"Start": "Paragraph"}, place
        yield from _record(record, place)
        yield {"End": "Paragraph"}, place
        yield {"Text": "\n\n"}, place


def _record(record: list[tuple[str, str]], place: Place) -> Iterator[Event]:
    for number, (heading, cell) in enumerate(record):
        if number:
            yield "SoftBreak", place
        if heading:
            yield {"Start": "Strong"}, place
            yield {"Text": f"{heading}:"}, place
            yield {"End": "Strong"}, place
            yield {"Text": " "}, place
        yield {"Text": cell}, place
