"""The conversation: lines in, answers out, nothing lost."""

import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping, Sequence
from typing import Any

import pytest
import structlog
import structlog.testing
import trio
import trio.testing
from attrs import Factory, define, evolve
from trio.testing import MockClock

from actors.kernel.spec import transient
from actors.kernel.supervision import Supervisor
from actors.terminal.interrupts import InterruptSwitch
from actors.terminal.lines import LineReader, PipedLines
from actors.terminal.opening import Terminal
from actors.terminal.screen import PlainScreen
from actors.terminal.surface import HERE, OWNER, STORE_RETRY_DELAYS, TerminalSurface
from protocols.files import FileKind, FileMissing, Missing, RemoteFile
from protocols.ids import RoomId, RowId
from protocols.journal import OutboxState, Row, RowState, Voice
from protocols.mail import CalleeDiedError
from protocols.surfaces import AnswerPress, Deliver, FetchFile, OpenRoom, ShowDraft, ShowTyping
from tests.actors.kernel.steps import AtStep
from tests.actors.terminal.stage import Agent, Stage, StageStore, echo, stage_for


@define
class Pipes:
    """Standard input and output of a program in the middle of a pipe."""

    terminal: Terminal
    _stdin: int
    _stdout: int
    _output: int
    _closed: set[int] = Factory(set)

    def printed(self) -> str:
        self._close(self._stdout)
        with os.fdopen(self._output, "rb", closefd=False) as output:
            return output.read().decode()

    def stop_reading(self) -> None:
        self._close(self._output)

    def close(self) -> None:
        for descriptor in {self._stdin, self._stdout, self._output} - self._closed:
            self._close(descriptor)

    def _close(self, descriptor: int) -> None:
        os.close(descriptor)
        self._closed.add(descriptor)


@pytest.fixture
async def pipes_for() -> AsyncIterator[Callable[[bytes], Pipes]]:
    used: list[Pipes] = []

    def make(data: bytes) -> Pipes:
        (stdin, to_stdin), (output, stdout) = os.pipe(), os.pipe()
        os.write(to_stdin, data)
        os.close(to_stdin)
        terminal = Terminal(
            reader=LineReader(PipedLines(stdin)),
            screen=PlainScreen(stdout),
            interrupts=InterruptSwitch(is_interactive=False),
            lines_ahead=1000,
        )
        used.append(Pipes(terminal, stdin, stdout, output))
        return used[-1]

    yield make
    for pipes in used:
        while pipes.terminal.reader._is_reading:  # or its thread reads the next test's pipe
            await trio.testing.wait_all_tasks_blocked(0.001)
        pipes.close()


