"""Opening what a person points at: one file, a folder tree, or several of both."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from medtransfer.errors import DataError
from medtransfer.study.limits import DEFAULT, Limits
from medtransfer.study.model import SourceFormat, Study
from medtransfer.study.place import Folders, Place
from medtransfer.study.reader import Files, Reader
from medtransfer.study.sniff import Format, named_like_an_image
from medtransfer.study.unpacked import Unpacked, remove_abandoned

if TYPE_CHECKING:
    from medtransfer.study.annotation import Annotation
    from medtransfer.study.archive import ArchiveFormat
    from medtransfer.study.dicom import Header

Paths = Path | str | Sequence[Path | str]

NOT_AN_IMAGE = "study.not-an-image"
KNOWN = "DICOM, NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF and BMP files"
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
            hint=f"Give files of these kinds, or a folder or an archive that holds some: {KNOWN}.",
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
    remove_abandoned()
    return _Search(reader, limits, Folders()).through(_files(paths))


@dataclass(slots=True)
class _Search:
    """One pass through files; those that lead to further files are followed, archives no deeper than one level."""

    reader: Reader
    limits: Limits
    place: Place
    headers: list[Header] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    studies: list[Study] = field(default_factory=list)
    problems: list[DataError] = field(default_factory=list)

    def through(self, files: Iterable[tuple[Path, bool]]) -> Scan:
        for path, named in files:
            try:
                self._take(path, self.reader.format(path), named=named)
            except DataError as problem:
                if named or _worth_telling(problem, self._name(path)):
                    # Its traceback would hold this search, and with it an unpacked archive.
                    self.problems.append(problem.with_traceback(None))
        found = (*_dicom_studies(self.headers, self.limits), *self.studies)
        return Scan(found, tuple(self.problems), tuple(self.annotations))

    def _take(self, path: Path, kind: Format | None, *, named: bool) -> None:
        match kind:
            case "dicom":
                self._dicom(path)
            case "dicomdir":
                self._directory(path, named=named)
            case "zip" | "tar":
                self._archive(path, kind)
            case None if named or named_like_an_image(self._name(path)):
                raise _unknown(path)
            case "nifti" | "nrrd" | "metaimage" | "picture":
                self.studies.append(_loose(path, kind, self.limits, self.place))

    def _name(self, path: Path) -> PurePath:
        return PurePath(self.place.name_of(path))

    def _dicom(self, path: Path) -> None:
        """Read one DICOM file's header and add it to the images or to what was drawn on them."""
        try:
            self.headers.append(self.reader.header(path, self.limits))
        except DataError as problem:
            if problem.code != NOT_AN_IMAGE:
                raise
            from medtransfer.study.annotation import read_annotation

            found = read_annotation(path)
            if found is None:
                raise
            self.annotations.append(found)

    def _directory(self, path: Path, *, named: bool) -> None:
        """Open the files that a DICOMDIR names; in a folder or archive that is searched they are found without it."""
        from medtransfer.study.dicomdir import read_directory
        from medtransfer.study.origin import told

        if isinstance(self.place, Unpacked):
            return
        directory = read_directory(path, self.limits)
        if not named or not directory.files:
            self.problems.extend(filter(None, [directory.problem(path)]))
            return
        found = _Search(self.reader, self.limits, self.place).through((file, False) for file in directory.files)
        self.studies.extend(told(study, directory.checks()) for study in found.studies)
        self.annotations.extend(found.annotations)
        self.problems.extend(found.problems)

    def _archive(self, path: Path, kind: ArchiveFormat) -> None:
        from medtransfer.study.archive import nested, nothing_in, unpack
        from medtransfer.study.origin import named, named_problem, told

        if isinstance(self.place, Unpacked):
            raise nested(path)
        contents = unpack(path, kind, self.limits)
        unpacked = contents.unpacked
        found = _Search(Files(), self.limits, unpacked).through((file, False) for file in unpacked.files)
        self.studies.extend(told(named(study, unpacked), contents.checks()) for study in found.studies)
        self.annotations.extend(replace(annotation, held=unpacked) for annotation in found.annotations)
        self.problems.extend(named_problem(problem, unpacked) for problem in found.problems)
        if not (found.studies or found.annotations or found.problems):
            raise nothing_in(path)


# Each reader's library is imported with the first file that needs it: the command line starts without any of them.


def _dicom_studies(headers: list[Header], limits: Limits) -> list[Study]:
    if not headers:
        return []
    from medtransfer.study.dicom_series import studies

    return studies(headers, limits)


def _loose(path: Path, kind: SourceFormat, limits: Limits, place: Place) -> Study:
    """Open a file that is a study of its own."""
    if kind == "nifti":
        from medtransfer.study.nifti import open_nifti

        return open_nifti(path, limits, place)
    if kind == "nrrd":
        from medtransfer.study.nrrd import open_nrrd

        return open_nrrd(path, limits, place)
    if kind == "metaimage":
        from medtransfer.study.metaimage import open_metaimage

        return open_metaimage(path, limits, place)
    from medtransfer.study.picture import open_picture

    return open_picture(path, limits)


def _worth_telling(problem: DataError, path: PurePath) -> bool:
    """Inside a folder, reports, empty placeholders and other archives are no trouble; a broken image is."""
    if problem.code in {"study.empty", "study.unreadable", "study.encrypted"}:
        return named_like_an_image(path) or problem.code == "study.encrypted"
    return problem.code not in {NOT_AN_IMAGE, "study.nothing-found"}


def _unknown(path: Path) -> DataError:
    return DataError(
        "the file is not an image that medtransfer can read",
        code="study.unknown-format",
        hint=f"{KNOWN} can be opened, and zip and tar archives of them.",
        subject=path.name,
    )


def _listed(paths: Paths) -> list[Path | str]:
    return [paths] if isinstance(paths, Path | str) else list(paths)


def _files(paths: Paths) -> Iterator[tuple[Path, bool]]:
    """Yield every file once, in a stable order, with whether it was named itself."""
    seen: set[str] = set()
    resolved = cache(Path.resolve)
    for given in map(Path, _listed(paths)):
        if not given.exists():
            raise DataError(
                "the file or folder does not exist", code="study.absent", hint="Check the path.", subject=given.name
            )
        for path in [given] if given.is_file() else _walk(given):
            # Links within a folder's own path are followed once for all of its files: that is half of a second opening.
            actual = str(path.resolve() if path.is_symlink() else resolved(path.parent) / path.name)
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
