"""To whom a message is addressed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.matrix.incoming.mentions import Addressed, Me, read_address
from tests.actors.matrix.incoming.events import JSON, Json

US = Me("@bot:here", frozenset({"Robo Cop"}))
MENTIONED = {"m.mentions": {"user_ids": ["@eve:here", "@bot:here"]}}
PILL = '<a href="https://matrix.to/#/@bot:here">Robo Cop</a>: hi'
LINK = "[Robo Cop](https://matrix.to/#/@bot:here)"


@pytest.mark.parametrize(
    ("body", "rest"),
    [
        ("Robo Cop: hi", "hi"),
        ("Robo Cop hi", "hi"),
        ("robo cop, hi", "hi"),
        ("@Robo Cop hi", "hi"),
        ("@bot:here: hi", "hi"),
        ("@bot:here hi", "hi"),
        ("@bot hi", "hi"),
        (f"{LINK}: hi", "hi"),
        (f"hey {LINK} what is up", "hey what is up"),
        ("hey @bot:here what is up", "hey what is up"),
        ("hi @bot:here", "hi "),
        ("what does Robo Cop do?", "what does Robo Cop do?"),
        ("Robo Cop: !status", "!status"),
        ("Robo Cops are many", "Robo Cops are many"),
        ("bot-like", "bot-like"),
        ("Robo Cop", "Robo Cop"),
        ("  Robo Cop:  ", "  Robo Cop:  "),
        ("write to @bot:here.example", "write to @bot:here.example"),
        ("", ""),
    ],
)
def test_the_mention_is_taken_off_the_words(body: str, rest: str) -> None:
    assert read_address(body, MENTIONED, US) == Addressed(rest, is_to_us=True)


@pytest.mark.parametrize(
    "body", ["bot: hi", "Robo Cop, hi", "the robo cop is here", "ask @bot:here", "ask @bot"]
)
def test_an_older_client_mentions_us_by_a_name_of_ours(body: str) -> None:
    assert read_address(body, {}, US).is_to_us


@pytest.mark.parametrize("body", ["robot", "bots", "abbot", "Robo", "robo copper", "hi"])
def test_a_part_of_a_word_is_no_name_of_ours(body: str) -> None:
    assert read_address(body, {}, US) == Addressed(body)


def test_a_name_that_is_only_a_word_of_the_sentence_stays_there() -> None:
    assert read_address("bot is great", {}, US) == Addressed("bot is great", is_to_us=True)
    assert read_address("bot: great", {}, US) == Addressed("great", is_to_us=True)


@pytest.mark.parametrize("html", [PILL, PILL.replace("@", "%40").replace(":here", "%3Ahere")])
def test_an_older_client_mentions_us_by_a_link(html: str) -> None:
    assert read_address("hello you", {"formatted_body": html}, US).is_to_us


def test_a_link_to_somebody_else_is_no_mention_of_ours() -> None:
    html = '<a href="https://matrix.to/#/@bot:here.evil">x</a>'

    assert not read_address("hello you", {"formatted_body": html}, US).is_to_us


@pytest.mark.parametrize(
    "mentions", [{}, {"user_ids": []}, {"user_ids": "@bot:here"}, {"room": True}]
)
def test_what_a_newer_client_says_wins_over_the_words(mentions: Json) -> None:
    found = read_address("Robo Cop: hi", {"m.mentions": mentions, "formatted_body": PILL}, US)

    assert found == Addressed("Robo Cop: hi")


def test_a_bot_without_a_name_is_mentioned_by_its_id() -> None:
    assert read_address("bot: hi", {}, Me("@bot:here")) == Addressed("hi", is_to_us=True)
    assert read_address("bot: hi", {}, Me("@bot:here", frozenset({" "}))).is_to_us


@given(st.text(), JSON, JSON)
def test_nothing_can_raise(body: str, mentions: Any, html: Any) -> None:
    read_address(body, {"m.mentions": mentions, "formatted_body": html}, US)
    read_address(body, MENTIONED, US)


def test_a_hostile_body_takes_no_time() -> None:
    for body in ("@bot:here" * 6000, "[" * 60_000, "Robo Cop, " * 6000, " " * 60_000):
        read_address(body, MENTIONED, US)
        read_address(body, {"formatted_body": "https://matrix.to/#/" * 3000}, US)
