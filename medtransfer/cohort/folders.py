"""A cohort from a tree of class folders: ``root/<class>/<image>``, one label per class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medtransfer.cohort import identity, repeats, words
from medtransfer.cohort.model import Case, Cohort, Problem
from medtransfer.cohort.table import SYNTHETIC_MARK
from medtransfer.errors import DataError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".dicom"})


def read(folder: Path, labels: Sequence[str] | None = None) -> Cohort:
    """Read a tree of class folders; see :func:`medtransfer.cohort.read`.

    Every image is present for its own class and absent for all others. Its file name stands for the patient, with a
    warning: who is on which image cannot be known from folders.

    Raises
    ------
    DataError
        When there are fewer than two class folders with images, or a wanted label has no folder.
    """
    classes = {path: images_below(path) for path in sorted(folder.iterdir()) if path.is_dir()}
    names = {identity.label_id(path.name): path.name for path, images in classes.items() if images}
    filled = [path for path, images in classes.items() if images]
    if len(filled) < 2 or len(names) < len(filled):
        raise DataError(
            f"the folder has {len(names)} subfolders with images of their own class; at least two are needed",
            code="folders.classes",
            hint="Make one folder per class with its images in it, or give a table with the columns image and patient.",
            subject=folder.name,
        )
    chosen = tuple(names) if labels is None else tuple(_known(label, names) for label in labels)
    images = [(identity.label_id(path.name), image) for path in filled for image in classes[path]]
    keys = identity.file_keys(image for _, image in images)
    cases, repeated = repeats.settle(
        [
            Case(
                key=keys[image],
                image=image.absolute(),
                patient=image.stem,
                labels={label: int(label == own) for label in chosen},
                row=position,
            )
            for position, (own, image) in enumerate(images, start=1)
            if image in keys
        ]
    )
    return Cohort(
        cases=cases,
        labels=chosen,
        fingerprint=identity.fingerprint(cases, chosen, {}),
        problems=(patients_unknown(), *_unreadable(images, keys), *repeated),
        synthetic=(folder / SYNTHETIC_MARK).is_file(),
        names={label: names[label] for label in chosen},
    )


def images_below(folder: Path) -> list[Path]:
    """Return every file in and below a folder that is called like an image, in the order of their paths."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _known(label: str, names: dict[str, str]) -> str:
    wanted = identity.label_id(label)
    if wanted not in names:
        raise DataError(
            f"there is no folder for the label {label!r}; the folders are {', '.join(names.values())}",
            code="folders.label-missing",
            hint="Name one of these folders, or leave the label out.",
        )
    return wanted


def patients_unknown() -> Problem:
    """Warn that file names stand for patients."""
    return Problem(
        "folders.patients-unknown",
        "warning",
        "folders do not say which images are of the same patient: a leak between training and test cannot be ruled out",
        "Give a table with the columns image and patient if any patient has more than one image.",
    )


def _unreadable(images: list[tuple[str, Path]], keys: dict[Path, str]) -> list[Problem]:
    rows = tuple(position for position, (_, image) in enumerate(images, start=1) if image not in keys)
    if not rows:
        return []
    return [
        Problem(
            "folders.unreadable",
            "error",
            f"{words.counted(len(rows), 'image')} that cannot be read",
            "Check who may read them.",
            rows,
        )
    ]
