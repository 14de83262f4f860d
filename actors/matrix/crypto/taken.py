"""Which to-device events were taken: a page may come twice, and an event is opened only once."""

from hashlib import sha256

from attrs import define

from actors.matrix.crypto.machine import Machine

_KEPT = 2000  # an answer of /sync has about a hundred


@define
class Taken:
    """The newest to-device events, in the database of the keys and written together with them."""

    machine: Machine

    @classmethod
    def of(cls, machine: Machine) -> "Taken":
        """What *machine* remembers."""
        machine.run(
            "CREATE TABLE IF NOT EXISTS taken (digest TEXT PRIMARY KEY, session TEXT NOT NULL)"
        )
        return cls(machine)

    def session_of(self, ciphertext: str) -> str | None:
        """The session whose key came in it, empty for none; None if it was not taken yet."""
        found = self.machine.run("SELECT session FROM taken WHERE digest = ?", _digest(ciphertext))
        return str(found[0][0]) if found else None

    def note(self, ciphertext: str, session_id: str) -> None:
        """*ciphertext* was taken, and brought the key of *session_id*, or none."""
        self.machine.run(
            "INSERT OR IGNORE INTO taken VALUES (?, ?)", _digest(ciphertext), session_id
        )

    def trim(self) -> None:
        """Forget the oldest."""
        self.machine.run(
            f"DELETE FROM taken WHERE rowid <= (SELECT max(rowid) - {_KEPT} FROM taken)"  # noqa: S608  # our own number
        )


def _digest(ciphertext: str) -> str:
    return sha256(ciphertext.encode(errors="replace")).hexdigest()
