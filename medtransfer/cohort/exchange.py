"""A cohort as a file in a job's folder: how the host hands it to a worker on the same machine.

The file holds absolute paths and patients: it never leaves the machine and is removed with the job.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from medtransfer.cohort.model import Cohort
from medtransfer.errors import DataError
from medtransfer.result.model import Record

FORMAT = 1


class _Document(Record):
    format: int = FORMAT
    cohort: Cohort


def save(cohort: Cohort, path: Path) -> None:
    """Write a cohort as JSON, complete or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(_Document(cohort=cohort).model_dump_json(indent=1), encoding="utf-8")
    partial.replace(path)


def load(path: Path) -> Cohort:
    """Read what :func:`save` wrote.

    Raises
    ------
    DataError
        When the file is missing, damaged or of a newer format.
    """
    try:
        document = _Document.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DataError(
            "the job's list of cases is missing or damaged",
            code="cohort.damaged",
            hint="Start the job again from the table.",
        ) from error
    if document.format > FORMAT:
        raise DataError(
            f"the job's list of cases has format {document.format}, this medtransfer reads up to {FORMAT}",
            code="cohort.newer",
            hint="Update medtransfer.",
        )
    return document.cohort
