"""Some labels out of a cohort: those that a person, or a rule, chose of a data set that has more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from medtransfer.cohort import identity
from medtransfer.cohort.checks import PATIENTS_IN_ALL
from medtransfer.cohort.model import Case, Cohort


def with_labels(cohort: Cohort, labels: Sequence[str]) -> Cohort:
    """Return a cohort of pictures with answers that knows these labels alone, as if the others were not in the data."""
    cases = tuple(replace(case, labels={label: case.labels[label] for label in labels}) for case in cohort.cases)
    return replace(
        cohort,
        cases=cases,
        labels=tuple(labels),
        fingerprint=identity.fingerprint(cases, labels, {}),
        names={label: name for label, name in cohort.names.items() if label in labels},
    )


def learnable(cohort: Cohort) -> tuple[str, ...]:
    """Return the labels of which there are enough patients with and without to train, choose and test."""
    return tuple(
        label
        for label in cohort.labels
        if all(_patients(cohort.cases, label, value) >= PATIENTS_IN_ALL for value in (1, 0))
    )


def _patients(cases: Sequence[Case], label: str, value: int) -> int:
    return len({case.patient for case in cases if case.labels[label] == value})
