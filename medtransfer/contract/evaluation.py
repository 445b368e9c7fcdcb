"""How good a model is: figures with intervals, beside the untuned model and the trivial answer."""

from __future__ import annotations

from typing import Literal

from medtransfer.result.model import Record

Grade = Literal["none", "exploratory", "estimate"]


class Interval(Record):
    """A figure with its patient-bootstrap 95 % interval; ``low`` and ``high`` are None where none can be given."""

    value: float
    low: float | None = None
    high: float | None = None


class Confusion(Record):
    """Counts at the operating threshold."""

    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int


class Curves(Record):
    """Points for the plots.

    ``roc`` is (false positive rate, sensitivity), ``pr`` is (recall, precision), ``reliability`` is (mean probability,
    observed share, cases) per equal-mass bin.
    """

    roc: list[tuple[float, float]] = []
    pr: list[tuple[float, float]] = []
    reliability: list[tuple[float, float, int]] = []


class LabelEvaluation(Record):
    """One label of one model on one partition.

    ``metrics`` has ``auroc``, ``auprc``, ``sensitivity``, ``specificity``, ``f1``, ``mcc``, ``brier``, ``ece``;
    a figure that is undefined (one class only) is missing. ``grade`` follows the number of positive patients: fewer
    than 20 ``none`` (figures are not to be relied on), fewer than 100 ``exploratory``, else ``estimate``. ``skipped``
    counts the bootstrap resamples that held one class only. ``ece_if_calibrated`` is what 95 % of perfectly calibrated
    models stay below on as many cases: a smaller calibration error cannot be told from none.
    """

    label: str
    name: str
    cases: int
    positives: int
    positive_patients: int
    grade: Grade
    threshold: float
    metrics: dict[str, Interval]
    confusion: Confusion
    curves: Curves = Curves()
    skipped: int = 0
    ece_if_calibrated: float | None = None


class StructureEvaluation(Record):
    """One structure of one model on one partition.

    ``metrics`` has the means over the cases of ``dice``, ``nsd`` and ``hd95_mm``, each over those cases where it is
    defined (see :class:`medtransfer.transfer.segmentation_metrics.StructureScore`); one that is defined nowhere is
    missing. ``cases`` and ``patients`` count those whose mask shows the structure.
    """

    label: str
    name: str
    cases: int
    patients: int
    metrics: dict[str, Interval]


class ModelEvaluation(Record):
    """One model (``tuned``, ``untuned`` or ``trivial``) over all labels, with what it is in words.

    ``structures`` takes the place of ``labels`` where volumes are segmented.
    """

    model: Literal["tuned", "untuned", "trivial"]
    description: str
    labels: list[LabelEvaluation] = []
    structures: list[StructureEvaluation] = []


class Difference(Record):
    """Tuned minus untuned for one figure, on the same bootstrap resamples of patients."""

    label: str
    metric: str
    difference: Interval


class Subgroup(Record):
    """How good the tuned model is within one value of a column of the table (site, camera, ...).

    Sensitivity and specificity are those at the model's threshold, which is the same for all groups.
    """

    column: str
    value: str
    label: str
    cases: int
    positives: int
    auroc: Interval | None
    sensitivity: Interval | None = None
    specificity: Interval | None = None


class Together(Record):
    """How often two labels stand together among the test cases where both are known: ``both`` of ``cases``."""

    labels: tuple[str, str]
    both: int
    cases: int


class Ablation(Record):
    """One label answered by some components of a model only: ``A+B``. ``answers``: this is the model's own answer.

    ``answer_minus_this`` is the AUROC of the model's own answer minus this one's, on the same resamples of patients.
    """

    label: str
    combination: str
    answers: bool
    auroc: Interval | None = None
    auprc: Interval | None = None
    answer_minus_this: Interval | None = None


EVERY_LABEL = ""
"""In place of a label: all of them together."""


class Localisation(Record):
    """How well one kind of heat map finds what people drew boxes around, on test cases with boxes of a label.

    Attributes
    ----------
    method
        As in a heat map, or one of two guesses that see no picture: its centre, and chance.
    maps
        Pairs of a case and a label with boxes. A map without contrast counts as one that finds nothing.
    pointing
        Pointing game: share of maps whose largest value lies in a box.
    iou
        Mean intersection over union of the boxes and the map at or above ``threshold``, which is the best of 0.01 to
        0.60 on these very cases, as in published figures: on others it is a little lower. None for chance, which takes
        the whole picture.
    iou_quarter
        Share of maps whose intersection over union is at least 0.25 (called AP25 in publications).
    """

    label: str
    method: str
    maps: int
    patients: int
    pointing: Interval
    iou: Interval
    iou_quarter: float
    threshold: float | None = None


class Evaluation(Record):
    """Everything reported once on the test partition."""

    cases: int
    patients: int
    bootstrap: int
    seed: int
    models: list[ModelEvaluation]
    differences: list[Difference] = []
    subgroups: list[Subgroup] = []
    together: list[Together] = []
    ablation: list[Ablation] = []
    localisation: list[Localisation] = []
    verdict: list[str] = []

    def of(self, model: Literal["tuned", "untuned", "trivial"]) -> ModelEvaluation:
        """Return the evaluation of that model."""
        return next(entry for entry in self.models if entry.model == model)
