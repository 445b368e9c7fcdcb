"""Where a result's input lies: known to the store of this machine alone, never written into the result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from medtransfer.contract.bundle import file_sha256
from medtransfer.errors import UserError
from medtransfer.result.model import Passport
from medtransfer.store.database import connection
from medtransfer.store.home import Home

RESULT_FILE = "result.json"


def record(home: Home, folder: Path, inputs: Sequence[Path], passport: Passport) -> None:
    """Remember from which files the result in ``folder`` was made; its ``result.json`` is the key, so it may move."""
    with connection(home) as database:
        database.execute(
            "INSERT OR REPLACE INTO results (sha256, folder, inputs, created, plugin, model_sha256)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                file_sha256(folder / RESULT_FILE),
                str(folder.absolute()),
                json.dumps([str(path.absolute()) for path in inputs]),
                datetime.now(UTC).isoformat(timespec="seconds"),
                passport.plugin,
                passport.model_sha256,
            ),
        )


def inputs_of(home: Home, folder: Path) -> list[Path]:
    """Return the files that the result was made from, as far as this store knows.

    Raises
    ------
    UserError
        When the result was made elsewhere.
    """
    with connection(home) as database:
        row = database.execute(
            "SELECT inputs FROM results WHERE sha256 = ?", (file_sha256(folder / RESULT_FILE),)
        ).fetchone()
    if row is None:
        raise UserError(
            "this store does not know from which files the result was made",
            code="result.input-unknown",
            hint="Name the file or folder with --input.",
            subject=folder.name,
        )
    return [Path(path) for path in json.loads(row["inputs"])]
