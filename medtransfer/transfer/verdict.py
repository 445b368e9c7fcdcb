"""The outcome of an evaluation in plain words: better than before or not, by how much, and whether to use it at all."""

from __future__ import annotations

from medtransfer.contract.evaluation import Difference, Evaluation, Interval, LabelEvaluation

GUESSING = 0.5
"""The AUROC of any answer that ignores the image."""


def in_words(evaluation: Evaluation) -> list[str]:
    """Return the verdict: one sentence over all labels, then a few sentences per label.

    "Better" and "worse" are said only where the 95 % interval of the paired difference in AUROC excludes zero; "better
    than guessing" only where the interval of the AUROC itself lies above one half. Nothing is claimed for a label with
    fewer than 20 positive patients.
    """
    labels = evaluation.of("tuned").labels
    return [_overall(evaluation, labels), *(_label(evaluation, label) for label in labels)]


def _overall(evaluation: Evaluation, labels: list[LabelEvaluation]) -> str:
    judged = [label for label in labels if _can_be_judged(label)]
    if not judged:
        return "The test partition is too small to judge the model on any label."
    directions = [_direction(_gain(evaluation, label)) for label in judged]
    parts = []
    if evaluation.differences:
        parts.append(f"better than the untuned model on {directions.count(1)}")
    if -1 in directions:
        parts.append(f"worse on {directions.count(-1)}")
    parts.append(f"better than guessing on {sum(_beats_guessing(label) for label in judged)}")
    unjudged = len(labels) - len(judged)
    rest = f" On {unjudged} more {_labels(unjudged)} the test cases are too few to judge." if unjudged else ""
    said = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    return f"Of {len(judged)} {_labels(len(judged))}, the tuned model is {said}.{rest}"


def _label(evaluation: Evaluation, label: LabelEvaluation) -> str:
    area = label.metrics.get("auroc")
    if area is None:
        return f"{label.name}: nothing can be said, because the test cases are all of one class."
    if label.grade == "none":
        return (
            f"{label.name}: too few to judge: {label.positive_patients} patients with it in the test partition, "
            f"and at least 20 are needed. AUROC {_with_interval(area)}, not to be relied on."
        )
    sentences = [
        _use(label, area),
        _change(evaluation, label),
        _probabilities(evaluation, label),
        _caveat(evaluation, label),
    ]
    return f"{label.name}: {' '.join(sentence for sentence in sentences if sentence)}"


def _use(label: LabelEvaluation, area: Interval) -> str:
    if not _beats_guessing(label):
        return f"do not use: not shown to be better than guessing (AUROC {_with_interval(area)})."
    return f"better than the trivial answer, AUROC {_with_interval(area)}."


def _change(evaluation: Evaluation, label: LabelEvaluation) -> str:
    gain = _gain(evaluation, label)
    if gain is None:
        return ""
    change = gain.difference
    before = next(entry for entry in evaluation.of("untuned").labels if entry.label == label.label).metrics["auroc"]
    figures = f"AUROC difference {_number(change.value, '+.2f')}{_bounds(change)}, untuned {before.value:.2f}"
    direction = _direction(gain)
    if direction > 0:
        return f"Better than the untuned model ({figures})."
    if direction < 0:
        return f"Worse than the untuned model ({figures}): keep the untuned one."
    return f"Not shown to be better than the untuned model ({figures})."


def _probabilities(evaluation: Evaluation, label: LabelEvaluation) -> str:
    trivial = [
        entry.metrics["brier"].value
        for model in evaluation.models
        for entry in model.labels
        if model.model == "trivial" and entry.label == label.label
    ]
    own, error, expected = label.metrics["brier"].value, label.metrics["ece"].value, label.ece_if_calibrated
    if trivial and own >= trivial[0]:
        return (
            "Its probabilities are no closer to the truth than always answering the share of positive training cases "
            f"(Brier {own:.2f} against {trivial[0]:.2f})."
        )
    if expected is not None and error > expected:
        return f"Do not take its probabilities at face value: they are off by {error:.2f} on average."
    return ""


def _caveat(evaluation: Evaluation, label: LabelEvaluation) -> str:
    sentences = []
    if label.grade == "exploratory":
        sentences.append(
            f"Exploratory: only {label.positive_patients} patients with it in the test partition, "
            "and 100 are wanted for an estimate."
        )
    if label.skipped:
        sentences.append(f"{label.skipped} of {evaluation.bootstrap} resamples held one class only and were left out.")
    return " ".join(sentences)


def _can_be_judged(label: LabelEvaluation) -> bool:
    return label.grade != "none" and "auroc" in label.metrics


def _beats_guessing(label: LabelEvaluation) -> bool:
    low = label.metrics["auroc"].low
    return low is not None and low > GUESSING


def _gain(evaluation: Evaluation, label: LabelEvaluation) -> Difference | None:
    """Return the paired difference in AUROC, None where there is no untuned model."""
    matching = (entry for entry in evaluation.differences if (entry.label, entry.metric) == (label.label, "auroc"))
    return next(matching, None)


def _direction(gain: Difference | None) -> int:
    """Return 1 for shown to be better, -1 for shown to be worse, 0 for neither."""
    if gain is None or gain.difference.low is None or gain.difference.high is None:
        return 0
    return int(gain.difference.low > 0.0) - int(gain.difference.high < 0.0)


def _with_interval(figure: Interval) -> str:
    return f"{figure.value:.2f}{_bounds(figure)}"


def _bounds(figure: Interval) -> str:
    if figure.low is None or figure.high is None:
        return ", no interval can be given"
    return f" [95 % interval {_number(figure.low)} to {_number(figure.high)}]"


def _number(value: float, form: str = ".2f") -> str:
    """Write a figure with two decimals, and nothing as 0.00 rather than -0.00."""
    return format(round(value, 2) + 0.0, form)


def _labels(count: int) -> str:
    return "label" if count == 1 else "labels"