@pytest.fixture
def log_output() -> Iterator[list[MutableMapping[str, Any]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


PipesFor = Callable[[bytes], Pipes]


async def test_a_line_is_answered_and_nothing_else_is_printed(pipes_for: PipesFor) -> None:
    pipes = pipes_for(b"hello\n")
    stage = stage_for(pipes.terminal)

    await stage.surface().run()

    assert pipes.printed() == "You said: hello\n"
    assert [row.text for row in stage.store.rows] == ["hello"]
    assert stage.store.rows[0].sender == OWNER


async def test_a_thousand_lines_are_answered_in_order(pipes_for: PipesFor) -> None:
    lines = [f"line {n}" for n in range(1000)]
    pipes = pipes_for("\n".join(lines).encode())
    stage = stage_for(pipes.terminal)

    await stage.surface().run()

    assert pipes.printed().splitlines() == [f"You said: {line}" for line in lines]
    assert all(row.is_backlog for row in stage.store.rows)


async def test_no_more_lines_are_journaled_than_may_wait_for_answers(pipes_for: PipesFor) -> None:
    pipes = pipes_for(b"1\n" * 1500)
    stage = stage_for(evolve(pipes.terminal, lines_ahead=200), agent=lambda _row: None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.surface().run)
        await trio.testing.wait_all_tasks_blocked(0.01)
        while len(stage.store.rows) < 200:
            await trio.testing.wait_all_tasks_blocked(0.01)
        waiting = len(stage.store.rows)
        stage.chats.agent = echo
        stage.chats.answer_all()

    assert waiting == 200
    assert len(stage.store.rows) == 1500


async def test_an_input_without_lines_ends_at_once(pipes_for: PipesFor) -> None:
    pipes = pipes_for(b"\n\n  \n\x00\x00\n")

    await stage_for(pipes.terminal).surface().run()

    assert pipes.printed() == ""


async def test_what_an_earlier_run_did_not_print_is_printed_first(pipes_for: PipesFor) -> None:
    pipes = pipes_for(b"hello\n")
    store = StageStore()
    store.finish(store.put_row("old").id, "An old answer.")
    stage = stage_for(pipes.terminal, store=store)

    await stage.surface().run()

    assert pipes.printed() == "An old answer.\nYou said: hello\n"
    assert {answer.state for answer in store.outbox} == {OutboxState.SENT}


@pytest.mark.parametrize("state", [RowState.RECEIVED, RowState.QUEUED, RowState.RUNNING])
async def test_what_an_earlier_run_did_not_answer_is_answered(
    pipes_for: PipesFor, state: RowState
) -> None:
    pipes = pipes_for(b"")
    stage = stage_for(pipes.terminal)
    stage.store.put_row("left", state=state)
    stage.store.put_row("elsewhere", room=RoomId("matrix/!a:b"), state=RowState.RECEIVED)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.surface().run)
        await trio.testing.wait_all_tasks_blocked(0.01)
        stage.store.finish(RowId(1), "Better late.")
        stage.inbox.address.try_send(Deliver(HERE, row_done=RowId(1)))

    assert pipes.printed() == "Better late.\n"


async def test_a_row_that_an_answer_opens_again_is_waited_for(pipes_for: PipesFor) -> None:
    pipes = pipes_for(b"fail\n/retry\n")
    stage = stage_for(pipes.terminal)

    def agent(row: Row) -> str | None:
        if row.text == "/retry":
            again = stage.store.rows[0]
            stage.store.rows[0] = evolve(again, state=RowState.QUEUED, attempts=1)
            return "I try again."
        return "It failed." if row.attempts == 0 else None

    async def succeed() -> None:
        while not stage.store.rows or stage.store.rows[0].attempts == 0:
            await trio.testing.wait_all_tasks_blocked(0.01)
        stage.store.finish(RowId(1), "Now it works.")
        stage.inbox.address.try_send(Deliver(HERE, row_done=RowId(1)))

    stage.chats.agent = agent
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.surface().run)
        nursery.start_soon(succeed)

    assert pipes.printed() == "It failed.\nI try again.\nNow it works.\n"


async def test_a_reader_that_left_ends_it_quietly_and_the_answer_stays(
    pipes_for: PipesFor,
) -> None:
    pipes = pipes_for(b"hello\n")
    pipes.stop_reading()
    stage = stage_for(pipes.terminal)

    await stage.surface().run()

    assert [answer.state for answer in stage.store.outbox] == [OutboxState.PENDING]


