"""The SQLite file of the store: several processes at once, and a schema that grows by numbered steps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from medtransfer.errors import EnvironmentFailure
from medtransfer.store.home import Home

BUSY_TIMEOUT_S = 20.0

MIGRATIONS = (
    """
    CREATE TABLE models (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        plugin TEXT NOT NULL,
        created TEXT NOT NULL,
        labels TEXT NOT NULL,
        metrics TEXT NOT NULL,
        UNIQUE (name, version),
        UNIQUE (name, sha256)
    );
    CREATE INDEX models_by_address ON models (sha256);
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        verb TEXT NOT NULL,
        plugin TEXT NOT NULL,
        state TEXT NOT NULL,
        pid INTEGER NOT NULL,
        pid_started REAL NOT NULL,
        created TEXT NOT NULL,
        updated TEXT NOT NULL,
        error TEXT NOT NULL DEFAULT ''
    );
    CREATE TABLE results (
        sha256 TEXT PRIMARY KEY,
        folder TEXT NOT NULL,
        inputs TEXT NOT NULL,
        created TEXT NOT NULL,
        plugin TEXT NOT NULL,
        model_sha256 TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE verdicts (
        result_sha256 TEXT NOT NULL,
        label TEXT NOT NULL,
        verdict TEXT NOT NULL,
        given TEXT NOT NULL,
        PRIMARY KEY (result_sha256, label)
    );
    """,
    """
    CREATE TABLE timings (
        id INTEGER PRIMARY KEY,
        plugin TEXT NOT NULL,
        tune TEXT NOT NULL,
        amount REAL NOT NULL,
        seconds REAL NOT NULL
    );
    """,
)
"""Step n brings a database of ``user_version`` n to n + 1. Steps are never changed once released."""


@contextmanager
def connection(home: Home) -> Iterator[sqlite3.Connection]:
    """Open the database, bring its schema up to date, and close it again.

    The connection is in autocommit mode: what must happen together goes into :func:`transaction`.

    Raises
    ------
    EnvironmentFailure
        When the file is damaged, locked for too long, on a full disk, or from a newer medtransfer.
    """
    home.prepare()
    try:
        with closing(sqlite3.connect(home.database, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as opened:
            opened.row_factory = sqlite3.Row
            _migrate(opened)
            yield opened
    except sqlite3.DatabaseError as error:
        raise EnvironmentFailure(
            f"the store's database cannot be used ({error})",
            code="store.database",
            hint="Check that the disk is not full and the folder is writable; otherwise restore it from a backup.",
            subject=str(home.database),
        ) from error


@contextmanager
def transaction(opened: sqlite3.Connection) -> Iterator[None]:
    """Do all of it or nothing, with the write lock taken at the start so that two writers cannot deadlock."""
    opened.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        opened.execute("ROLLBACK")
        raise
    opened.execute("COMMIT")


def _version(opened: sqlite3.Connection) -> int:
    return int(opened.execute("PRAGMA user_version").fetchone()[0])


def _migrate(opened: sqlite3.Connection) -> None:
    found = _version(opened)
    if found == len(MIGRATIONS):
        return
    if found > len(MIGRATIONS):
        raise EnvironmentFailure(
            f"the store has schema {found}, this medtransfer knows up to {len(MIGRATIONS)}",
            code="store.newer",
            hint="Update medtransfer, or choose another folder with --home.",
        )
    opened.execute("PRAGMA journal_mode = WAL")
    with transaction(opened):
        for number, step in enumerate(MIGRATIONS[_version(opened) :], start=_version(opened) + 1):
            for statement in filter(str.strip, step.split(";")):
                opened.execute(statement)
            opened.execute(f"PRAGMA user_version = {number:d}")
