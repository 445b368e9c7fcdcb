"""What a heat map shows, and how well a model's maps find what people drew boxes around."""

from __future__ import annotations

from collections.abc import Mapping

from medtransfer.contract.evaluation import EVERY_LABEL, Evaluation, Localisation
from medtransfer.contract.explainers import NAMES
from medtransfer.result.model import HeatmapInfo
from medtransfer.work.report import numbers
from medtransfer.work.report.html import Html, element, section, table, text

NO_BETTER = "No better than chance: do not read anything into this map."
HEADINGS = ("Finding", "Map", "With boxes", "Hottest point in a box", "Overlap (IoU)", "IoU of 0.25 or more")
EXPLAINED = (
    "Hottest point in a box: share of the maps whose largest value lies where somebody drew a box (pointing game). "
    "Overlap: mean intersection over union of the boxes and the map from that threshold on, 0.01 to 0.60, that suits "
    "these cases best. Maps are worth following only where they beat both chance, which is the share of the picture "
    "that boxes cover, and a guess at the centre of the picture."
)


def meaning(info: HeatmapInfo) -> str:
    """Return what a map means."""
    if info.method.startswith(NAMES["rollout"]):
        return "It shows where the network looked, for every finding alike, not what speaks for this one."
    return "It shows what moved the answer, not the outline of a lesion."


def what_it_shows(info: HeatmapInfo) -> str:
    """Return what a map means, and what is known of how well such maps find things."""
    return f"{meaning(info)} {info.caution}".rstrip()


def localisation_rows(evaluation: Evaluation) -> list[list[str]]:
    """Return the figures against boxes as words, in the order of :data:`HEADINGS`."""
    names = {entry.label: entry.name for entry in evaluation.of("tuned").labels} | {EVERY_LABEL: "All together"}
    return [_row(entry, names) for entry in evaluation.localisation]


def sections(evaluation: Evaluation) -> list[Html]:
    """Return how well the model's maps find things; nothing where no test case has boxes."""
    if not evaluation.localisation:
        return []
    rows = [[text(cell) for cell in row] for row in localisation_rows(evaluation)]
    return [
        section(
            "Whether heat maps find it",
            table(list(HEADINGS), rows),
            element("figcaption", text(EXPLAINED)),
        )
    ]


def _row(entry: Localisation, names: Mapping[str, str]) -> list[str]:
    threshold = "" if entry.threshold is None else f", from {numbers.figure(entry.threshold)} on"
    return [
        names.get(entry.label, entry.label),
        entry.method,
        f"{entry.maps} of {numbers.counted(entry.patients, 'patient')}",
        numbers.interval(entry.pointing),
        f"{numbers.interval(entry.iou)}{threshold}",
        f"{100 * entry.iou_quarter:.0f} %",
    ]
