from actors.kernel import child


def test_outside_a_supervisor_nothing_has_an_effect() -> None:
    child.ready()
    child.note("last sync 12:00:03")
    child.beat()

    assert child.current_life.get() is None
