"""Events out of bytes, however the bytes are cut."""

import pytest
from httpx2._sse import _SSEParser
from hypothesis import given
from hypothesis import strategies as st

from actors.platform.event_stream import EventParser, EventTooLargeError, ServerSentEvent


def _parsed(*chunks: bytes, most: int = 1000) -> list[ServerSentEvent]:
    parser = EventParser(most)
    return [event for part in chunks for event in parser.feed(part)]


def test_an_event_has_its_data_its_name_and_the_last_id() -> None:
    events = _parsed(b"id: 7\nevent: note\ndata: one\ndata:two\n\ndata: three\n\n")

    assert events == [
        ServerSentEvent("note", "one\ntwo", "7"),
        ServerSentEvent("message", "three", "7"),
    ]


def test_a_comment_is_nothing() -> None:
    assert _parsed(b": ping\n\n: ping\n\n") == []


def test_an_event_that_has_not_ended_is_none() -> None:
    assert _parsed(b"data: half\n") == []


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert _parsed("\ufeffdata: x\n\n".encode()) == [ServerSentEvent(data="x")]


def test_a_time_to_wait_counts_only_as_a_number() -> None:
    assert [event.retry for event in _parsed(b"retry: 1000\n\nretry: soon\ndata:\n\n")] == [
        1000,
        None,
    ]


def test_a_time_to_wait_of_a_thousand_digits_is_none() -> None:
    assert _parsed(b"retry: " + b"9" * 500 + b"\ndata: x\n\n") == [ServerSentEvent(data="x")]


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    assert _parsed(b"data: \xff\xfe\n\n") == [ServerSentEvent(data="\ufffd\ufffd")]


@pytest.mark.parametrize("chunks", [[b"data: " + b"x" * 2000], [b"data: 12345678\n"] * 100])
def test_an_event_that_is_too_large_is_an_error(chunks: list[bytes]) -> None:
    with pytest.raises(EventTooLargeError):
        _parsed(*chunks)


def test_many_small_events_are_no_large_one() -> None:
    assert len(_parsed(*[b"data: 12345678\n\n"] * 1000)) == 1000


def test_a_line_that_never_ends_is_an_error_though_it_comes_byte_by_byte() -> None:
    with pytest.raises(EventTooLargeError):
        _parsed(*[b":"] * 1002)


LINES = st.lists(
    st.sampled_from(
        [
            "data: x",
            "data:y",
            "data",
            "id: 3",
            "id: \0",
            "id",
            "event: e",
            "retry: 5",
            "odd",
            ":c",
            "",
        ]
    ),
    max_size=12,
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@given(LINES, ENDS, st.integers(1, 7))
def test_it_reads_what_httpx2s_own_parser_reads(lines: list[str], end: str, step: int) -> None:
    stream = "".join(line + end for line in ["data: 0", "", *lines, ""])
    chunks = [stream[at : at + step] for at in range(0, len(stream), step)]
    other = _SSEParser()

    expected = [event for part in [*chunks, "data: last\n\n"] for event in other.decode(part)]

    got = _parsed(*(part.encode() for part in [*chunks, "data: last\n\n"]))
    assert [(e.event, e.data, e.id, e.retry) for e in got if e.data] == [
        (e.event, e.data, e.id, e.retry) for e in expected if e.data
    ]


@given(st.binary(max_size=300), st.integers(1, 50))
def test_how_the_bytes_are_cut_makes_no_difference(stream: bytes, step: int) -> None:
    chunks = [stream[at : at + step] for at in range(0, len(stream), step)]

    assert _parsed(*chunks) == _parsed(stream)
