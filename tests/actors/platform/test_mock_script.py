import pickle
from math import inf

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from actors.platform import mock_script
from actors.platform.mock_script import (
    FAULT_WORDS,
    SLOW_SECONDS,
    Fail,
    Script,
    fault_word,
    script_for,
    timed_parts,
    words,
)
from protocols.platform import (
    Attachment,
    ReasoningDelta,
    Resume,
    StatusLine,
    StreamAsks,
    StreamFinished,
    TextDelta,
    ToolCall,
)


def text_of(script: Script) -> str:
    parts = (part for _, part in timed_parts(script, has_latency=False))
    return "".join(part.text for part in parts if isinstance(part, TextDelta))


def seconds_of(script: Script, *, has_latency: bool) -> float:
    return sum(seconds for seconds, _ in timed_parts(script, has_latency=has_latency))


def test_the_documented_words_are_the_words() -> None:
    documented = dict(
        line.removeprefix("``").split("``", 1)
        for line in (mock_script.__doc__ or "").splitlines()
        if line.startswith("``")
    )

    assert {word: meaning.strip() for word, meaning in documented.items()} == FAULT_WORDS


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("please mock:fail now", "mock:fail"),
        ("please mock:fail, thanks", "mock:fail"),
        ("mock:fail-once", "mock:fail-once"),
        ("mock:nonsense mock:cut mock:fail", "mock:cut"),
        ("mock:failing", None),
        ("mock: fail", None),
        ("", None),
    ],
)
def test_the_first_documented_word_counts(text: str, word: str | None) -> None:
    assert fault_word(text) == word


@given(text=st.text())
def test_words_joined_are_the_text(text: str) -> None:
    assert "".join(words(text)) == text


@given(text=st.text(st.characters(exclude_characters="\r\n")))
def test_an_answer_holds_the_text(text: str) -> None:
    assume(fault_word(text) is None)

    answer = text_of(script_for(text, interrupt_id="i"))

    assert text in answer


@pytest.mark.parametrize("word", [None, *FAULT_WORDS])
def test_every_word_has_a_script_and_only_a_plain_answer_has_none(word: str | None) -> None:
    plain = script_for("hello", interrupt_id="i")

    script = script_for(f"hello {word}", interrupt_id="i")

    assert (fault_word(f"hello {word}") is None) == (word is None)
    assert (type(script[-1]) is type(plain[-1]) and len(script) == len(plain)) == (
        word in {None, "mock:help", "mock:slow", "mock:long"}
    )


def test_an_answer_says_who_answers_and_how_to_see_more() -> None:
    answer = text_of(script_for("hello", interrupt_id="i"))

    assert "mock agent" in answer
    assert "`mock:help`" in answer


def test_an_answer_tells_of_each_file_what_came_through() -> None:
    files = (
        Attachment("cat.png", "image/png", 68, sha256="0123456789abcdef" * 4),
        Attachment("voice.ogg", "audio/ogg", 9, mode="url", location="https://example.org/v"),
    )

    answer = text_of(script_for("look", interrupt_id="i", attachments=files))

    assert (
        "- **cat.png**: photo, image/png, 68 bytes, sha256 0123456789ab…, sent as binary\n"
        "- **voice.ogg**: voice, audio/ogg, 9 bytes, sent as url\n"
    ) in answer


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("mock:photo", ["photo.png"]),
        ("mock:album", ["photo.png", "sunrise.png", "sea.png"]),
        ("mock:file", ["notes.txt"]),
        ("mock:voice", ["voice.ogg"]),
        ("mock:big", ["zeros.bin"]),
    ],
)
def test_a_word_sends_its_files_behind_the_answer(word: str, names: list[str]) -> None:
    script = script_for(f"please {word}", interrupt_id="i")

    *_, (_, last) = timed_parts(script, has_latency=True)

    assert isinstance(last, StreamFinished)
    assert [file.name for file in last.attachments] == names
    assert f"please {word}" in text_of(script)


def test_a_script_is_kept_without_the_files_that_it_sends() -> None:
    script = script_for("mock:big", interrupt_id="i")

    assert len(pickle.dumps(script)) < 10_000


