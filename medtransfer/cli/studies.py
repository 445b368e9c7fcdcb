"""``medtransfer open``: studies, series, geometry and checks."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medtransfer.cli import console
from medtransfer.cli.state import AsJson, Modality

if TYPE_CHECKING:
    from medtransfer.work.inspection import SeriesReport, StudyReport


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
        "error": None if error is None else {"code": error.code, "message": error.message, "hint": error.hint},
    }


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
