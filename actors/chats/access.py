"""Who may write: pairing, a list, or everybody; pure, with the clock handed in."""

import json
import secrets
from collections.abc import Callable
from typing import Literal

from attrs import define, evolve, field, fields, frozen

from actors.words import Word, say
from protocols.changes import DeleteKey, PutKey
from protocols.chats import AccessList, Paired, PairingRefused, Stranger
from protocols.ids import Language, PersonId, RoomId
from protocols.journal import Row

OWNER = PersonId("terminal:owner")
"""Whoever sits at the terminal of the running program."""

CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Capitals and digits without those that look alike: no I, L, O, 0, 1."""

CODE_LENGTH = 8
CODE_LIFE = 3600.0
"""Seconds that a code works."""

WORDS_AN_HOUR = 3
"""How often a stranger is told something within an hour; then they are not heard."""

HOUR = 3600.0
NOWHERE = RoomId("")
"""The room of a stranger who has not written in any."""

MOST_KNOCKS = 1000
"""More strangers than this are not kept; who wrote longest ago goes first."""

MOST_FAILURES = 10
FAILURE_PERIOD = 600.0
"""After 10 wrong codes in 10 minutes no code is taken until the period has passed."""

FAILURES_KEY = "pair_failures"
_PERSON = "person:"
_KNOCK = "knock:"
PREFIXES = (_PERSON, _KNOCK, FAILURES_KEY)
"""What the keys of the access state start with."""


@frozen
class AccessPolicy:
    """Who is let in, as the settings say."""

    mode: Literal["pairing", "allowlist", "open"] = "pairing"
    admins: tuple[PersonId, ...] = ()
    allowed: tuple[PersonId, ...] = ()


@frozen
class Knock:
    """A stranger who wrote.

    Args:
        code: Empty where none was given.
        language: That of their app, for the word that lets them in.
        told_at: When they were told something, within the last hour.
    """

    person: PersonId
    room: RoomId
    name: str = field(repr=False)
    first_at: float
    last_at: float
    attempts: int = 0
    code: str = field(repr=False, default="")
    expires_at: float = 0.0
    told_at: tuple[float, ...] = ()
    language: Language = Language("")


@frozen
class Heard:
    """What a stranger's message comes to: words for them, or nothing; and what to remember."""

    words: str = field(repr=False)
    changes: tuple[PutKey | DeleteKey, ...]


@frozen
class PairOutcome:
    """What the operator's code comes to; *knock* is who was let in."""

    answer: Paired | PairingRefused
    changes: tuple[PutKey | DeleteKey, ...]
    knock: Knock | None = None


