"""Images that are listed more than once: published sets have them, and each is a way for a test case to be trained on.

IDRiD's grading set, for instance, lists five photographs twice under different numbers, one of them with two grades.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from medtransfer.cohort import words
from medtransfer.cohort.model import Case, Problem


def settle(cases: Sequence[Case]) -> tuple[tuple[Case, ...], list[Problem]]:
    """Return each file once, with what was noticed about the files that are listed more than once.

    Patients who share a file are one person: all their cases get the patient of the first. A label on which the rows
    of one file disagree becomes unknown. Rows that put one file into two splits are all kept, for the split to refuse.
    """
    people = _people(cases)
    merged = [replace(case, patient=people.get(case.patient, case.patient)) for case in cases]
    repeated = {key: group for key, group in _by_key(merged).items() if len(group) > 1}
    shared = [group for group in _by_key(cases).values() if len({case.patient for case in group}) > 1]
    settled = {key: _agreed(group) for key, group in repeated.items()}
    disputed = [group for group in repeated.values() if _disputed(group)]
    kept: list[Case] = []
    for case in merged:
        group = repeated.get(case.key)
        if group is None or len({same.split for same in group if same.split}) > 1:
            kept.append(case)
        elif case.row == group[0].row:
            kept.append(settled[case.key])
    return tuple(kept), _problems(shared, disputed, len(cases) - len(kept), repeated.values())


def _by_key(cases: Iterable[Case]) -> dict[str, list[Case]]:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.key].append(case)
    return groups


def _people(cases: Sequence[Case]) -> Mapping[str, str]:
    """Map each patient who shares a file with an earlier one to the first patient of that chain."""
    parent: dict[str, str] = {}

    def first(patient: str) -> str:
        while patient in parent:
            patient = parent[patient]
        return patient

    for group in _by_key(cases).values():
        for case in group[1:]:
            one, other = first(group[0].patient), first(case.patient)
            if one != other:
                parent[other] = one
    return {patient: first(patient) for patient in parent}


def _agreed(group: Sequence[Case]) -> Case:
    """Return the group's first case with the labels on which its rows agree; what only some rows know is known."""
    known = {label: {case.labels[label] for case in group} - {None} for label in group[0].labels}
    labels = {label: next(iter(values)) if len(values) == 1 else None for label, values in known.items()}
    split = next((case.split for case in group if case.split), None)
    return replace(group[0], labels=labels, split=split)


def _disputed(group: Sequence[Case]) -> bool:
    return any({0, 1} <= {case.labels[label] for case in group} for label in group[0].labels)


def _problems(
    shared: Sequence[Sequence[Case]],
    disputed: Sequence[Sequence[Case]],
    dropped: int,
    repeated: Iterable[Sequence[Case]],
) -> list[Problem]:
    problems = []
    if shared:
        problems.append(
            Problem(
                "cohort.shared-image",
                "warning",
                f"{words.counted(len(shared), 'image')} listed under more than one patient: these patients are taken "
                "as one person, so that nobody is both trained on and tested",
                "Give these rows the same patient.",
                _rows(shared),
            )
        )
    if disputed:
        problems.append(
            Problem(
                "cohort.contradiction",
                "warning",
                f"{words.counted(len(disputed), 'image')} listed more than once with contradicting labels: these "
                "labels are taken as unknown",
                "Decide which row is right and remove the other.",
                _rows(disputed),
            )
        )
    if dropped:
        problems.append(
            Problem(
                "cohort.repeated",
                "warning",
                f"{words.counted(dropped, 'row')} repeating an image of an earlier row: each image counts once",
                "Remove the repeated rows.",
                _rows(repeated),
            )
        )
    return problems


def _rows(groups: Iterable[Sequence[Case]]) -> tuple[int, ...]:
    return tuple(sorted(case.row for group in groups for case in group))