async def test_a_full_disk_ends_it_with_one_clear_line(
    pipes_for: PipesFor, log_output: list[MutableMapping[str, Any]]
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    terminal = evolve(pipes_for(b"hello\n").terminal, screen=PlainScreen(full))
    stage = stage_for(terminal)

    await stage.surface().run()

    os.close(full)
    assert [answer.state for answer in stage.store.outbox] == [OutboxState.PENDING]
    lost = [line for line in log_output if line["event"] == "output.lost"]
    assert [line["reason"] for line in lost] == ["No space left on device"]
    assert lost[0]["log_level"] == "error"


async def test_a_piped_command_is_about_what_came_before_it(pipes_for: PipesFor) -> None:
    pipes = pipes_for(b"one\n/chats\ntwo\n")
    stage = stage_for(pipes.terminal, agent=lambda _row: None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.surface().run)
        await wait_for_rows(stage, 1)
        await trio.testing.wait_all_tasks_blocked(0.01)
        before_the_answer = [row.text for row in stage.store.rows]
        stage.chats.agent = echo
        stage.chats.answer_all()

    assert before_the_answer == ["one"]
    assert pipes.printed().splitlines() == [
        "You said: one",
        "You said: /chats",
        "You said: two",
    ]


async def test_a_store_that_dies_is_asked_again(
    pipes_for: PipesFor, autojump_clock: MockClock
) -> None:
    autojump_clock.autojump_threshold = 0.01  # threads read and write meanwhile
    pipes = pipes_for(b"hello\n")
    stage = stage_for(pipes.terminal)
    stage.store.deaths = 3

    await stage.surface().run()

    assert pipes.printed() == "You said: hello\n"


async def test_a_batch_whose_answer_was_lost_is_journaled_once(
    pipes_for: PipesFor, autojump_clock: MockClock
) -> None:
    autojump_clock.autojump_threshold = 0.01  # threads read and write meanwhile
    pipes = pipes_for(b"one\ntwo\n")
    stage = stage_for(pipes.terminal)
    stage.store.lost_batches = 1

    await stage.surface().run()

    assert pipes.printed() == "You said: one\nYou said: two\n"
    assert len(stage.store.rows) == 2


async def test_a_store_that_is_gone_for_good_crashes_the_surface(
    pipes_for: PipesFor, autojump_clock: MockClock
) -> None:
    autojump_clock.autojump_threshold = 0.01  # threads read and write meanwhile
    stage = stage_for(pipes_for(b"hello\n").terminal)
    stage.store.deaths = len(STORE_RETRY_DELAYS) + 1

    with pytest.RaisesGroup(CalleeDiedError):
        await stage.surface().run()


async def test_it_ends_when_its_inbox_is_closed(pipes_for: PipesFor) -> None:
    stage = stage_for(pipes_for(b"hello\n").terminal, agent=lambda _row: None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.surface().run)
        await trio.testing.wait_all_tasks_blocked(0.01)
        stage.inbox.close()

    assert stage.store.rows[0].state is RowState.RECEIVED


async def test_there_are_no_files_rooms_or_buttons_in_a_terminal(pipes_for: PipesFor) -> None:
    stage = stage_for(pipes_for(b"hello\n").terminal, agent=lambda _row: None)
    picture = RemoteFile(FileKind.PHOTO, "photo.jpg", "image/jpeg", 1, "handle")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.surface().run)
        address = stage.inbox.address
        fetched = await address.ask(FetchFile(HERE, RowId(1), 0, picture))
        opened = await address.ask(OpenRoom(HERE, RowId(1), "work"))
        await address.send(AnswerPress(HERE, "1"))
        stage.inbox.close()

    assert fetched == FileMissing(Missing.GONE)
    assert opened is None


async def test_a_killed_life_loses_no_line_and_no_answer(pipes_for: PipesFor) -> None:
    pipes = pipes_for(b"one\ntwo\n")
    stage = stage_for(pipes.terminal, agent=lambda _row: None)
    async with trio.open_nursery() as first_life:
        first_life.start_soon(stage.surface().run)
        while len(stage.store.rows) < 2:
            await trio.testing.wait_all_tasks_blocked(0.01)
        first_life.cancel_scope.cancel()
    stage.chats.agent = echo
    stage.chats.answer_all()

    await stage.surface().run()

    assert pipes.printed() == "You said: one\nYou said: two\n"