def new_code() -> str:
    """A code that nobody can guess."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


@define
class AccessBook:
    """Who may write and who knocked."""

    policy: AccessPolicy
    _make_code: Callable[[], str] = new_code
    _paired: set[PersonId] = field(factory=set)
    _knocks: dict[PersonId, Knock] = field(factory=dict)
    _failures: tuple[float, ...] = ()

    def load(self, rows: tuple[tuple[str, str], ...]) -> None:
        """Take over what the store has under ``PREFIXES``."""
        self._paired.clear()
        self._knocks.clear()
        self._failures = ()
        knocks: list[Knock] = []
        for key, text in rows:
            if key.startswith(_PERSON):
                self._paired.add(PersonId(key.removeprefix(_PERSON)))
            elif key.startswith(_KNOCK):
                knocks.append(_read_knock(PersonId(key.removeprefix(_KNOCK)), text))
            else:
                self._failures = tuple(float(at) for at in json.loads(text))
        for knock in sorted(knocks, key=lambda knock: knock.last_at):
            self._knocks[knock.person] = knock

    def new_code(self) -> str:
        """A code that nobody can guess."""
        return self._make_code()

    def is_admin(self, person: PersonId) -> bool:
        """Whether *person* may look inside; the owner at the terminal always may."""
        return person == OWNER or person in self.policy.admins

    def may_write(self, person: PersonId) -> bool:
        """Whether the messages of *person* are answered."""
        if self.policy.mode == "open" or self.is_admin(person) or person in self.policy.allowed:
            return True
        return self.policy.mode == "pairing" and person in self._paired

    def hear(self, row: Row, now: float) -> Heard:
        """A stranger's message: what they are told this time, if anything."""
        knock = self._knocks.pop(row.sender, None) or Knock(
            row.sender, row.room, row.sender_name, now, now
        )
        knock = evolve(
            knock,
            room=row.room,
            name=row.sender_name,
            language=row.language,
            last_at=now,
            attempts=knock.attempts + 1,
            told_at=tuple(at for at in knock.told_at if now - at < HOUR),
        )
        words = ""
        if len(knock.told_at) < (WORDS_AN_HOUR if self.policy.mode == "pairing" else 1):
            knock, words = self._told(knock, now)
        self._knocks[row.sender] = knock
        return Heard(words, (_put_knock(knock), *self._forget_oldest()))

    def _told(self, knock: Knock, now: float) -> tuple[Knock, str]:
        knock = evolve(knock, told_at=(*knock.told_at, now))
        if self.policy.mode != "pairing":
            return knock, say(Word.NOT_ALLOWED, knock.language, person=knock.person)
        with_code = self._with_code(knock, now)
        is_again = with_code.code == knock.code and knock.attempts > 1
        word = Word.KNOCK_AGAIN if is_again else Word.KNOCK
        knock = with_code
        minutes = max(1, round((knock.expires_at - now) / 60))
        return knock, say(word, knock.language, code=knock.code, minutes=minutes)

    def asked_into_room(self, person: PersonId, now: float) -> tuple[PutKey | DeleteKey, ...]:
        """A stranger wants to bring us into a room, where we are not: only the operator is told."""
        before = self._knocks.get(person)
        knock = before or Knock(person, NOWHERE, "", now, now)
        if self.policy.mode == "pairing":
            knock = self._with_code(knock, now)
        if knock == before:
            return ()
        self._knocks[person] = knock
        return (_put_knock(knock), *self._forget_oldest())

    def _with_code(self, knock: Knock, now: float) -> Knock:
        if knock.code and knock.expires_at > now:
            return knock
        return evolve(knock, code=self._unused_code(), expires_at=now + CODE_LIFE)

    def _unused_code(self) -> str:
        used = {knock.code for knock in self._knocks.values()}
        while (code := self._make_code()) in used:
            pass
        return code

    def _forget_oldest(self) -> tuple[DeleteKey, ...]:
        # Each new word of a stranger puts them last, so the first has been silent longest.
        forgotten = list(self._knocks)[: max(0, len(self._knocks) - MOST_KNOCKS)]
        for person in forgotten:
            del self._knocks[person]
        return tuple(DeleteKey(f"{_KNOCK}{person}") for person in forgotten)

    def pair(self, code: str, now: float) -> PairOutcome:
        """Let in whoever was given *code*; spaces, dashes and case do not matter."""
        if self.policy.mode != "pairing":
            reason = f"ACCESS_MODE is {self.policy.mode}: there are no codes"
            return PairOutcome(PairingRefused(reason), ())
        self._failures = tuple(at for at in self._failures if now - at < FAILURE_PERIOD)
        if len(self._failures) >= MOST_FAILURES:
            wait = round(FAILURE_PERIOD - (now - self._failures[0]))
            return PairOutcome(
                PairingRefused(f"too many wrong codes: try again in {max(1, wait)} s"), ()
            )
        wanted = "".join(char for char in code.upper() if char.isalnum())
        for knock in self._knocks.values():
            if wanted and secrets.compare_digest(knock.code.encode(), wanted.encode()):
                return self._let_in(knock, now)
        return self._wrong_code("no such code: codes work once and only for the last hour", now)

    def _let_in(self, knock: Knock, now: float) -> PairOutcome:
        if knock.expires_at <= now:
            return self._wrong_code("the code has expired: they get a new one if they write", now)
        del self._knocks[knock.person]
        self._paired.add(knock.person)
        facts = json.dumps({"name": knock.name, "since": now}, ensure_ascii=False)
        return PairOutcome(
            Paired(knock.person),
            (PutKey(f"{_PERSON}{knock.person}", facts), DeleteKey(f"{_KNOCK}{knock.person}")),
            knock,
        )

    def _wrong_code(self, reason: str, now: float) -> PairOutcome:
        self._failures = (*self._failures, now)
        kept = PutKey(FAILURES_KEY, json.dumps(self._failures))
        return PairOutcome(PairingRefused(reason), (kept,))

    def listing(self, now: float) -> AccessList:
        """Who may write and who knocked, for the operator."""
        allowed = {*self.policy.allowed}
        if self.policy.mode == "pairing":
            allowed |= self._paired
        strangers = tuple(_stranger(knock, now) for knock in self._knocks.values())
        admins = tuple(sorted({*self.policy.admins, OWNER}))
        return AccessList(self.policy.mode, admins, tuple(sorted(allowed)), strangers)


def _stranger(knock: Knock, now: float) -> Stranger:
    code = knock.code if knock.expires_at > now else ""
    return Stranger(knock.person, knock.name, code, knock.attempts, knock.first_at, knock.last_at)


_FACTS = frozenset(one.name for one in fields(Knock)) - {"person"}


def _put_knock(knock: Knock) -> PutKey:
    facts = {
        "room": knock.room,
        "name": knock.name,
        "first_at": knock.first_at,
        "last_at": knock.last_at,
        "attempts": knock.attempts,
        "code": knock.code,
        "expires_at": knock.expires_at,
        "told_at": knock.told_at,
        "language": knock.language,
    }
    return PutKey(f"{_KNOCK}{knock.person}", json.dumps(facts, ensure_ascii=False))


def _read_knock(person: PersonId, text: str) -> Knock:
    stored = json.loads(text)
    # An older program knew less of a knock, a newer one knows more.
    facts = {name: value for name, value in stored.items() if name in _FACTS}
    facts["told_at"] = tuple(facts["told_at"])
    return Knock(person=person, **facts)
