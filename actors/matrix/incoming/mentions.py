"""To whom a message is addressed: mentions in it. Pure; never raises.

Newer clients say whom they mention in ``m.mentions``; of older ones only the text tells.
"""

import re
from collections.abc import Collection
from urllib.parse import unquote

from attrs import field, frozen

from actors.surfaces.shapes import Json, table, text_in

_PILL = re.compile(r"https://matrix\.to/#/([^\"'<>\s?)]{1,400})")
_LONGEST_HTML = 60_000


@frozen
class Me:
    """How people call us.

    Args:
        names: Our display names, in this room and elsewhere.
    """

    user_id: str
    names: frozenset[str] = frozenset()

    @property
    def all_names(self) -> frozenset[str]:
        """All that a person may write to mean us."""
        localpart = self.user_id[1:].partition(":")[0]
        return frozenset(name for name in (self.user_id, localpart, *self.names) if name.strip())


@frozen
class Addressed:
    """A text without what only said to whom it goes."""

    text: str = field(repr=False)
    is_to_us: bool = False


def read_address(text: str, content: Json, me: Me) -> Addressed:
    """To whom *text*, the words of a message with *content*, is addressed."""
    mentions = content.get("m.mentions")
    if isinstance(mentions, dict):
        users = mentions.get("user_ids")
        is_ours = isinstance(users, list) and me.user_id in users
    else:
        is_ours = _has_pill(content, me) or _has_word(text, me.all_names)
    if not is_ours:
        return Addressed(text)
    rest = _without(text, me, is_sure=isinstance(mentions, dict))
    # The mention alone is also something to say.
    return Addressed(rest if rest.strip() else text, is_to_us=True)


def _has_pill(content: Json, me: Me) -> bool:
    html = text_in(content.get("formatted_body"))[:_LONGEST_HTML]
    return any(unquote(found) == me.user_id for found in _PILL.findall(html))


def _has_word(text: str, names: Collection[str]) -> bool:
    return re.search(rf"(?<!\w)(?:{_any_of(names)})(?!\w)", text, re.IGNORECASE) is not None


def _without(text: str, me: Me, *, is_sure: bool) -> str:
    """*text* without a mention at its start, and without those that can be nothing else."""
    name = _any_of(me.all_names)
    link = rf"\[[^\[\]\n]{{0,128}}\]\(https://matrix\.to/#/(?:{_any_of(_quoted(me))})\)"
    clear = rf"(?:{link}|{re.escape(me.user_id)}|@(?:{name}))(?!\w|[.:]\w)"
    # A name in the middle of a sentence may just be a word of it.
    end = r"(?![\w.-])" if is_sure else r"(?=\s*[,:;])"
    leading = re.match(rf"\s*(?:{clear}|(?:{name}){end})[\s,:;]*", text, re.IGNORECASE)
    rest = text[leading.end() :] if leading else text
    return re.sub(rf"(?:(?<=\s)|^){clear}(?:$|[ \t])?", "", rest, flags=re.IGNORECASE)


def _quoted(me: Me) -> tuple[str, str]:
    return me.user_id, me.user_id.replace("@", "%40").replace(":", "%3A")


def _any_of(names: Collection[str]) -> str:
    longest_first = sorted(names, key=len, reverse=True)
    return "|".join(re.escape(name) for name in longest_first)


def mentions_of(content: Json, new: Json) -> Json:
    """The words *new* of an edit with *content*, with whom they mention in them."""
    if "m.mentions" in new or "m.mentions" not in content:
        return new
    return {**new, "m.mentions": table(content.get("m.mentions"))}
