from typing import Any

import pytest

from actors.kernel.backoff import Backoff
from actors.kernel.decision import Restart
from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import SpecError, check_specs, permanent, temporary, transient
from actors.kernel.supervision import Supervisor
from tests.actors.kernel.crew import Doing, Log, Writer, hang


def test_a_row_knows_its_mailbox_its_role_and_its_restart_type() -> None:
    box: Mailbox[Any] = Mailbox("writer")

    spec = permanent("writer", Writer, inbox=box, log=Log())

    assert (spec.mailbox, spec.role, spec.restart) == (box, "Writer", Restart.PERMANENT)
    assert transient("a", Doing, hang).restart is Restart.TRANSIENT
    assert temporary("a", Doing, hang).restart is Restart.TEMPORARY


def test_mypy_finds_a_row_without_an_argument() -> None:
    # An unused ignore is an error, too: this file only passes while mypy sees the fault.
    spec = permanent("writer", Writer, inbox=Mailbox("writer"))  # type: ignore[call-arg]

    with pytest.raises(TypeError):
        spec.make()


def test_every_life_gets_a_new_actor() -> None:
    spec = permanent("a", Doing, hang)

    assert spec.make() is not spec.make()


def test_a_role_can_come_from_any_callable() -> None:
    class Factory:
        def __call__(self) -> Doing:
            return Doing(hang)

    assert permanent("a", Factory()).role == "Factory"


def test_options_replace_only_what_they_name() -> None:
    spec = transient("a", Doing, hang).with_options(significant=True, shutdown=1.0)

    assert (spec.is_significant, spec.shutdown, spec.backoff) == (True, 1.0, Backoff())
    assert spec.with_options(backoff=Backoff(first=2.0)).shutdown == 1.0


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"shutdown": -1.0}, "shutdown must be 0 or more"),
        ({"shutdown": float("nan")}, "shutdown must be 0 or more"),
        ({"backoff": Backoff(first=-1.0)}, "backoff delays must be 0 or more"),
        ({"backoff": Backoff(factor=0.5)}, "a backoff factor is at least 1"),
        ({"significant": True}, "it cannot be significant"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(SpecError, match=fault):
        check_specs([permanent("a", Doing, hang).with_options(**options)])


@pytest.mark.parametrize("name", ["", "a b", "a/b"])
def test_bad_ids_are_refused(name: str) -> None:
    with pytest.raises(SpecError, match="an id is needed"):
        check_specs([permanent(name, Doing, hang)])


def test_everything_that_is_wrong_is_said_at_once() -> None:
    box: Mailbox[Any] = Mailbox("x", capacity=0)
    specs = [
        permanent("a", Writer, inbox=box, log=Log()),
        permanent("b", Writer, inbox=box, log=Log()),
        permanent("c", Doing, hang),
        permanent("c", Doing, hang),
    ]

    with pytest.raises(SpecError) as refused:
        Supervisor(specs)

    assert str(refused.value) == (
        "'a': a mailbox holds at least 1; 'b': a mailbox holds at least 1; "
        "'c': stands 2 times; 'a': its mailbox has another reader; "
        "'b': its mailbox has another reader"
    )
