"""The part of a report that says what each component of a trio is worth, and what it had to do with one answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medtransfer.contract.evaluation import Ablation, Evaluation
from medtransfer.result.model import Finding, Result
from medtransfer.work.report import numbers, pictures
from medtransfer.work.report.html import Html, element, folded, paragraph, section, table, text

TITLE = "What its components are worth"
LEGEND = (
    "AUROC on the test cases, with 95 % intervals. A: a network for the finding alone. B: a network that learnt from "
    "all findings first. C: the nearest confirmed cases. Together: five learners vote on what the components say of "
    "cases that they had not seen."
)
STAR = "With a star: what the model answers by."
_BOLD = "In bold: what the model answers by."


def sections(evaluation: Evaluation) -> list[Html]:
    """Return one table, or nothing where the model has no components."""
    if not evaluation.ablation:
        return []
    lines = [[text(name), *map(_cell, found)] for name, found in _by_finding(evaluation)]
    return [section(TITLE, table(headings(evaluation), lines), element("figcaption", text(f"{LEGEND} {_BOLD}")))]


def headings(evaluation: Evaluation) -> list[str]:
    """Return what heads the columns: the finding, and every combination of components."""
    return ["Finding", *_combinations(evaluation)]


def rows(evaluation: Evaluation) -> list[list[str]]:
    """Return each combination's AUROC as words; a star marks the one that answers."""
    return [[name, *map(_words, found)] for name, found in _by_finding(evaluation)]


def _combinations(evaluation: Evaluation) -> list[str]:
    return list(dict.fromkeys(row.combination for row in evaluation.ablation))


def _by_finding(evaluation: Evaluation) -> list[tuple[str, list[Ablation | None]]]:
    found = {(row.label, row.combination): row for row in evaluation.ablation}
    return [
        (label.name, [found.get((label.label, name)) for name in _combinations(evaluation)])
        for label in evaluation.of("tuned").labels
        if any(row.label == label.label for row in evaluation.ablation)
    ]


def _words(row: Ablation | None) -> str:
    if row is None or row.auroc is None:
        return "\u2013"
    return f"{numbers.interval(row.auroc)}{' *' if row.answers else ''}"


def of_finding(finding: Finding, result: Result, picture: NDArray[np.uint8]) -> list[Html]:
    """Return the confirmed cases most alike, and how the probability came about; nothing for one network.

    What was called present has its cases in the open, everything else is folded.

    Parameters
    ----------
    picture
        The analysed picture, uint8 ``(y, x, 3)``.
    """
    parts = []
    if finding.similar:
        shown = _similar(finding, result, picture)
        title = "Confirmed cases most alike"
        parts += [element("h3", text(title)), *shown] if finding.positive else [folded(title, *shown)]
    if finding.contributions:
        said = [*_contributions(finding), *_part_maps(finding, result, picture)]
        parts.append(folded("What each part of the model said", *said))
    return parts


def _cell(row: Ablation | None) -> Html:
    if row is None or row.auroc is None:
        return text("\u2013")
    value = text(numbers.figure(row.auroc.value))
    return Html(
        (element("b", value) if row.answers else value)
        + element("div", text(numbers.bounds(row.auroc)), class_="muted small nowrap")
    )


def _contributions(finding: Finding) -> list[Html]:
    components = [
        [text(part.name), text(numbers.signed(part.contribution))]
        for part in finding.contributions
        if part.kind == "component" and part.contribution is not None
    ]
    learners = [
        [
            text(part.name),
            text(numbers.figure(part.probability)),
            text("\u2013" if part.contribution is None else numbers.signed(part.contribution)),
        ]
        for part in finding.contributions
        if part.probability is not None
    ]
    found = [
        table(["Component", "Adds to the probability"], components),
        paragraph("Compared with what the component says on average.", class_="muted"),
    ]
    return (
        [*found, table(["Learner that votes", "Its own probability", "Its vote adds"], learners)] if learners else found
    )


def _similar(finding: Finding, result: Result, picture: NDArray[np.uint8]) -> list[Html]:
    """Return the cases beside the analysed picture, or their distances alone where no pictures were kept."""
    note = "Training cases that have this finding. Distances go from 0 to 2; smaller is more alike."
    cases = [
        (result.pictures.get(case.case), f"Distance {numbers.figure(case.distance)}, case {case.case[:8]}")
        for case in finding.similar
    ]
    if all(pixels is None for pixels, _ in cases):
        listed = element("ul", *(element("li", text(caption)) for _, caption in cases))
        return [listed, paragraph(f"{note} Their pictures were not kept with the model.", class_="muted")]
    alt = f"Confirmed case of {finding.name}"
    shown = [_figure(picture, "This picture", "The picture as it was analysed")]
    shown += [_figure(pixels, caption, alt) for pixels, caption in cases]
    return [element("div", *shown, class_="similar"), paragraph(note, class_="muted")]


def _part_maps(finding: Finding, result: Result, picture: NDArray[np.uint8]) -> list[Html]:
    """Return the map of each part of the answer, where there are any."""
    shown = [
        _figure(
            pictures.overlay(picture, heatmap.array),
            f"{heatmap.info.part.upper()}: {heatmap.info.method}",
            f"Heat map of part {heatmap.info.part.upper()} for {finding.name}",
        )
        for heatmap in result.heatmaps
        if heatmap.info.label == finding.label and heatmap.info.part and heatmap.array.shape == picture.shape[:2]
    ]
    return [element("div", *shown, class_="parts")] if shown else []


def _figure(pixels: NDArray[np.uint8] | None, caption: str, description: str) -> Html:
    below = element("figcaption", text(caption))
    return element("figure", below) if pixels is None else element("figure", pictures.image(pixels, description), below)
