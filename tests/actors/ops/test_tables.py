import pytest

from actors.ops import words
from actors.ops.page import Look
from actors.ops.tables import page_of
from actors.ops.words import Answer, DeadLetterLine, JournalGlance, JournalLine, StrangerLine
from tests.actors.ops.rig import actor

GLANCE = JournalGlance({"queued": 1}, {}, 0, 4.0)


def _text(answer: Answer, width: int = 80) -> str:
    return "\n".join(line.text for line in page_of(answer, width=width))


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (words.Killed("matrix"), "killed: matrix"),
        (words.Restarted("matrix"), "restarted: matrix"),
        (words.Retried(7), "runs again: row 7"),
        (words.LetInDone("telegram:42"), "may write now: telegram:42"),
        (words.BackupDone("/b/s.db", 96_256), "copied: /b/s.db, 96 kB"),
        (words.Refused("no actor is called so"), "no actor is called so"),
        (words.Refused("matrx: no", ("matrix", "store")), "matrx: no (near: matrix, store)"),
    ],
)
def test_what_was_done_is_one_line(answer: Answer, line: str) -> None:
    assert _text(answer) == line


def test_a_tree_is_shown_as_a_tree() -> None:
    assert "1 actor, all up" in _text(words.Tree(1, 1, 0, GLANCE, actors=(actor("a"),)))


def test_a_stack_keeps_its_lines() -> None:
    assert _text(words.Stack("matrix", "run\n  wait\x1b[2J")) == "matrix\nrun\n  wait\ufffd[2J"


def test_the_journal_is_a_table_with_reasons_below() -> None:
    rows = (
        JournalLine(12, 4.0, "matrix/!a:s", "matrix:@u:s", "queued", 0, "", "ab"),
        JournalLine(9, 200.0, "telegram/42", "telegram:42", "failed", 3, "it hung up", "cd"),
    )

    assert _text(words.Journal(rows, GLANCE)) == (
        "ID      AGE STATE  STARTS ROOM\n"
        "12      4 s queued      0 matrix/!a:s\n"
        " 9 3 m 20 s failed      3 telegram/42\n"
        "    it hung up\n"
        "\n"
        "journal: 1 waiting, 0 running, oldest 4 s; outbox 0 pending; dead letters 0"
    )


def test_an_empty_journal_is_its_summary() -> None:
    assert _text(words.Journal((), GLANCE)).strip().startswith("journal: 1 waiting")


def test_dead_letters_say_who_gave_up_what_and_why() -> None:
    letters = (
        DeadLetterLine("matrix", "matrix event", "unknown type", 60.0, kept=True),
        DeadLetterLine("sessions/telegram/42", "WorkArrived", "reader ended", 90.0, kept=False),
    )

    assert _text(words.DeadLetters(letters)) == (
        "     AGE IN    KIND         SOURCE\n"
        "     1 m store matrix event matrix\n"
        "    unknown type\n"
        "1 m 30 s mail  WorkArrived  sessions/telegram/42\n"
        "    reader ended"
    )


def test_no_dead_letters_are_a_word() -> None:
    assert _text(words.DeadLetters(())) == "no dead letters"


def test_dead_letters_that_could_not_be_had_are_mentioned() -> None:
    lines = page_of(words.DeadLetters((), "store does not answer"), width=80)

    assert lines[-1].text == "those in the store are missing: store does not answer"
    assert lines[-1].look is Look.BAD


def test_access_shows_who_knocked_and_how_to_let_them_in() -> None:
    access = words.Access(
        "pairing",
        ("matrix:@me:s",),
        (),
        (StrangerLine("telegram:42", "K7QX", 3, 4.0), StrangerLine("telegram:7", "", 900, 60.0)),
        left_out=5,
    )

    assert _text(access) == (
        "access: pairing\n"
        "admins: matrix:@me:s\n"
        "allowed: none\n"
        "strangers: 7\n"
        "CODE ATTEMPTS LAST PERSON\n"
        "K7QX        3  4 s telegram:42\n"
        "-         900  1 m telegram:7\n"
        "and 5 earlier ones\n"
        "let one in with: debug pair CODE"
    )


def test_without_strangers_there_is_nobody_to_let_in() -> None:
    text = _text(words.Access("open", (), (), ()))

    assert text == "access: open\nadmins: none\nallowed: none\nstrangers: none"


def test_a_long_list_of_people_is_wrapped() -> None:
    people = tuple(f"telegram:{number}" for number in range(1000, 1020))

    lines = page_of(words.Access("allowlist", (), people, ()), width=60)

    assert max(len(line.text) for line in lines) <= 60
    assert sum("telegram:" in line.text for line in lines) > 1
