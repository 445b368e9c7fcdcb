"""Open: what is in files and folders, decoded once so that geometry and pixel checks are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medtransfer.errors import DataError, MedTransferError
from medtransfer.study import Scan
from medtransfer.study.annotation import without_image
from medtransfer.study.model import Check, Image, Series, Study
from medtransfer.work import inputs


@dataclass(frozen=True)
class SeriesReport:
    """One series: its headers, the geometry when its pixels could be decoded, and else the error."""

    series: Series
    checks: tuple[Check, ...]
    geometry: dict[str, Any]
    error: MedTransferError | None


@dataclass(frozen=True)
class StudyReport:
    """One study and its series."""

    study: Study
    series: tuple[SeriesReport, ...]


@dataclass(frozen=True)
class Report:
    """Everything that was found, and an error for each image file that cannot be read."""

    studies: tuple[StudyReport, ...]
    problems: tuple[DataError, ...]

    @property
    def complete(self) -> bool:
        """Whether every file and every series could be read."""
        return not self.problems and all(series.error is None for study in self.studies for series in study.series)


def inspect(paths: Sequence[Path], modality: str = "") -> Report:
    """Open everything at ``paths`` and decode every series; ``modality`` is stated of volumes whose files name none.

    Raises
    ------
    MedTransferError
        When nothing there can be opened at all.
    """
    found = inputs.scan(paths)
    if not found.studies:
        raise found.problems[0] if found.problems else without_image(found.annotations[0])
    return Report(
        tuple(
            StudyReport(study, tuple(map(_series, inputs.series_of(Scan((study,), ()), modality))))
            for study in found.studies
        ),
        found.problems,
    )


def _series(series: Series) -> SeriesReport:
    try:
        image = series.image()
    except MedTransferError as error:
        return SeriesReport(series, series.checks, {}, error)
    return SeriesReport(series, image.checks, _geometry(image), None)


def _geometry(image: Image) -> dict[str, Any]:
    return {
        "shape": list(image.array.shape),
        "dtype": str(image.array.dtype),
        "units": image.units,
        "meaning": image.meaning,
        "spacing_mm": None if image.spacing is None else [round(value, 6) for value in image.spacing],
        "affine": None if image.affine is None else image.affine.tolist(),
    }
