"""The record of jobs: what runs, what is done, and what a power cut or a kill left unfinished."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil

from medtransfer.errors import MedTransferError
from medtransfer.store.database import connection, transaction
from medtransfer.store.home import Home

State = Literal["running", "done", "failed", "cancelled", "interrupted"]
CANCELLED = "job.cancelled"
"""The code of the error that ends a job which the person stopped."""
RESUMABLE = frozenset({"learn", "pretrain"})
"""The verbs whose unfinished jobs keep their folder, checkpoints and all."""


@dataclass(frozen=True)
class Job:
    """One job as the record has it. ``error`` is the stable code of what went wrong, or empty."""

    id: str
    verb: str
    plugin: str
    state: State
    pid: int
    created: str
    updated: str
    error: str


@contextmanager
def running(home: Home, job_id: str, verb: str, plugin: str) -> Iterator[Path]:
    """Record a job as running for the duration of the block, and then how it ended.

    The folder that the block receives is removed at the end, except when a job of a resumable verb did not get done:
    the same job then goes on where it stopped. Unfinished jobs whose process was killed are tidied up here too.
    """
    mark_interrupted(home)
    place = home.jobs / job_id
    place.mkdir(exist_ok=True)
    _start(home, job_id, verb, plugin)
    state: State = "failed"
    code = "internal"
    try:
        yield place
        state, code = "done", ""
    except KeyboardInterrupt:
        state, code = "cancelled", ""
        raise
    except MedTransferError as error:
        state, code = ("cancelled" if error.code == CANCELLED else "failed"), error.code
        raise
    finally:
        _end(home, job_id, state, code)
        if state == "done" or verb not in RESUMABLE:
            shutil.rmtree(place, ignore_errors=True)


def list_jobs(home: Home) -> list[Job]:
    """Return every job, the latest first, after marking those whose process is gone as interrupted."""
    mark_interrupted(home)
    with connection(home) as database:
        rows = database.execute("SELECT * FROM jobs ORDER BY created DESC, id").fetchall()
    return [Job(**{name: row[name] for name in Job.__dataclass_fields__}) for row in rows]


def mark_interrupted(home: Home) -> int:
    """Mark running jobs whose process no longer exists, remove what they cannot use again, and return how many."""
    with connection(home) as database, transaction(database):
        rows = database.execute("SELECT id, verb, pid, pid_started FROM jobs WHERE state = 'running'").fetchall()
        gone = [row for row in rows if not _alive(row)]
        database.executemany(
            "UPDATE jobs SET state = 'interrupted', updated = ? WHERE id = ?", [(_now(), row["id"]) for row in gone]
        )
    for row in gone:
        if row["verb"] not in RESUMABLE:
            shutil.rmtree(home.jobs / row["id"], ignore_errors=True)
    return len(gone)


def _start(home: Home, job_id: str, verb: str, plugin: str) -> None:
    with connection(home) as database:
        database.execute(
            "INSERT INTO jobs (id, verb, plugin, state, pid, pid_started, created, updated)"
            " VALUES (?, ?, ?, 'running', ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " state = 'running', pid = excluded.pid, pid_started = excluded.pid_started,"
            " updated = excluded.updated, error = ''",
            (job_id, verb, plugin, os.getpid(), _started(os.getpid()), _now(), _now()),
        )


def _end(home: Home, job_id: str, state: State, error: str) -> None:
    with connection(home) as database:
        database.execute(
            "UPDATE jobs SET state = ?, error = ?, updated = ? WHERE id = ?", (state, error, _now(), job_id)
        )


def _alive(row: sqlite3.Row) -> bool:
    """Whether the process that started the job still runs; a reused process number starts at another time."""
    return abs(_started(row["pid"]) - float(row["pid_started"])) < 1.0


def _started(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
