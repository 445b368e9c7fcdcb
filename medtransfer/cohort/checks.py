"""Look at every case before training and say what is wrong, so that nobody waits an hour to find out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from medtransfer.cohort import identity, mask_checks, masks, volume_checks, words
from medtransfer.cohort.model import PARTITIONS, Case, Cohort, MaskStructure, Partition, Problem
from medtransfer.cohort.volume_checks import VolumeLook
from medtransfer.errors import MedTransferError
from medtransfer.study.pixels import pixel_sha256

FEW_PATIENTS = 10
PATIENTS_PER_PARTITION = 2
"""With fewer patients of a class a partition can neither train, choose a threshold nor test."""
PATIENTS_IN_ALL = PATIENTS_PER_PARTITION * len(PARTITIONS)
_MEANING = {1: "with", 0: "without"}


@dataclass(frozen=True, slots=True)
class Look:
    """What opening one case's image showed: the hash of its pixels, or why there is none.

    ``values`` are the numbers that its mask shows, ``mask_noticed`` codes of what is to be said about it;
    ``mask_error`` says why the mask cannot be used, and ``mask_hint`` what to do about that. ``volume`` is what the
    values of volumes with masks showed.
    """

    pixels: str = ""
    error: str = ""
    values: tuple[int, ...] = ()
    mask_error: str = ""
    mask_hint: str = ""
    mask_noticed: tuple[str, ...] = ()
    volume: VolumeLook | None = None


NOTHING_KNOWN: Mapping[str, Look] = MappingProxyType({})


def inspect(cohort: Cohort, progress: Callable[[int, int], None] | None = None) -> tuple[Problem, ...]:
    """Open every image and check labels, patients and given splits: :func:`look`, then :func:`judge`."""
    return judge(cohort, look(cohort, progress))


def look(
    cohort: Cohort, progress: Callable[[int, int], None] | None = None, known: Mapping[str, Look] = NOTHING_KNOWN
) -> dict[str, Look]:
    """Open the images.

    Parameters
    ----------
    cohort
        What :func:`medtransfer.cohort.read` returned.
    progress
        Called from this thread after each image with (done, total).
    known
        What an earlier look showed: these images are not opened again.

    Returns
    -------
    dict
        One entry by the key of every case; the key stands for the content of the file.
    """
    unknown = {case.key: case for case in cohort.cases if case.key not in known}
    looks = {case.key: known[case.key] for case in cohort.cases if case.key in known}
    opened = partial(_open_with_mask, structures=cohort.structures) if cohort.structures else _open
    with ThreadPoolExecutor(identity.threads()) as pool:
        for done, (key, answer) in enumerate(zip(unknown, pool.map(opened, unknown.values()), strict=True), start=1):
            looks[key] = answer
            if progress:
                progress(done, len(unknown))
    return looks


def judge(cohort: Cohort, looks: Mapping[str, Look]) -> tuple[Problem, ...]:
    """Check labels, patients, given splits, and what the images showed.

    Parameters
    ----------
    cohort
        What :func:`medtransfer.cohort.read` returned; its own problems are repeated first.
    looks
        What :func:`look` returned for it.

    Returns
    -------
    tuple of Problem
        Errors first, then warnings, then remarks. Training must not start while there is an error.
    """
    problems = [
        *cohort.problems,
        *_given_splits(cohort),
        *_answers(cohort, looks),
        *_images(cohort, looks),
    ]
    if cohort.synthetic:
        problems.append(
            Problem("cohort.synthetic", "info", "the images are synthetic: figures say nothing about real patients")
        )
    order = ("error", "warning", "info")
    return tuple(sorted(problems, key=lambda problem: order.index(problem.level)))


def inspect_split(cohort: Cohort, partitions: Mapping[str, Partition]) -> tuple[Problem, ...]:
    """Name the labels of which a partition has too few patients with, or without, the finding.

    Labels of which the whole cohort has too few are left to :func:`inspect`. Of a cohort with masks, the structures
    that training or test cannot show are named.
    """
    if cohort.structures:
        return mask_checks.inspect_split(cohort, partitions)
    return tuple(
        problem
        for label in cohort.labels
        for value in (1, 0)
        if len(_patients(cohort.cases, label, value)) >= PATIENTS_IN_ALL
        for partition in PARTITIONS
        if (problem := _too_few(cohort, partitions, label, partition, value))
    )


def _too_few(
    cohort: Cohort, partitions: Mapping[str, Partition], label: str, partition: Partition, value: int
) -> Problem | None:
    inside = [case for case in cohort.cases if partitions.get(case.key) == partition]
    patients = len(_patients(inside, label, value))
    if patients >= PATIENTS_PER_PARTITION:
        return None
    return Problem(
        "split.too-few",
        "error",
        f"{partition} has {words.counted(patients, 'patient')} {_MEANING[value]} {_name(cohort, label)!r}; "
        f"at least {PATIENTS_PER_PARTITION} are needed",
        "Leave this label out, add cases, or give another split.",
        label=label,
    )


def _name(cohort: Cohort, label: str) -> str:
    return cohort.names.get(label, label)


def _patients(cases: Sequence[Case], label: str, value: int) -> set[str]:
    return {case.patient for case in cases if case.labels[label] == value}


def _answers(cohort: Cohort, looks: Mapping[str, Look]) -> list[Problem]:
    """Check what the cases teach: structures in masks, or labels."""
    if not cohort.structures:
        return [problem for label in cohort.labels for problem in _label(cohort, label)]
    volumes = volume_checks.judge(cohort.cases, {key: look.volume for key, look in looks.items() if look.volume})
    return volumes + mask_checks.judge(
        cohort,
        {key: look.values for key, look in looks.items()},
        {key: (look.mask_error, look.mask_hint) for key, look in looks.items() if look.mask_error},
        {key: look.mask_noticed for key, look in looks.items()},
    )


def _label(cohort: Cohort, label: str) -> list[Problem]:
    counts = {value: len(_patients(cohort.cases, label, value)) for value in (1, 0)}
    name = _name(cohort, label)
    if 0 in counts.values():
        always = "present" if counts[1] else "absent" if counts[0] else "unknown"
        return [
            Problem(
                "label.constant",
                "error",
                f"{name!r} is {always} in every case: there is nothing to tell apart",
                "Leave this label out, or add cases of the other class.",
                label=label,
            )
        ]
    return [replace(_few(name, value, counts[value]), label=label) for value in (1, 0) if counts[value] < FEW_PATIENTS]


def _few(name: str, value: int, patients: int) -> Problem:
    head = f"{words.counted(patients, 'patient')} {_MEANING[value]} {name!r}"
    if patients < PATIENTS_IN_ALL:
        return Problem(
            "label.too-few",
            "error",
            f"{head}; training, validation and test need {PATIENTS_PER_PARTITION} each",
            "Leave this label out, or add cases.",
        )
    return Problem("label.few", "warning", head, "Its figures will have wide intervals: add cases if you can.")


def _given_splits(cohort: Cohort) -> list[Problem]:
    splits: dict[str, dict[int, Partition]] = defaultdict(dict)
    for case in cohort.cases:
        if case.split:
            splits[case.patient][case.row] = case.split
    return [
        Problem(
            "split.leak",
            "error",
            f"the table has cases of one patient in {' and '.join(sorted(set(by_row.values())))}",
            "Put all cases of a patient into one split, or leave the column `split` empty.",
            tuple(by_row),
            patient,
        )
        for patient, by_row in splits.items()
        if len(set(by_row.values())) > 1
    ]


def _open(case: Case) -> Look:
    try:
        return Look(pixels=pixel_sha256(masks.image_of(case)))
    except MedTransferError as error:
        return Look(error=error.message)


def _open_with_mask(case: Case, structures: Sequence[MaskStructure]) -> Look:
    try:
        image = masks.image_of(case)
        look = Look(pixels=pixel_sha256(image), volume=volume_checks.look(image))
    except MedTransferError as error:
        return Look(error=error.message)
    if case.mask is None:
        return look
    try:
        drawn = masks.read(case.mask, image, structures)
    except MedTransferError as error:
        return replace(look, mask_error=error.message, mask_hint=error.hint)
    return replace(look, values=masks.shown(drawn.values), mask_noticed=drawn.noticed)


def _images(cohort: Cohort, looks: Mapping[str, Look]) -> list[Problem]:
    opened = [looks[case.key] for case in cohort.cases]
    return [*_unreadable(cohort.cases, opened), *_duplicates(cohort.cases, opened)]


def _unreadable(cases: Sequence[Case], opened: Sequence[Look]) -> list[Problem]:
    by_reason: dict[str, list[Case]] = defaultdict(list)
    for case, answer in zip(cases, opened, strict=True):
        if answer.error:
            by_reason[answer.error].append(case)
    return [
        Problem(
            "cohort.unreadable",
            "error",
            f"{words.counted(len(wrong), 'image')} that cannot be opened: {reason}",
            "Replace these files, or remove their rows.",
            tuple(case.row for case in wrong),
            wrong[0].image.name,
        )
        for reason, wrong in by_reason.items()
    ]


def _duplicates(cases: Sequence[Case], opened: Sequence[Look]) -> list[Problem]:
    """Find different files with the same pixels; a file listed twice was settled when the table was read."""
    same: dict[str, list[Case]] = defaultdict(list)
    for case, answer in zip(cases, opened, strict=True):
        if answer.pixels:
            same[answer.pixels].append(case)
    repeated = [group for group in same.values() if len({case.key for case in group}) > 1]
    problems = [_duplicate(group) for group in repeated]
    harmless = tuple(sorted(row for problem in problems if problem.level == "info" for row in problem.rows))
    serious = [problem for problem in problems if problem.level != "info"]
    if not harmless:
        return serious
    return [
        *serious,
        Problem(
            "cohort.duplicates",
            "info",
            f"{words.counted(len(harmless), 'image')} with the same pixels as another image of the same patient",
            "They count more than once; remove them if that is not wanted.",
            harmless,
        ),
    ]


def _duplicate(group: Sequence[Case]) -> Problem:
    rows = tuple(case.row for case in group)
    if len({case.patient for case in group}) > 1:
        return Problem(
            "cohort.shared-pixels",
            "error",
            "the same pixels belong to different patients: one could be trained on and the other tested",
            "Give these rows the same patient, or keep only one of them.",
            rows,
        )
    if any(case.labels != group[0].labels for case in group):
        return Problem(
            "cohort.contradicting-pixels",
            "error",
            "the same pixels have different labels in different rows",
            "Decide which row is right and remove the other.",
            rows,
        )
    return Problem("cohort.duplicates", "info", "the same pixels in several files of one patient", rows=rows)
