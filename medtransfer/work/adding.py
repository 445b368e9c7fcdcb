"""Add findings to a published model from a handful of cases; what it answers already stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from medtransfer import cohort
from medtransfer.cohort import checks, selection, words
from medtransfer.cohort.model import Cohort, Partition, Problem
from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.contract.bundle import ModelBundle
from medtransfer.errors import DataError
from medtransfer.work import learn, models, planning
from medtransfer.work.learn import Learnt
from medtransfer.work.planning import Plan, Wish
from medtransfer.work.session import Session

FEWEST = 2
"""Patients with, and without, a finding that is added: each is left out once, and somebody must be left."""


def add(session: Session, wish: Wish, out: Path, on_plan: Callable[[Plan], None] = learn.unseen) -> Learnt:
    """Publish a model that has the findings of ``wish.data`` besides those of ``wish.parent``.

    Parameters
    ----------
    session
        The store, and whom to tell about progress.
    wish
        ``parent`` is the model; ``labels`` empty means every label of the data that the model does not have. ``name``
        empty means another version of the model.
    out
        One folder per addition; the same call again returns what was made.
    on_plan
        Receives the checks before anything is learnt.

    Raises
    ------
    MedTransferError
        When data, plug-in, model or disk do not allow it, or the person wishes to stop.
    """
    entry, manifest = planning.learner(session.home, wish.plugin)
    chosen = models.choose(session.home, entry, wish.parent)
    parent = chosen.bundle
    cases = _cases(wish, parent)
    planning.refuse_unknown_labels(cases, manifest)
    own_name = parent.card.name if chosen.reference == models.STARTER else chosen.reference.partition("@")[0]
    found = replace(wish, name=wish.name or own_name, labels=cases.labels)
    plan = _plan(session, found, parent, cases)
    on_plan(plan)
    trained = learn.train(session, found, plan, out)
    model = learn.publish(session, trained)
    return Learnt(model, model.open(), trained.report, plan.problems)


def _cases(wish: Wish, parent: ModelBundle) -> Cohort:
    """Read the cases with the labels that are new."""
    read = cohort.read(wish.data, list(wish.labels) or None)
    known = {label.id for label in parent.card.labels}
    new = [label for label in read.labels if label not in known]
    if not new or (wish.labels and len(new) < len(read.labels)):
        raise DataError(
            f"the model has {'these findings' if len(read.labels) > 1 else 'this finding'} already",
            code="adding.known",
            hint="Name new ones with --label, or learn these anew with `medtransfer learn --from`.",
        )
    return selection.with_labels(read, new)


def _plan(session: Session, wish: Wish, parent: ModelBundle, cases: Cohort) -> Plan:
    def tell(done: int, total: int) -> None:
        session.check()
        session.on_progress("checking the images", done / max(total, 1), {})

    looks = checks.look(cases, tell)
    judged = [problem for problem in checks.judge(cases, looks) if problem.code != "label.too-few"]
    problems = (*_too_few(cases), *judged)
    recipe = parent.card.for_answers.changed(dict(wish.settings))
    partitions = _partitions(cases, planning.previous_split(session.home, parent))
    split = FrozenSplit(
        fingerprint=cases.fingerprint, seed=recipe.seed, validation_share=recipe.validation_share,
        test_share=recipe.test_share, partitions=partitions,
    )  # fmt: skip
    return Plan(cases, problems, split, recipe, tuple(label.id for label in parent.card.labels))


def _partitions(cases: Cohort, previous: FrozenSplit | None) -> dict[str, Partition]:
    """Return the split to keep with the model: the parent's, with patients whom it does not know in training."""
    known = previous.partitions if previous else {}
    of_patient = {case.patient: known[case.key] for case in cases.cases if case.key in known}
    return {**known, **{case.key: of_patient.get(case.patient, "train") for case in cases.cases}}


def _too_few(cases: Cohort) -> list[Problem]:
    """Name the labels with fewer patients than can be left out in turn; a label of one class is named by the checks."""
    problems = []
    for label in cases.labels:
        for value, meaning in ((1, "with"), (0, "without")):
            patients = len({case.patient for case in cases.cases if case.labels[label] == value})
            if 0 < patients < FEWEST:
                message = (
                    f"{words.counted(patients, 'patient')} {meaning} {label!r}; at least {FEWEST} are needed to add it"
                )
                problems.append(Problem("label.too-few", "error", message, "Add cases of more patients.", label=label))
    return problems
