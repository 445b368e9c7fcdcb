"""Open: what is in files and folders, decoded once so that geometry and pixel checks are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medtransfer.errors import DataError, MedTransferError
from medtransfer.result.importing import read_on
from medtransfer.result.model import Notice, Structure
from medtransfer.study import Scan
from medtransfer.study.annotation import Annotation, without_image
from medtransfer.study.model import Check, Image, Series, Study
from medtransfer.work import inputs


@dataclass(frozen=True)
class AnnotationReport:
    """A segmentation or structure set that fits a series: what it holds there, or the error."""

    annotation: Annotation
    structures: tuple[Structure, ...]
    notices: tuple[Notice, ...]
    error: MedTransferError | None


@dataclass(frozen=True)
class SeriesReport:
    """One series: its headers, the geometry when its pixels could be decoded, and else the error."""

    series: Series
    checks: tuple[Check, ...]
    geometry: dict[str, Any]
    error: MedTransferError | None
    annotations: tuple[AnnotationReport, ...] = ()


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
        """Whether every file, every series and all that was drawn on them could be read."""
        every = [series for study in self.studies for series in study.series]
        drawn = [annotation for series in every for annotation in series.annotations]
        errors = [*(series.error for series in every), *(annotation.error for annotation in drawn)]
        return not self.problems and not any(errors)


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
    studies = tuple(
        StudyReport(study, tuple(_series(s, found.annotations) for s in inputs.series_of(Scan((study,), ()), modality)))
        for study in found.studies
    )
    placed = {entry.annotation for study in studies for series in study.series for entry in series.annotations}
    alone = tuple(without_image(annotation) for annotation in found.annotations if annotation not in placed)
    return Report(studies, (*found.problems, *alone))


def _series(series: Series, annotations: Sequence[Annotation]) -> SeriesReport:
    try:
        image = series.image()
    except MedTransferError as error:
        return SeriesReport(series, series.checks, {}, error)
    drawn = tuple(_annotation(annotation, image) for annotation in annotations if annotation.fits(image))
    return SeriesReport(series, image.checks, _geometry(image), None, drawn)


def _annotation(annotation: Annotation, image: Image) -> AnnotationReport:
    try:
        read = read_on(annotation, image)
    except MedTransferError as error:
        return AnnotationReport(annotation, (), (), error)
    return AnnotationReport(annotation, read.segmentation.structures, read.notices, None)


def _geometry(image: Image) -> dict[str, Any]:
    return {
        "shape": list(image.array.shape),
        "dtype": str(image.array.dtype),
        "units": image.units,
        "meaning": image.meaning,
        "spacing_mm": None if image.spacing is None else [round(value, 6) for value in image.spacing],
        "affine": None if image.affine is None else image.affine.tolist(),
    }
