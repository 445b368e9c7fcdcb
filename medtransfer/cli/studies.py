"""``medtransfer open``: studies, series, geometry and checks."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medtransfer.cli import console
from medtransfer.cli.state import AsJson, Modality

if TYPE_CHECKING:
    from medtransfer.errors import MedTransferError
    from medtransfer.work.inspection import AnnotationReport, SeriesReport, StudyReport


def open_paths(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.", show_default=False)],
    modality: Modality = "",
    as_json: AsJson = False,
) -> None:
    """Show what is in files and folders: studies, series, geometry, and what was noticed about them."""
    from medtransfer.work.inspection import inspect

    report = inspect(paths, modality)
    if as_json:
        console.say_json([_study_json(study) for study in report.studies])
    else:
        for study in report.studies:
            _say_study(study)
    for problem in report.problems:
        console.complain(problem)
    if not report.complete:
        raise typer.Exit(console.DONE_WITH_FAILURES)


def _study_json(report: StudyReport) -> dict[str, Any]:
    study = report.study
    return {
        "uid": study.uid,
        "date": study.date,
        "description": study.description,
        "patient": asdict(study.patient),
        "series": [_series_json(series) for series in report.series],
    }


def _series_json(report: SeriesReport) -> dict[str, Any]:
    series, error = report.series, report.error
    return {
        "uid": series.uid,
        "modality": series.modality,
        "description": series.description,
        "date": series.date,
        "axes": series.axes,
        "shape": list(series.shape),
        "laterality": series.laterality,
        "source": asdict(series.source),
        "checks": [asdict(check) for check in report.checks],
        "geometry": report.geometry or None,
        "annotations": [_annotation_json(entry) for entry in report.annotations],
        "error": _error_json(error),
    }


def _annotation_json(report: AnnotationReport) -> dict[str, Any]:
    annotation = report.annotation
    return {
        "uid": annotation.uid,
        "kind": annotation.kind,
        "description": annotation.description,
        "date": annotation.date,
        "file": annotation.name,
        "structures": [structure.model_dump() for structure in report.structures],
        "notices": [notice.model_dump() for notice in report.notices],
        "error": _error_json(report.error),
    }


def _error_json(error: MedTransferError | None) -> dict[str, str] | None:
    return None if error is None else {"code": error.code, "message": error.message, "hint": error.hint}


def _say_study(report: StudyReport) -> None:
    study = report.study
    about = [study.date, study.description, f"patient {study.patient.id}" if study.patient.id else ""]
    console.say("Study " + ", ".join(part for part in about if part) if any(about) else "Study")
    for entry in report.series:
        series = entry.series
        shape = " x ".join(map(str, entry.geometry.get("shape", series.shape)))
        names = series.source.names
        files = names[0] if len(names) == 1 else f"{len(names)} files"
        console.say(f"  {series.modality}  {shape} ({series.axes})  {files}  {series.description}".rstrip())
        if entry.geometry.get("spacing_mm"):
            spacing = " x ".join(f"{value:g}" for value in entry.geometry["spacing_mm"])
            console.say(f"      spacing {spacing} mm, {entry.geometry['units']}")
        for check in entry.checks:
            console.say(f"      {check.level}: {check.message} {check.fix}".rstrip())
        if entry.error is not None:
            console.say(f"      cannot be read: {entry.error.message} {entry.error.hint}")
        for drawn in entry.annotations:
            _say_annotation(drawn)


def _say_annotation(report: AnnotationReport) -> None:
    annotation = report.annotation
    console.say(f"      {annotation.kind}  {annotation.name}  {annotation.description}".rstrip())
    for structure in report.structures:
        mean = "" if structure.mean_hu is None else f", mean {structure.mean_hu:g} HU"
        console.say(f"          {structure.name}: {structure.volume_ml:g} ml{mean}")
    for notice in report.notices:
        console.say(f"          {notice.level}: {notice.message}")
    if report.error is not None:
        console.say(f"          cannot be read: {report.error.message} {report.error.hint}")
