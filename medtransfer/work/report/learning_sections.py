"""The part of a report that says how many cases each finding was learnt from, and what answers it."""

from __future__ import annotations

from medtransfer.contract.bundle import BundleCard, BundleLabel
from medtransfer.work.report.html import Html, element, section, table, text

_ANSWERED_BY = {
    "A+B+C": "three components together",
    "C": "the nearest confirmed cases alone: too few with it to learn more",
}


def sections(card: BundleCard) -> list[Html]:
    """Return one table, or nothing where the card does not say how many cases there were."""
    if not any(label.positives for label in card.labels):
        return []
    training = card.extra.get("training", {})
    facts = {label.id: training.get(label.id, {}) for label in card.labels}
    headings = ["Finding", "Cases with it", "Cases without"]
    rows = [[text(label.name), *_cases(label)] for label in card.labels]
    for heading, key, said in (("Answered by", "answered_by", _answered_by), ("Learnt in", "seconds", _seconds)):
        if any(key in known for known in facts.values()):
            headings.append(heading)
            for row, known in zip(rows, facts.values(), strict=True):
                row.append(text(said(known[key])) if key in known else text("\u2013"))
    note = "Cases that were trained on; of a finding that was added later, all its cases."
    if "Learnt in" in headings:
        note += " The time is each finding's own, besides what all findings share."
    return [section("What it learnt from", table(headings, rows), element("figcaption", text(note)))]


def _cases(label: BundleLabel) -> list[Html]:
    return [text(f"{label.positives:,}"), text(f"{label.negatives:,}")]


def _answered_by(combination: str) -> str:
    return _ANSWERED_BY.get(combination, combination)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s"
