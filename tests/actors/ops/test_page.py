from actors.ops.page import Line, Look, columns, painted, wrapped


def test_colours_are_left_out_where_they_are_not_wanted() -> None:
    lines = [Line("a", Look.BAD), Line("b")]

    assert painted(lines, colours=False) == ["a", "b"]


def test_a_line_in_colour_ends_its_colour() -> None:
    lines = [Line("a", Look.BAD), Line("b")]

    assert painted(lines, colours=True) == ["\x1b[1;31ma\x1b[0m", "b"]


def test_columns_are_aligned() -> None:
    rows = [("NAME", "N", "X"), ("a-longer-name", "1", "y"), ("b", "20", "")]

    assert columns(rows, width=80, right=(1,)) == [
        ["NAME           N X"],
        ["a-longer-name  1 y"],
        ["b             20"],
    ]


def test_a_name_that_is_too_long_has_a_line_of_its_own() -> None:
    rows = [("NAME", "N"), ("x" * 30, "1"), ("short", "2")]

    assert columns(rows, width=20, right=(1,)) == [
        ["NAME               N"],
        ["x" * 30, "                   1"],
        ["short              2"],
    ]


def test_a_text_is_wrapped_and_indented_and_a_long_word_stays_whole() -> None:
    text = "one two " + "x" * 40

    assert wrapped(text, width=30, indent="  ") == ["  one two", "  " + "x" * 40]
