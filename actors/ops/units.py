"""Times, counts and texts as an operator reads them. Pure."""

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_THOUSAND = 1000
_MOST_WRITTEN_OUT = 100_000


def duration(seconds: float) -> str:
    """*seconds* in at most two units: ``340 ms``, ``4 s``, ``3 m 20 s``, ``2 d 5 h``."""
    if seconds < 1:
        return f"{max(0, int(seconds * 1000))} ms"
    whole = int(seconds)
    for size, name, smaller_size, smaller in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "m"),
        (_MINUTE, "m", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller_size
            return f"{whole // size} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def age(seconds: float | None) -> str:
    """*seconds*, or a dash for none."""
    return "-" if seconds is None else duration(seconds)


def count(number: int) -> str:
    """*number* in at most 7 places: ``1,204``, ``120 k``, ``3.4 M``."""
    return _short(number, small=_MOST_WRITTEN_OUT, unit="")


def size(size_bytes: int) -> str:
    """*size_bytes* in one unit: ``96 kB``, ``3.4 MB``."""
    return _short(size_bytes, small=_THOUSAND, unit="B")


def _short(number: int, *, small: int, unit: str) -> str:
    if number < small:
        return f"{number:,} {unit}".rstrip()
    if number < _THOUSAND**2:
        return f"{number // _THOUSAND} k{unit}"
    if number < _THOUSAND**3:
        return f"{number / _THOUSAND**2:.1f} M{unit}"
    return f"{number / _THOUSAND**3:.1f} G{unit}"


def plain(text: str) -> str:
    """*text* on one line, without what could steer a terminal or turn its order around."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
