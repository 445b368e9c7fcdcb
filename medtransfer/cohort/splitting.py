"""The frozen split: which case is trained on, which chooses, which tests, decided once, by patient.

Patients are dealt out by iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, ECML PKDD, algorithm 1)
with a patient, not a case, as the unit: the rarest class first, each patient to the partition that still wants most of
that class. A label's presence and its absence are classes of their own, so that both are spread.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, ValidationError

from medtransfer.cohort import words
from medtransfer.cohort.model import PARTITIONS, Case, Cohort, Partition
from medtransfer.errors import DataError, UserError
from medtransfer.result.model import Record

FORMAT = 1
PATIENTS_WANTED = 2
"""Patients of each class that every partition should get when there are enough for all three."""

Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class FrozenSplit(Record):
    """A split as its file holds it: case keys and partitions, no patients.

    ``fingerprint`` is the cohort's at the time of the split; ``validation_share`` and ``test_share`` are shares of
    patients' cases that were asked for, in (0, 1).
    """

    format: int = FORMAT
    fingerprint: str
    seed: int
    validation_share: float = Field(gt=0.0, lt=1.0)
    test_share: float = Field(gt=0.0, lt=1.0)
    partitions: dict[Key, Partition]

    @classmethod
    def make(
        cls,
        cohort: Cohort,
        validation_share: float,
        test_share: float,
        seed: int,
        previous: FrozenSplit | None = None,
    ) -> FrozenSplit:
        """Split a cohort by patient.

        A patient whom ``previous`` knows stays where they were, so a retrained model keeps its test set. A partition
        that the table names is taken as given; one that it never names is dealt from the patients who have no split
        or are given as ``train``. The answer does not depend on the order of the cases.

        Raises
        ------
        DataError
            When the table or the earlier split puts one patient into two partitions, or the same image belongs to two
            patients (code ``split.leak``, the rows are named), or fewer than three patients are left to deal.
        UserError
            When the shares leave nothing to train on.
        """
        if validation_share <= 0 or test_share <= 0 or validation_share + test_share >= 1:
            raise UserError(
                "the shares for validation and test must be above 0 and leave something to train on",
                code="split.shares",
                hint="Use for example 0.2 and 0.2.",
            )
        patients = _by_patient(cohort)
        named = {case.split for case in cohort.cases if case.split}
        fixed = _fixed(patients, named, previous)
        shares = {"train": 1 - validation_share - test_share, "validation": validation_share, "test": test_share}
        open_to = [name for name in PARTITIONS if name == "train" or name not in named]
        dealt = _deal(patients, cohort.labels, fixed, {name: shares[name] for name in open_to}, seed)
        partitions = {case.key: dealt[patient] for patient, cases in patients.items() for case in cases}
        _refuse_empty(set(partitions.values()))
        return cls(
            fingerprint=cohort.fingerprint,
            seed=seed,
            validation_share=validation_share,
            test_share=test_share,
            partitions=dict(sorted(partitions.items())),
        )

    def verify(self, cohort: Cohort) -> None:
        """Check that this split fits a cohort.

        Raises
        ------
        DataError
            ``split.leak`` when a patient has cases in two partitions, ``split.unknown-cases`` when cases of the cohort
            are not in the split; both name the rows.
        """
        unknown = [case.row for case in cohort.cases if case.key not in self.partitions]
        if unknown:
            raise DataError(
                f"{words.counted(len(unknown), 'case')} of the table not in the split",
                code="split.unknown-cases",
                hint=f"Make a new split that keeps the earlier one; see {words.lines(unknown)}.",
            )
        for cases in _by_patient(cohort).values():
            _one_partition(cases, {case.row: self.partitions[case.key] for case in cases}, "the split")

    def save(self, path: Path) -> None:
        """Write the split as JSON, complete or not at all."""
        partial = path.with_name(f"{path.name}.partial")
        partial.write_bytes(self._content())
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        DataError
            When the file is missing, damaged or of a newer format.
        """
        try:
            split = cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise DataError(
                "the split is missing or damaged",
                code="split.damaged",
                hint="Give the file split.json as it was written, or make a new split.",
                subject=path.name,
            ) from error
        if split.format > FORMAT:
            raise DataError(
                f"the split has format {split.format}, this medtransfer reads up to {FORMAT}",
                code="split.newer",
                hint="Update medtransfer.",
                subject=path.name,
            )
        return split

    @property
    def sha256(self) -> str:
        """SHA-256 of the file that :meth:`save` writes."""
        return hashlib.sha256(self._content()).hexdigest()

    def _content(self) -> bytes:
        return self.model_dump_json(indent=1).encode()


