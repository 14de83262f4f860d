"""Any JSON, and JSON that looks like what is expected until one looks closer."""

from hypothesis import strategies as st

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["\ud83d", "x\udc00", "\x00"])
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def objects_with(*names: str, **known: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Objects that have some of these fields, each with anything in it, or with what is known."""
    fields = {name: known.get(name, st.nothing()) | ANY_JSON for name in {*names, *known}}
    return st.fixed_dictionaries({}, optional=fields)
