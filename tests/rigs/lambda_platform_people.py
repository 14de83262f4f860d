"""The people that the reference server knows, and their settings."""

import hashlib
import json
from datetime import UTC, datetime

from attrs import asdict, define, evolve, field

from actors.platform.local_settings import changed
from actors.platform.mock_settings import DEFAULT_SETTINGS
from protocols.platform import PlatformFailedError, SettingsAction, UserSettings
from tests.rigs.lambda_platform_contract import Json
from tests.rigs.lambda_platform_problems import invalid, problem

SURFACES = frozenset({"telegram", "matrix", "terminal"})


@define
class Person:
    """A user, the settings, and what was done to them.

    Args:
        done: The settings' body and ETag after each action, by its idempotency key, with the
            action itself.
    """

    user: Json
    settings: UserSettings = DEFAULT_SETTINGS
    locale: str = "en"
    changes: int = 0
    done: dict[str, tuple[Json, Json, str]] = field(factory=dict)

    def settings_json(self) -> Json:
        """The settings as they go over the wire."""
        return asdict(self.settings) | {"connectors": {}, "locale": self.locale, "safety": {}}

    @property
    def etag(self) -> str:
        """The name of this state of the settings."""
        said = json.dumps(self.settings_json(), sort_keys=True)
        return f'"{self.changes}-{hashlib.sha256(said.encode()).hexdigest()[:12]}"'


@define
class People:
    """Everybody, by user id."""

    known: dict[str, Person] = field(factory=dict)

    def get_or_create(self, platform: str, external_id: str, body: Json) -> tuple[Json, bool]:
        """The user, and whether they are new."""
        if platform not in SURFACES:
            raise invalid("/platform", "enum")
        digest = hashlib.sha256(f"{platform}:{external_id}".encode()).hexdigest()
        user_id = f"user-{digest[:16]}"
        is_new = user_id not in self.known
        if is_new:
            user = {"user_id": user_id, "external_id": external_id, "platform": platform}
            created = {"created_at": datetime.now(UTC).isoformat()}
            self.known[user_id] = Person(user | {"display_name": None} | created)
        person = self.known[user_id]
        person.user |= {name: body[name] for name in ("display_name",) if body.get(name)}
        person.locale = body.get("locale", person.locale)
        return person.user, is_new

    def find(self, user_id: str) -> Person:
        """The person of that id."""
        person = self.known.get(user_id)
        if person is None:
            raise problem("user-not-found")
        return person

    def act(
        self, user_id: str, body: Json, *, key: str | None, if_match: str | None
    ) -> tuple[Json, str]:
        """The settings and their ETag after the action *body*; done once for each *key*."""
        person = self.find(user_id)
        if key is not None and key in person.done:
            action, settings, etag = person.done[key]
            if action != body:
                raise problem("idempotency-key-reuse")
            return settings, etag
        if if_match is not None and if_match != person.etag:
            raise problem("settings-changed")
        _change(person, body)
        if key is not None:
            person.done[key] = (body, person.settings_json(), person.etag)
        return person.settings_json(), person.etag


def _change(person: Person, body: Json) -> None:
    payload = body.get("payload", {})
    match body["type"], payload:
        case "set", {"locale": str(locale)}:
            person.locale = locale
        case _:
            try:
                action = SettingsAction(body["type"], payload)
                person.settings = changed(person.settings, action, at_first=DEFAULT_SETTINGS)
            except PlatformFailedError:
                raise invalid("/payload", "unknown") from None
    person.settings = evolve(person.settings, skills=dict(person.settings.skills))
    person.changes += 1
