"""The log of one job: ``log.jsonl`` in its folder, one line per event, free of paths."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from medtransfer.errors import EnvironmentFailure
from medtransfer.hosting.redaction import without_paths

LOG = "log.jsonl"
Level = Literal["debug", "info", "warning", "error"]


class JobLog:
    """Appends lines to the log of a job's folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / LOG

    def write(self, level: Level, text: str) -> None:
        """Append one line.

        Raises
        ------
        EnvironmentFailure
            When the disk refuses it.
        """
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": level,
            "text": without_paths(text),
        }
        try:
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")
        except OSError as error:
            raise EnvironmentFailure(
                f"the job's log cannot be written ({error.strerror})",
                code="job.log",
                hint="Check that the disk has space and that the job's folder may be written to.",
            ) from error
