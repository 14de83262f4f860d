"""Numbered migrations: from whatever the file holds to what this program knows."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from attrs import frozen

from actors.store.backup import copy_database
from actors.store.connection import Connection
from actors.store.errors import (
    ForeignDatabaseError,
    NewerDatabaseError,
    StoreOpenError,
    UpgradeFailedError,
    open_error,
)

log = structlog.get_logger("store.schema")

_SEED_TABLES = frozenset({"kv"})


@frozen
class Migration:
    """One step: the database is at version *number* once its statements are committed."""

    number: int
    statements: tuple[str, ...]


def read_migrations(folder: Path) -> tuple[Migration, ...]:
    """The migrations in *folder*, files named ``0001_what_it_brings.sql``, in order."""
    return tuple(
        Migration(int(file.name.partition("_")[0]), tuple(statements(file.read_text("utf-8"))))
        for file in sorted(folder.glob("*.sql"))
    )


def statements(script: str) -> Iterator[str]:
    """The statements of *script*, one by one.

    ``executescript`` commits before it starts and leaves its transaction open when it fails.
    """
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""
    if statement.strip():
        yield statement.strip()


MIGRATIONS = read_migrations(Path(__file__).parent / "migrations")


def version_of(db: Connection) -> int:
    """The migration that the database is at; 0 for an empty one and for the earlier program's."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def refuse_unknown(db: Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Raise where the database is newer than this program, or another program's."""
    version = version_of(db)
    if version > len(migrations):
        raise NewerDatabaseError(path)
    if version == 0 and not _tables(db) <= _SEED_TABLES:
        raise ForeignDatabaseError(path)


def upgrade(db: Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Apply what is missing, each migration in one transaction, after a copy was made beside it."""
    version = version_of(db)
    if version == len(migrations):
        return
    with _copy_beside(db, path, len(migrations)) as copy:
        for migration in migrations[version:]:
            _apply(db, path, migration)
    if copy:
        log.info("database.upgraded", version_before=version, version=len(migrations), copy=copy)


@contextmanager
def _copy_beside(db: Connection, path: Path, version: int) -> Iterator[str]:
    """Keep a copy of a database that holds something, unless the upgrade changes nothing."""
    if not _tables(db):
        yield ""
        return
    copy = _free_name(path, version)
    copy_database(db, copy)
    before = version_of(db)
    try:
        yield copy.name
    except StoreOpenError:
        if version_of(db) == before:  # or each new attempt would leave one more copy
            copy.unlink()
        raise


def _free_name(path: Path, version: int) -> Path:
    copy = path.with_name(f"{path.name}.before-{version}.bak")
    again = 1
    while copy.exists():
        again += 1
        copy = path.with_name(f"{path.name}.before-{version}.{again}.bak")
    return copy


def _apply(db: Connection, path: Path, migration: Migration) -> None:
    try:
        with db.transaction("BEGIN IMMEDIATE"):
            for statement in migration.statements:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {migration.number}")
    except sqlite3.Error as error:
        raise open_error(error, path, UpgradeFailedError) from error


def _tables(db: Connection) -> frozenset[str]:
    rows = db.execute(
        "SELECT name FROM sqlite_schema"
        " WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    )
    return frozenset(name for (name,) in rows)
