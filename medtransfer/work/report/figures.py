"""The report's plots, as SVG to stand inside the page. matplotlib is imported by the first plot."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from medtransfer.contract.evaluation import Interval, LabelEvaluation, ModelEvaluation
from medtransfer.work.report import numbers
from medtransfer.work.report.html import Html, element
from medtransfer.work.report.style import ACCENT, AMBER, LINE, MUTED, NEUTRAL, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # names of findings are text, whatever signs are in them
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud, and takes the page's font
    "svg.hashsalt": "medtransfer",  # same figures, same bytes
    "font.size": 9,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": TEXT,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 8,
}
_UNIT = (-0.02, 1.02)
_WIDTH = 10.4


def forest(tuned: ModelEvaluation, untuned: ModelEvaluation | None) -> Html:
    """Return AUROC with 95 % intervals per label, the tuned model above the untuned one."""
    from matplotlib.figure import Figure

    labels = [entry for entry in tuned.labels if "auroc" in entry.metrics]
    others = {entry.label: entry for entry in untuned.labels} if untuned else {}
    with _styled():
        figure = Figure(figsize=(_WIDTH, 1.1 + 0.62 * len(labels)), layout="constrained")
        axes = figure.subplots()
        for row, entry in enumerate(labels):
            said = entry.grade != "none"
            _whisker(axes, row - 0.14, entry.metrics["auroc"], ACCENT if said else LINE, "o")
            other = others.get(entry.label)
            if other and "auroc" in other.metrics:
                _whisker(axes, row + 0.14, other.metrics["auroc"], NEUTRAL if said else LINE, "s")
            if not said:
                _beside(axes, row, numbers.TOO_FEW, MUTED)
                continue
            _beside(axes, row - 0.14, numbers.interval(entry.metrics["auroc"]), ACCENT)
            _beside(axes, row + 0.14, numbers.interval(other.metrics.get("auroc")) if other else "", NEUTRAL)
        axes.axvline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(labels)), [entry.name for entry in labels], color=TEXT)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("AUROC on the test patients, 95 % interval (dotted: guessing)")
        axes.plot([], [], "o", color=ACCENT, label="tuned")
        axes.plot([], [], "s", color=NEUTRAL, label="untuned")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, borderaxespad=0)
        return _svg(figure, "AUROC per label with 95 % intervals, tuned and untuned model")


def curves(tuned: LabelEvaluation, untuned: LabelEvaluation | None) -> Html:
    """Return one label's ROC, precision-recall and reliability curves side by side."""
    from matplotlib.figure import Figure

    with _styled():
        figure = Figure(figsize=(_WIDTH, 3.7), layout="constrained")
        roc, pr, reliability = figure.subplots(1, 3)
        _roc(roc, tuned, untuned)
        _precision_recall(pr, tuned, untuned)
        _reliability(reliability, tuned)
        return _svg(figure, f"ROC, precision-recall and reliability curves for {tuned.name}")


def course(history: Sequence[Mapping[str, float]]) -> Html:
    """Return the validation Dice and the loss by epoch; ``history`` as :mod:`medtransfer.transfer.fit` records it."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    with _styled():
        figure = Figure(figsize=(_WIDTH, 3.0), layout="constrained")
        dice, loss = figure.subplots(1, 2)
        for axes, key, title in ((dice, "validation_dice", "Validation: mean Dice"), (loss, "loss", "Training: loss")):
            points = [(entry["epoch"], entry[key]) for entry in history if key in entry]
            axes.plot([x for x, _ in points], [y for _, y in points], "-", color=ACCENT, linewidth=1.6)
            axes.set(title=title, xlabel="epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        dice.set_ylim(*_UNIT)
        return _svg(figure, "Validation Dice and training loss by epoch")


def _roc(axes: Axes, tuned: LabelEvaluation, untuned: LabelEvaluation | None) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
    if untuned:
        _curve(axes, untuned.curves.roc, f"untuned {_named(untuned, 'auroc')}", NEUTRAL, "--")
    _curve(axes, tuned.curves.roc, f"tuned {_named(tuned, 'auroc')}", ACCENT, "-")
    sensitivity, specificity = tuned.metrics.get("sensitivity"), tuned.metrics.get("specificity")
    if sensitivity and specificity:
        axes.plot([1 - specificity.value], [sensitivity.value], "o", color=AMBER, markeredgecolor=TEXT, zorder=3)
        axes.plot([], [], "o", color=AMBER, markeredgecolor=TEXT, label=f"threshold {numbers.figure(tuned.threshold)}")
    _square(axes, "ROC", "1 - specificity", "sensitivity")
    _legend(axes)


def _precision_recall(axes: Axes, tuned: LabelEvaluation, untuned: LabelEvaluation | None) -> None:
    prevalence = tuned.positives / tuned.cases if tuned.cases else 0.0
    axes.axhline(prevalence, color=MUTED, linewidth=0.8, linestyle=":")
    if untuned:
        _curve(axes, untuned.curves.pr, f"untuned {_named(untuned, 'auprc')}", NEUTRAL, "--")
    _curve(axes, tuned.curves.pr, f"tuned {_named(tuned, 'auprc')}", ACCENT, "-")
    axes.plot([], [], ":", color=MUTED, label=f"guessing: prevalence {numbers.figure(prevalence)}")
    _square(axes, "Precision and recall", "recall (sensitivity)", "precision")
    _legend(axes)


def _reliability(axes: Axes, tuned: LabelEvaluation) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
    points = tuned.curves.reliability
    axes.plot([p for p, _, _ in points], [o for _, o, _ in points], "o-", color=ACCENT, linewidth=1.2, markersize=5)
    for predicted, observed, cases in points:
        below = observed > 0.9
        axes.annotate(
            str(cases),
            (predicted, observed),
            (0, -11 if below else 6),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=MUTED,
        )
    axes.plot([], [], "o", color=ACCENT, label="each point: a group of cases, with its number")
    _square(axes, "Reliability", "probability given", "share that had the finding")
    _legend(axes)


def _curve(axes: Axes, points: Sequence[tuple[float, float]], label: str, colour: str, line: str) -> None:
    axes.plot([x for x, _ in points], [y for _, y in points], line, color=colour, linewidth=1.6, label=label)


def _whisker(axes: Axes, height: float, entry: Interval, colour: str, marker: str) -> None:
    if entry.low is not None and entry.high is not None:
        axes.plot([entry.low, entry.high], [height, height], color=colour, linewidth=2, solid_capstyle="round")
    axes.plot([entry.value], [height], marker, color=colour, markersize=6)


def _beside(axes: Axes, height: float, words: str, colour: str) -> None:
    axes.annotate(words, (1.01, height), xycoords=("axes fraction", "data"), va="center", color=colour)


def _named(entry: LabelEvaluation, metric: str) -> str:
    return f"{metric.upper()} {numbers.interval(entry.metrics.get(metric))}"


def _square(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set(title=title, xlabel=x, ylabel=y, xlim=_UNIT, ylim=_UNIT)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_aspect("equal")


def _legend(axes: Axes) -> None:
    """Put the legend below the plot, where it hides nothing."""
    axes.legend(loc="upper left", bbox_to_anchor=(-0.05, -0.2), borderaxespad=0, handlelength=1.6)


def _styled() -> AbstractContextManager[None]:
    import matplotlib as mpl

    return mpl.rc_context(_STYLE)


def _svg(figure: Figure, description: str) -> Html:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    drawing = stream.getvalue()
    return element("figure", Html(drawing[drawing.index("<svg") :]), role="img", aria_label=description)
