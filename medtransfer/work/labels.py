"""Which labels the data have, how many cases there are of each, and which of them can be learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from medtransfer import cohort
from medtransfer.cohort.checks import PATIENTS_IN_ALL
from medtransfer.cohort.model import Cohort, Problem
from medtransfer.contract.manifest import Manifest
from medtransfer.work import planning
from medtransfer.work.planning import Examination, Wish
from medtransfer.work.report.numbers import counted
from medtransfer.work.session import Session


@dataclass(frozen=True)
class LabelCount:
    """One label of the data: its cases, the patients among whom they are, and why it cannot be learnt.

    ``name`` is the plug-in's where it knows the label; ``heading`` is the column's. A patient with cases of both kinds
    counts both among those ``with`` and those ``without``. ``reason`` is empty where the label can be learnt.
    """

    id: str
    name: str
    heading: str
    present: int
    absent: int
    unknown: int
    patients_with: int
    patients_without: int
    reason: str = ""


@dataclass(frozen=True)
class Survey:
    """Every label of the data, and an examination of the cases with those that can be learnt.

    ``wish`` is what was examined; its labels are empty where none can be learnt.
    """

    labels: tuple[LabelCount, ...]
    wish: Wish
    examination: Examination


def survey(session: Session, wish: Wish) -> Survey:
    """Count the cases of every label, and examine them with the labels that can be learnt.

    A label that cannot be learnt is left out and its reason told, so that the others can be: it has too few patients,
    the plug-in does not know it, or one part of the split would have too few patients. Of a published data set only the
    usual labels are examined; the others are counted, for the person to choose.

    Raises
    ------
    MedTransferError
        As :func:`medtransfer.work.planning.examine`.
    """
    _, manifest = planning.learner(session.home, wish.plugin)
    session.on_progress("reading the table", None, {})
    read = cohort.read(wish.data, uncertain=planning.recipe_of(wish, manifest).uncertain)
    usual = planning.usual_labels(read, manifest)
    counts = {count.id: count for count in counted_in(read, manifest)}
    chosen = _learnable(counts, usual)
    every = tuple(label for label in counts if manifest.label(label) or manifest.task.open_labels)
    examination = planning.examine(session, replace(wish, labels=chosen or every))
    while chosen and (refused := [problem for problem in examination.errors if problem.label]):
        for problem in refused:
            counts[problem.label] = replace(counts[problem.label], reason=_of_split(problem))
        chosen = _learnable(counts, usual)
        if chosen:
            examination = planning.examine(session, replace(wish, labels=chosen), examination.looks)
    for count in counted_in(examination.cohort, manifest) if examination.cohort.structures else ():
        counts[count.id] = replace(count, reason=counts[count.id].reason)
    listed = list(counts.values())
    if read.source:  # dozens of labels: first what can be learnt
        listed.sort(key=lambda count: (count.id not in chosen, bool(count.reason)))
    return Survey(tuple(listed), replace(wish, labels=chosen), examination)


def counted_in(read: Cohort, manifest: Manifest) -> tuple[LabelCount, ...]:
    """Count the cases and patients of every label of a cohort, and say which ones a plug-in could not learn."""
    counts = [_count(read, label, manifest) for label in read.labels]
    if read.structures:  # what the masks show is known when they have been opened
        return tuple(counts)
    return tuple(replace(count, reason=_reason(count, manifest)) for count in counts)


def _learnable(counts: dict[str, LabelCount], usual: Sequence[str]) -> tuple[str, ...]:
    return tuple(label for label in usual if not counts[label].reason)


def _count(read: Cohort, label: str, manifest: Manifest) -> LabelCount:
    values = [case.labels[label] for case in read.cases]
    heading, declared = read.names.get(label, label), manifest.label(label)
    return LabelCount(
        id=label,
        name=declared.name if declared else heading,
        heading=heading,
        present=values.count(1),
        absent=values.count(0),
        unknown=values.count(None),
        patients_with=len({case.patient for case in read.cases if case.labels[label] == 1}),
        patients_without=len({case.patient for case in read.cases if case.labels[label] == 0}),
    )


def _reason(count: LabelCount, manifest: Manifest) -> str:
    if manifest.label(count.id) is None and not manifest.task.open_labels:
        return "The plug-in does not know it."
    if not count.present and not count.absent:
        return "It is unknown in every case."
    if not count.present or not count.absent:
        return f"It is {'negative' if count.absent else 'positive'} wherever it is known."
    fewest, which = min((count.patients_with, "with"), (count.patients_without, "without"))
    if fewest < PATIENTS_IN_ALL:
        return f"{counted(fewest, 'patient')} {which} it; {PATIENTS_IN_ALL} are needed."
    return ""


def _of_split(problem: Problem) -> str:
    return f"{problem.message[:1].upper()}{problem.message[1:]}."
