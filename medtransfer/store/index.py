"""The index of folders: what each file in them answered, so that only new and changed files are read again.

It is a SQLite file of its own below the home's ``cache``, readable by its owner alone, because it holds patients'
names. Nothing else depends on it: whatever is wrong with it, it can be thrown away.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from medtransfer.store.answers import Answer, reader_fingerprint
from medtransfer.store.database import BUSY_TIMEOUT_S, transaction
from medtransfer.store.home import Home

KEPT_DAYS = 90
_SCHEMA = 1
_TABLES = """
    DROP TABLE IF EXISTS files;
    DROP TABLE IF EXISTS folders;
    DROP TABLE IF EXISTS made;
    CREATE TABLE made (fingerprint TEXT NOT NULL);
    CREATE TABLE folders (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, seen INTEGER NOT NULL);
    CREATE TABLE files (
        folder INTEGER NOT NULL REFERENCES folders ON DELETE CASCADE,
        name BLOB NOT NULL,
        stamp TEXT NOT NULL,
        format TEXT,
        header BLOB NOT NULL,
        refusal BLOB NOT NULL,
        PRIMARY KEY (folder, name)
    ) WITHOUT ROWID;
"""
_PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON")


@dataclass(frozen=True, slots=True)
class Row:
    """One file: the stamp that it had when it was read, and its answer."""

    stamp: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Size:
    """How much the index holds."""

    folders: int
    files: int
    bytes: int


def place(home: Home) -> Path:
    """Return where the index lies."""
    return home.cache / "headers.sqlite3"


@contextmanager
def opened(home: Home) -> Iterator[FolderIndex]:
    """Open the index; a damaged one, or one that other code made, starts anew. Folders not seen for long are dropped.

    Raises
    ------
    sqlite3.Error
        When it cannot be used: a full disk, no right to write, another process that holds it for too long.
    EnvironmentFailure
        When the home cannot be created.
    """
    home.prepare()
    with closing(_connected(place(home))) as connection:
        connection.execute("DELETE FROM folders WHERE seen < ?", (_today() - KEPT_DAYS,))
        yield FolderIndex(connection)


def clear(home: Home) -> None:
    """Forget everything, on the disk as well.

    Raises
    ------
    sqlite3.Error
        When another process holds the index for too long.
    """
    if place(home).exists():
        with closing(_connected(place(home))) as connection:
            connection.execute("DELETE FROM folders")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class FolderIndex:
    """An open index; use it in the thread that opened it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, folder: Path) -> dict[str, Row]:
        """Return what is known of the files of a folder, by name."""
        found = self._connection.execute(
            "SELECT name, stamp, format, header, refusal FROM files JOIN folders ON folder = id WHERE path = ?",
            (os.fsencode(folder),),
        )
        return {
            os.fsdecode(name): Row(stamp, Answer(kind, header, refusal)) for name, stamp, kind, header, refusal in found
        }

    def keep(self, folder: Path, rows: Mapping[str, Row], gone: Iterable[str] = ()) -> None:
        """Store rows of a folder and drop those of files that are ``gone``, in one transaction."""
        with transaction(self._connection):
            self._connection.execute(
                "INSERT INTO folders (path, seen) VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET seen = excluded.seen",
                (os.fsencode(folder), _today()),
            )
            number = self._connection.execute(
                "SELECT id FROM folders WHERE path = ?", (os.fsencode(folder),)
            ).fetchone()[0]
            self._connection.executemany(
                "DELETE FROM files WHERE folder = ? AND name = ?", ((number, os.fsencode(name)) for name in gone)
            )
            self._connection.executemany(
                "INSERT OR REPLACE INTO files (folder, name, stamp, format, header, refusal) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (number, os.fsencode(name), r.stamp, r.answer.format, r.answer.header, r.answer.refusal)
                    for name, r in rows.items()
                ),
            )

    def drop_missing(self, root: Path, present: Iterable[Path]) -> None:
        """Drop the folders at and below ``root`` that are not ``present`` any more."""
        top = os.fsencode(root)
        below = top.rstrip(os.fsencode(os.sep)) + os.fsencode(os.sep)
        known = self._connection.execute("SELECT path FROM folders").fetchall()
        there = {os.fsencode(folder) for folder in present}
        gone = [path for (path,) in known if (path == top or path.startswith(below)) and path not in there]
        with transaction(self._connection):
            self._connection.executemany("DELETE FROM folders WHERE path = ?", ((path,) for path in gone))

    def size(self) -> Size:
        """Count what the index holds."""
        folders, files, pages, page = (
            self._connection.execute(question).fetchone()[0]
            for question in (
                "SELECT count(*) FROM folders",
                "SELECT count(*) FROM files",
                "PRAGMA page_count",
                "PRAGMA page_size",
            )
        )
        return Size(folders, files, pages * page)


def _today() -> int:
    return int(time.time() // 86400)


def _connected(path: Path) -> sqlite3.Connection:
    _create(path)
    try:
        return _prepared(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:  # not a database any more
        for companion in ("", "-wal", "-shm"):
            path.with_name(path.name + companion).unlink(missing_ok=True)
        _create(path)
        return _prepared(path)


def _create(path: Path) -> None:
    """Create the file before SQLite does, which would let others read it."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _prepared(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        wanted = f"{_SCHEMA} {reader_fingerprint()}"
        if _made_by(connection) != wanted:
            with transaction(connection):
                for statement in filter(str.strip, _TABLES.split(";")):
                    connection.execute(statement)
                connection.execute("INSERT INTO made (fingerprint) VALUES (?)", (wanted,))
    except BaseException:
        connection.close()
        raise
    return connection


def _made_by(connection: sqlite3.Connection) -> str:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'made'").fetchone():
        return ""
    found = connection.execute("SELECT fingerprint FROM made").fetchone()
    return str(found[0]) if found else ""
