import asyncio

import pytest
import trio

from actors.kernel.child import ParkedError
from actors.kernel.exits import Exit, ExitKind, classify, describe
from protocols.mail import AnswerLateError


async def cancelled() -> trio.Cancelled:
    caught: list[trio.Cancelled] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled as error:
            caught.append(error)
            raise
    return caught[0]


def kind_of(error: BaseException | None) -> ExitKind:
    return classify(error, was_cancelled=False).kind


def test_a_return_is_normal_and_a_cancelled_scope_is_not() -> None:
    assert classify(None, was_cancelled=False) == Exit(ExitKind.NORMAL)
    assert classify(None, was_cancelled=True) == Exit(ExitKind.CANCELLED)


def test_ordinary_exceptions_are_crashes() -> None:
    assert kind_of(ValueError()) is ExitKind.CRASH
    assert kind_of(asyncio.CancelledError()) is ExitKind.CRASH
    assert kind_of(ExceptionGroup("", [ValueError(), ParkedError("x")])) is ExitKind.CRASH


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_foreign_base_exceptions_mean_the_whole_tree(error: BaseException) -> None:
    assert kind_of(error) is ExitKind.FOREIGN
    assert kind_of(BaseExceptionGroup("", [ValueError(), error])) is ExitKind.FOREIGN


def test_a_declared_park_is_no_crash_also_out_of_a_nursery() -> None:
    assert kind_of(ParkedError("no token")) is ExitKind.PARKED
    assert kind_of(ExceptionGroup("", [ParkedError("no token")])) is ExitKind.PARKED


async def test_every_leaf_is_kept_and_cancellation_split_off() -> None:
    first, second = ValueError(), KeyError()
    stopped = await cancelled()
    group = BaseExceptionGroup("", [first, BaseExceptionGroup("", [second, stopped])])

    result = classify(group, was_cancelled=True, is_cancelled_around=True)

    assert result.kind is ExitKind.CRASH
    assert result.leaves == (first, second)
    assert isinstance(result.outer, BaseExceptionGroup)


async def test_a_cancellation_from_outside_goes_on() -> None:
    stopped = await cancelled()

    result = classify(stopped, was_cancelled=False, is_cancelled_around=True)

    assert result == Exit(ExitKind.CANCELLED, (), stopped)


async def test_a_cancellation_that_nobody_ordered_is_a_crash() -> None:
    stopped = await cancelled()

    result = classify(stopped, was_cancelled=False)

    assert (result.kind, result.outer, result.text) == (
        ExitKind.CRASH,
        None,
        "StrayCancelledError",
    )
    assert result.leaves[0].__cause__ is stopped


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("a person's words"), "ValueError"),
        (OSError(28, "No space left on device", "/home/me"), "OSError: No space left on device"),
        (OSError(28, "a person's words"), "OSError: No space left on device"),
        (OSError("a", "person's words"), "OSError"),
        (ConnectionResetError("a person's words"), "ConnectionResetError"),
        (AnswerLateError("store did not answer"), "AnswerLateError: store did not answer"),
        (AnswerLateError(), "AnswerLateError"),
    ],
)
def test_only_safe_texts_of_exceptions_are_told(error: Exception, told: str) -> None:
    assert describe(error) == told


def test_an_exit_is_told_in_one_line() -> None:
    assert Exit(ExitKind.CRASH, (ValueError(), KeyError())).text == "ValueError; KeyError"
    assert Exit(ExitKind.NORMAL).text == "ended by itself"
    assert Exit(ExitKind.CANCELLED).text == "cancelled"
