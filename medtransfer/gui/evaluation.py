"""How good a model is, on a page: figures beside the untuned model's, and plots for the finding that is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from medtransfer.contract.bundle import BundleCard
from medtransfer.contract.evaluation import Evaluation, LabelEvaluation, ModelEvaluation
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.plot import UNIT, Curve, Plot
from medtransfer.gui.tables import Table
from medtransfer.work.report import components, maps, numbers, subgroups

NO_EVALUATION = "This model carries no evaluation: how good it is, nobody knows."
_DASH = "\u2013"
_EVIDENCE = {"none": "too few", "exploratory": "exploratory", "estimate": "estimate"}
_DIAGONAL = ((0.0, 0.0), (1.0, 1.0))
_METRICS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ece": "Calibration error",
}


class EvaluationView(QWidget):
    """The evaluation of one model; empty until :meth:`show_card`."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.spacing(1.5))
        self.overview: Table | None = None
        self.finding: FindingView | None = None
        self._evaluation: Evaluation | None = None

    def show_card(self, card: BundleCard) -> None:
        """Show the evaluation that a model's card carries, or say that there is none."""
        pages.clear(self._column)
        self.overview = self.finding = None
        self._evaluation = evaluation = card.evaluation
        if evaluation is None:
            frame, column = parts.card("warning")
            column.addWidget(parts.label(NO_EVALUATION, "warning", weight=theme.MEDIUM))
            self._column.addWidget(frame)
            return
        for number, line in enumerate(evaluation.verdict):
            self._column.addWidget(parts.label(line, weight=theme.REGULAR if number else theme.MEDIUM))
        self._column.addSpacing(theme.spacing(1))
        self._column.addWidget(parts.heading("How good it is"))
        if evaluation.of("tuned").structures:
            self.overview = _structures(evaluation)
            self._column.addWidget(self.overview)
            return
        self._column.addWidget(self._overview(evaluation))
        about = (
            f"95 % intervals from {evaluation.bootstrap:,} resamples of "
            f"{numbers.counted(evaluation.patients, 'patient')} whom the model never saw. "
            "Exploratory: fewer than 100 positive patients; too few: fewer than 20. Choose a finding to see its curves."
        )
        self._column.addWidget(parts.label(about, "muted", theme.SMALL_SIZE))
        self._show_tables(evaluation)
        self.finding = FindingView()
        self._column.addWidget(self.finding)
        self._show_row(0)

    def _show_tables(self, evaluation: Evaluation) -> None:
        """Show what was measured besides: each component, each group, and how well heat maps find drawn boxes."""
        if evaluation.ablation:
            headings, rows = components.headings(evaluation), components.rows(evaluation)
            self._add_table(components.TITLE, headings, rows, f"{components.LEGEND} {components.STAR}")
        if evaluation.subgroups:
            self._add_table("Subgroups", subgroups.HEADINGS, subgroups.rows(evaluation), subgroups.EXPLAINED)
        if evaluation.localisation:
            rows = maps.localisation_rows(evaluation)
            self._add_table("Whether heat maps find it", maps.HEADINGS, rows, maps.EXPLAINED)

    def _add_table(self, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], about: str) -> None:
        self._column.addWidget(parts.heading(title))
        self._column.addWidget(Table(title, headings, rows))
        self._column.addWidget(parts.label(about, "muted", theme.SMALL_SIZE))

    def _overview(self, evaluation: Evaluation) -> Table:
        tuned, untuned = evaluation.of("tuned"), _model(evaluation, "untuned")
        gains = {entry.label: entry.difference for entry in evaluation.differences if entry.metric == "auroc"}
        rows = []
        for entry in tuned.labels:
            other = _find(untuned, entry.label)
            gain = gains.get(entry.label)
            said = entry.grade != "none"
            rows.append(
                [
                    entry.name,
                    f"{entry.cases}, {entry.positives} positive",
                    numbers.graded(entry, "auroc"),
                    numbers.interval(other.metrics.get("auroc")) if other and said else _DASH,
                    numbers.signed(gain.value) if gain and said else _DASH,
                    _EVIDENCE[entry.grade],
                ]
            )
        headings = ["Finding", "Test cases", "AUROC tuned", "AUROC untuned", "Gain", "Evidence"]
        self.overview = Table("How good the model is, by finding", headings, rows)
        self.overview.selectionModel().currentRowChanged.connect(self._row_changed)
        return self.overview

    def _row_changed(self, current: QModelIndex) -> None:
        self._show_row(max(current.row(), 0))

    def _show_row(self, row: int) -> None:
        if self._evaluation is None or self.finding is None:
            return
        entry = self._evaluation.of("tuned").labels[row]
        self.finding.show_finding(entry, _find(_model(self._evaluation, "untuned"), entry.label))


