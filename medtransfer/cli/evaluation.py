"""A model's figures in the console: tuned, untuned and trivial beside each other, with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medtransfer.cli import console

if TYPE_CHECKING:
    from medtransfer.contract.bundle import ModelBundle
    from medtransfer.contract.evaluation import Evaluation, Interval

METRICS = ("auroc", "auprc", "sensitivity", "specificity")
OF_STRUCTURES = ("dice", "nsd", "hd95_mm")


def say_evaluation(bundle: ModelBundle) -> None:
    """Print the figures on the test partition and the verdict."""
    evaluation = bundle.card.evaluation
    if evaluation is None:
        console.say("this model was not evaluated")
        return
    if bundle.card.data.synthetic:
        console.say("Trained and tested on SYNTHETIC images: the figures say nothing about real patients.")
    console.say(
        f"Test: {evaluation.cases} cases of {evaluation.patients} patients; 95 % intervals from "
        f"{evaluation.bootstrap} bootstrap resamples of patients"
    )
    if evaluation.of("tuned").structures:
        _say_structures(evaluation)
    else:
        _say_labels(evaluation)
        _say_localisation(evaluation)
    for line in evaluation.verdict:
        console.say(line)


def _say_labels(evaluation: Evaluation) -> None:
    rows = []
    for number, label in enumerate(evaluation.of("tuned").labels):
        for model in evaluation.models:
            figures = [interval(model.labels[number].metrics.get(metric)) for metric in METRICS]
            rows.append((label.name, model.model, *figures))
    console.say_table(("label", "model", *METRICS), rows)


def _say_localisation(evaluation: Evaluation) -> None:
    if evaluation.localisation:
        from medtransfer.work.report import maps

        console.say_table([heading.lower() for heading in maps.HEADINGS], maps.localisation_rows(evaluation))


def _say_structures(evaluation: Evaluation) -> None:
    rows = []
    for number, structure in enumerate(evaluation.of("tuned").structures):
        for model in evaluation.models:
            figures = [interval(model.structures[number].metrics.get(metric)) for metric in OF_STRUCTURES]
            rows.append((structure.name, model.model, *figures))
    console.say_table(("structure", "model", *OF_STRUCTURES), rows)


def interval(figure: Interval | None) -> str:
    """Return a figure with its interval, ``0.912 [0.86, 0.95]``."""
    if figure is None:
        return "-"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} [{figure.low:.2f}, {figure.high:.2f}]"