def test_help_lists_every_word() -> None:
    answer = text_of(script_for("mock:help", interrupt_id="i"))

    assert all(f"`{word}` {meaning}" in answer for word, meaning in FAULT_WORDS.items())


def test_a_long_answer_has_about_12000_characters_with_code_and_a_table() -> None:
    answer = text_of(script_for("mock:long", interrupt_id="i"))

    assert 11_500 <= len(answer) <= 13_000
    assert answer.count("```") % 2 == 0
    assert "```python" in answer
    assert "| --- |" in answer


def test_a_cut_answer_is_the_first_half() -> None:
    answer = text_of(script_for("mock:cut", interrupt_id="i"))

    assert "mock:cut" in answer
    assert isinstance(script_for("mock:cut", interrupt_id="i")[-1], mock_script.Cut)


@pytest.mark.parametrize("has_latency", [True, False])
def test_a_slow_answer_is_slow_whatever_the_latency(*, has_latency: bool) -> None:
    script = script_for("mock:slow", interrupt_id="i")

    assert seconds_of(script, has_latency=has_latency) == pytest.approx(SLOW_SECONDS)


def test_without_latency_no_time_passes() -> None:
    for word in ("hello", "mock:long", "mock:status", "mock:cut"):
        assert seconds_of(script_for(word, interrupt_id="i"), has_latency=False) == 0


@given(text=st.text(max_size=5000))
def test_with_latency_a_plain_answer_takes_at_most_two_seconds(text: str) -> None:
    assume(fault_word(text) is None)

    script = script_for(text, interrupt_id="i")

    assert 0 < seconds_of(script, has_latency=True) <= 2


def test_a_hanging_answer_never_goes_on() -> None:
    *begun, (seconds, part) = timed_parts(
        script_for("mock:hang", interrupt_id="i"), has_latency=False
    )

    assert (seconds, part) == (inf, None)
    assert begun


def test_status_lines_come_before_the_answer() -> None:
    steps = script_for("mock:status", interrupt_id="i")

    lines = [step.text for step in steps if isinstance(step, StatusLine)]
    assert [line[:3] for line in lines] == ["1/3", "2/3", "3/3"]
    assert isinstance(steps[-1], StreamFinished)


def test_tools_come_before_the_answer() -> None:
    steps = script_for("mock:tool", interrupt_id="i")

    assert [step.name for step in steps if isinstance(step, ToolCall)] == [
        "web_search",
        "calculator",
    ]
    assert isinstance(steps[-1], StreamFinished)


def test_a_thoughtful_agent_says_what_its_answer_cost() -> None:
    steps = script_for("mock:think", interrupt_id="i")

    assert isinstance(steps[0], ReasoningDelta)
    usage = steps[-1].usage if isinstance(steps[-1], StreamFinished) else None
    assert usage is not None
    assert (usage.model, usage.input_tokens) == ("mock-1", 1)


def test_a_failing_script_says_nothing() -> None:
    script = script_for("mock:fail", interrupt_id="i")

    assert list(timed_parts(script, has_latency=True)) == []
    assert isinstance(script[0], Fail)
    assert not script[0].is_once


def test_a_question_names_its_interrupt() -> None:
    asks = script_for("mock:confirm", interrupt_id="i-7")[-1]

    assert isinstance(asks, StreamAsks)
    assert (asks.interrupt_id, asks.choices) == ("i-7", ("yes", "no"))


@pytest.mark.parametrize(
    ("choice", "says"),
    [("yes", "it is done"), ("no", "said **no**"), (None, "neither"), ("maybe", "neither")],
)
def test_each_choice_has_its_answer(choice: str | None, says: str) -> None:
    script = script_for("mock:fail", interrupt_id="i", resume=Resume("i", choice))

    assert says in text_of(script)


def test_markdown_of_a_person_stays_inside_its_quote() -> None:
    answer = text_of(script_for("```\n# loud\r\nmore\rend", interrupt_id="i"))

    assert "> ```\n> # loud\n> more\n> end\n\n" in answer
