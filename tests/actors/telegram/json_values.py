"""Any JSON, and real updates with anything in any place."""

from typing import Any

from hypothesis import strategies as st

_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(categories=None), max_size=20)
    | st.sampled_from([0, -1, 2**31, 2**63, 10**30, "", "private", "\ud83d", "@agent_bot", "/x"])
)

JSON = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)


def places_in(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside *value*."""
    inner = list(_children(value))
    below = [place for key, child in inner for place in places_in(child, (*here, key))]
    return [*([here] if here else []), *below]


def with_change(value: Any, place: tuple[Any, ...], new: Any, *, is_removed: bool = False) -> Any:
    """A copy of *value* with *new* at *place*, or with nothing there."""
    if not place:
        return new
    key, rest = place[0], place[1:]
    if isinstance(value, list):
        return [
            with_change(item, rest, new, is_removed=is_removed) if number == key else item
            for number, item in enumerate(value)
            if rest or not is_removed or number != key
        ]
    if is_removed and not rest:
        return {name: item for name, item in value.items() if name != key}
    return value | {key: with_change(value[key], rest, new, is_removed=is_removed)}


def _children(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []
