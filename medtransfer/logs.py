"""The log: JSON lines that cannot carry patient data.

What may be logged is listed, not what may not: an event's dotted name and the fields named in :data:`FIELDS`, whose
text must look like an identifier. A path or a sentence does not, and is replaced by ``"withheld"``.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path

FIELDS = frozenset(
    {
        "verb",
        "plugin",
        "plugin_version",
        "model",
        "job",
        "code",
        "kind",
        "state",
        "duration_s",
        "done",
        "failed",
        "workers",
    }
)
_EVENT = re.compile(r"[a-z]+(\.[a-z-]+)*")
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._:-]{0,79}")
_LOGGER = logging.getLogger("medtransfer")


def configure(folder: Path) -> None:
    """Write events to one file per day in ``folder``; calling it again changes the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for handler in list(_LOGGER.handlers):
        _LOGGER.removeHandler(handler)
        handler.close()
    today = datetime.now(UTC).date().isoformat()
    handler = logging.FileHandler(folder / f"{today}.jsonl", encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def event(name: str, **fields: str | float) -> None:
    """Log that something happened; before :func:`configure` this does nothing.

    Raises
    ------
    ValueError
        When the event's name or a field is not one that may be logged: a bug in the caller.
    """
    unknown = fields.keys() - FIELDS
    if unknown or not _EVENT.fullmatch(name):
        raise ValueError(f"not to be logged: {name!r} with {sorted(unknown)}")
    if _LOGGER.handlers:
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": name}
        _LOGGER.info(json.dumps(line | {key: _safe(value) for key, value in fields.items()}))


def _safe(value: str | float) -> str | float:
    return value if isinstance(value, int | float) or _IDENTIFIER.fullmatch(value) else "withheld"
