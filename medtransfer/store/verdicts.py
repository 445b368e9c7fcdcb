"""What a person thought of an answer: right, wrong or unsure, kept beside the result that it judges."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from medtransfer.contract.bundle import file_sha256
from medtransfer.store.database import connection
from medtransfer.store.home import Home
from medtransfer.store.results import RESULT_FILE

Verdict = Literal["right", "wrong", "unsure"]
WHOLE = ""
"""The label of a verdict on the result as a whole, such as a segmentation."""


def record(home: Home, folder: Path, label: str, verdict: Verdict) -> None:
    """Keep the verdict on one label of the result in ``folder``; a later one takes its place.

    The hash of ``result.json`` is the key, so the verdict follows the result when its folder moves.
    """
    with connection(home) as database:
        database.execute(
            "INSERT OR REPLACE INTO verdicts (result_sha256, label, verdict, given) VALUES (?, ?, ?, ?)",
            (file_sha256(folder / RESULT_FILE), label, verdict, datetime.now(UTC).isoformat(timespec="seconds")),
        )


def withdraw(home: Home, folder: Path, label: str) -> None:
    """Forget the verdict on one label; without one nothing happens."""
    with connection(home) as database:
        database.execute(
            "DELETE FROM verdicts WHERE result_sha256 = ? AND label = ?", (file_sha256(folder / RESULT_FILE), label)
        )


def of_result(home: Home, folder: Path) -> dict[str, Verdict]:
    """Return the verdicts on the result in ``folder`` by label."""
    with connection(home) as database:
        rows = database.execute(
            "SELECT label, verdict FROM verdicts WHERE result_sha256 = ?", (file_sha256(folder / RESULT_FILE),)
        ).fetchall()
    return {row["label"]: row["verdict"] for row in rows}
