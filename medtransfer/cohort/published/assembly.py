"""A cohort out of what a published data set lists and what of it is on this disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from medtransfer.cohort import boxes, identity, repeats, words
from medtransfer.cohort.model import Case, Cohort, Partition, Problem
from medtransfer.cohort.published.listing import Entry, Listing, remark
from medtransfer.cohort.uncertainty import Uncertainty, counted_as, settled
from medtransfer.errors import DataError

_MOST_PROTECTED: tuple[Partition, ...] = ("test", "validation", "train")


def assemble(name: str, listing: Listing, labels: Sequence[str] | None, uncertain: Uncertainty) -> Cohort:
    """Return the cases of a published data set.

    Parameters
    ----------
    name
        What people call the data set.
    listing
        What its reader found.
    labels
        The labels to learn, by id or name; None takes all of them.
    uncertain
        What answers of "perhaps" count as.

    Returns
    -------
    Cohort
        Its rows count the pictures in the order of the data set, from 1.

    Raises
    ------
    DataError
        When a label is not in the data set, or none of its pictures is here.
    """
    chosen = tuple(listing.names) if labels is None else tuple(_known(label, listing.names, name) for label in labels)
    keys = identity.file_keys(entry.image for entry in listing.entries if entry.image)
    cases, drawn = _cases(listing.entries, chosen, keys, uncertain)
    missing = len(listing.entries) - len(cases)
    if not cases:
        raise DataError(
            f"none of the {missing:,} pictures that {name} lists is in the folder",
            code="published.no-images",
            hint="Give the folder that the tables and the pictures were unpacked into, with their names as they came.",
        )
    by_case = boxes.by_case(drawn, cases)
    once, repeated = repeats.settle(cases)
    kept, leaks = _without_leaks(once)
    return Cohort(
        cases=kept,
        labels=chosen,
        fingerprint=identity.fingerprint(kept, chosen, {}),
        problems=(
            _read_as(name, kept),
            *listing.problems,
            *_missing(missing, len(listing.entries)),
            *_uncertain(listing.entries, chosen, uncertain),
            *repeated,
            *leaks,
        ),
        names={label: listing.names[label] for label in chosen},
        boxes=by_case,
        source=name,
    )


def _known(label: str, names: Mapping[str, str], name: str) -> str:
    wanted = identity.label_id(label)
    if wanted not in names:
        raise DataError(
            f"{name} has no label {label!r}; its labels are {', '.join(names)}",
            code="published.label-missing",
            hint="Name one of these, or leave it out.",
        )
    return wanted


def _cases(
    entries: Sequence[Entry], labels: Sequence[str], keys: Mapping[Path, str], uncertain: Uncertainty
) -> tuple[list[Case], dict[Path, tuple[boxes.Box, ...]]]:
    perhaps = {label: settled(label, uncertain) for label in labels}
    cases: list[Case] = []
    drawn: dict[Path, tuple[boxes.Box, ...]] = {}
    for row, entry in enumerate(entries, start=1):
        if entry.image is None or entry.image not in keys:
            continue
        image = entry.image.absolute()
        if entry.boxes:
            drawn[image] = entry.boxes
        cases.append(
            Case(
                key=keys[entry.image],
                image=image,
                patient=entry.patient,
                labels={label: perhaps[label] if label in entry.uncertain else entry.labels[label] for label in labels},
                row=row,
                site=entry.site,
                split=entry.split,
                attributes=entry.attributes,
            )
        )
    return cases, drawn


def _without_leaks(cases: Sequence[Case]) -> tuple[tuple[Case, ...], list[Problem]]:
    """Keep each patient in one of the authors' parts: in the test set before all, because figures rest on it."""
    own: dict[str, Partition] = {}
    for part in reversed(_MOST_PROTECTED):
        own.update({case.patient: part for case in cases if case.split == part})
    kept = tuple(case for case in cases if case.split is None or case.split == own[case.patient])
    if len(kept) == len(cases):
        return kept, []
    return kept, [
        Problem(
            "published.leak",
            "warning",
            f"{words.counted(len(cases) - len(kept), 'picture')} left out of training: the same patient, or the same"
            " picture, is in the authors' test or validation set too",
        )
    ]


def _read_as(name: str, cases: Sequence[Case]) -> Problem:
    patients = len({case.patient for case in cases})
    parts = [part for part in _MOST_PROTECTED if part != "train" and any(case.split == part for case in cases)]
    kept = f"; the authors' {' and '.join(parts)} pictures are kept apart" if parts else ""
    return remark("read", f"read as {name}: {len(cases):,} pictures of {words.counted(patients, 'patient')}{kept}")


def _missing(missing: int, listed: int) -> list[Problem]:
    if not missing:
        return []
    return [
        Problem(
            "published.images-missing",
            "warning",
            f"{missing:,} of the {listed:,} pictures that the data set lists are not in the folder",
            "The others are used. Unpack the rest of the data set if it was meant to be whole.",
        )
    ]


def _uncertain(entries: Sequence[Entry], labels: Sequence[str], policy: Uncertainty) -> list[Problem]:
    number = sum(len(entry.uncertain.intersection(labels)) for entry in entries)
    return [counted_as("published.uncertain", number, policy)] if number else []
