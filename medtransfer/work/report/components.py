"""The part of a report that says what each component of a trio is worth, and what it had to do with one answer."""

from __future__ import annotations

from medtransfer.contract.evaluation import Ablation, Evaluation
from medtransfer.result.model import Finding, Result
from medtransfer.work.report import numbers, pictures
from medtransfer.work.report.html import Html, element, folded, paragraph, section, table, text

_LEGEND = (
    "AUROC on the test cases. A: a network tuned to the finding. B: a network that learnt to see any disease first. "
    "C: the nearest confirmed cases. Together: five learners vote on what the components say of cases that they had "
    "not seen. In bold, what the model answers by. Below each figure its 95 % interval."
)


def sections(evaluation: Evaluation) -> list[Html]:
    """Return one table, or nothing where the model has no components."""
    if not evaluation.ablation:
        return []
    combinations = list(dict.fromkeys(row.combination for row in evaluation.ablation))
    rows = {(row.label, row.combination): row for row in evaluation.ablation}
    lines = [
        [text(label.name), *(_cell(rows.get((label.label, name))) for name in combinations)]
        for label in evaluation.of("tuned").labels
        if any(row.label == label.label for row in evaluation.ablation)
    ]
    return [
        section(
            "What its components are worth",
            table(["Finding", *combinations], lines),
            element("figcaption", text(_LEGEND)),
        )
    ]


def of_finding(finding: Finding, result: Result) -> list[Html]:
    """Return how a finding's probability came about, and the confirmed cases most alike; nothing for one network."""
    parts = []
    if finding.contributions:
        parts.append(folded("What each part of the model said", *_contributions(finding)))
    if finding.similar:
        parts.append(folded("Confirmed cases most alike", *_similar(finding, result)))
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
        if part.contribution is not None
    ]
    learners = [
        [text(part.name), text(numbers.figure(part.probability))]
        for part in finding.contributions
        if part.probability is not None
    ]
    found = [
        table(["Component", "Adds to the probability"], components),
        paragraph("Compared with what the component says on average.", class_="muted"),
    ]
    return [*found, table(["Learner", "Its own probability"], learners)] if learners else found


def _similar(finding: Finding, result: Result) -> list[Html]:
    shown = []
    for case in finding.similar:
        caption = element("figcaption", text(f"Case {case.case[:8]}, distance {numbers.figure(case.distance)}"))
        if case.case in result.pictures:
            alt = f"Confirmed case of {finding.name}"
            shown.append(element("figure", pictures.image(result.pictures[case.case], alt), caption))
        else:
            shown.append(element("figure", caption))
    note = "From the training cases that have this finding. Smaller distances are more alike (0 to 2)."
    return [element("div", *shown, class_="similar"), paragraph(note, class_="muted")]
