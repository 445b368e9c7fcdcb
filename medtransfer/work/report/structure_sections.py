"""The parts of a report that are about a model of structures: how well each is found, and how training went."""

from __future__ import annotations

from collections.abc import Mapping

from medtransfer.contract.bundle import BundleCard
from medtransfer.contract.evaluation import Evaluation, Interval, StructureEvaluation
from medtransfer.work.report import figures, numbers
from medtransfer.work.report.html import Html, element, section, table, text
from medtransfer.work.report.numbers import counted

_EXPLAINED = (
    "Means over the test cases, each with its 95 % interval from {bootstrap:,} resamples of the test patients. Dice: "
    "overlap with the mask, 1 at best. NSD: share of both surfaces within 3 mm of each other. HD95: how far from the "
    "other all but the farthest 5 % of a surface lie, where the structure was found at all."
)


def line(card: BundleCard, evaluation: Evaluation) -> str:
    """Return in one sentence how many cases a model of structures learnt from and how good it is."""
    tested = f"{counted(evaluation.cases, 'case')} of {counted(evaluation.patients, 'patient')}"
    known = sorted(evaluation.of("tuned").structures, key=lambda entry: -entry.patients)
    named = "; ".join(f"{entry.name} {numbers.interval(entry.metrics.get('dice'))}" for entry in known[:3])
    more = f"; {len(known) - 3} more in the model's report" if len(known) > 3 else ""
    learnt = f"Learnt from {counted(card.data.train, 'case')}"
    return f"{learnt}. Dice with 95 % interval on {tested} that it never saw: {named}{more}."


def sections(card: BundleCard, evaluation: Evaluation) -> list[Html]:
    """Return the figures of every structure, and the course of the training where it is known."""
    training = card.extra.get("training", {})
    history = training.get("history", [])
    return [_figures(evaluation), *([_course(history, training.get("best_epoch"))] if len(history) > 1 else [])]


def _figures(evaluation: Evaluation) -> Html:
    untuned = {entry.label: entry for entry in evaluation.of("untuned").structures}
    gains = {entry.label: entry.difference for entry in evaluation.differences}
    rows = [
        _row(entry, untuned[entry.label].metrics.get("dice"), gains.get(entry.label))
        for entry in evaluation.of("tuned").structures
    ]
    described = " ".join(f"{one.model.capitalize()}: {one.description}." for one in evaluation.models)
    return section(
        "How good it is",
        table(["Structure", "Test cases", "Dice tuned", "Dice untuned", "Gain", "NSD tuned", "HD95 tuned, mm"], rows),
        figures.dice({one.model: one for one in evaluation.models}),
        element("figcaption", text(described)),
        element("figcaption", text(_EXPLAINED.format(bootstrap=evaluation.bootstrap))),
    )


def _row(tuned: StructureEvaluation, untuned: Interval | None, gain: Interval | None) -> list[Html]:
    shown = f"{counted(tuned.cases, 'case')}, {counted(tuned.patients, 'patient')}"
    return [
        text(tuned.name),
        text(shown),
        text(numbers.interval(tuned.metrics.get("dice"))),
        text(numbers.interval(untuned)),
        text(numbers.signed(gain.value) if gain else "not measured"),
        text(numbers.interval(tuned.metrics.get("nsd"))),
        text(numbers.interval(tuned.metrics.get("hd95_mm"))),
    ]


def _course(history: list[Mapping[str, float]], kept: float | None) -> Html:
    caption = (
        "Mean Dice over the structures on the validation cases after each epoch, and the loss on training patches. "
        "Epoch 0 is the network before training; the weights of the epoch that is marked were kept."
    )
    return section("How training went", figures.course(history, kept), element("figcaption", text(caption)))
