import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.matrix.buttons import button_lines, emoji_of
from protocols.journal import Button, Keyboard


def emoji(keyboard: Keyboard) -> list[str]:
    return [one for one, _ in emoji_of(keyboard)]


def column(*labels: str) -> Keyboard:
    return tuple((Button(label, f"a:{label}"),) for label in labels)


def line(*labels: str) -> Keyboard:
    return (tuple(Button(label, f"a:{label}") for label in labels),)


@pytest.mark.parametrize(
    ("keyboard", "shown"),
    [
        (line("Yes", "No"), ["✅", "❌"]),
        (line("No", "Yes"), ["❌", "✅"]),
        (column("Да", "Нет"), ["✅", "❌"]),
        (line("Approve", "Reject"), ["✅", "❌"]),
        (column("Отклонить", "Разрешить"), ["❌", "✅"]),
        (column("Approve", "Reject"), ["✅", "❌"]),
        (column("Keep", "Drop"), ["1️⃣", "2️⃣"]),
        (line("Yes", "No", "Later"), ["1️⃣", "2️⃣", "3️⃣"]),
        (column("Retry"), ["1️⃣"]),
        ((), []),
    ],
)
def test_yes_and_no_are_marks_and_all_else_is_counted(keyboard: Keyboard, shown: list[str]) -> None:
    assert emoji(keyboard) == shown


def test_after_ten_come_letters() -> None:
    shown = emoji(column(*(f"b{number}" for number in range(36))))

    assert shown[8:12] == ["9️⃣", "🔟", "🇦", "🇧"]
    assert len(set(shown)) == 36


@given(st.lists(st.lists(st.text(max_size=4), max_size=4), max_size=20))
def test_no_two_buttons_share_an_emoji(labels: list[list[str]]) -> None:
    keyboard = tuple(tuple(Button(label, "a") for label in row) for row in labels)

    shown = emoji(keyboard)

    assert len(set(shown)) == len(shown)
    bare = {one.replace("\N{VARIATION SELECTOR-16}", "") for one in shown}
    assert len(bare) == len(shown)


def test_the_lines_name_each_button_as_it_is_called() -> None:
    assert button_lines(column("a *b*", "c\nd")) == "1️⃣ a \\*b\\*\n2️⃣ c d"
    assert button_lines(()) == ""