class FindingView(QWidget):
    """One finding's curves, calls and figures, the untuned model's beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.roc = Plot("ROC and AUROC", "1 \u2212 specificity", "sensitivity", UNIT, UNIT)
        self.pr = Plot("Precision, recall and AUPRC", "recall", "precision", UNIT, UNIT)
        self.reliability = Plot("Reliability", "probability given", "share with it", UNIT, UNIT)
        self._name = parts.heading("")
        self._about = parts.label("", "muted")
        self._tables = QVBoxLayout()
        self._tables.setSpacing(theme.spacing(1.5))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, theme.spacing(1), 0, 0)
        grid.setSpacing(theme.spacing(1.5))
        grid.addWidget(self._name, 0, 0, 1, 3)
        grid.addWidget(self._about, 1, 0, 1, 3)
        for column, plot in enumerate((self.roc, self.pr, self.reliability)):
            grid.addWidget(plot, 2, column)
            grid.setColumnStretch(column, 1)
        grid.addLayout(self._tables, 3, 0, 1, 3)

    def show_finding(self, tuned: LabelEvaluation, untuned: LabelEvaluation | None) -> None:
        """Show another finding."""
        self._name.setText(tuned.name)
        few = f" {numbers.TOO_FEW.capitalize()}: the curves may look quite different on other patients."
        self._about.setText(
            f"{numbers.counted(tuned.cases, 'test case')}, {tuned.positives} with the finding."
            + (few if tuned.grade == "none" else "")
        )
        self.roc.show_curves(_roc(tuned, untuned))
        self.pr.show_curves(_precision_recall(tuned, untuned))
        self.reliability.show_curves(_reliability(tuned))
        pages.clear(self._tables)
        for heading, table in (("Calls at the threshold", _calls(tuned, untuned)), ("Figures", _all(tuned, untuned))):
            self._tables.addWidget(parts.heading(heading))
            self._tables.addWidget(table)


def _structures(evaluation: Evaluation) -> Table:
    """Return how well each structure is found, the untuned network's Dice beside the tuned one's."""
    untuned = {entry.label: entry for entry in evaluation.of("untuned").structures}
    rows = [
        [
            entry.name,
            numbers.counted(entry.cases, "case"),
            numbers.interval(entry.metrics.get("dice")),
            numbers.interval(untuned[entry.label].metrics.get("dice")),
            numbers.interval(entry.metrics.get("nsd")),
            numbers.interval(entry.metrics.get("hd95_mm")),
        ]
        for entry in evaluation.of("tuned").structures
    ]
    headings = ["Structure", "Test cases", "Dice tuned", "Dice untuned", "NSD tuned", "HD95 tuned, mm"]
    return Table("How well each structure is found", headings, rows)


def _roc(tuned: LabelEvaluation, untuned: LabelEvaluation | None) -> list[Curve]:
    curves = [Curve("", _DIAGONAL, "outline", style="dash")]
    if untuned:
        curves.append(Curve(f"untuned {_named(untuned, 'auroc')}", untuned.curves.roc, "neutral", style="dash"))
    curves.append(Curve(f"tuned {_named(tuned, 'auroc')}", tuned.curves.roc))
    sensitivity, specificity = tuned.metrics.get("sensitivity"), tuned.metrics.get("specificity")
    if sensitivity and specificity:
        point = (1.0 - specificity.value, sensitivity.value)
        name = f"threshold {numbers.figure(tuned.threshold)}"
        curves.append(Curve(name, (point,), "positive", dots=True, line=False))
    return curves


def _precision_recall(tuned: LabelEvaluation, untuned: LabelEvaluation | None) -> list[Curve]:
    prevalence = tuned.positives / tuned.cases if tuned.cases else 0.0
    curves = [Curve(f"tuned {_named(tuned, 'auprc')}", tuned.curves.pr)]
    if untuned:
        curves.append(Curve(f"untuned {_named(untuned, 'auprc')}", untuned.curves.pr, "neutral", style="dash"))
    guess = Curve(
        f"guessing {numbers.figure(prevalence)}", ((0.0, prevalence), (1.0, prevalence)), "outline", style="dash"
    )
    return [*curves, guess]


def _reliability(tuned: LabelEvaluation) -> list[Curve]:
    points = tuple((predicted, observed) for predicted, observed, _ in tuned.curves.reliability)
    return [
        Curve("perfectly calibrated", _DIAGONAL, "outline", style="dash"),
        Curve("tuned, by groups of cases", points, dots=True),
    ]


def _calls(tuned: LabelEvaluation, untuned: LabelEvaluation | None) -> Table:
    rows = [_counts("tuned", tuned), *([_counts("untuned", untuned)] if untuned else [])]
    headings = ["Model", "Threshold", "Found", "Missed", "False alarms", "Rightly clear"]
    return Table("Confusion matrix: calls at the threshold", headings, rows)


def _counts(model: str, entry: LabelEvaluation) -> list[str]:
    counts = entry.confusion
    found = (counts.true_positive, counts.false_negative, counts.false_positive, counts.true_negative)
    return [model, numbers.figure(entry.threshold), *map(str, found)]


def _all(tuned: LabelEvaluation, untuned: LabelEvaluation | None) -> Table:
    rows = [
        [model, *(numbers.interval(entry.metrics.get(name)) for name in _METRICS)]
        for model, entry in (("tuned", tuned), ("untuned", untuned))
        if entry
    ]
    return Table("All figures of this finding", ["Model", *_METRICS.values()], rows)


def _named(entry: LabelEvaluation, metric: str) -> str:
    return numbers.interval(entry.metrics.get(metric))


def _model(evaluation: Evaluation, name: str) -> ModelEvaluation | None:
    return next((model for model in evaluation.models if model.model == name), None)


def _find(model: ModelEvaluation | None, label: str) -> LabelEvaluation | None:
    return next((entry for entry in model.labels if entry.label == label), None) if model else None
