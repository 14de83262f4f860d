"""The same messages for both bots, in turns: how they start, and what an answer takes."""

import trio
from attrs import define, field, frozen

from tests.bench.telegram_bots import Asked, Bot

_PEOPLE = 30
_BEAT = 0.25
"""Seconds between two messages. The program makes up to five requests in a chat for each, and no
more than 25 a second over all: below that nothing waits for a limit."""

_RESTS = 1.5
"""Seconds after which a bot with nothing to do is idle."""

_TAIL = 0.5
"""Seconds in which it ends what an answer leaves to do."""

_FIRST_PERSON = 1000
_FIRST_AT_START = 2000


@frozen
class Start:
    """One cold start, and one restart after kill -9.

    Args:
        answer: Seconds until a message that already waited was answered; ``cpu`` is the process's.
        poll: Seconds from the kill until the next life asked for updates.
        resident_mb: Of the first life, after its answer.
    """

    answer: float
    cpu: float
    poll: float
    resident_mb: float


@frozen
class Round:
    """What a round of messages took.

    Args:
        waits: Seconds from each message to its answer.
        cpu: CPU seconds of the process for each answer.
        requests: How many the bot made for each answer, its polls among them.
    """

    waits: tuple[float, ...] = ()
    cpu: float = 0.0
    requests: float = 0.0


@define
class Writer:
    """Lets people write, each to both bots, one message after the other."""

    bots: tuple[Bot, Bot]
    _beat: int = field(default=0)

    async def round(self, count: int) -> tuple[Round, Round]:
        """Have *count* messages answered by each bot."""
        before = [(bot.cpu(), len(bot.api.calls)) for bot in self.bots]
        asked = await self._ask(count)
        waits = [
            tuple([await bot.answered(one) - one.at for one in mine])
            for bot, mine in zip(self.bots, asked, strict=True)
        ]
        await trio.sleep(_TAIL)
        ours, bare = (
            Round(waited, (bot.cpu() - cpu) / count, (len(bot.api.calls) - calls) / count)
            for bot, waited, (cpu, calls) in zip(self.bots, waits, before, strict=True)
        )
        # Who is told to wait is measured waiting.
        assert not any(bot.api.violations for bot in self.bots)
        return ours, bare

    async def _ask(self, count: int) -> tuple[list[Asked], list[Asked]]:
        asked: tuple[list[Asked], list[Asked]] = ([], [])
        began = trio.current_time()
        for number in range(count):
            user_id = _FIRST_PERSON + self._beat % _PEOPLE
            text = f"Message {self._beat}: what will the weather be like on the coast tomorrow?"
            self._beat += 1
            for place, bot in enumerate(self.bots):
                # Half a beat apart, so that neither is slowed down by the other.
                await trio.sleep_until(began + (number + place / 2) * _BEAT)
                asked[place].append(bot.ask(user_id, text))
        return asked


async def warm_up(bot: Bot) -> None:
    """Start it once for nothing: who starts first compiles, and reads everything from the disk."""
    began = await bot.begin()
    await bot.polled(since=began)


async def started(bot: Bot, number: int) -> Start:
    """Start it twice, the second time after kill -9; that life goes on."""
    await bot.kill()
    asked = bot.ask(_FIRST_AT_START + number, "Is anybody there yet?")
    began = await bot.begin()
    answered = await bot.answered(asked)
    cpu = bot.cpu()
    await trio.sleep(_RESTS)
    resident_mb = bot.resident_mb()
    killed = await bot.go_on()
    polled = await bot.polled(since=killed)
    return Start(answered - began, cpu, polled - killed, resident_mb)
