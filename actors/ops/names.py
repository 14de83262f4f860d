"""Which actor the operator means. Pure."""

from collections.abc import Sequence
from difflib import get_close_matches

from attrs import frozen

_MOST_NEAR = 5
_MOST_COMPARED = 200
"""Comparing takes some 20 µs a name, and nothing may hold the loop."""


@frozen
class Found:
    """*path* is meant."""

    path: str


@frozen
class Unclear:
    """No one actor is meant; *near* are some that may be."""

    problem: str
    near: tuple[str, ...]


def actor_named(name: str, paths: Sequence[str]) -> Found | Unclear:
    """The actor of *paths* that *name* means.

    A name is a path; or its end, from a slash on, if no other path ends so. A Matrix room may go
    without its server: ``!abc`` or ``matrix/!abc`` for ``sessions/matrix/!abc:server``.
    """
    if name in paths:
        return Found(name)
    for meant in (_ending(name, paths), _without_server(name, paths)):
        match meant:
            case []:
                continue
            case [path]:
                return Found(path)
            case _:
                return Unclear(f"{len(meant)} actors are called so", tuple(meant[:_MOST_NEAR]))
    return Unclear("no actor is called so", _near(name, paths))


def _ending(name: str, paths: Sequence[str]) -> list[str]:
    end = f"/{name}"
    return [path for path in paths if path.endswith(end)]


def _without_server(name: str, paths: Sequence[str]) -> list[str]:
    start, inside = f"{name}:", f"/{name}:"
    return [path for path in paths if path.startswith(start) or inside in path]


def _near(name: str, paths: Sequence[str]) -> tuple[str, ...]:
    containing = [path for path in paths if name in path][:_MOST_NEAR]
    if containing:
        return tuple(containing)
    top = [path for path in paths if "/" not in path]
    inner = [path for path in paths if "/" in path]
    compared = (top + inner)[:_MOST_COMPARED]
    return tuple(get_close_matches(name, compared, n=_MOST_NEAR, cutoff=0.5))