def _by_patient(cohort: Cohort) -> dict[str, list[Case]]:
    """Cases of each patient, in an order that depends on the cases' keys alone."""
    groups: dict[str, list[Case]] = defaultdict(list)
    owner: dict[str, Case] = {}
    for case in sorted(cohort.cases, key=lambda case: (case.key, case.row)):
        first = owner.setdefault(case.key, case)
        if first.patient != case.patient:
            raise DataError(
                "the same image belongs to two patients, who could end up in different partitions",
                code="split.leak",
                hint=f"Give {words.lines([first.row, case.row])} the same patient, or remove one of them.",
            )
        groups[case.patient].append(case)
    return dict(groups)


def _fixed(
    patients: Mapping[str, list[Case]], named: set[Partition], previous: FrozenSplit | None
) -> dict[str, Partition]:
    """Partitions that the table or the earlier split decides; the earlier split wins only where the table is silent."""
    known = previous.partitions if previous else {}
    redealt = named != set(PARTITIONS)
    fixed: dict[str, Partition] = {}
    for patient, cases in patients.items():
        earlier = _one_partition(cases, {c.row: known[c.key] for c in cases if c.key in known}, "the earlier split")
        given = _one_partition(cases, {case.row: case.split for case in cases if case.split}, "the table")
        if given == "train" and redealt and earlier != "test":
            given = None
        if given and earlier and given != earlier:
            raise DataError(
                f"the table puts a patient into {given} who was in {earlier} before",
                code="split.moved",
                hint=f"Keep {words.lines([case.row for case in cases])} where they were, or start a new split.",
            )
        if partition := given or earlier:
            fixed[patient] = partition
    return fixed


def _one_partition(cases: list[Case], by_row: Mapping[int, Partition], source: str) -> Partition | None:
    """Return the one partition of a patient's cases, None when none is named."""
    names = sorted(set(by_row.values()))
    if len(names) > 1:
        raise DataError(
            f"{source} has cases of one patient in {' and '.join(names)}: what is tested would have been trained on",
            code="split.leak",
            hint=f"Put all cases of this patient into one partition: {words.lines(sorted(by_row))}.",
            subject=cases[0].patient,
        )
    return names[0] if names else None


def _deal(
    patients: Mapping[str, list[Case]],
    labels: tuple[str, ...],
    fixed: Mapping[str, Partition],
    shares: Mapping[Partition, float],
    seed: int,
) -> dict[str, Partition]:
    """Give every patient a partition; those in ``fixed`` keep theirs and count towards it."""
    names = tuple(shares)
    content = {patient: _classes(cases, labels) for patient, cases in patients.items()}
    free = [patient for patient in patients if patient not in fixed]
    concerned = [patient for patient in patients if fixed.get(patient, names[0]) in names]
    if not free:
        return dict(fixed)
    weights = np.array([shares[name] for name in names])
    wanted = _wanted(np.stack([content[patient] for patient in concerned]), weights / weights.sum())
    for patient in concerned:
        if patient in fixed:
            wanted[names.index(fixed[patient])] -= content[patient]
    rng = np.random.default_rng(seed)
    waiting = [free[i] for i in rng.permutation(len(free))]
    dealt = dict(fixed)
    while waiting:
        remaining = np.sum([content[patient] for patient in waiting], axis=0)[:-1]
        rarest = int(np.argmin(np.where(remaining > 0, remaining, np.inf))) if remaining.any() else -1
        chosen = [patient for patient in waiting if content[patient][rarest] > 0]
        for patient in sorted(chosen, key=lambda patient: -content[patient][rarest]):
            order = np.lexsort((rng.random(len(names)), -wanted[:, -1], -wanted[:, rarest]))
            dealt[patient] = names[order[0]]
            wanted[order[0]] -= content[patient]
        waiting = [patient for patient in waiting if patient not in dealt]
    return dealt


def _classes(cases: list[Case], labels: tuple[str, ...]) -> NDArray[np.float64]:
    """Count one patient's cases: present and absent per label, then all cases; shape (2 labels + 1,)."""
    present = [sum(case.labels[label] == 1 for case in cases) for label in labels]
    absent = [sum(case.labels[label] == 0 for case in cases) for label in labels]
    return np.array([*present, *absent, len(cases)], dtype=np.float64)


def _wanted(content: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cases of each class that each partition should get, (partitions, classes); ``content`` is (patients, classes).

    They are at least as many as :data:`PATIENTS_WANTED` patients have on average, where there are enough patients.
    """
    total, patients = content.sum(axis=0), (content > 0).sum(axis=0)
    wanted = np.outer(weights, total)
    enough = patients >= PATIENTS_WANTED * len(weights)
    fewest = PATIENTS_WANTED * total[enough] / patients[enough]
    wanted[1:, enough] = np.maximum(wanted[1:, enough], fewest)
    wanted[0] = total - wanted[1:].sum(axis=0)
    return wanted


def _refuse_empty(used: set[Partition]) -> None:
    empty = [name for name in PARTITIONS if name not in used]
    if empty:
        raise DataError(
            f"there are too few patients: nobody is left for {' and '.join(empty)}",
            code="split.too-few",
            hint="At least three patients are needed, and far more for figures that mean something.",
        )
