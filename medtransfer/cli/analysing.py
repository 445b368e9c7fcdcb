"""``medtransfer analyse``, ``batch`` and ``rerun``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medtransfer.cli import console, state

if TYPE_CHECKING:
    from medtransfer.contract.explainers import Explainer
    from medtransfer.contract.requests import Quality
    from medtransfer.result.model import Finding, Segmentation
    from medtransfer.work.analyse import Analysed
    from medtransfer.work.analyser import Options
    from medtransfer.work.delivery import Format

LATER = frozenset({"sr", "sc", "pdf"})


def analyse(  # noqa: PLR0913, PLR0917 - the command's options
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.", show_default=False)],
    plugin: state.PluginId,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the result.")],
    model: state.ModelReference = None,
    explain: state.Explain = None,
    explain_by: state.ExplainBy = "gradcam",
    modality: state.Modality = "",
    quality: state.Quality = "full",
    formats: Annotated[
        str, typer.Option("--format", metavar="LIST", help="Any of json,csv,png and, for segmentations, nifti,seg.")
    ] = "json,csv,png",
) -> None:
    """Say what a plug-in finds in images, and show why."""
    from medtransfer.work.analyse import analyse as work

    options = _options(plugin, model, explain, modality, formats)
    options = replace(options, quality=_quality(quality), explainer=_explainer(explain_by))
    with state.session(context) as session:
        outcome = work(session, paths, options, out)
    for done in outcome.done:
        say_result(done)
    for left in outcome.skipped:
        console.note(f"{', '.join(left.names[:1])}: left aside: {left.reason}")
    for failed in outcome.failed:
        console.note(f"{', '.join(failed.names[:1])}: {failed.reason}\n{failed.hint}")
    if outcome.failed:
        raise typer.Exit(console.DONE_WITH_FAILURES if outcome.done else console.FAILED)


def batch(  # noqa: PLR0913, PLR0917 - the command's options
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Every image below it is analysed.", show_default=False)],
    plugin: state.PluginId,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the tables and results.")],
    model: state.ModelReference = None,
    explain: state.Explain = None,
    explain_by: state.ExplainBy = "gradcam",
    modality: state.Modality = "",
    quality: state.Quality = "full",
    workers: Annotated[int, typer.Option("--workers", metavar="N", help="Processes that analyse at once.")] = 1,
) -> None:
    """Analyse a folder tree. The same command goes on where an earlier one was stopped or killed."""
    from medtransfer.work.batch import batch as work

    options = _options(plugin, model, explain, modality, "json,png")
    options = replace(options, quality=_quality(quality), explainer=_explainer(explain_by))
    with state.session(context) as session:
        counts = work(session, folder, options, out, workers)
    console.say(
        f"{counts.done} done, {counts.failed} failed, {counts.skipped} left aside as unsuitable "
        f"({counts.already} of them finished earlier)"
    )
    console.say(str(out / "results.csv"))
    if counts.failed:
        console.note(f"What failed and why: {out / 'failures.csv'}")
        raise typer.Exit(console.DONE_WITH_FAILURES)


def rerun(
    context: typer.Context,
    result: Annotated[Path, typer.Argument(help="A result folder.", show_default=False)],
    given: Annotated[
        list[Path] | None,
        typer.Option("--input", metavar="PATH", help="Where the input lies now, if it moved; may be repeated."),
    ] = None,
) -> None:
    """Repeat an analysis with the same model and input, and compare bit for bit."""
    from medtransfer.work.rerun import rerun as work

    with state.session(context) as session:
        repeated = work(session, result, given or [])
    if repeated.differences:
        for difference in repeated.differences:
            console.say(f"different: {difference}")
        raise typer.Exit(console.FAILED)
    console.say("the same, bit for bit")


def _options(plugin: str, model: str | None, explain: list[str] | None, modality: str, formats: str) -> Options:
    from medtransfer.work.analyser import Options

    wishes = tuple(explain) if explain else ("positive",)
    return Options(plugin=plugin, model=model, explain=wishes, modality=modality, formats=_formats(formats))


def _quality(text: str) -> Quality:
    from medtransfer.contract.requests import QUALITIES

    for quality in QUALITIES:
        if quality == text:
            return quality
    raise typer.BadParameter(f"there is no quality {text!r}; use one of {', '.join(QUALITIES)}")


def _explainer(text: str) -> Explainer:
    from medtransfer.contract.explainers import NAMES

    for explainer in NAMES:
        if explainer == text:
            return explainer
    raise typer.BadParameter(f"heat maps are not made by {text!r}; use one of {', '.join(NAMES)}")


def _formats(text: str) -> tuple[Format, ...]:
    from medtransfer.work.delivery import FORMATS

    wished = [name.strip() for name in text.split(",") if name.strip()]
    for name in wished:
        if name in LATER:
            raise typer.BadParameter(f"--format {name} is not in this version; use any of {', '.join(FORMATS)}")
        if name not in FORMATS:
            raise typer.BadParameter(f"there is no format {name!r}; use any of {', '.join(FORMATS)}")
    return tuple(name for name in FORMATS if name in wished)


def say_result(analysed: Analysed) -> None:
    """Print a result's findings, structures and notices."""
    names, result = analysed.names, analysed.result
    console.say(f"{names[0] if len(names) == 1 else f'{len(names)} files'} -> {analysed.folder}")
    rows = [
        (
            finding.name,
            f"{finding.probability:.3f}",
            f"{finding.threshold:.3f}",
            "positive" if finding.positive else "negative",
            "" if finding.uncertainty is None else f"{finding.uncertainty:.3f}",
        )
        for finding in result.findings
    ]
    if rows or result.segmentation is None:
        console.say_table(("finding", "probability", "threshold", "call", "uncertainty"), rows)
    if result.segmentation is not None:
        console.say_table(("structure", "volume ml", "mean HU"), _structure_rows(result.segmentation))
    for finding in result.findings:
        if finding.positive:
            _say_compared(finding)
    for notice in result.notices:
        console.say(f"{notice.level}: {notice.message}")
    console.say()


def _say_compared(finding: Finding) -> None:
    """Print what a finding's components add, and the confirmed cases most alike, where there are any."""
    added = [part for part in finding.contributions if part.kind == "component"]
    if added:
        console.say(f"{finding.name}: " + "; ".join(f"{part.name} {part.contribution or 0.0:+.2f}" for part in added))
    if finding.similar:
        cases = ", ".join(f"{case.picture or case.case[:8]} ({case.distance:.2f})" for case in finding.similar)
        console.say(f"{finding.name}: confirmed cases most alike, by distance: {cases}")


def _structure_rows(segmentation: Segmentation) -> list[tuple[str, str, str]]:
    return [
        (structure.name, f"{structure.volume_ml:g}", "" if structure.mean_hu is None else f"{structure.mean_hu:g}")
        for structure in segmentation.structures
    ]
