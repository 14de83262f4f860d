from actors.surfaces.quotes import quoted


def test_words_stand_behind_what_they_reply_to() -> None:
    assert quoted("yes", words="one\n\ntwo") == "> one\n>\n> two\n\nyes"
    assert quoted("", words="one", label="[photo]") == "> [photo] one"
    assert quoted("yes", words="") == "yes"


def test_a_long_quotation_is_cut() -> None:
    assert len(quoted("", words="x" * 5000)) == len("> ") + 1000 + len("…")
