"""The part of a report that says which findings stand together: a detector may have learnt its neighbour."""

from __future__ import annotations

from collections.abc import Mapping

from medtransfer.contract.evaluation import Evaluation, LabelEvaluation, Together
from medtransfer.work.report.html import Html, element, section, table, text

_Pairs = Mapping[frozenset[str], Together]


def sections(evaluation: Evaluation) -> list[Html]:
    """Return one table, or nothing where there is a single finding."""
    pairs = {frozenset(entry.labels): entry for entry in evaluation.together}
    if not pairs:
        return []
    labels = evaluation.of("tuned").labels
    rows = [[text(row.name), *(_cell(pairs, row, column) for column in labels)] for row in labels]
    return [
        section(
            "Findings that stand together",
            table(["", *(label.name for label in labels)], rows),
            element("figcaption", text("Test cases that have both findings; in bold, those that have the finding.")),
        )
    ]


def _cell(pairs: _Pairs, row: LabelEvaluation, column: LabelEvaluation) -> Html:
    if row is column:
        return element("b", text(str(row.positives)))
    entry = pairs.get(frozenset((row.label, column.label)))
    return text("\u2013" if entry is None or not entry.cases else str(entry.both))
