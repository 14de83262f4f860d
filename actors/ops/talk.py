"""One question to the running program, or one every half second, and what to print of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from actors.ops import wire
from actors.ops.client import NoAnswerError, NotRunningError, answer_to
from actors.ops.page import Line, Look
from actors.ops.screen import Screen
from actors.ops.tables import page_of
from actors.ops.tree import plan_page
from actors.ops.words import Refused, Request, ShowTree

_REFRESH_EVERY = 0.5


@frozen
class Talk:
    """The client's side of the conversation.

    Args:
        plan: The tree that would run, in start order: rows of a name and a role.
    """

    socket_path: Path
    plan: Sequence[tuple[str, str]]
    screen: Screen

    def once(self, request: Request) -> int:
        """Ask *request* and print the answer; the exit code."""
        try:
            said = answer_to(request, self.socket_path)
            answer = wire.answer_of(said)
        except NotRunningError:
            return self._say_that_nothing_runs(request)
        except (NoAnswerError, wire.UnreadableAnswerError) as error:
            self.screen.complain(str(error))
            return 1
        if self.screen.as_json:
            self.screen.print_json(said)
        elif isinstance(answer, Refused):
            self.screen.complain("\n".join(line.text for line in page_of(answer, width=80)))
        else:
            self.screen.print_page(page_of(answer, width=self.screen.width))
        return 1 if isinstance(answer, Refused) else 0

    def watch(self, pause: Callable[[float], object]) -> int:
        """Print the tree twice a second, over restarts of the program, until interrupted."""
        while True:
            if self.screen.as_json:
                self.screen.print_json(self._frame_json())
            else:
                self.screen.print_frame(self._frame())
            pause(_REFRESH_EVERY)

    def _frame(self) -> Sequence[Line]:
        try:
            answer = wire.answer_of(answer_to(ShowTree(), self.socket_path))
        except NotRunningError:
            return plan_page(self.plan)
        except (NoAnswerError, wire.UnreadableAnswerError) as error:
            return [Line(str(error), Look.BAD)]
        return page_of(answer, width=self.screen.width)

    def _frame_json(self) -> dict[str, Any]:
        try:
            return answer_to(ShowTree(), self.socket_path)
        except NotRunningError:
            return self._plan_json()
        except NoAnswerError as error:
            return {"answer": "none", "problem": str(error)}

    def _say_that_nothing_runs(self, request: Request) -> int:
        is_tree = isinstance(request, ShowTree)
        if self.screen.as_json:
            self.screen.print_json(self._plan_json())
        elif is_tree:
            self.screen.print_page(plan_page(self.plan))
        else:
            self.screen.complain(f"not running: nothing listens at {self.socket_path}")
        return 0 if is_tree else 1

    def _plan_json(self) -> dict[str, Any]:
        rows = [{"name": name, "role": role} for name, role in self.plan]
        return {"answer": "not running", "plan": rows}
