"""Opening what a person points at: one file, a folder tree, or several of both."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medtransfer.errors import DataError
from medtransfer.study.limits import DEFAULT, Limits
from medtransfer.study.model import Study
from medtransfer.study.reader import Files, Reader
from medtransfer.study.sniff import named_like_an_image

if TYPE_CHECKING:
    from medtransfer.study.annotation import Annotation
    from medtransfer.study.dicom import Header

Paths = Path | str | Sequence[Path | str]

NOT_AN_IMAGE = "study.not-an-image"
_FILES = Files()


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a search through files found: studies, and an error for each image file that could not be read.

    ``annotations`` are the DICOM segmentations and structure sets among the files; their images may lie elsewhere.
    """

    studies: tuple[Study, ...]
    problems: tuple[DataError, ...]
    annotations: tuple[Annotation, ...] = ()


def open(paths: Paths, limits: Limits = DEFAULT) -> list[Study]:  # noqa: A001 (read as study.open)
    """Open studies from a file, a folder tree or several of both; only headers are read.

    Raises
    ------
    DataError
        When a file that was named itself cannot be opened, or when nothing at all was found. Unreadable files inside a
        folder do not stop the others: :func:`scan` lists them.
    """
    found = scan(paths, limits)
    if not found.studies and found.annotations:
        from medtransfer.study.annotation import without_image

        raise without_image(found.annotations[0])
    named = {Path(path).name for path in _listed(paths) if Path(path).is_file()}
    for problem in found.problems:
        if problem.subject in named or not found.studies:
            raise problem
    if not found.studies:
        raise DataError(
            "no image was found",
            code="study.nothing-found",
            hint="Give a DICOM, NIfTI, PNG, JPEG, TIFF or BMP file, or a folder that holds some.",
            subject=", ".join(Path(path).name for path in _listed(paths)),
        )
    return list(found.studies)


def scan(paths: Paths, limits: Limits = DEFAULT, reader: Reader = _FILES) -> Scan:
    """Search files and folder trees for studies and keep the errors of the files that cannot be read.

    Hidden files, links to folders and files that are no images are passed over; a file that was named itself, or whose
    name promises an image, is reported when it is none. ``reader`` answers for the files, so that an index can spare
    reading them again.

    Raises
    ------
    DataError
        ``study.absent`` when a path does not exist.
    """
    headers: list[Header] = []
    annotations: list[Annotation] = []
    loose: list[Study] = []
    problems: list[DataError] = []
    for path, named in _files(paths):
        try:
            match reader.format(path):
                case "dicom":
                    _sort_in(path, reader, limits, headers, annotations)
                case "nifti":
                    loose.append(_nifti(path, limits))
                case "picture":
                    loose.append(_picture(path, limits))
                case None if named or named_like_an_image(path):
                    problems.append(_unknown(path))
        except DataError as problem:
            if named or _worth_telling(problem, path):
                problems.append(problem)
    return Scan((*_dicom_studies(headers, limits), *loose), tuple(problems), tuple(annotations))


# Each reader's library is imported with the first file that needs it: the command line starts without any of them.


def _dicom_studies(headers: list[Header], limits: Limits) -> list[Study]:
    if not headers:
        return []
    from medtransfer.study.dicom_series import studies

    return studies(headers, limits)


def _sort_in(path: Path, reader: Reader, limits: Limits, headers: list[Header], annotations: list[Annotation]) -> None:
    """Read one DICOM file's header and add it to the images or to what was drawn on them."""
    try:
        headers.append(reader.header(path, limits))
    except DataError as problem:
        if problem.code != NOT_AN_IMAGE:
            raise
        from medtransfer.study.annotation import read_annotation

        found = read_annotation(path)
        if found is None:
            raise
        annotations.append(found)


def _nifti(path: Path, limits: Limits) -> Study:
    from medtransfer.study.nifti import open_nifti

    return open_nifti(path, limits)


def _picture(path: Path, limits: Limits) -> Study:
    from medtransfer.study.picture import open_picture

    return open_picture(path, limits)


def _worth_telling(problem: DataError, path: Path) -> bool:
    """Inside a folder, reports and empty placeholders are no trouble; a broken image is."""
    if problem.code in {"study.empty", "study.unreadable", "study.encrypted"}:
        return named_like_an_image(path) or problem.code == "study.encrypted"
    return problem.code != NOT_AN_IMAGE


def _unknown(path: Path) -> DataError:
    return DataError(
        "the file is not an image that medtransfer can read",
        code="study.unknown-format",
        hint="DICOM, NIfTI (.nii, .nii.gz), PNG, JPEG, TIFF and BMP files can be opened; unpack archives first.",
        subject=path.name,
    )


def _listed(paths: Paths) -> list[Path | str]:
    return [paths] if isinstance(paths, Path | str) else list(paths)


def _files(paths: Paths) -> Iterator[tuple[Path, bool]]:
    """Yield every file once, in a stable order, with whether it was named itself."""
    seen: set[Path] = set()
    for given in map(Path, _listed(paths)):
        if not given.exists():
            raise DataError(
                "the file or folder does not exist", code="study.absent", hint="Check the path.", subject=given.name
            )
        for path in [given] if given.is_file() else _walk(given):
            actual = path.resolve()
            if actual not in seen:
                seen.add(actual)
                yield path, path == given


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith(".") and path.is_file():
                yield path
