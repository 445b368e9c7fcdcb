from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import pytest

from medtransfer.errors import EnvironmentFailure
from medtransfer.store import database
from medtransfer.store.database import connection, transaction
from medtransfer.store.home import Home


def test_a_new_database_has_the_newest_schema_and_stays_as_it_is(home: Home) -> None:
    for _ in range(2):
        with connection(home) as opened:
            assert opened.execute("PRAGMA user_version").fetchone()[0] == len(database.MIGRATIONS)
            assert opened.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_an_older_database_is_brought_up_to_date_and_keeps_its_rows(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection(home) as opened:
        opened.execute("INSERT INTO jobs VALUES ('a', 'learn', 'p', 'done', 1, 1.0, 't', 't', '')")
    monkeypatch.setattr(
        database, "MIGRATIONS", (*database.MIGRATIONS, "ALTER TABLE jobs ADD COLUMN note TEXT DEFAULT 'new'; ")
    )
    with connection(home) as opened:
        assert opened.execute("SELECT id, note FROM jobs").fetchone()[:] == ("a", "new")


def test_a_migration_that_fails_leaves_the_old_schema(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with connection(home):
        pass
    before = len(database.MIGRATIONS)
    monkeypatch.setattr(
        database, "MIGRATIONS", (*database.MIGRATIONS, "ALTER TABLE jobs ADD COLUMN note TEXT; SELECT nonsense")
    )
    with pytest.raises(EnvironmentFailure), connection(home):
        pass
    with closing(sqlite3.connect(home.database)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone()[0] == before
        assert "note" not in {row[1] for row in raw.execute("PRAGMA table_info(jobs)")}


def test_a_newer_database_is_refused_untouched(home: Home) -> None:
    with connection(home) as opened:
        opened.execute("PRAGMA user_version = 99")
    with pytest.raises(EnvironmentFailure, match="schema 99") as caught, connection(home):
        pass
    assert caught.value.code == "store.newer"


def test_a_damaged_database_is_said_in_words(home: Home) -> None:
    home.prepare().database.write_bytes(b"this is no database, " * 100)
    with pytest.raises(EnvironmentFailure, match="database cannot be used"), connection(home):
        pass


def _insert_twice(opened: sqlite3.Connection) -> None:
    with transaction(opened):
        for _ in range(2):
            opened.execute("INSERT INTO jobs VALUES ('a', 'learn', 'p', 'done', 1, 1.0, 't', 't', '')")


def test_a_transaction_is_all_or_nothing(home: Home) -> None:
    with connection(home) as opened:
        with pytest.raises(sqlite3.IntegrityError):
            _insert_twice(opened)
        assert opened.execute("SELECT COUNT(*) FROM jobs").fetchone()[0] == 0


def test_many_writers_at_once_lose_nothing(home: Home) -> None:
    def write(number: int) -> None:
        for count in range(10):
            with connection(home) as opened, transaction(opened):
                row = (f"{number}-{count}", "v", "p", "done", 1, 1.0, "t", "t", "")
                opened.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with connection(home) as opened:
        assert opened.execute("SELECT COUNT(*) FROM jobs").fetchone()[0] == 60
