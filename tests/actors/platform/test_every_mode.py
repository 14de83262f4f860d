"""Whatever agent is behind the bridge, a turn is a turn."""

from pathlib import Path
from uuid import UUID

import pytest
import trio
from attrs import define, field

from actors.kernel.letters import DeadLetters
from actors.kernel.mailbox import Mailbox
from actors.platform.bridge import OpenClient, PlatformBridge
from actors.platform.modes import platform_opener
from protocols.changes import AddOutgoing, FinishRow, QueueRow, StartRow
from protocols.ids import (
    EventId,
    PersonId,
    RoomId,
    RowId,
    RunId,
    SlotId,
    SurfaceName,
    TraceId,
)
from protocols.journal import Arrival, Cursor, Row, RowState, Voice
from protocols.platform import FailureKind, Resume, SettingsAction, UserSettings
from protocols.store import Commit, Journal
from protocols.turns import (
    CancelTurn,
    ChangeSettings,
    FetchSettings,
    PlatformMessage,
    RunTurn,
    Turn,
    TurnAsks,
    TurnFailed,
    TurnFinished,
    TurnOutcome,
    TurnProgress,
    TurnStopped,
)
from tests.actors.platform.all_modes import Agent
from tests.actors.platform.scripted import Shown
from tests.fakes import MemoryStoreAddress

MATRIX = SurfaceName("matrix")
ME = PersonId("matrix:@me:example.org")
ROOM = RoomId("matrix/!a:example.org")
SLOT = SlotId("C1")


@define(eq=False)
class Begun(Shown):
    """Tells when the first words are there."""

    has_begun: trio.Event = field(factory=trio.Event)

    def put(self, value: TurnProgress, /) -> None:
        Shown.put(self, value)
        if value.text:
            self.has_begun.set()


@define(eq=False)
class Talk:
    """One person's chat, over the lives of a bridge; every turn is journaled as a session does."""

    agent: Agent
    files: Path
    store: MemoryStoreAddress
    open_client: OpenClient
    box: Mailbox[PlatformMessage] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.box = Mailbox("platform")
        self.box.letters = DeadLetters()

    async def live(self) -> None:
        """One life of the bridge."""
        bridge = PlatformBridge(
            inbox=self.box,
            open_client=self.open_client,
            store=self.store,
            files=self.files,
            idle_limit=5.0,
            agent=self.agent.settings,
        )
        await bridge.run()

    async def says(
        self, text: str, *, resume: Resume | None = None, shown: Shown | None = None
    ) -> TurnOutcome:
        """What a turn comes to, which stands in the journal from then on."""
        row = self.wrote(text)
        turn = Turn(
            run_id=run_of(row.id),
            row=row.id,
            surface=MATRIX,
            sender=ME,
            sender_name="Me",
            slot=SLOT,
            text=text,
            trace=row.trace,
            resume=resume,
        )
        outcome = await self.box.address.ask(RunTurn(turn, shown or Shown()), within=20)
        answer = AddOutgoing(ROOM, Voice.AGENT, outcome.text, row=row.id)
        self.store.tell(Commit((FinishRow(row.id, RowState.ANSWERED), answer)))
        return outcome

    def wrote(self, text: str) -> Row:
        """The row of a message whose turn begins."""
        number = len(self.store.journal.rows) + 1
        arrival = Arrival(
            EventId(f"${number}"),
            ROOM,
            ME,
            "Me",
            text,
            sent_at=0.0,
            trace=TraceId(f"{number:032x}"),
        )
        (row,) = self.store.tell(Journal(MATRIX, (arrival,), Cursor("matrix", f"{number}"))).rows
        self.store.tell(Commit((QueueRow(row.id, SLOT, run_of(row.id)),)))
        self.store.tell(Commit((StartRow(row.id),)))
        return row


def run_of(row: RowId) -> RunId:
    return RunId(str(UUID(int=row)))


@pytest.fixture
async def talk(agent: Agent, tmp_path: Path, nursery: trio.Nursery) -> Talk:
    store = MemoryStoreAddress()
    talk = Talk(agent, tmp_path, store, platform_opener(agent.settings, store))
    nursery.start_soon(talk.live)
    return talk


async def test_an_answer_grows_until_it_is_whole(talk: Talk) -> None:
    shown = Shown()

    outcome = await talk.says("good morning, whoever you are", shown=shown)

    assert isinstance(outcome, TurnFinished)
    assert "good morning, whoever you are" in outcome.text
    assert len(shown.texts) > 3
    for shorter, longer in zip(shown.texts, [*shown.texts[1:], outcome.text], strict=True):
        assert longer.startswith(shorter)


async def test_what_came_before_a_failure_is_kept_and_the_next_turn_is_answered(
    talk: Talk,
) -> None:
    failed = await talk.says(talk.agent.breaks())
    answered = await talk.says("good morning")

    assert isinstance(failed, TurnFailed)
    assert failed.text
    assert failed.kind in {FailureKind.CUT, FailureKind.BROKEN}
    assert isinstance(answered, TurnFinished)


async def test_a_stop_keeps_what_came(talk: Talk) -> None:
    shown, outcomes = Begun(), list[TurnOutcome]()

    async def ask() -> None:
        outcomes.append(await talk.says(talk.agent.hangs(), shown=shown))

    async with trio.open_nursery() as asking:
        asking.start_soon(ask)
        await shown.has_begun.wait()
        talk.box.address.try_send(CancelTurn(run_of(RowId(1))))

    (outcome,) = outcomes
    assert isinstance(outcome, TurnStopped)
    assert outcome.text.startswith(shown.texts[0])


async def test_a_question_is_answered_and_the_agent_goes_on(talk: Talk) -> None:
    asks = await talk.says(talk.agent.asks)
    if not talk.agent.promises.asks:
        # Nothing can be asked: an answer is what the person says next.
        answered = await talk.says("yes", resume=Resume("of another mode", "yes"))
        assert isinstance(asks, TurnFinished)
        assert "yes" in answered.text
        return
    assert isinstance(asks, TurnAsks)
    yes = asks.choices[0]

    answered = await talk.says(yes, resume=Resume(asks.interrupt_id, yes))

    assert isinstance(answered, TurnFinished)
    assert talk.agent.done in answered.text
    assert isinstance(await talk.says("good morning"), TurnFinished)


async def test_an_agent_is_told_what_was_said_before_exactly_where_it_forgets(talk: Talk) -> None:
    first = await talk.says("I am Ann")

    second = await talk.says(talk.agent.recalls)

    told = talk.agent.told(second.text)
    if talk.agent.promises.keeps_history:
        assert told == []
    else:
        assert [words.strip() for words in told] == ["I am Ann", first.text.strip()]


async def test_settings_are_kept_over_the_lives_of_the_bridge(
    talk: Talk, nursery: trio.Nursery
) -> None:
    before = await talk.box.address.ask(FetchSettings(MATRIX, ME))
    assert isinstance(before, UserSettings)
    action = SettingsAction("toggle_skill", {"skill": "code"})
    changed = await talk.box.address.ask(ChangeSettings(MATRIX, ME, action))

    other = Talk(talk.agent, talk.files, talk.store, talk.open_client)
    nursery.start_soon(other.live)

    assert isinstance(changed, UserSettings)
    assert changed.skills == {**before.skills, "code": not before.skills["code"]}
    assert await other.box.address.ask(FetchSettings(MATRIX, ME)) == changed
