"""Verdicts: what a person thought of an answer, kept with the result."""

from __future__ import annotations

from pathlib import Path

from medtransfer import logs
from medtransfer.store import verdicts
from medtransfer.store.home import Home
from medtransfer.store.verdicts import WHOLE, Verdict

__all__ = ["WHOLE", "Verdict", "judge", "of_result"]


def judge(home: Home, folder: Path, label: str, verdict: Verdict | None) -> dict[str, Verdict]:
    """Keep, change or (None) withdraw the verdict on one label of a result; return all verdicts on it.

    Parameters
    ----------
    folder
        The result folder.
    label
        A label of the result, or :data:`WHOLE`.
    """
    if verdict is None:
        verdicts.withdraw(home, folder, label)
    else:
        verdicts.record(home, folder, label, verdict)
    logs.event("verdict.given", state=verdict or "withdrawn")
    return verdicts.of_result(home, folder)


def of_result(home: Home, folder: Path) -> dict[str, Verdict]:
    """Return the verdicts on a result by label."""
    return verdicts.of_result(home, folder)
