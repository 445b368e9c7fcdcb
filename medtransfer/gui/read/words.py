"""What the reading space says about series, models and findings, in one place so that every panel says it alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from medtransfer.contract.bundle import BundleCard
from medtransfer.contract.evaluation import LabelEvaluation
from medtransfer.result.model import Finding, HeatmapInfo, Structure
from medtransfer.study.modality import UNSTATED
from medtransfer.study.model import Check, Level, Series, Study
from medtransfer.work.report import numbers

DOT = " \u00b7 "
TIMES = "\u00d7"
NO_EVALUATION = "It carries no evaluation: how good it is, nobody knows."
_EYES = {"L": "Left eye", "R": "Right eye"}
_RANK = {Level.ERROR: 0, Level.WARNING: 1, Level.INFO: 2}


def sentence(text: str) -> str:
    """Return an error's message as a sentence: with a capital and a full stop."""
    whole = f"{text[:1].upper()}{text[1:]}"
    return whole if whole.endswith((".", "!", "?")) else f"{whole}."


def patient(study: Study) -> str:
    """Return how the study's patient is called on the screen; empty where the files name nobody."""
    return study.patient.name.replace("^", " ").strip() or study.patient.id


def series_title(series: Series) -> str:
    """Return what the series is called: its description, the eye, or the file's name."""
    if series.description:
        return series.description
    if series.modality in {"OP", "OPT"} and series.laterality:
        return _EYES[series.laterality]
    return series.source.names[0] if series.source.names else series.modality


def series_detail(series: Series) -> str:
    """Return modality, size and date in one line; what the file does not say is left out."""
    modality = "" if series.modality == UNSTATED else series.modality
    return DOT.join(part for part in (modality, _size(series), _day(series.date)) if part)


def _size(series: Series) -> str:
    if series.axes == "zyx":
        return numbers.counted(series.shape[0], "slice")
    return f"{series.shape[1]} {TIMES} {series.shape[0]}"


def _day(iso: str) -> str:
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return ""
    return f"{day.day} {day:%b %Y}"


def worst_first(checks: Sequence[Check]) -> list[Check]:
    """Return the checks, errors before warnings before information."""
    return sorted(checks, key=lambda check: _RANK[check.level])


def check_sentence(check: Check) -> str:
    """Return a check with its level in words and what was or can be done."""
    return " ".join(part for part in (f"{check.level.value.capitalize()}: {check.message}", check.fix) if part)


def model_line(card: BundleCard) -> str:
    """Return on how many cases the model learnt and how good it is, with the interval, as short as it can be said.

    The finding with the most positive test patients stands for the model: its figure is the surest.
    """
    answers = numbers.counted(len(card.labels), "structure" if card.task == "segmentation" else "finding")
    learnt = f"learnt from {numbers.counted(card.data.train, 'case')}" if card.data.train else "not trained on cases"
    start = f"{answers}{DOT}{learnt}"
    if card.evaluation is None:
        return f"{start}. {NO_EVALUATION}"
    surest = max(card.evaluation.of("tuned").labels, key=lambda entry: entry.positive_patients, default=None)
    if surest is None:
        return f"{start}. {NO_EVALUATION}"
    return f"{start}{DOT}{_goodness(surest)}"


def _goodness(entry: LabelEvaluation) -> str:
    cases = numbers.counted(entry.cases, "test case")
    if entry.grade == "none":
        return f"{entry.name} tested on {cases}: {numbers.TOO_FEW}"
    return f"AUROC {numbers.interval(entry.metrics.get('auroc'))} for {entry.name} on {cases}"


def probability(finding: Finding) -> str:
    """Return the probability, with its uncertainty where it is known."""
    shown = numbers.figure(finding.probability)
    return shown if finding.uncertainty is None else f"{shown} \u00b1 {numbers.figure(finding.uncertainty)}"


def call(finding: Finding) -> str:
    """Return the call in words."""
    said = "Called present: at or above" if finding.positive else "Called absent: below"
    doubt = "" if finding.calibrated else " Not calibrated."
    return f"{said} the threshold {numbers.figure(finding.threshold)}.{doubt}"


def finding_aloud(finding: Finding) -> str:
    """Return the whole finding for a screen reader."""
    return f"{finding.name}, probability {probability(finding)}. {call(finding)}"


def faithfulness(info: HeatmapInfo) -> str:
    """Return a map's faithfulness beside the random one."""
    measured = info.faithfulness
    if measured is None:
        return "faithfulness not measured"
    return f"faithfulness {numbers.figure(measured.score)} (random {numbers.figure(measured.random_score)})"


def worth_reading(info: HeatmapInfo) -> bool:
    """Whether the map points at what moved the answer better than chance would; unknown counts as yes."""
    return info.faithfulness is None or info.faithfulness.score > info.faithfulness.random_score


def legend(info: HeatmapInfo, name: str) -> tuple[str, str, str]:
    """Return the legend of a heat map: method and finding, raw maximum, and faithfulness beside the random one."""
    method = {"gradcam": "Grad-CAM", "grad-cam": "Grad-CAM"}.get(info.method.lower(), info.method)
    return f"{method}{DOT}{name}", f"raw {info.raw_maximum:.3g}", faithfulness(info)


def distances(spacing: Sequence[float]) -> str:
    """Return the distance between voxels: one figure where it is the same along all axes."""
    figures = [f"{distance:g}" for distance in spacing]
    return f"{f' {TIMES} '.join(figures if len(set(figures)) > 1 else figures[:1])} mm"


def figures(structure: Structure) -> tuple[str, str]:
    """Return a structure's volume in ml and its mean in HU, empty where that is not known."""
    volume = f"{structure.volume_ml:,.0f}" if structure.volume_ml >= 10 else f"{structure.volume_ml:.1f}"
    mean = "" if structure.mean_hu is None else f"{structure.mean_hu:.0f}".replace("-", "\u2212")
    return volume, mean


def structure_figures(structure: Structure) -> str:
    """Return a structure's volume and mean."""
    volume, mean = figures(structure)
    return f"{volume} ml{DOT}{mean} HU" if mean else f"{volume} ml"


def structure_in_full(structure: Structure) -> str:
    """Return everything about a structure, a line each: its name, its figures with the spread, its code."""
    spread = "" if structure.sd_hu is None else f" \u00b1 {structure.sd_hu:.0f} (SD over its voxels)"
    code = f"SNOMED CT {structure.code}" if structure.code else ""
    return "\n".join(filter(None, (structure.name, f"{structure_figures(structure)}{spread}", code)))
