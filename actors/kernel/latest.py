"""A place for the newest value only."""

from typing import Generic, TypeVar

from trio.lowlevel import ParkingLot, checkpoint

T = TypeVar("T")


class Latest(Generic[T]):
    """Keeps the newest value; implements ``protocols.mail.Sink``."""

    __slots__ = ("_lot", "_value")

    def __init__(self) -> None:
        self._value: tuple[T, ...] = ()
        self._lot = ParkingLot()

    def put(self, value: T, /) -> None:
        """Show *value*, in the place of one that nobody has taken; never blocks."""
        self._value = (value,)
        self._lot.unpark()

    async def get(self) -> T:
        """Wait for a value that was not taken yet, and take it."""
        if self._value:
            await checkpoint()
        while not self._value:
            await self._lot.park()
        (value,), self._value = self._value, ()
        return value