async def live_through_a_kill(pipes: Pipes, step: int) -> bool:
    """Answer two lines while the surface is killed at its step; False if it had fewer steps."""
    stage = stage_for(pipes.terminal)
    row = transient(
        "terminal", TerminalSurface, stage.inbox, stage.store, stage.chats, stage.terminal
    )
    tree = Supervisor([row.with_options(significant=True)])
    killer = AtStep("terminal", step, lambda: tree.kill("terminal"))
    trio.lowlevel.add_instrument(killer)
    with trio.fail_after(20):
        assert await tree.run() == 0
    trio.lowlevel.remove_instrument(killer)
    printed = pipes.printed().splitlines()
    assert list(dict.fromkeys(printed)) == ["You said: one", "You said: two"]
    assert len(printed) <= 3  # what was just being printed may be printed again
    assert [row.text for row in stage.store.rows] == ["one", "two"]
    return killer.has_happened


async def test_a_kill_at_every_step_loses_no_line_and_no_answer(pipes_for: PipesFor) -> None:
    step = 1
    while await live_through_a_kill(pipes_for(b"one\ntwo\n"), step):
        step += 1

    assert step > 10


# With a person in front of it.


@define
class Person:
    """Types what the test says and sees what a screen would show."""

    _typed: deque[str | None] = Factory(deque)
    seen: list[str] = Factory(list)

    def __call__(self) -> Sequence[str] | None:
        words = self._typed.popleft()
        return None if words is None else [words]

    def types(self, *lines: str | None) -> None:
        self._typed.extend(lines)

    def greet(self) -> None:
        self.seen.append("greeting")

    def recall(self, question: str) -> None:
        self.seen.append(f"recalled: {question}")

    def draft(self, text: str, status: str) -> None:
        self.seen.append(f"draft: {text}/{status}")

    def answer(
        self, text: str, voice: Voice, *, is_old: bool, folded: str = "", footer: str = ""
    ) -> None:
        around = "".join(f" [{part}]" for part in (folded, footer) if part)
        self.seen.append(f"{'old ' * is_old}{voice}: {text}{around}")

    def hint(self, text: str) -> None:
        self.seen.append(f"hint: {text}")

    def rest(self) -> None:
        self.seen.append("rest")

    def close(self) -> None:
        self.seen.append("closed")


def chat_with(person: Person, *, agent: Agent = echo, store: StageStore | None = None) -> Stage:
    terminal = Terminal(reader=LineReader(person), screen=person, interrupts=InterruptSwitch())
    return stage_for(terminal, agent, store)


async def wait_for_rows(stage: Stage, count: int) -> None:
    while len(stage.store.rows) < count:
        await trio.testing.wait_all_tasks_blocked(0.01)


async def test_the_prompt_comes_back_when_the_answer_is_out() -> None:
    person = Person()
    person.types("hello", None)

    await chat_with(person).surface().run()

    assert person.seen == [
        "greeting",
        "rest",
        "draft: /",
        "agent: You said: hello",
        "rest",
        "closed",
    ]


async def test_a_person_is_not_a_backlog() -> None:
    person = Person()
    person.types("hello", None)
    stage = chat_with(person)

    await stage.surface().run()

    assert not stage.store.rows[0].is_backlog


async def test_an_answer_grows_in_place() -> None:
    person = Person()
    person.types("hello", None)
    stage = chat_with(person, agent=lambda _row: None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.surface().run)
        await wait_for_rows(stage, 1)
        address = stage.inbox.address
        address.try_send(ShowTyping(HERE, RowId(1)))
        address.try_send(ShowDraft(HERE, RowId(1), "He", "greeting"))
        address.try_send(ShowDraft(HERE, RowId(1), "Hello", ""))
        stage.store.finish(RowId(1), "Hello!")
        address.try_send(Deliver(HERE, row_done=RowId(1)))

    assert person.seen[-6:] == [
        "draft: /",
        "draft: He/greeting",
        "draft: Hello/",
        "agent: Hello!",
        "rest",
        "closed",
    ]


