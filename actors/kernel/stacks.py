"""Where tasks and exceptions stand: file, line and function, never a value."""

from types import FrameType, TracebackType

from trio.lowlevel import Task


def stack_of(task: Task, *, depth: int = 0) -> str:
    """The stack of *task* and of the tasks that it started, innermost call last."""
    indent = "  " * depth
    lines = [f"{indent}task {task.name}"]
    lines += [f"{indent}  {_place(frame, line)}" for frame, line in task.iter_await_frames()]
    text = "\n".join(lines) + "\n"
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            text += stack_of(child, depth=depth + 1)
    return text


def frames_of(traceback: TracebackType | None) -> list[str]:
    """The places of a traceback, outermost first."""
    places: list[str] = []
    while traceback is not None:
        places.append(_place(traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    return places


def _place(frame: FrameType, line: int) -> str:
    code = frame.f_code
    folder, _, name = code.co_filename.rpartition("/")
    return f"{folder.rpartition('/')[2]}/{name}:{line} in {code.co_qualname}"
