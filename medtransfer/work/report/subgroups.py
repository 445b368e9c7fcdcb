"""How good a model is within each value of a column of the table, such as the site or the camera."""

from __future__ import annotations

from medtransfer.contract.evaluation import Evaluation
from medtransfer.work.report import numbers
from medtransfer.work.report.html import Html, element, section, table, text

HEADINGS = ("Group", "Finding", "Test cases", "AUROC tuned", "Sensitivity", "Specificity")
EXPLAINED = (
    "Of the test cases, by columns of the table such as the site or the camera; sensitivity and specificity at the "
    "model's threshold, the same for all. Groups of fewer than 10 test cases are left out. Groups may differ because "
    "other people are in them, not only because of the camera."
)


def rows(evaluation: Evaluation) -> list[list[str]]:
    """Return the figures of each group as words, in the order of :data:`HEADINGS`."""
    names = {entry.label: entry.name for entry in evaluation.of("tuned").labels}
    return [
        [
            f"{group.column}: {group.value}",
            names.get(group.label, group.label),
            f"{group.cases}, {group.positives} positive",
            *(
                numbers.interval(entry) if entry else numbers.TOO_FEW
                for entry in (group.auroc, group.sensitivity, group.specificity)
            ),
        ]
        for group in evaluation.subgroups
    ]


def sections(evaluation: Evaluation) -> list[Html]:
    """Return one table; nothing where no column divides the test cases."""
    found = [[text(cell) for cell in row] for row in rows(evaluation)]
    return [section("Subgroups", table(HEADINGS, found), element("figcaption", text(EXPLAINED)))] if found else []