async def test_a_draft_behind_its_answer_is_not_shown() -> None:
    person = Person()
    stage = chat_with(person)
    stage.store.finish(stage.store.put_row("old").id, "Done.")
    stage.store.put_row("keeps the prompt away")
    stage.inbox.address.try_send(ShowDraft(HERE, RowId(1), "Do", ""))
    stage.inbox.address.try_send(ShowDraft(HERE, RowId(99), "Unknown", ""))
    stage.inbox.close()

    await stage.surface().run()

    assert {seen for seen in person.seen if seen.startswith("draft")} == {"draft: /"}


async def test_ctrl_c_stops_the_answer_by_a_command_in_the_journal() -> None:
    person = Person()
    person.types("hello", None)
    stage = chat_with(person, agent=lambda _row: None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.surface().run)
        await wait_for_rows(stage, 1)
        await trio.testing.wait_all_tasks_blocked(0.01)
        is_taken = stage.terminal.interrupts.pressed()
        await wait_for_rows(stage, 2)
        stage.chats.agent = lambda row: "Stopped." if row.text == "/stop" else "Half an"
        stage.chats.answer_all()

    assert is_taken
    assert [row.text for row in stage.store.rows] == ["hello", "/stop"]
    answers = [seen for seen in person.seen if seen.startswith("agent")]
    assert answers == ["agent: Half an", "agent: Stopped."]


async def test_ctrl_c_at_the_prompt_says_how_to_end() -> None:
    person = Person()
    stage = chat_with(person)
    stage.store.put_row("never answered")
    stage.terminal.interrupts.pressed()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.surface().run)
        while "hint: Ctrl-D ends, or press Ctrl-C again." not in person.seen:
            await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()

    assert person.seen[-1] == "closed"


async def test_what_an_earlier_run_left_is_shown_with_a_hint() -> None:
    person = Person()
    person.types(None)
    stage = chat_with(person)
    stage.store.put_row("my question", state=RowState.QUEUED)
    stage.store.outbox.append(
        evolve(stage.store.put_answer("Old words.", voice=Voice.GATEWAY), created_at=1.0)
    )
    del stage.store.outbox[0]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.surface().run)
        while "draft: /" not in person.seen:
            await trio.testing.wait_all_tasks_blocked(0.01)
        stage.chats.answer_all()

    assert person.seen == [
        "greeting",
        "recalled: my question",
        "old gateway: Old words.",
        "draft: /",
        "agent: You said: my question",
        "rest",
        "closed",
    ]


async def test_a_row_that_the_operator_retries_can_be_stopped_too() -> None:
    person = Person()
    stage = chat_with(person, agent=lambda _row: None)
    store = stage.store
    store.finish(store.put_row("failed").id, "It failed.")
    store.outbox[0] = evolve(store.outbox[0], state=OutboxState.SENT)
    store.put_row("keeps the prompt away")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.surface().run)
        await trio.testing.wait_all_tasks_blocked(0.01)
        store.rows[0] = evolve(store.rows[0], state=RowState.RUNNING)
        stage.inbox.address.try_send(ShowDraft(HERE, RowId(1), "Now", ""))
        while "draft: Now/" not in person.seen:
            await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()

    assert stage.terminal.interrupts.pressed()


async def test_a_task_of_the_agents_own_keeps_nobody_from_writing() -> None:
    person = Person()
    person.types("hello", None)
    stage = chat_with(person)
    task = stage.store.put_row("{}", state=RowState.RUNNING, room=RoomId("platform/user"))
    stage.inbox.address.try_send(ShowDraft(HERE, task.id, "", "works", is_task=True))

    await stage.surface().run()

    assert "draft: /works" not in person.seen
    assert person.seen[-1] == "closed"


async def test_what_stands_around_an_answer_is_on_the_screen() -> None:
    person = Person()
    person.types(None)
    stage = chat_with(person)
    answer = stage.store.put_answer("Hi")
    stage.store.outbox[0] = evolve(answer, footer="*56 out*", folded="I think.")

    await stage.surface().run()

    assert "agent: Hi [I think.] [*56 out*]" in [line.removeprefix("old ") for line in person.seen]
