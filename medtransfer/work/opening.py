"""Open many files so that the first studies can be seen before the last header is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from medtransfer.errors import DataError
from medtransfer.result import reading
from medtransfer.store import results
from medtransfer.store.home import Home
from medtransfer.study import Scan
from medtransfer.study.sniff import sniff
from medtransfer.work import inputs
from medtransfer.work.walk import walk


@dataclass(frozen=True, eq=False)
class Portion:
    """What one file, or the DICOM files of one folder, hold; ``paths`` says where to find it again."""

    paths: tuple[Path, ...]
    found: Scan


def portions(home: Home, paths: Sequence[Path], stopped: Callable[[], bool]) -> Iterator[Portion]:
    """Yield what lies at ``paths`` piece by piece; only headers are read.

    DICOM files that were named themselves are opened together, so that the slices of one series stay together. A path
    that does not exist, or a named file that is no image, is a problem of its portion.
    """
    files = [path for path in paths if not path.is_dir()]
    slices = tuple(path for path in files if _is_dicom(path))
    if slices:
        yield _portion(slices)
    for path in files:
        if stopped():
            return
        if path not in slices:
            yield _portion((path,))
    for folder in (path for path in paths if path.is_dir()):
        empty = True
        for unit in walk(folder, home.root):
            if stopped():
                return
            empty = False
            yield _portion(unit.paths)
        if empty:
            yield Portion((folder,), Scan((), (_nothing_in(folder),)))


@dataclass(frozen=True)
class Origin:
    """Where the image of a result lies, and the series that it is."""

    paths: tuple[Path, ...]
    series_uid: str


def source_of(home: Home, folder: Path) -> Origin:
    """Find the series that a result was made from, by the names of its files and the kind of image.

    Raises
    ------
    UserError
        When the result was made elsewhere.
    DataError
        When the folder holds no result, or its files are not there any more.
    """
    source = reading.read_document(folder).source
    paths = tuple(results.inputs_of(home, folder))
    for series in inputs.series_of(inputs.scan(paths)):
        if series.source.names == source.names and series.shape == source.shape:
            return Origin(paths, series.uid)
    raise _missing(paths[0])


def _portion(paths: tuple[Path, ...]) -> Portion:
    absent = [path for path in paths if not path.exists()]
    present = [path for path in paths if path not in absent]
    missing = tuple(_missing(path) for path in absent)
    try:
        found = inputs.scan(present) if present else Scan((), ())
    except DataError as error:
        found = Scan((), (error,))
    return Portion(paths, Scan(found.studies, (*missing, *found.problems), found.annotations))


def _is_dicom(path: Path) -> bool:
    try:
        return path.exists() and sniff(path) == "dicom"
    except DataError:
        return False


def _missing(path: Path) -> DataError:
    return DataError(
        "the file or folder is not there any more",
        code="study.absent",
        hint="It may have been moved or deleted, or its disk is not connected.",
        subject=path.name,
    )


def _nothing_in(folder: Path) -> DataError:
    return DataError(
        "no image was found in the folder",
        code="study.nothing-found",
        hint="DICOM, NIfTI, PNG, JPEG, TIFF and BMP files can be opened.",
        subject=folder.name,
    )
