"""How long earlier trainings took on this machine, so that the next one can be estimated."""

from __future__ import annotations

from medtransfer.store.database import connection
from medtransfer.store.home import Home

KEPT = 20


def record(home: Home, plugin: str, tune: str, amount: float, seconds: float) -> None:
    """Keep how many seconds an uninterrupted training of that amount of work took."""
    with connection(home) as database:
        database.execute(
            "INSERT INTO timings (plugin, tune, amount, seconds) VALUES (?, ?, ?, ?)", (plugin, tune, amount, seconds)
        )


def rates(home: Home, plugin: str, tune: str) -> list[float]:
    """Return seconds per unit of work of this plug-in's latest trainings of that kind, the latest first."""
    with connection(home) as database:
        rows = database.execute(
            "SELECT seconds / amount AS rate FROM timings WHERE plugin = ? AND tune = ? AND amount > 0"
            " ORDER BY id DESC LIMIT ?",
            (plugin, tune, KEPT),
        ).fetchall()
    return [float(row["rate"]) for row in rows]
