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
_MARKS = ((ACCENT, "o"), (NEUTRAL, "s"), (AMBER, "D"), (MUTED, "^"))
"""Colour and shape of each model's marks: never told apart by colour alone."""


def forest(tuned: ModelEvaluation, untuned: ModelEvaluation | None) -> Html:
    """Return AUROC with 95 % intervals per label, the tuned model above the untuned one."""
    from matplotlib.figure import Figure

    labels = [entry for entry in tuned.labels if "auroc" in entry.metrics]
    others = {entry.label: entry for entry in untuned.labels} if untuned else {}
    with styled():
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

    with styled():
        figure = Figure(figsize=(_WIDTH, 3.7), layout="constrained")
        roc, pr, reliability = figure.subplots(1, 3)
        _roc(roc, tuned, untuned)
        _precision_recall(pr, tuned, untuned)
        _reliability(reliability, tuned)
        return _svg(figure, f"ROC, precision-recall and reliability curves for {tuned.name}")


def dice(models: Mapping[str, ModelEvaluation]) -> Html:
    """Return the Dice of every structure with its 95 % interval, one mark for each model by its name."""
    from matplotlib.figure import Figure

    with styled():
        rows = max(len(model.structures) for model in models.values())
        figure = Figure(figsize=(_WIDTH, 1.1 + 0.2 * (1 + len(models)) * rows**0.92), layout="constrained")
        draw_dice(figure.subplots(), models)
        return _svg(figure, f"Dice of every structure with 95 % intervals: {', '.join(models)}")


def draw_dice(axes: Axes, models: Mapping[str, ModelEvaluation]) -> None:
    """Draw what :func:`dice` returns."""
    apart = 0.7 / len(models)
    names = [entry.name for entry in next(iter(models.values())).structures]
    for number, (name, model) in enumerate(models.items()):
        colour, marker = _MARKS[number % len(_MARKS)]
        axes.plot([], [], marker, color=colour, label=name)
        for row, entry in enumerate(model.structures):
            if "dice" in entry.metrics:
                height = row + (number - (len(models) - 1) / 2) * apart
                _whisker(axes, height, entry.metrics["dice"], colour, marker)
                _beside(axes, height, numbers.figure(entry.metrics["dice"].value), colour)
    axes.set_yticks(range(len(names)), names, color=TEXT)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(*_UNIT)
    axes.tick_params(axis="y", length=0)
    axes.hlines([row + 0.5 for row in range(len(names) - 1)], *_UNIT, color=LINE, linewidth=0.6)
    axes.set_xlabel("Dice on the test cases, 95 % interval where there are several patients")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=len(models), borderaxespad=0)


def course(history: Sequence[Mapping[str, float]], kept: float | None) -> Html:
    """Return the validation Dice and the loss by epoch.

    Parameters
    ----------
    history
        As :mod:`medtransfer.transfer.fit` records it; epoch 0 is the network before training.
    kept
        The epoch whose weights were kept; None where that is not known.
    """
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(_WIDTH, 3.0), layout="constrained")
        score, loss = figure.subplots(1, 2)
        draw_course(score, history, kept)
        _by_epoch(loss, _points(history, "loss"), "Training: loss")
        return _svg(figure, "Validation Dice and training loss by epoch")


def draw_course(axes: Axes, history: Sequence[Mapping[str, float]], kept: float | None) -> None:
    """Draw the validation Dice by epoch: where it began, and which epoch was kept."""
    points = _points(history, "validation_dice")
    _by_epoch(axes, points, "Validation: mean Dice")
    before = dict(points).get(0.0)
    if before is not None:
        axes.axhline(before, color=NEUTRAL, linewidth=1.0, linestyle="--", label=f"before {numbers.figure(before)}")
    best = None if kept is None else dict(points).get(kept)
    if kept is not None and best is not None:
        label = f"kept: epoch {kept:.0f}, {numbers.figure(best)}"
        axes.plot([kept], [best], "o", color=ACCENT, markeredgecolor=TEXT, label=label, zorder=3)
    axes.set_ylim(*_UNIT)
    if before is not None or best is not None:
        axes.legend(loc="best")


def _points(history: Sequence[Mapping[str, float]], key: str) -> list[tuple[float, float]]:
    return [(entry["epoch"], entry[key]) for entry in history if key in entry]


def _by_epoch(axes: Axes, points: Sequence[tuple[float, float]], title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot([x for x, _ in points], [y for _, y in points], "-", color=ACCENT, linewidth=1.6)
    axes.set(title=title, xlabel="epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


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


def styled() -> AbstractContextManager[None]:
    """Return a context in which matplotlib draws as reports look."""
    import matplotlib as mpl

    return mpl.rc_context(_STYLE)


def _svg(figure: Figure, description: str) -> Html:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    drawing = stream.getvalue()
    return element("figure", Html(drawing[drawing.index("<svg") :]), role="img", aria_label=description)
