"""What the journal remembers of a message that is half sent."""

import pytest

from actors.telegram.outgoing.progress import Progress


def test_progress_is_remembered_whole() -> None:
    progress = Progress(2, 1001, None, 3, 1, 1002)

    assert Progress.of(progress.text()) == progress
    assert Progress.of(Progress(place=7).text()) == Progress(place=7)


def test_what_an_earlier_version_wrote_down_is_understood() -> None:
    assert Progress.of("[2, 1001, null]") == Progress(2, 1001)
    assert Progress.of("[0, 0, 1002]") == Progress(place=1002)
    assert Progress.of("[2, 1001, null, 3, 1]") == Progress(2, 1001, None, 3, 1)


@pytest.mark.parametrize("text", ["{}", "7", "null", '["1", 2, 3]', "[1, 2, 3, 4]"])
def test_what_remembers_no_progress_is_the_beginning(text: str) -> None:
    assert Progress.of(text) == Progress()


def test_the_first_message_remains_the_first() -> None:
    progress = Progress(place=5, tries=1).with_piece(5).with_piece(6).with_files(3, 7)

    assert progress == Progress(done=2, first_id=5, files=3, last_id=6)
