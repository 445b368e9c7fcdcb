"""The parts of a report that are about a model: how good it is, on whom, and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence

from medtransfer.cohort.model import Problem
from medtransfer.contract.bundle import BundleCard, ModelBundle
from medtransfer.contract.evaluation import Confusion, Evaluation, Interval, LabelEvaluation, ModelEvaluation
from medtransfer.work.report import (
    co_occurrence,
    components,
    figures,
    learning_sections,
    maps,
    numbers,
    structure_sections,
    subgroups,
)
from medtransfer.work.report.html import Html, element, facts, folded, join, paragraph, section, table, text
from medtransfer.work.report.numbers import counted

METRICS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1",
    "mcc": "MCC",
    "brier": "Brier score",
    "ece": "Calibration error",
}
NO_EVALUATION = "This model carries no evaluation: how good it is, nobody knows."


def model_line(card: BundleCard) -> str:
    """Return in one sentence how many cases the model learnt from and how good it is, with intervals."""
    learnt = f"Learnt from {counted(card.data.train, 'case')}"
    if card.evaluation is None:
        return f"{learnt}. {NO_EVALUATION}"
    tuned = card.evaluation.of("tuned")
    if tuned.structures:
        return structure_sections.line(card, card.evaluation)
    training = card.extra.get("training", {})
    tested_here = [entry for entry in tuned.labels if not training.get(entry.label, {}).get("added")]
    best_known = sorted(tested_here, key=lambda entry: -entry.positive_patients)
    named = "; ".join(f"{entry.name} {numbers.graded(entry, 'auroc')}" for entry in best_known[:3])
    more = f"; {len(best_known) - 3} more in the model's report" if len(best_known) > 3 else ""
    tested = f"{counted(card.evaluation.cases, 'case')} of {counted(card.evaluation.patients, 'patient')}"
    return f"{learnt}. AUROC with 95 % interval on {tested} that it never saw: {named}{more}."


def label_line(card: BundleCard, label: str) -> str:
    """Return how good the model is at one label."""
    entry = _find(card.evaluation.of("tuned"), label) if card.evaluation else None
    if entry is None:
        return "No test figures for this finding."
    tested = f"{counted(entry.cases, 'test case')}, {entry.positives} with the finding"
    if entry.grade == "none":
        return f"{tested}: {numbers.TOO_FEW} how good the model is."
    return (
        f"{tested}: AUROC {numbers.interval(entry.metrics.get('auroc'))}, at this threshold "
        f"sensitivity {numbers.interval(entry.metrics.get('sensitivity'))} and "
        f"specificity {numbers.interval(entry.metrics.get('specificity'))}."
    )


def model_sections(bundle: ModelBundle, problems: Sequence[Problem]) -> list[Html]:
    """Return everything about a model: summary, figures, data checks, card."""
    card = bundle.card
    parts = [_summary(card), *learning_sections.sections(card)]
    if card.evaluation is not None and card.evaluation.of("tuned").structures:
        parts += structure_sections.sections(card, card.evaluation)
    elif card.evaluation is not None:
        parts += [
            _overview(card.evaluation),
            *components.sections(card.evaluation),
            *maps.sections(card.evaluation),
            *_per_label(card.evaluation),
            *subgroups.sections(card.evaluation),
        ]
        parts += [*co_occurrence.sections(card.evaluation), _all_figures(card.evaluation)]
    return [*parts, _data_checks(problems), _card(bundle)]


def _summary(card: BundleCard) -> Html:
    verdict = card.evaluation.verdict if card.evaluation else [NO_EVALUATION]
    data = card.data
    tiles = {
        "cases": data.cases,
        "patients": data.patients,
        "trained on": data.train,
        "chosen on (validation)": data.validation,
        "tested on, once": data.test,
    }
    return section(
        "The model in short",
        *(paragraph(line, class_="lead") for line in verdict[:1]),
        *(paragraph(line) for line in verdict[1:]),
        element(
            "div",
            *(
                element("div", element("b", text(f"{count:,}")), element("span", text(name)), class_="tile")
                for name, count in tiles.items()
            ),
            class_="tiles",
        ),
        paragraph("No patient is in two of the three parts.", class_="muted"),
    )


def _overview(evaluation: Evaluation) -> Html:
    tuned, untuned = evaluation.of("tuned"), _model(evaluation, "untuned")
    gains = {entry.label: entry.difference for entry in evaluation.differences if entry.metric == "auroc"}
    rows = [_overview_row(entry, _find(untuned, entry.label), gains.get(entry.label)) for entry in tuned.labels]
    headings = [
        "Finding",
        "Test cases",
        "AUROC tuned",
        "AUROC untuned",
        "Gain",
        "Sensitivity",
        "Specificity",
        "Evidence",
    ]
    described = [f"{model.model.capitalize()}: {model.description.rstrip('.')}." for model in evaluation.models]
    return section(
        "How good it is",
        table(headings, rows),
        figures.forest(tuned, untuned) if any("auroc" in entry.metrics for entry in tuned.labels) else Html(""),
        element("figcaption", text(" ".join(described))),
        element(
            "figcaption",
            text(
                f"Below each figure its 95 % interval, from {evaluation.bootstrap:,} resamples of the test patients. "
                "Sensitivity and specificity are those at the threshold that was chosen on validation."
            ),
        ),
    )


def _overview_row(tuned: LabelEvaluation, untuned: LabelEvaluation | None, gain: Interval | None) -> list[Html]:
    head = [text(tuned.name), element("span", text(f"{tuned.cases}, {tuned.positives} positive"), class_="nowrap")]
    if tuned.grade == "none":
        return [*head, text(numbers.TOO_FEW), *[text("\u2013")] * 4, text(numbers.grade(tuned.grade))]
    return [
        *head,
        _cell(tuned.metrics.get("auroc")),
        _cell(untuned.metrics.get("auroc") if untuned else None),
        _gain_cell(gain),
        _cell(tuned.metrics.get("sensitivity")),
        _cell(tuned.metrics.get("specificity")),
        text(numbers.grade(tuned.grade)),
    ]


def _cell(entry: Interval | None) -> Html:
    """Return a figure above its interval."""
    if entry is None:
        return text("not defined")
    return join([element("b", text(numbers.figure(entry.value))), _below(numbers.bounds(entry))])


def _gain_cell(entry: Interval | None) -> Html:
    if entry is None:
        return text("not measured")
    low, high = (None if value is None else numbers.signed(value) for value in (entry.low, entry.high))
    return join([element("b", text(numbers.signed(entry.value))), _below(f"{low} to {high}" if low and high else "")])


def _below(bounds: str) -> Html:
    return element("div", text(bounds), class_="muted small nowrap")


def _per_label(evaluation: Evaluation) -> list[Html]:
    untuned = _model(evaluation, "untuned")
    return [_label(entry, _find(untuned, entry.label)) for entry in evaluation.of("tuned").labels]


def _label(tuned: LabelEvaluation, untuned: LabelEvaluation | None) -> Html:
    about = f"{counted(tuned.cases, 'test case')}, {tuned.positives} with the finding. {_calibration(tuned)}"
    warning = "Too few cases to say: the curves below may look quite different on other patients."
    return section(
        tuned.name,
        paragraph(about),
        paragraph(warning, class_="level warning") if tuned.grade == "none" else Html(""),
        figures.curves(tuned, untuned),
        _confusion(tuned.confusion, tuned.threshold),
        paragraph(_accuracy(tuned)) if tuned.cases else Html(""),
    )


def _accuracy(tuned: LabelEvaluation) -> str:
    """Return the share of right calls beside what one and the same answer for everybody gets: alone it misleads."""
    right = tuned.confusion.true_positive + tuned.confusion.true_negative
    rarer = min(tuned.positives, tuned.cases - tuned.positives)
    always = "absent" if rarer == tuned.positives else "present"
    return (
        f"{_share(right, tuned.cases)} of the calls are right; calling it {always} in every case would be right in "
        f"{_share(tuned.cases - rarer, tuned.cases)}."
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %"


def _calibration(tuned: LabelEvaluation) -> str:
    error = tuned.metrics.get("ece")
    if error is None:
        return ""
    line = f"Calibration error {numbers.interval(error)}"
    if tuned.ece_if_calibrated is None:
        return f"{line}."
    chance = numbers.figure(tuned.ece_if_calibrated)
    return f"{line}; on so many cases, even perfect calibration would show up to {chance}."


def _confusion(counts: Confusion, threshold: float) -> Html:
    return element(
        "div",
        element("h3", text(f"Calls at the threshold {numbers.figure(threshold)}")),
        table(
            ["", "called present", "called absent"],
            [
                [text("has the finding"), text(counts.true_positive), text(f"{counts.false_negative} missed")],
                [text("has it not"), text(counted(counts.false_positive, "false alarm")), text(counts.true_negative)],
            ],
            class_="confusion",
        ),
    )


def _all_figures(evaluation: Evaluation) -> Html:
    rows = [
        [
            text(entry.name),
            text(model.model),
            *(_cell(entry.metrics.get(metric)) for metric in METRICS),
        ]
        for label in evaluation.of("tuned").labels
        for model in evaluation.models
        if (entry := _find(model, label.label))
    ]
    few = [entry.name for entry in evaluation.of("tuned").labels if entry.grade == "none"]
    note = f"Not to be relied on, for want of cases: {', '.join(few)}." if few else ""
    return section(
        "All figures",
        paragraph(note, class_="level warning") if few else Html(""),
        table(["Finding", "Model", *METRICS.values()], rows, class_="small"),
    )


def _data_checks(problems: Sequence[Problem]) -> Html:
    if not problems:
        return section("Data checks", paragraph("Nothing was found."))
    items = [
        element(
            "li",
            element("span", text(problem.level.capitalize()), class_=f"level {problem.level}"),
            text(f"{problem.message[:1].upper()}{problem.message[1:].rstrip('.')}. {problem.hint}"),
            element("div", text(_rows(problem.rows)), class_="muted small") if problem.rows else Html(""),
        )
        for problem in problems
    ]
    return section("Data checks", element("ul", *items, class_="plain"))


def _rows(rows: tuple[int, ...]) -> str:
    named = ", ".join(map(str, rows[:20]))
    return f"Rows {named}" + (f" and {len(rows) - 20} more" if len(rows) > 20 else "")


def _card(bundle: ModelBundle) -> Html:
    card = bundle.card
    origins = "; ".join(
        f"{entry.name} ({entry.licence}), trained on {entry.trained_on or 'unknown data'}" for entry in card.weights
    )
    entries = {
        "Model": f"{card.name}, made {numbers.moment(card.created)}",
        "Plug-in": f"{card.plugin} {card.plugin_version}",
        "Network": card.backbone,
        "Pretrained weights": origins or "none",
        "Recipe": f"{card.recipe.name}: {card.recipe.description}",
        "Data": card.data.description or "not described",
        "Licence of the data": card.data.licence or "not stated",
        "Seed": str(card.seed),
    }
    identity = {
        "Model (SHA-256)": bundle.sha256,
        "Data (fingerprint)": card.data.fingerprint,
        "Split (SHA-256)": card.data.split_sha256,
        **{f"Version of {name}": version for name, version in card.versions.items()},
    }
    return section(
        "Card",
        facts({name: text(value) for name, value in entries.items()}),
        *(paragraph(note, class_="muted") for note in card.remarks),
        folded("Identity and versions", facts({name: text(value) for name, value in identity.items()})),
    )


def _model(evaluation: Evaluation, name: str) -> ModelEvaluation | None:
    return next((model for model in evaluation.models if model.model == name), None)


def _find(model: ModelEvaluation | None, label: str) -> LabelEvaluation | None:
    return next((entry for entry in model.labels if entry.label == label), None) if model else None
