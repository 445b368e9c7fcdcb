"""What may be wrong with the masks of a cohort, said before anything is trained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from medtransfer.cohort import words
from medtransfer.cohort.model import Case, Cohort, MaskStructure, Partition, Problem

FEW_PATIENTS = 10
_OF_SEGMENTATIONS: Mapping[str, tuple[Literal["info", "warning"], str, str]] = {
    "annotation.overlap": (
        "warning",
        "whose structures overlap: where they do, the smaller one is learnt",
        "Draw them apart, or leave one of them out, if that is not wanted.",
    ),
    "annotation.resampled": (
        "warning",
        "not drawn on the image's own voxels: brought onto them by the nearest neighbour",
        "Edges may lie up to half a voxel off.",
    ),
    "annotation.outside": ("warning", "that reach beyond the image: what lies outside is not learnt", ""),
    "annotation.other-frame": (
        "warning",
        "that name the image's series but another frame of reference",
        "Check that they lie where they should: `medtransfer open` draws them.",
    ),
    "annotation.fractional": ("info", "that state shares of voxels: structures reach as far as one half", ""),
}
"""What is to be said about DICOM segmentations, by the codes of their notices."""
_COMPARED: tuple[Partition, Partition] = ("train", "test")


def judge(
    cohort: Cohort,
    values: Mapping[str, tuple[int, ...]],
    errors: Mapping[str, tuple[str, str]],
    noticed: Mapping[str, tuple[str, ...]],
) -> list[Problem]:
    """Check masks and structures.

    Parameters
    ----------
    cohort
        A cohort with structures.
    values
        The numbers that each case's mask shows, by the case's key.
    errors
        Why a case's mask cannot be used and what to do about it, by the case's key; absent where it can.
    noticed
        Codes of what is to be said about a case's mask, by the case's key.
    """
    return [
        *_unusable(cohort.cases, errors),
        *_unlisted(cohort, values),
        *_rare(cohort, values),
        *_noticed(cohort.cases, noticed),
    ]


def inspect_split(cohort: Cohort, partitions: Mapping[str, Partition]) -> tuple[Problem, ...]:
    """Name the structures that no training case shows, and those that cannot be tested since no test case does."""
    learnt, tested = (_shown(cohort, partitions, part) for part in _COMPARED)
    untaught = [
        Problem(
            "split.structure-untaught",
            "error",
            f"no training case shows {cohort.names[label]!r}",
            "Leave this structure out, add cases, or give another split.",
            label=label,
        )
        for label in cohort.labels
        if label not in learnt
    ]
    untested = [cohort.names[label] for label in cohort.labels if label in learnt - tested]
    if not untested:
        return tuple(untaught)
    message = f"no test case shows {', '.join(untested)}: how well they are found will not be known"
    return (*untaught, Problem("split.structure-untested", "warning", message, "Add cases, or give another split."))


def _shown(cohort: Cohort, partitions: Mapping[str, Partition], part: Partition) -> set[str]:
    inside = (case for case in cohort.cases if partitions.get(case.key) == part)
    return {label for case in inside for label, has in case.labels.items() if has}


def _unusable(cases: Sequence[Case], errors: Mapping[str, tuple[str, str]]) -> list[Problem]:
    by_reason: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in cases:
        if case.key in errors:
            by_reason[errors[case.key]].append(case)
    return [
        Problem(
            "mask.unusable",
            "error",
            f"{words.counted(len(wrong), 'mask')} that cannot be used: {reason}",
            hint,
            tuple(case.row for case in wrong),
            wrong[0].mask.name if wrong[0].mask else "",
        )
        for (reason, hint), wrong in by_reason.items()
    ]


def _noticed(cases: Sequence[Case], noticed: Mapping[str, tuple[str, ...]]) -> list[Problem]:
    rows = {code: tuple(case.row for case in cases if code in noticed.get(case.key, ())) for code in _OF_SEGMENTATIONS}
    return [
        Problem(
            f"mask.{code.rpartition('.')[2]}",
            level,
            f"{words.counted(len(rows[code]), 'mask')} {what}",
            hint,
            rows[code],
        )
        for code, (level, what, hint) in _OF_SEGMENTATIONS.items()
        if rows[code]
    ]


def _unlisted(cohort: Cohort, values: Mapping[str, tuple[int, ...]]) -> list[Problem]:
    """Refuse numbers without a meaning: taken for background, they would teach that a structure is none."""
    listed = {structure.value for structure in cohort.structures}
    strange = {case.row: set(values.get(case.key, ())) - listed for case in cohort.cases}
    numbers = sorted(set().union(*strange.values()))
    if not numbers:
        return []
    return [
        Problem(
            "mask.unlisted",
            "error",
            f"the masks hold {words.counted(len(numbers), 'value')} that structures.csv does not list: "
            + ", ".join(map(str, numbers)),
            "Add them to structures.csv; a structure that is not to be learnt can be left out there by `--label`.",
            tuple(row for row, found in strange.items() if found),
        )
    ]


def _rare(cohort: Cohort, values: Mapping[str, tuple[int, ...]]) -> list[Problem]:
    learnt = [structure for structure in cohort.structures if structure.id in cohort.labels]
    patients = {
        structure.id: len({case.patient for case in cohort.cases if structure.value in values.get(case.key, ())})
        for structure in learnt
    }
    absent = [_absent(structure) for structure in learnt if not patients[structure.id]]
    rare = [structure for structure in learnt if 0 < patients[structure.id] < FEW_PATIENTS]
    if not rare:
        return absent
    named = ", ".join(structure.name for structure in rare[: words.NAMED])
    more = f" and {len(rare) - words.NAMED} more" if len(rare) > words.NAMED else ""
    message = f"fewer than {FEW_PATIENTS} patients show {named}{more}"
    hint = "Their figures will have wide intervals: add cases if you can."
    return [*absent, Problem("structure.few", "warning", message, hint)]


def _absent(structure: MaskStructure) -> Problem:
    return Problem(
        "structure.absent",
        "error",
        f"no mask shows {structure.name!r}",
        "Leave this structure out, or add cases that show it.",
        label=structure.id,
    )
